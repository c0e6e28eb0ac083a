"""Implements `./ostoo fix`: writes into the sources what the compiler suggests and is sure of."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import layout, process, state_file
from ostoo_build.base.errors import OstooError
from ostoo_build.check import suggestions
from ostoo_build.cli import check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ostoo_build.cli.run import Runner

_ROUNDS = 4
"""A fix may lead to more of them; cargo tries as often."""


class Allowed(Struct, frozen=True):
    """What the user allows: to fix files with changes, with staged changes, and without git."""

    dirty: bool
    staged: bool
    no_vcs: bool


def perform(names: tuple[str, ...], runner: Runner, allowed: Allowed, *, is_all: bool) -> int:
    """Fix the crates of programs, and return the exit code of the check.

    Raises `OstooError` if git has no copy of what would be changed, and if they don't compile before or afterwards;
    then the files are as they were.
    """
    _refuse_unsaved(runner.root, allowed)
    request = check.Request(layout.CHECK, names, is_all, keeps_going=False, form="json", lints=())
    code, said = _checked(request, runner)
    if code:
        raise OstooError("nothing is fixed, as the check fails", remedy="correct the errors first")
    before: dict[Path, bytes] = {}
    for _ in range(_ROUNDS):
        if not (changed := _changed(runner.root, said)):
            break
        try:
            for place, content in changed.items():
                before.setdefault(place, place.read_bytes())
                _write(place, content)
            code, said = _checked(request, runner)
        except BaseException:
            _give_back(before)
            raise
        if code:
            _give_back(before)
            files = ", ".join(sorted(str(place.relative_to(runner.root)) for place in before))
            raise OstooError(
                "with what the compiler suggests the crates don't compile: all files are as they were",
                where=files,
                remedy="fix them by hand, or programs one by one",
            )
    for place in sorted(before):
        runner.console.status("Fixed", str(place.relative_to(runner.root)))
    return 0


def _checked(request: check.Request, runner: Runner) -> tuple[int, list[dict[str, Any]]]:
    code, said = check.told(request, runner)
    return code, [json.loads(line) for line in said.splitlines()]


def _changed(root: Path, said: Iterable[dict[str, Any]]) -> dict[Path, bytes]:
    """Return the new contents of the files of the checkout that would change."""
    found = suggestions.of(each["message"] for each in said if each["reason"] == "compiler-message")
    files: dict[Path, list[suggestions.Suggestion]] = {}
    for each in found:
        place = Path(os.path.realpath(root / each.file))
        name = os.path.relpath(place, os.path.realpath(root))
        if not name.startswith("..") and not layout.is_in_build(name):
            files.setdefault(place, []).append(each)
    before = {place: place.read_bytes() for place in files}
    made = {place: suggestions.applied(before[place], own) for place, own in files.items()}
    return {place: content for place, content in made.items() if content != before[place]}


def _give_back(before: dict[Path, bytes]) -> None:
    for place, content in before.items():
        _write(place, content)


def _write(place: Path, content: bytes) -> None:
    state_file.replace(place, content, place.stat().st_mode & 0o7777)


def _refuse_unsaved(root: Path, allowed: Allowed) -> None:
    if allowed.no_vcs or (allowed.dirty and allowed.staged):
        return
    done = process.run(["git", "status", "--porcelain", "-z", "--untracked-files=all", "."], cwd=root, env=os.environ)
    if done.returncode:
        raise OstooError(
            "git does not know this checkout: what is fixed could not be taken back",
            where=str(root),
            remedy="to fix anyway: --allow-no-vcs",
        )
    entries = [entry for entry in os.fsdecode(done.stdout).split("\0") if entry[2:3] == " "]
    staged = [entry for entry in entries if entry[1] == " "]
    refused = {
        "--allow-dirty": [entry[3:] for entry in entries if entry not in staged and not allowed.dirty],
        "--allow-staged": [entry[3:] for entry in staged if not (allowed.staged or allowed.dirty)],
    }
    for option, names in refused.items():
        if names:
            raise OstooError(
                "there are changes that are not committed: what is fixed could not be told from them",
                where="\n".join(names[:10]),
                remedy=f"commit them, or to fix anyway: {option}",
            )
