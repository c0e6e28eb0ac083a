"""Implements `./ostoo why-miss`: compares the actions of two builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.actions import action_log
from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.actions.action_log import Difference, Entry


class Cause(Struct, frozen=True):
    """The first difference between an action of two builds, and the second build's decision."""

    action: str
    difference: Difference
    decided: str


def explain(first: Path, second: Path) -> str:
    """Describe the differences between two checkouts or action logs.

    Raises `OstooError` if there is nothing to compare.
    """
    a, b = _load(first), _load(second)
    common = [name for name in a if name in b]
    if not common:
        raise OstooError(
            "the two builds have no action in common",
            where=f"{first}\n{second}",
            remedy="build the same program in both",
        )
    changed = [name for name in common if a[name].key != b[name].key]
    causes = [cause for name in changed if (cause := _cause(a[name], b[name], {a[each].results for each in changed}))]
    if not changed:
        return f"all {len(common)} actions that both builds requested are equal\n"
    lines = [line for cause in causes for line in _shown(cause, first, second)]
    rest = len(changed) - len(causes)
    return "\n".join([*lines, *([f"{rest} more differ because of the outputs of these"] if rest else []), ""])


def _load(path: Path) -> dict[str, Entry]:
    log = path / layout.ACTIONS
    folder = log if log.is_dir() else path
    try:
        found = action_log.read(folder)
    except (OSError, ValueError) as error:
        raise OstooError("not the action log of a build", where=str(folder)) from error
    if not found:
        raise OstooError("no action log of a build here", where=str(path), remedy="name a checkout that has been built")
    return found


def _cause(a: Entry, b: Entry, changed: set[str]) -> Cause | None:
    """Return the first difference other than another action's output."""
    for difference in action_log.differences(a, b):
        path = difference.what.removeprefix("file ")
        if not any(path.startswith(f"{folder}/") for folder in changed - {a.results}):
            return Cause(f"{a.mnemonic} {a.results}", difference, b.decided)
    return None


def _shown(cause: Cause, first: Path, second: Path) -> Iterator[str]:
    difference = cause.difference
    yield f"{cause.action}: {difference.what}"
    yield f"  {difference.first or '(missing)'}  in {first}"
    yield f"  {difference.second or '(missing)'}  in {second}{f', {cause.decided}' if cause.decided else ''}"
