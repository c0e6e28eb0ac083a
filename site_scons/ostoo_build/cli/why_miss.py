"""Compares the actions of two builds: what made one's results of no use to the other. Does not build."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.actions import action_log
from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ostoo_build.actions.action_log import Entry


class Difference(Struct, frozen=True):
    """What differs first in an action, with what each build has there; an empty text for what one does not have."""

    action: str
    what: str
    first: str
    second: str


def explain(first: Path, second: Path) -> str:
    """Say what differs, for two checkouts or folders with their actions. Raises `OstooError` where there are none."""
    a, b = _load(first), _load(second)
    common = [name for name in a if name in b]
    if not common:
        raise OstooError("the two builds have no action in common", where=f"{first}\n{second}", remedy="build the same")
    changed = [name for name in common if a[name].key != b[name].key]
    causes = [cause for name in changed if (cause := _cause(a[name], b[name], {a[each].results for each in changed}))]
    if not changed:
        return f"all {len(common)} actions that both builds asked for are the same\n"
    lines = [line for cause in causes for line in _shown(cause, first, second)]
    rest = len(changed) - len(causes)
    return "\n".join([*lines, *([f"{rest} more differ because of what these made"] if rest else []), ""])


def _load(path: Path) -> dict[str, Entry]:
    log = path / layout.ACTIONS
    folder = log if log.is_dir() else path
    try:
        found = action_log.read(folder)
    except (OSError, ValueError) as error:
        raise OstooError("these are no actions of a build", where=str(folder)) from error
    if not found:
        raise OstooError(
            "there are no actions of a build here", where=str(path), remedy="name a checkout that was built"
        )
    return found


def _cause(a: Entry, b: Entry, changed: set[str]) -> Difference | None:
    """The first difference that is not just another action's output."""
    for what, first, second in _differences(a, b):
        path = what.removeprefix("file ")
        if not any(path.startswith(f"{folder}/") for folder in changed - {a.results}):
            return Difference(f"{a.mnemonic} {a.results}", what, first, second)
    return None


def _differences(a: Entry, b: Entry) -> Iterator[tuple[str, str, str]]:
    if a.tools != b.tools:
        yield "rustc digest (the toolchain with std's source)", a.tools, b.tools
    if a.version != b.version:
        yield "digest of this build's own part", a.version, b.version
    for number, (one, other) in enumerate(zip_longest(a.arguments, b.arguments, fillvalue="")):
        if one != other:
            yield f"argument {number}", one, other
            break
    yield from _of_tables("env", a.environment, b.environment)
    yield from _of_tables("file", a.inputs, b.inputs)


def _of_tables(kind: str, a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted({*a, *b}):
        if a.get(name) != b.get(name):
            yield f"{kind} {name}", a.get(name, ""), b.get(name, "")


def _shown(cause: Difference, first: Path, second: Path) -> Iterator[str]:
    yield f"{cause.action}: {cause.what}"
    yield f"  {cause.first or '(not there)'}  in {first}"
    yield f"  {cause.second or '(not there)'}  in {second}"
