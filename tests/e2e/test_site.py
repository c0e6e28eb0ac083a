"""The site of the documentation: it is whole, needs no other host, has what the code has, and fits into each window."""

from __future__ import annotations

import os
import re
import shutil
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
OF_THEME = ("only-light", "only-dark")
"""At the end of a picture's address: in which colours the theme shows it."""

LARGEST = 150_000
"""Bytes of a picture."""

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


def mkdocs(project: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Make the site of a project in a folder; `strict` in mkdocs.yml makes each warning an error."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", folder],
        cwd=project,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = mkdocs(PROJECT, folder)
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
    named = [(path, goal, at) for path, goal, at in found if at not in ("", *OF_THEME)]
    assert {(path.name, goal.name, at) for path, goal, at in named if at not in pages[goal].ids} == set()


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    loaded = {word for page in pages.values() for word in page.loaded}
    assert any(word.endswith(".css") for word in loaded)
    assert {word for word in loaded if urlsplit(word).scheme not in ("", "data") or word.startswith("//")} == set()
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import )['\"]?(?:https?:|//)[^)]*", styles) == []


def edited(folder: Path, edits: dict[str, tuple[str, str]]) -> subprocess.CompletedProcess[str]:
    """Make the site of documents in which a text is replaced."""
    for name in ("docs", "docsite", "site_scons", "targets", "user-rs/rt"):
        shutil.copytree(PROJECT / name, folder / name)
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "mkdocs.yml", "requirements.txt"):
        shutil.copy(PROJECT / name, folder / name)
    for name, (old, new) in edits.items():
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    done = mkdocs(folder, folder / "site")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done


def test_a_diagram_that_nobody_drew_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    done = edited(tmp_path, {"docs/architecture.md": ("stateDiagram-v2", "stateDiagram-v2\n    direction LR")})
    what = "docs/architecture.md: the diagram below the heading 'States of a unit' was edited, and no picture shows it"
    assert f"{what}\n  help: draw it with bench/diagrams.py, which says how" in done.stderr


def test_links_to_what_is_not_there_are_errors(tmp_path: Path) -> None:
    edits = {
        "docs/manual.md": ("(caching.md)", "(cashing.md)"),
        "CONTRIBUTING.md": ("](docs/glossary.md)", "](docs/no.md)"),
        "docs/own_os.md": ("](manual.md", "](../CHANGELOG.md#nothing-of-the-kind?"),
    }
    said = edited(tmp_path, edits).stderr
    assert "'manual.md' contains a link 'cashing.md', but the target is not found" in said
    assert "'contributing.md' contains a link 'no.md', but the target is not found" in said
    assert "'own_os.md' contains a link 'changelog.md#nothing-of-the-kind" in said


def test_pictures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (PROJECT / "docs/pictures").rglob("*.*")}
    assert {name: size for name, size in sizes.items() if size >= LARGEST} == {}


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
