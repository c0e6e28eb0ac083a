"""Computes the key of a whole program: from what exists before the build, and from what runs of its units told."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.actions.action import Action
from ostoo_build.actions.learned import Learned
from ostoo_build.base import digest, own_source
from ostoo_build.planning.planned_unit import RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import actions as rule_actions
from ostoo_build.rules import link_inputs, musl_sysroot, target_spec, unit_inputs
from ostoo_build.rules.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ostoo_build.actions.record import Record
    from ostoo_build.base.input import Input
    from ostoo_build.base.snapshot import Snapshot
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import Unit
    from ostoo_build.rules.progress import PendingProgram

DECIDED_BY = (
    *(
        "actions",
        "base",
        "binary",
        "cache",
        "execution",
        "invocation",
        "loader",
        "planning",
        "reapi",
        "remote",
        "rules",
        "rust",
    ),
    *("sysroot", "target", "toolchain"),
)
"""The packages that decide a program."""


class WholeProgram(Struct, frozen=True):
    """Everything that a program depends on.

    `plan` is the digest of its plan, `size_budget` is in bytes. `sources` are digests of what is read of packages, and
    of their declared inputs, by portable path; `target` are the target's files. `tool`, `toolchain` and `sysroot` are
    digests of this build's own code, the toolchain and the C library; `host` identifies the machine that runs build
    scripts. Each is empty if unused. `outputs` are portable paths.
    """

    name: str
    plan: digest.Hash
    size_budget: int | None
    sources: tuple[tuple[str, digest.Hash], ...]
    target: tuple[Input, ...]
    tool: digest.Hash
    toolchain: digest.Hash
    sysroot: digest.Hash
    begins_in_libc: bool
    host: str
    outputs: tuple[str, ...]

    @property
    def action(self) -> Action:
        """Return the action that is looked up in the action cache."""
        return Action(
            mnemonic="RustProgram",
            arguments=(self.name, self.plan, str(self.size_budget)),
            environment=(),
            inputs=self.target,
            outputs=self.outputs,
            version=digest.of_json([self.tool, self.toolchain, self.sysroot, self.begins_in_libc, self.host]),
            salt=self.sources,
        )


Told = dict[str, Learned]
"""What the last runs of a program's units told, by unit id, without those that told nothing."""


def whole(
    planner: Planner, services: Services, pending: PendingProgram, told: Mapping[str, Learned], snapshot: Snapshot
) -> WholeProgram:
    """Collect everything that a program depends on, if its units' runs told this.

    Raises `OSError` for a source that can't be read.
    """
    program = pending.program
    on_host = any(_runs_here(unit) for unit in program.units)
    targets = planner.targets
    return WholeProgram(
        name=program.name,
        plan=digest.of_bytes(msgspec.json.encode(program)),
        size_budget=pending.size_budget,
        sources=tuple(sorted(_sources(planner, services, program, told, snapshot))),
        target=unit_inputs.of_files(planner.paths, target_spec.files_in(targets, program.target, snapshot), snapshot),
        tool=own_source.digest_of(*DECIDED_BY),
        toolchain=planner.tools.sha256,
        sysroot=musl_sysroot.key(targets, services.sysroots, program.target) if program.uses_std else "",
        begins_in_libc=program.uses_std and program.target in services.invocation.with_start_files,
        host=services.invocation.host if on_host else "",
        outputs=Places.of(program).published,
    )


def known(planner: Planner, services: Services, program: Program, snapshot: Snapshot) -> Told:
    """Return what the last runs here told."""
    found = {}
    for unit in program.units:
        record = last(planner, services, unit, snapshot)
        if record is not None and record.learned != Learned():
            found[unit.id] = record.learned
    return found


def last(planner: Planner, services: Services, unit: Unit, snapshot: Snapshot) -> Record | None:
    """Return the record of a unit's last run here before anything was decided of it; None if it has none."""
    return snapshot.get(("last run", unit.id), partial(unit_inputs.last, services, planner.paths, unit))


