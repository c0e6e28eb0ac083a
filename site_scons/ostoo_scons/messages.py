"""Writes what the compiler said in a build, in the form that `--messages` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.check import built, forms, results
from ostoo_build.rules.nodes import names_of

if TYPE_CHECKING:
    from ostoo_scons.scons_build import Build, OpenCheckout


def keep(build: Build, opened: OpenCheckout, option: str, *, is_done: bool) -> None:
    """Write the file that the option names. Raises `OstooError` if it names none."""
    planner = opened.planner
    units = [unit for plan in planner.programs.parts for unit in plan.units]
    source = results.Source(planner.root, planner.paths, build.process_start.started)
    plans = [build.progress.pending[id_].program for id_ in sorted(build.progress.pending)]
    made = [unit for plan in plans for unit in plan.units]
    ended = _ended(build, opened)
    said = forms.Said(
        crates=(*results.collect(units, source), *built.collect(plans, ended)),
        scripts=(*results.ran(units, source.record), *results.ran(made, ended.record)),
        root=planner.root,
        paths=planner.paths,
        version=planner.tools.toolchain.version,
        is_done=is_done,
    )
    forms.keep(forms.Asked.of_option(option), said)


def _ended(build: Build, opened: OpenCheckout) -> built.Build:
    planner, engine, progress = opened.planner, opened.services.engine, build.progress
    plans = (pending.program for pending in progress.pending.values() if pending.program.id in progress.published)
    return built.Build(
        paths=planner.paths,
        records={planner.paths.portable(folder): known.record for folder, known in engine.settled.items()},
        failed=build.diagnostics,
        programs={plan.unit.folder: str(planner.root / names_of(plan)[0]) for plan in plans},
        done=engine.decisions.made,
    )
