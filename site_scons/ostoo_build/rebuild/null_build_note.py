"""Writes the note of a null build: everything that it depends on, for `null_build`.

A note must describe the moment at which its files were read, so it is written only if none of them changed since this
process started.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.actions import record as records
from ostoo_build.base import stamps, state_file
from ostoo_build.base.errors import OstooError
from ostoo_build.rebuild import dependencies
from ostoo_build.start import null_build
from ostoo_build.start.null_build import StampSet
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from ostoo_build.actions.record import Output
    from ostoo_build.invocation.checkout import Checkout
    from ostoo_build.invocation.options import Options
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.rebuild.dependencies import Dependencies, Observed
    from ostoo_build.rebuild.process_start import ProcessStart


class BuildResult(Struct, frozen=True):
    """The results of an invocation; `programs` are files with their expected contents.

    `said` are the compilers' messages about them.
    """

    process_start: ProcessStart
    checkout: Checkout
    options: Options
    planner: Planner
    services: Services
    programs: Mapping[Path, Output]
    said: str


def write(made: BuildResult, targets: list[str]) -> None:
    """Write the note for this command if all its dependencies are known and unchanged."""
    asked, planner = made.process_start.asked, made.planner
    with contextlib.suppress(OSError, OstooError):  # another build runs in this checkout: the next one writes the note
        if asked is None or not dependencies.is_known(planner, made.options):
            return
        _let_the_clock_tick(made.programs)
        observed = partial(dependencies.observed, planner, made.services)
        known = note(dependencies.of(planner), observed, planner.tools.scan, asked, targets)
        known.said = made.said
        names = [str(path) for path in made.programs]
        programs = StampSet.of((), names)
        if _holds_still(made, known) and _is_as_it_was(planner, made.programs):
            known.stamps.places = {**programs.places, **known.stamps.places}
            state_file.write(null_build.place(str(planner.root), asked), known.to_bytes())


def note(
    made_of: Dependencies,
    observe: Callable[[Collection[str]], Observed],
    scanned: Mapping[str, stamps.Stamps],
    asked: null_build.Question,
    targets: list[str],
) -> null_build.Note:
    """Create a note.

    One walk takes the stamps, but of the trees that were `scanned` before; `observe` gets the paths that it reached,
    and returns further dependencies.
    """
    entries = [scanned[tree[0]] if tree[0] in scanned else stamps.of_tree(tree) for tree in made_of.trees]
    walked = StampSet(made_of.trees, {}, entries)
    places = [*made_of.places, *observe(walked.walked()).places]
    return null_build.Note(asked, StampSet(made_of.trees, StampSet.of((), places).places, entries), targets, "")


def _let_the_clock_tick(programs: Mapping[Path, Output]) -> None:
    """Wait until a change of a program that was just written would get a later time."""
    written = max((path.stat().st_ctime_ns for path in programs), default=0)
    stamps.wait_for_tick(written)


def _holds_still(made: BuildResult, known: null_build.Note) -> bool:
    """Whether nothing changed since this process started, and the file system's clock agrees with ours."""
    started, checkout = made.process_start.started, made.checkout
    if not started - stamps.TICK < checkout.lock_owner.stat().st_ctime_ns < time.time_ns() + stamps.TICK:
        return False
    here = checkout.root.stat().st_dev
    for path in _late(known, started - stamps.DRIFT):
        status = os.stat(path)  # noqa: PTH116 - strings
        if status.st_ctime_ns > started - (stamps.TICK if status.st_dev == here else stamps.DRIFT):
            return False
    return True


def _late(known: null_build.Note, moment: int) -> Iterator[str]:
    """Return paths that changed after a moment, and folders, whose stamps don't tell."""
    for name, stamp in known.stamps.places.items():
        if stamp is not None and stamps.touched_at(stamp) > moment:
            yield name
    yield from (top for top, _ in known.stamps.trees)
    for entries in known.stamps.entries:
        for name, stamp in entries.items():
            if not stamp or stamps.touched_at(stamp) > moment:
                yield name


def _is_as_it_was(planner: Planner, programs: Mapping[Path, Output]) -> bool:
    """Whether the programs match their records, and missing files were also missing when they were looked for."""
    cargos = [workspace.cargo for workspace in planner.programs.workspaces]
    return (
        all(records.holds(path, output) for path, output in programs.items())
        and toolchain.find(planner.root, {}, os.environ) == planner.tools.toolchain
        and all(replace(cargo).configuration_digest == cargo.configuration_digest for cargo in cargos)
        and not any(str(path) in sys.path for path in dependencies.EXTENSIONS)
    )
