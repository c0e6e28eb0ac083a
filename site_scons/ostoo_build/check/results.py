"""Collects what the last check of a program said about each crate that users edit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.actions import compiler_output
from ostoo_build.actions import record as records
from ostoo_build.base import layout, stamps, state_file, terminal
from ostoo_build.base.paths import is_local
from ostoo_build.planning.planned_unit import CompileUnit, RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from ostoo_build.actions.record import Record
    from ostoo_build.base.paths import PathMap
    from ostoo_build.planning.planned_unit import Unit

_STD = "library/"
_CARGO_HOME = "/cargo/"
"""How rustc is told to name std's source and downloaded crates."""


class Checked(Struct, frozen=True):
    """A crate, rustc's diagnostics about it in rustc's JSON, and whether it compiled.

    `executable` is the path of the program that was made of it, empty if there is none. It `is_fresh` if nothing had to
    be done for it.
    """

    unit: CompileUnit
    diagnostics: tuple[dict[str, Any], ...]
    is_made: bool
    executable: str = ""
    is_fresh: bool = False


class Ran(Struct, frozen=True):
    """A run of a build script, and what it printed, as a portable text."""

    unit: RunBuildScript
    stdout: str


class Source(Struct, frozen=True):
    """The checkout whose results are collected, and when the check began, in ns since the epoch."""

    root: Path
    paths: PathMap
    began: int

    def record(self, unit: Unit) -> Record | None:
        """Return the record of a unit that the check reached; None if it did not, or has none."""
        place = self.root / unit.folder / layout.CHECKED
        return records.load(place.parent) if _is_reached(place, self) else None


def collect(units: Iterable[Unit], source: Source) -> Iterator[Checked]:
    """Yield the crates that users edit and that the check reached, by clippy if it looked at them."""
    found = [unit for unit in {each.id: each for each in units}.values() if isinstance(unit, CompileUnit)]
    linted = {_root(unit) for unit in found if unit.kind is UnitKind.LINT}
    for unit in found:
        if is_local(unit.package) and (unit.kind is UnitKind.LINT or _root(unit) not in linted):
            yield from _checked(unit, source)


def ran(units: Iterable[Unit], record: Callable[[Unit], Record | None]) -> Iterator[Ran]:
    """Yield the runs of build scripts that users edit, each once; `record` returns that of a unit that was reached."""
    for unit in {each.id: each for each in units}.values():
        if isinstance(unit, RunBuildScript) and is_local(unit.package) and (made := record(unit)) is not None:
            yield Ran(unit, made.stdout)


def _root(unit: CompileUnit) -> tuple[str, str]:
    """Return what the compilations of one crate have in common: the package, and the root file."""
    return unit.package, next(option.value for option in rustc_options.read(unit.arguments) if not option.flag)


def _checked(unit: CompileUnit, source: Source) -> Iterator[Checked]:
    place = source.root / unit.folder / layout.CHECKED
    said, made = state_file.recall(place), records.load(place.parent)
    if said is None or not _is_reached(place, source):
        return
    if made is not None:
        yield Checked(unit, parsed(compiler_output.diagnostics(made.stdout), source.paths), is_made=True)
    else:
        yield Checked(unit, parsed(said.decode(), source.paths), is_made=False)


def _is_reached(place: Path, source: Source) -> bool:
    """Whether a check came to a unit since it began; `place` is where it notes that."""
    return place.is_file() and place.stat().st_mtime_ns >= source.began - stamps.TICK


def parsed(lines: str, paths: PathMap) -> tuple[dict[str, Any], ...]:
    """Return the diagnostics in lines of portable JSON, with the paths of this machine."""
    return tuple(_placed(json.loads(line), paths) for line in lines.splitlines())


def _placed(found: Any, paths: PathMap) -> Any:
    """Expand portable texts at any depth, and name files outside of the checkout by their paths on this machine."""
    if isinstance(found, str):
        return paths.expand(found)
    if isinstance(found, list):
        return [_placed(each, paths) for each in found]
    if not isinstance(found, dict):
        return found
    placed = {name: _placed(value, paths) for name, value in found.items()}
    if isinstance(text := placed.get("rendered"), str):
        placed["rendered"] = terminal.without_colours(text)
    if isinstance(name := placed.get("file_name"), str):
        placed["file_name"] = _on_this_machine(name, paths)
    return placed


def _on_this_machine(name: str, paths: PathMap) -> str:
    for prefix, place in ((_STD, "@{rust-src}"), (_CARGO_HOME, "@{cargo-home}")):
        if name.startswith(prefix):
            return f"{paths.expand(place)}/{name.removeprefix(prefix)}"
    return name
