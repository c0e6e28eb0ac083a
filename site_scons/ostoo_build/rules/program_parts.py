"""Describes the key of a whole program part by part: its digests say that something changed, not what."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.actions import action_log
from ostoo_build.actions.learned import Learned
from ostoo_build.base import digest
from ostoo_build.base.paths import is_local, quote
from ostoo_build.execution.decided import FEATURES
from ostoo_build.planning import unit_name
from ostoo_build.planning.planned_unit import CompileUnit
from ostoo_build.rules import program_key, unit_inputs
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ostoo_build.actions.action_log import Entry
    from ostoo_build.base.snapshot import Snapshot
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.planned_unit import Unit
    from ostoo_build.rules.progress import PendingProgram
    from ostoo_build.rust.options import Option

_OURS = frozenset(
    (
        *("--crate-name", "--emit", "--error-format", "--json", "--out-dir", "--remap-path-prefix"),
        *("metadata", "extra-filename", "checksum-hash-algorithm", "unstable-options"),
    )
)
"""Options that follow from the name of a unit, or are the same for all."""

_DERIVED = ("CARGO", "CARGO_CRATE_NAME", "CARGO_BIN_NAME", "CARGO_PKG_NAME", "CARGO_PRIMARY_PACKAGE")
"""Variables that follow from the name of a unit; others of cargo's begin with one of these."""

_DERIVED_FROM = ("CARGO_MANIFEST_", "CARGO_PKG_VERSION", "CARGO_BIN_EXE_")


def entry(
    planner: Planner, services: Services, pending: PendingProgram, told: program_key.Told, snapshot: Snapshot
) -> Entry:
    """Return the entry of a program for the action log. Raises `OSError` for a source that can't be read.

    A unit of which nothing is told may read each file of its package, unless it has been made and tells nothing.
    """
    whole = program_key.whole(planner, services, pending, told, snapshot)
    found = action_log.entry(whole.action, whole.outputs[0])
    given = {
        "size budget": "" if whole.size_budget is None else f"{whole.size_budget} bytes",
        "C library": whole.sysroot,
        "machine that runs build scripts": whole.host,
        "start in the C library": "yes" if whole.begins_in_libc else "",
    }
    inputs, asked = {**found.inputs}, dict[str, str]()
    unread: dict[str, str] = {}
    sure, unsure = set(inputs), set[str]()
    reads, variables = list[str](), list[str]()
    parts = {name: {value: None} for name, value in given.items() if value}
    for unit in pending.program.units:
        learned = told.get(unit.id, Learned())
        read = program_key.read_by(planner, services, unit, learned, snapshot)
        inputs |= {each.path: action_log.described(each) for each in read.read}
        unread |= {each.path: action_log.described(each) for each in read.unread}
        asked |= {name: digest.of_bytes(value.encode()) for name, value in _given(unit, learned).items()}
        is_unknown = unit.id not in told and program_key.last(planner, services, unit, snapshot) is None
        if learned.seen is None and is_unknown:
            unsure |= {each.path for each in unit_inputs.own(planner, services, unit, snapshot)}
        else:
            sure |= {each.path for each in read.read}
        reads += learned.reads
        variables += learned.asked
        for name, value in snapshot.get(("parts", unit.id), partial(_parts_of, unit)):
            parts.setdefault(name, {})[value] = None
    made = _made(planner, pending)
    inputs |= {path: sha256 for path, sha256 in whole.sources if path in made}
    return replace(
        found,
        tools=whole.toolchain,
        version=whole.tool,
        environment=asked,
        inputs=inputs,
        unread={path: state for path, state in unread.items() if path not in inputs},
        unsure=tuple(sorted(unsure - sure)),
        learned=Learned(tuple(dict.fromkeys(reads)), tuple(dict.fromkeys(variables))),
        parts={name: " | ".join(values) for name, values in parts.items()},
    )


def _given(unit: Unit, learned: Learned) -> Mapping[str, str]:
    return unit_inputs.given(unit, learned.asked)


def _made(planner: Planner, pending: PendingProgram) -> set[str]:
    """Return the portable paths of the programs that units of a program read."""
    found = (unit_inputs.makers(planner, unit) for unit in pending.program.units)
    return {planner.paths.input_path(path) for makers in found for path in makers}


def _parts_of(unit: Unit) -> list[tuple[str, str]]:
    return [*_of_unit(unit)]


def _of_unit(unit: Unit) -> Iterator[tuple[str, str]]:
    """Yield what a plan says of a unit; what it says of std follows from the toolchain, but for features and flags."""
    name = unit_name.of(unit)
    if isinstance(unit, CompileUnit):
        yield f"{FEATURES}{name}", ", ".join(unit_name.features(unit)) or "none"
        yield f"flags of {name}", "\n".join(flags(unit))
    if unit.is_std or not is_local(unit.package):
        return
    for variable, value in unit.environment:
        if value and variable not in _DERIVED and not variable.startswith(_DERIVED_FROM):
            is_secret = value == quote(os.environ.get(variable, "\0"))
            yield f"env {variable} of {name}", digest.of_bytes(value.encode()) if is_secret else value
    if unit.extra_inputs:
        yield f"declared inputs of {name}", " ".join(unit.extra_inputs)


def flags(unit: CompileUnit) -> Iterator[str]:
    """Yield the options of a compilation that neither follow from its name nor select features."""
    for option in rustc_options.read(unit.arguments):
        if option.flag and not ({option.flag, option.name} & _OURS or _is_feature(option)):
            yield " ".join(option.words)


def _is_feature(option: Option) -> bool:
    return option.flag == "--cfg" and option.value.startswith("feature=")
