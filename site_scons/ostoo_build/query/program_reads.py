"""Lists the names of all that decides a program, so that a change of anything else can't reach it.

The owner of what is read is the program's key: `rules.program_key`. Names count even if nothing has them, as a new file
may be found there.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from ostoo_build.actions import action_log
from ostoo_build.actions.learned import Learned
from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import is_local
from ostoo_build.planning.planned_unit import RunBuildScript
from ostoo_build.query.reads import Reads
from ostoo_build.rules import link_inputs, program_key, unit_inputs, whole_program
from ostoo_build.rules.places import Places
from ostoo_build.rules.progress import PendingProgram

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import Unit


def of(planner: Planner, services: Services, program: Program, *, is_checked: bool) -> list[Reads]:
    """Return what decides a program, but for its plan: what each unit reads, which programs share, then the rest.

    If the program that the current sources give is known, here or to a cache, it is what runs told. Else each file of
    its packages counts, and each file of the checkout if one of them has a build script.
    """
    try:
        told = _told(planner, services, program, is_checked=is_checked)
        return _of_told(planner, services, program, told)
    except (OSError, OstooError):  # a file is missing or broken: the next build says so
        return [Reads(folders=frozenset([planner.paths.root]))]


def _told(planner: Planner, services: Services, program: Program, *, is_checked: bool) -> program_key.Told | None:
    """Return what runs told. The size budget is that of the last build: only a SConscript says it."""
    published = Places.of(program).published[0]
    last = action_log.last(planner.root / layout.ACTIONS, "RustProgram", published)
    words = {last.arguments[2] for last in (last,) if last is not None}
    for budget in dict.fromkeys((*(int(word) for word in words if word.isdecimal()), None)):
        pending = PendingProgram(program, budget if is_checked else None, is_checked)
        found = whole_program.told_now(planner, services, pending)
        if found is not None:
            return found
    return None


def _of_told(planner: Planner, services: Services, program: Program, told: program_key.Told | None) -> list[Reads]:
    paths, snapshot = planner.paths, services.snapshot
    found = [_of_unit(planner, services, unit, told) for unit in program.units]
    named = link_inputs.planned(paths, planner.targets, program.unit, snapshot)
    about = planner.targets.files
    of_target = (find(program.target) for find in (about.spec, about.policy, about.contract))
    names = (*(place(planner, entry.path) for entry in named), *map(str, of_target))
    return [*found, Reads(files=frozenset(names))]


def _of_unit(planner: Planner, services: Services, unit: Unit, told: Mapping[str, Learned] | None) -> Reads:
    if told is None and isinstance(unit, RunBuildScript) and unit.script and is_local(unit.package):
        return Reads(folders=frozenset([planner.paths.root]))
    known = unit_inputs.known(services, planner.paths, unit) if told is None else None
    learned = Learned(reads=known.reads) if known is not None else (told or {}).get(unit.id, Learned())
    find = partial(_of_learned, planner, services, unit, learned)
    return services.snapshot.get(("reads", unit.id, learned), find)


def _of_learned(planner: Planner, services: Services, unit: Unit, learned: Learned) -> Reads:
    """Return what a unit reads, if a run told this."""
    read = program_key.read_by(planner, services, unit, learned, services.snapshot).read
    package = place(planner, unit.package)
    of_package = {package} if learned.seen is None and not unit_inputs.is_of_std(unit.package) else set()
    told = {place(planner, name) for name in (*learned.reads, *(learned.seen or ()))}
    listed = map(str, unit_inputs.listed_folders(planner.paths, unit))
    return Reads(
        files=frozenset(place(planner, entry.path) for entry in read),
        folders=frozenset(told | of_package),
        listed=frozenset(listed),
        walked=frozenset([package] if program_key.may_list(unit) and is_local(unit.package) else ()),
    )


def place(planner: Planner, name: str) -> str:
    """Return the absolute path of a portable one, with links as they are named."""
    return os.path.normpath(os.path.join(planner.paths.root, planner.paths.expand(name)))  # noqa: PTH118
