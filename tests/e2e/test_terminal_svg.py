"""The film of a terminal: what it shows, when, and that it is a picture by itself."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from terminal_svg import Piece, drawn

SVG = "{http://www.w3.org/2000/svg}"
PIECES = [
    Piece(0.0, b"$ build <all>\r\n"),
    Piece(1.0, b"\x1b[1;32mCompiling\x1b[0m core\r\nBuilding 1/2\r"),
    Piece(1.05, b"\x1b[KBuilding 2/2\r"),
    Piece(3.0, b"\x1b[KFinished\r\n"),
]


def frames(picture: str) -> list[list[str]]:
    """The rows of each frame."""
    root = ET.fromstring(picture)  # noqa: S314 - it was made here
    texts = {
        f"#{group.get('id')}": " ".join(text.text or "" for text in group.iter(f"{SVG}text"))
        for group in root.iter(f"{SVG}g")
        if group.get("id")
    }
    tall = int(root.findall(f"{SVG}svg")[0].get("height", "0"))
    found: dict[int, list[str]] = {}
    for use in root.iter(f"{SVG}use"):
        found.setdefault(int(use.get("y", "0")) // tall, []).append(texts[use.get("href", "")])
    return [found[number] for number in sorted(found)]


def test_each_screen_is_a_frame_but_for_those_that_gave_way_at_once() -> None:
    assert frames(drawn(PIECES, "a film")) == [
        ["$ build <all>"],
        ["$ build <all>", "Compiling core", "Building 2/2"],
        ["$ build <all>", "Compiling core", "Finished"],
    ]


def test_frames_come_when_they_came_and_the_last_one_stays() -> None:
    picture = drawn(PIECES, "a film")
    assert "film 9.0s step-end infinite" in picture
    assert re.findall(r"([\d.]+)% \{", picture) == ["0.00", "11.11", "33.33"]
    assert ".film { transform: translateY(-988px); }" in picture, "who wants no motion sees the last frame"


def test_colours_are_those_of_the_terminal() -> None:
    picture = drawn(PIECES, "a film")
    assert re.search(r'<text [^>]*class="b" fill="#98c379">Compiling</text>', picture)


def test_it_needs_nothing_else() -> None:
    picture = drawn(PIECES, "a & b")
    assert "<title>a &amp; b</title>" in picture
    assert re.findall(r"https?://(?!www\.w3\.org/)|<script|url\(", picture) == []
