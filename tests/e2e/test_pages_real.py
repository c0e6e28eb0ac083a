"""Pages of HTML in a browser: at three widths, light and dark, by mouse and by keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import model_pages
import pytest
from browser import Browser
from model_pages import page_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WIDTHS = ((1280, "light"), (760, "dark"), (390, "light"), (390, "dark"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(tmp_path_factory.mktemp("page"), 30)


def text(browser: Browser, id_: str) -> str:
    return str(browser.run(f"document.getElementById({id_!r}).innerText"))


@pytest.mark.parametrize(("width", "colours"), WIDTHS)
def test_nothing_is_wider_than_the_window_and_colours_are_the_users(
    browser: Browser, page: Path, width: int, colours: str
) -> None:
    browser.open(page, width, colours)
    assert browser.run("document.documentElement.scrollWidth") <= width
    back = browser.run("getComputedStyle(document.body).backgroundColor")
    assert back == ("rgb(24, 24, 24)" if colours == "dark" else "rgb(255, 255, 255)")
    assert text(browser, "title") == "30 programs, 52 units in all"
    assert "commit: </script> · toolchain: Rust 1.99.0" in text(browser, "about")
    assert browser.errors == []


def test_search_and_choice_by_keyboard_show_what_is_known(browser: Browser, page: Path) -> None:
    browser.open(page, 1280, "light")
    browser.press("/")
    for key in "lib1":
        browser.press(key)
    assert text(browser, "count") == "11 of 52"
    browser.press("ArrowDown")
    browser.press("Enter")
    chosen = text(browser, "chosen").splitlines()
    assert chosen[0] == "lib10 v1"
    assert "30 programs and tests" in chosen
    assert "1 file that it reads" in " ".join(chosen)
    assert browser.run("location.hash") == "#lib10%20v1"
    browser.run("choose(nodes.findIndex(node => node.label === 'lib3 v1'))")
    assert {"1.50 s", "not known: it was not built here"} <= set(text(browser, "chosen").splitlines())
    browser.run("document.getElementById('layer').value = 'size'; by('search').value = ''; search()")
    assert text(browser, "found").startswith("program-with-a-rather-long-name-10")


def test_the_shortest_path_is_shown_and_what_separates_units(browser: Browser, page: Path) -> None:
    browser.open(page, 760, "dark")
    browser.run("by('from').value = 'lib17 v1'; by('to').value = 'program-with-a-rather-long-name-1'; showPath()")
    way = ("program-with-a-rather-long-name-1", "shared v1 [quick]", "lib19 v1", "lib18 v1", "lib17 v1")
    assert text(browser, "path").split() == ["The", "other", "way", "round:", *" → ".join(way).split()]
    browser.run("by('to').value = 'nobody'; showPath()")
    assert text(browser, "path") == "there is nothing called nobody"
    assert [line.split("\t")[2:4] for line in text(browser, "twice").splitlines()[1:] if "\t" in line] == [
        ["features small", "15"],
        ["features quick", "15"],
    ]


def test_a_click_on_the_map_chooses(browser: Browser, page: Path) -> None:
    browser.open(page, 390, "light")
    browser.run(
        "(() => { const box = by('map').getBoundingClientRect(), [each, x, y] = cells[3];"
        " by('map').dispatchEvent(new MouseEvent('click', { clientX: box.left + x + 1, clientY: box.top + y + 1 }));"
        " window.expected = nodes[each].label; })()"
    )
    assert text(browser, "chosen").splitlines()[0] == browser.run("expected")


def test_a_thousand_programs_are_no_burden(browser: Browser, tmp_path: Path) -> None:
    browser.open(page_of(tmp_path, 1000), 1280, "light")
    assert text(browser, "count") == "1022 of 1022, the first 200 are listed"
    browser.run("by('search').value = 'name-999'; search()")
    assert text(browser, "count") == "1 of 1022"
    assert browser.run("document.querySelectorAll('*').length") < 4000, "not an element for each unit in each list"
    assert browser.errors == []


@pytest.mark.parametrize("make", [model_pages.timings_page, model_pages.treemap_page])
@pytest.mark.parametrize(("width", "colours"), WIDTHS)
def test_other_pages_fit_and_cut_names_with_the_whole_name_in_the_title(
    browser: Browser, tmp_path: Path, make: Callable[[Path], Path], width: int, colours: str
) -> None:
    browser.open(make(tmp_path), width, colours)
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert "command: ostoo graph · commit: </script>" in text(browser, "about")
    beyond = "[...document.querySelectorAll('svg text')].filter(each => each.getBBox().x < 0 ||"
    beyond += " each.getBBox().x + each.getBBox().width > each.ownerSVGElement.viewBox.baseVal.width + 1e-3 +"
    beyond += " (each.ownerSVGElement.viewBox.baseVal.width ? 0 : each.ownerSVGElement.clientWidth)).length"
    assert browser.run(beyond) == 0, "no name is beyond the picture"
    assert browser.run("[...document.querySelectorAll('svg text')].some(each => each.textContent.includes('crate'))")
    assert browser.errors == []


def test_steps_of_one_name_and_the_first_seconds_are_told(browser: Browser, tmp_path: Path) -> None:
    browser.open(model_pages.timings_page(tmp_path), 1280, "light")
    names = browser.run("[...document.querySelectorAll('#chart text title')].map(each => each.textContent)")
    assert names[0] == "reading and planning 0.0 s"
    assert "a-crate-with-a-name-that-is-long [std] 1.0 s" in names
    assert "a-crate-with-a-name-that-is-long [no features] 1.0 s" in names
    assert "providing the sysroot 12.5 s" in names
    shown = browser.run("[...document.querySelectorAll('#chart text')].map(each => each.firstChild.textContent)")
    assert "providing the sysroot 12.5 s" in shown, "it is in its bar"


def test_a_part_is_chosen_by_a_click_in_the_map_or_by_its_name(browser: Browser, tmp_path: Path) -> None:
    browser.open(model_pages.treemap_page(tmp_path), 760, "dark")
    browser.run("areas.get(data.parts[3]).dispatchEvent(new MouseEvent('click'))")
    assert "::3: 1250 bytes" in text(browser, "chosen")
    browser.run("document.querySelectorAll('#parts button')[5].click()")
    assert "::5: 833 bytes" in text(browser, "chosen")
    assert browser.run("document.querySelectorAll('rect.chosen').length") == 1
