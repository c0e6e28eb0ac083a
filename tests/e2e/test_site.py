"""The site of the documentation: it is whole, needs no other host, has what the code has, and fits into each window."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from browser import Browser

from ostoo_build.base import environment, events
from ostoo_build.cli import command_line
from ostoo_build.invocation import request
from ostoo_build.loader import check
from ostoo_build.project.variables import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

pytestmark = pytest.mark.xdist_group("site")  # else each worker makes one

PROJECT = Path(__file__).parents[2]
WIDTHS = (400, 800, 1400)
_LOADED = {"img": ("src", "srcset"), "script": ("src",), "link": ("href",), "source": ("srcset",), "iframe": ("src",)}


class Page(HTMLParser):
    """What a page of the site has: `ids` that links may name, goals of `links`, and what it has `loaded`."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids, self.links, self.loaded, self.cells = set[str](), list[str](), list[str](), set[str]()
        self._tags: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids |= {found["id"]} if "id" in found else set()
        self.links += [found["href"]] if tag == "a" and "href" in found else []
        self.loaded += [found[name] for name in _LOADED.get(tag, ()) if name in found]
        self._tags = [*self._tags[-1:], tag]

    def handle_data(self, data: str) -> None:
        if self._tags == ["td", "code"]:
            self.cells.add(data)


class Silent(SimpleHTTPRequestHandler):
    """A server that does not tell what it was asked for."""

    def log_message(self, *_words: object) -> None: ...


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=PROJECT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    # of 404.html nobody knows from which folder it will be shown
    found = {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(found) > 20
    return found


def goals(pages: dict[Path, Page]) -> Iterator[tuple[Path, Path, str]]:
    """Yield each page with the file and the place in it that something on it leads to, but for other hosts."""
    for path, page in pages.items():
        for word in (*page.links, *page.loaded):
            parts = urlsplit(word)
            if not parts.scheme:
                goal = path.parent / unquote(parts.path) if parts.path else path
                yield path, Path(os.path.normpath(goal)), unquote(parts.fragment)


def test_all_that_pages_lead_to_is_there(pages: dict[Path, Page]) -> None:
    found = list(goals(pages))
    assert len({goal for _, goal, _ in found}) > 30
    assert {(path.name, goal) for path, goal, _ in found if not goal.is_file()} == set()
    of_theme = ("only-light", "only-dark")
    lost = {(path.name, goal.name, at) for path, goal, at in found if at and at not in (*pages[goal].ids, *of_theme)}
    assert lost == set()


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    loaded = {word for page in pages.values() for word in page.loaded}
    assert any(word.endswith(".css") for word in loaded)
    assert {word for word in loaded if urlsplit(word).scheme not in ("", "data") or word.startswith("//")} == set()
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import )['\"]?(?:https?:|//)[^)]*", styles) == []


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("variables", VARIABLES),
        ("environment", environment.NAMES),
        ("targets", set(request.TARGETS) - {""}),
        ("loader_rules", check.RULES),
        ("ostoo_toml", ("build-std-features", "sysroot-folder", "default-features", "command")),
        ("exit_codes", ("0", "2")),
        (
            "verbs",
            [name for verb in command_line.parser().verbs.values() for name in verb.options() if name == "--all"],
        ),
    ],
)
def test_the_reference_has_all_that_the_code_has(
    pages: dict[Path, Page], site: Path, page: str, names: Collection[str]
) -> None:
    assert set(names) - pages[site / f"reference/{page}.html"].cells == set()


def test_each_verb_event_and_method_has_a_part_of_its_own(pages: dict[Path, Page], site: Path) -> None:
    verbs = command_line.parser().verbs
    assert set(verbs) - pages[site / "reference/verbs.html"].ids == set()
    kinds = {re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower() for kind in events.Event.__subclasses__()}
    assert "action-began" in kinds
    assert kinds - pages[site / "reference/events.html"].ids == set()
    assert "envrustprogram" in pages[site / "reference/sconscript.html"].ids


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    handler = partial(Silent, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


def wait_for(browser: Browser, condition: str) -> None:
    end = time.monotonic() + 30
    while not browser.run(condition):
        assert time.monotonic() < end, condition


def test_pages_fit_into_windows_in_the_colours_of_the_system_and_ask_no_other_host(
    site: Path, pages: dict[Path, Page], browser: Browser, address: str
) -> None:
    wider = set()
    for path in pages:
        for colours, scheme in (("light", "default"), ("dark", "slate")):
            browser.colours(colours)
            if colours == "light":
                browser.visit(f"{address}{path.relative_to(site)}")
            wait_for(browser, f"document.body.dataset.mdColorScheme === {scheme!r}")
            for width in WIDTHS:
                browser.resize(width)
                if browser.run("document.documentElement.scrollWidth") > width:
                    wider.add((path.name, width, colours))
    assert wider == set()
    assert [each for each in browser.errors if not each.startswith(address)] == []


def test_the_search_finds_a_variable(browser: Browser, address: str) -> None:
    browser.resize(WIDTHS[-1])
    browser.visit(f"{address}index.html?q=remote_instance")
    links = "[...document.querySelectorAll('.md-search-result__link')].map(each => each.getAttribute('href'))"
    wait_for(browser, f"{links}.some(link => link.includes('reference/variables.html'))")
