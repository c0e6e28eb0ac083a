"""Draws what a terminal showed as a picture that plays it: an SVG whose frames a style sheet shows one after another.

It needs no script and no font of another host. Who wants no motion sees the last frame.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import escape

import pyte

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLUMNS, ROWS = 100, 26
_WIDTH, _HEIGHT, _MARGIN, _TITLE = 8.4, 19, 14, 34
"""Of a letter, of a line, around the text, and of the bar above it, in pixels."""

_EACH = 0.2
"""Seconds between frames at least."""

_END = 6.0
"""Seconds for which the last frame stays."""

_COLOURS = {
    "default": "#d0d3d8",
    "black": "#5c6370",
    "red": "#ef6b73",
    "green": "#98c379",
    "brown": "#e5c07b",
    "blue": "#61afef",
    "magenta": "#c678dd",
    "cyan": "#56b6c2",
    "white": "#ffffff",
}
"""By pyte's names, of which `bright` ones have the same colour."""

_BOLD = ' class="b"'
_STYLE = """
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }
.b { font-weight: bold; }
.film { transform: translateY(-%(last)spx); }
@media (prefers-reduced-motion: no-preference) { .film { animation: film %(seconds)ss step-end infinite; } }
@keyframes film { %(frames)s }
"""


class Piece(NamedTuple):
    """What a process wrote, and when: in seconds since the film began."""

    at: float
    content: bytes


class Run(NamedTuple):
    """Letters of a row that look alike, from a column on."""

    column: int
    text: str
    colour: str
    bold: bool


Frame = tuple[tuple[Run, ...], ...]


def drawn(pieces: Iterable[Piece], title: str) -> str:
    """Return the picture."""
    shown = list(_frames(pieces))
    seconds = shown[-1][0] + _END
    tall, wide = ROWS * _HEIGHT, COLUMNS * _WIDTH + 2 * _MARGIN
    rows = list(dict.fromkeys(row for _, frame in shown for row in frame if row))
    steps = (
        f"{100 * at / seconds:.2f}% {{ transform: translateY(-{each * tall}px); }}"
        for each, (at, _) in enumerate(shown)
    )
    style = _STYLE % {"last": (len(shown) - 1) * tall, "seconds": f"{seconds:.1f}", "frames": " ".join(steps)}
    texts = "\n".join(f'<g id="r{number}">{_text(row)}</g>' for number, row in enumerate(rows))
    numbers = {row: number for number, row in enumerate(rows)}
    uses = "\n".join(
        f'<use href="#r{numbers[row]}" y="{each * tall + line * _HEIGHT}"/>'
        for each, (_, frame) in enumerate(shown)
        for line, row in enumerate(frame)
        if row
    )
    whole = tall + _TITLE + _MARGIN
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {whole}" role="img">
<title>{escape(title)}</title>
<style>{style}</style>
<defs>
{texts}
</defs>
<rect width="100%" height="100%" rx="8" fill="#21252b"/>
<circle cx="18" cy="17" r="5" fill="#ef6b73"/><circle cx="36" cy="17" r="5" fill="#e5c07b"/>
<circle cx="54" cy="17" r="5" fill="#98c379"/>
<text x="50%" y="22" text-anchor="middle" fill="#9da5b4">{escape(title)}</text>
<svg x="{_MARGIN}" y="{_TITLE}" width="{COLUMNS * _WIDTH:.0f}" height="{tall}"><g class="film">
{uses}
</g></svg>
</svg>
"""


def _frames(pieces: Iterable[Piece]) -> Iterator[tuple[float, Frame]]:
    """Yield the screens with their times; of those that soon gave way to others, only what they became."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    at, last = 0.0, _frame(screen)
    for piece in pieces:
        if piece.at - at >= _EACH:
            now = _frame(screen)
            if now != last:
                yield at, now
                last = now
            at = piece.at
        stream.feed(piece.content)
    yield at, _frame(screen)


def _frame(screen: Any) -> Frame:
    return tuple(tuple(_runs(screen.buffer[row])) for row in range(ROWS))


def _runs(row: Any) -> Iterator[Run]:
    """Yield the runs of a row but for blanks."""
    letters = [row[column] for column in range(COLUMNS)]
    for (colour, bold), group in groupby(range(COLUMNS), lambda column: (letters[column].fg, letters[column].bold)):
        columns = list(group)
        text = "".join(letters[column].data for column in columns)
        if text.strip():
            first = columns[0] + len(text) - len(text.lstrip())
            yield Run(first, text.strip(), colour, bold)


def _text(row: tuple[Run, ...]) -> str:
    return "".join(
        f'<text x="{run.column * _WIDTH:.1f}" y="14" textLength="{len(run.text) * _WIDTH:.1f}"'
        f"{' class=' + chr(34) + 'b' + chr(34) if run.bold else ''}"
        f' fill="{_COLOURS.get(run.colour.removeprefix("bright"), _COLOURS["default"])}">{escape(run.text)}</text>'
        for run in row
    )
