"""Implements `--message-format`: builds, and says what was said in the form that is asked for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.check import forms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostoo_build.cli.run import Runner


def perform(words: Sequence[str], form: str, runner: Runner) -> int:
    """Build, write what was said to stdout, and return the exit code; `words` are SCons'."""
    code, said = told(words, form, runner)
    sys.stdout.buffer.write(said)
    return code


def told(words: Sequence[str], form: str, runner: Runner) -> tuple[int, bytes]:
    """Build, and return the exit code and what was said."""
    asked = forms.asked(runner.root, words, form)
    asked.forget()
    code = _alone(runner).attempt([*words, asked.option])
    return code, asked.take()


def _alone(runner: Runner) -> Runner:
    """Return a runner whose builds write no annotations of their own."""
    return replace(runner, environ={name: value for name, value in runner.environ.items() if name != "GITHUB_ACTIONS"})
