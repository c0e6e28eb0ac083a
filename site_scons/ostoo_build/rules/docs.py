"""Joins the documentation of a program's crates in one folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Outcome, ToolFailed
from ostoo_build.base import layout, process, source_files
from ostoo_build.base.paths import absolute
from ostoo_build.execution.job import Job
from ostoo_build.planning import doc_flags, planned_unit
from ostoo_build.rules import actions as rule_actions
from ostoo_build.rules import drivers

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import Unit


def documented(program: Program, services: Services) -> list[Unit]:
    """Return the units whose documentation is wanted."""
    units = [unit for unit in program.units if planned_unit.is_documented(unit)]
    if drivers.NO_DEPS not in services.invocation.for_rustdoc:
        return units
    return [unit for unit in units if unit.package == program.unit.package]


def job(planner: Planner, services: Services, program: Program) -> Job:
    """Describe how the pages of a program's crates are joined, and their index is made."""
    place = layout.docs(program.target, program.name)
    folder, paths = planner.root / place, planner.paths
    units = documented(program, services)
    records = {unit.id: services.engine.result(planner.root / unit.folder) for unit in units}
    rustdoc = drivers.rustdoc(planner, services)
    parts = tuple(f"--include-parts-dir={absolute(unit.folder)}/{doc_flags.PARTS}" for unit in units)
    arguments = (rustdoc.path, "-Zunstable-options", "--merge=finalize", *parts, "--out-dir", absolute(place))
    inputs = (entry for unit in units for entry in rule_actions.output_inputs(unit.folder, records[unit.id]))
    environment = services.invocation.environment
    salt = (("rustdoc", rustdoc.sha256),)
    action = Action(
        "Rustdoc", arguments, environment, tuple(inputs), (f"{place}/",), tools=planner.tools.folder, salt=salt
    )

    def run() -> Outcome:
        _clear(folder)
        for unit in units:
            for name in records[unit.id].outputs:
                if name.startswith(f"{doc_flags.PAGES}/"):
                    own = folder / name.removeprefix(f"{doc_flags.PAGES}/")
                    source_files.copy_whole(planner.root / unit.folder / name, own, 0o644)
        environ = {**dict(planner.tools.toolchain.env), **dict(environment)}
        done = process.run([paths.expand(word) for word in arguments], cwd=planner.root, env=environ)
        if done.returncode:
            raise ToolFailed(f"could not join the documentation of {program.name}", (done.stderr.decode(),))
        return Outcome(tuple(_files(folder)))

    subject = planner.targets.named(program.name, program.target)
    return Job(action, folder, place, "Documenting", subject, run, needed=True)


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("[!.]*") if path.is_file())
