"""The commands of a page of the documentation, as they are printed, and what the page shows below them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]

_STARTS = (
    "./",
    "ostoo ",
    "scons ",
    "cargo ",
    "(cd ",
    "git ",
    ".venv/bin/",
    "build/",
    "buildbox-",
    "uv ",
    "pip ",
    "sed ",
    "mkdir ",
)
_SYNOPSIS = re.compile(r"\[(-- )?[A-Z]")
"""`[TARGET...]` stands for what a user may write, so that the line is no command."""


class Command(Struct, frozen=True):
    """A command, the heading that it is below, and the lines that are shown as its output."""

    line: str
    heading: str
    shown: tuple[str, ...]


class File(Struct, frozen=True):
    """A file that the page tells the reader to write: its path is the last one before a code block."""

    path: str
    text: str


class _Block(Struct, frozen=True):
    """A code block, with its heading and the last line before it. `language` is empty if it is indented."""

    heading: str
    before: str
    language: str
    lines: tuple[str, ...]


def steps(page: str) -> list[Command | File]:
    """Return what a page tells the reader to do, in order.

    Commands are lines of code blocks with `$ `, or with the names of our tools.
    """
    text = (PROJECT / page).read_text(encoding="utf-8")
    return [step for block in _blocks(text) for step in _steps_of(block)]


def commands(page: str) -> list[Command]:
    """Return the commands of a page, in order."""
    return [step for step in steps(page) if isinstance(step, Command)]


def _blocks(text: str) -> Iterator[_Block]:
    """Yield the code blocks, fenced or indented."""
    heading = before = language = ""
    block: list[str] = []
    for line in [*text.splitlines(), "#"]:
        fence = line.startswith("```")
        if fence and not language:
            language = line.removeprefix("```") or "text"
            continue
        if not fence and (language or line.startswith("    ") or (block and not line)):
            block.append(line if language else line[4:])
            continue
        if block:
            yield _Block(heading, before, language, tuple(block))
            block = []
        if fence:
            language = ""
        elif line.startswith("#"):
            heading = line.lstrip("# ")
        elif line:
            before = line


def _steps_of(block: _Block) -> Iterator[Command | File]:
    named = re.findall(r"`([\w./-]+/[\w.-]+)`", block.before)
    if block.language not in ("", "text") and named:
        yield File(named[-1], "\n".join((*block.lines, "")))
    elif block.language in ("", "text", "console"):
        yield from _commands_of(block)


def _commands_of(block: _Block) -> Iterator[Command]:
    has_prompt = any(line.startswith("$ ") for line in block.lines)
    found: list[tuple[str, list[str]]] = []
    lines = iter(block.lines)
    for line in lines:
        if line.startswith("$ ") if has_prompt else line.startswith(_STARTS):
            whole = line.removeprefix("$ ")
            while whole.endswith("\\"):
                whole = whole.removesuffix("\\") + next(lines).lstrip()
            found.append((whole, []))
        elif found and has_prompt:
            found[-1][1].append(line)
    for line, shown in found:
        if not _SYNOPSIS.search(line):
            yield Command(line, block.heading, tuple(each.strip() for each in shown if each.strip()))


def missing(shown: tuple[str, ...], said: str) -> list[str]:
    """Return the shown lines that were not said in this order. `...` stands for anything."""
    lines = iter([line.strip() for line in said.splitlines()])
    return [each for each in shown if each != "..." and not any(_is_like(line, each) for line in lines)]


def _is_like(line: str, shown: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, shown.split("..."))), line) is not None