def question(planner: Planner, services: Services, pending: PendingProgram, snapshot: Snapshot) -> Action:
    """Return the action without all that runs can tell of: under its key caches list what they told."""
    none = dict.fromkeys((unit.id for unit in pending.program.units), Learned(seen=()))
    found = whole(planner, services, pending, none, snapshot).action
    return replace(found, salt=(*found.salt, ("learned", "")))


def _sources(
    planner: Planner, services: Services, program: Program, told: Mapping[str, Learned], snapshot: Snapshot
) -> Iterator[tuple[str, digest.Hash]]:
    """Yield digests of packages and their declared inputs by portable path; packages may be nested.

    Units of one package may read different files of it.
    """
    paths = planner.paths
    found: dict[str, set[digest.Hash]] = {}
    for entry in link_inputs.planned(paths, planner.targets, program.unit, snapshot):
        found.setdefault(entry.path, set()).add(entry.sha256)
    for unit in program.units:
        learned = told.get(unit.id, Learned())
        of_unit = partial(_sources_of, planner, services, unit, learned, snapshot)
        for name, sha256 in snapshot.get(("sources", unit.id, learned), of_unit):
            found.setdefault(name, set()).add(sha256)
        for path in unit_inputs.makers_in(planner, unit, snapshot):
            sha256 = snapshot.get(path, partial(paths.input, path)).sha256 if path.is_file() else ""
            found.setdefault(paths.input_path(path), set()).add(sha256)
    for name, digests in found.items():
        yield name, next(iter(digests)) if len(digests) == 1 else digest.of_json(sorted(digests))


def _sources_of(
    planner: Planner, services: Services, unit: Unit, learned: Learned, snapshot: Snapshot
) -> list[tuple[str, digest.Hash]]:
    """Return the digests of what a unit reads, if a run told this: of its package, and of each other file."""
    own = unit_inputs.own(planner, services, unit, snapshot)
    read = read_by(planner, services, unit, learned, snapshot).read
    inside = [entry for entry in read if f"{entry.path}/".startswith(f"{unit.package}/")]
    of_package = {
        "files": inside,
        "told": msgspec.to_builtins(learned),
        "listed": rule_actions.listing(own) if may_list(unit) else "",
        "named": unit_inputs.asked_for(planner.paths, unit, learned.reads, snapshot),
        "variables": unit_inputs.given(unit, learned.asked),
    }
    names = {entry.path for entry in inside}
    others = [(entry.path, entry.sha256) for entry in read if entry.path not in names]
    return [(unit.package, digest.of_json(of_package)), *others]


class ReadInputs(Struct, frozen=True):
    """The inputs of a unit: those that it reads, and files of its package that it does not."""

    read: tuple[Input, ...]
    unread: tuple[Input, ...]


def read_by(planner: Planner, services: Services, unit: Unit, learned: Learned, snapshot: Snapshot) -> ReadInputs:
    """Return what a unit reads besides outputs of others, if a run told this. Raises as `unit_inputs.of` does."""
    return snapshot.get(("read", unit.id, learned), partial(_read_by, planner, services, unit, learned, snapshot))


def _read_by(planner: Planner, services: Services, unit: Unit, learned: Learned, snapshot: Snapshot) -> ReadInputs:
    own = unit_inputs.own(planner, services, unit, snapshot)
    left_out = set() if learned.seen is None else rule_actions.unread(own, learned.seen)
    entries = unit_inputs.of(planner, services, unit, learned.reads, snapshot)
    return ReadInputs(
        read=tuple(entry for entry in entries if entry.path not in left_out),
        unread=tuple(entry for entry in entries if entry.path in left_out),
    )


def may_list(unit: Unit) -> bool:
    """Whether a process of the unit may list files without opening them."""
    return isinstance(unit, RunBuildScript) or unit.kind is UnitKind.BUILD_SCRIPT


def _runs_here(unit: Unit) -> bool:
    """Whether a unit's result depends on this host; std's own build scripts give the same on each."""
    is_run = isinstance(unit, RunBuildScript) or unit.kind in (UnitKind.BUILD_SCRIPT, UnitKind.PROC_MACRO)
    return is_run and not unit.is_std
