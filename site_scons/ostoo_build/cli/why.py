"""Implements `./ostoo why`: says why the last build made something, or did not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from ostoo_build.base import layout
from ostoo_build.why import answers, history, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostoo_build.cli.run import Runner
    from ostoo_build.why.answers import Answer

FORMAT = 1
"""The number of the form of `--json`; docs/manual.md describes it."""


def answer(runner: Runner, asked: str, *, as_json: bool) -> None:
    """Show the answer for a program. Raises `OstooError` for a name of nothing."""
    found = _answers(runner, asked)
    sys.stdout.write(_json(found) if as_json else texts.show(found))


def _answers(runner: Runner, asked: str) -> list[Answer]:
    known = history.read(runner.root)
    profile = runner.variables["profile"]
    published = [path for path in known.programs if _is_of(path, asked, profile)]
    if not published:
        runner.check([asked])
        published = [layout.program(target, profile, asked) for target in runner.targets(asked)]
    return answers.of_program(known, asked, sorted(published))


def _is_of(published: str, program: str, profile: str) -> bool:
    target = published.split("/")[1]
    return published == layout.program(target, profile, program)


def _json(found: Sequence[Answer]) -> str:
    document = {"format": FORMAT, "answers": msgspec.to_builtins(found)}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
