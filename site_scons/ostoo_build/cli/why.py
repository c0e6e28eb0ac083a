"""Implements `./ostoo why`: says why the last build made something, or did not."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import msgspec

from ostoo_build.base import layout, spelling
from ostoo_build.base.errors import OstooError
from ostoo_build.why import about_files, about_programs, about_units, history, texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ostoo_build.cli.run import Runner
    from ostoo_build.why.answers import Answer

FORMAT = 1
"""The number of the form of `--json`; docs/manual.md describes it."""


def answer(runner: Runner, asked: str, places: Sequence[Path], *, as_json: bool) -> None:
    """Show the answer for a program, a unit, or a file by its path from one of some folders.

    Raises `OstooError` for a name of nothing.
    """
    found = _answers(runner, asked, places)
    sys.stdout.write(_json(found) if as_json else texts.show(found))


def _answers(runner: Runner, asked: str, places: Sequence[Path]) -> list[Answer]:
    known = history.read(runner.root)
    profile = runner.variables["profile"]
    published = [path for path in known.programs if _is_of(path, asked, profile)]
    if published:
        return [about_programs.answer(known, asked, path) for path in sorted(published)]
    if asked in (names := about_units.names(known)):
        return about_units.answer(known, asked)
    for path in (_path(runner.root, place, asked) for place in places):
        if about_files.is_known(known, path) or (runner.root / path).is_file():
            return [about_files.answer(known, runner.root, path)]
    if asked not in runner.programs:
        what = f"{asked} is no program, no unit that was built, and no file"
        near = spelling.nearest(asked, [*runner.programs, *names])
        raise OstooError(what, remedy=near or f"programs: {', '.join(sorted(runner.programs))}")
    return [
        about_programs.answer(known, asked, layout.program(target, profile, asked)) for target in runner.targets(asked)
    ]


def _path(root: Path, start: Path, asked: str) -> str:
    """Return the path of a file from the top of the checkout; it may be missing by now."""
    path = os.path.abspath(start / asked)  # noqa: PTH100 - a link is not followed
    return os.path.relpath(path, root) if path.startswith(f"{root}/") else path


def _is_of(published: str, program: str, profile: str) -> bool:
    target = published.split("/")[1]
    return published == layout.program(target, profile, program)


def _json(found: Sequence[Answer]) -> str:
    document = {"format": FORMAT, "answers": msgspec.to_builtins(found)}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
