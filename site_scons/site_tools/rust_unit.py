"""Builder `RustUnit`: a node for a unit of a plan, the same node for every program that needs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from ostoo_build import digest, source_tree, steps
from ostoo_build.paths import is_local

from site_tools.keyed_action import KeyedAction, recorded_step

if TYPE_CHECKING:
    from ostoo_build.execution.requests import Inputs
    from ostoo_build.plan import PlannedUnit
    from ostoo_build.session import Session


def rust_unit(env: Any, unit: PlannedUnit) -> Any:
    """Declare a unit's record as a node; its prerequisites must have been declared before."""
    record = env.File(unit.record)
    if record.has_builder():
        return record
    session: Session = env["OSTOO"]
    files, fetched = _sources(env, session, unit)
    known = {str(file): file for file in files}

    def perform() -> None:
        hashed = tuple((path, node.get_csig()) for path, node in known.items())
        steps.build_unit(session, unit, (*hashed, *fetched))

    signature = digest.of_json([msgspec.to_builtins(unit), fetched, session.tools])
    prerequisites = [env.File(session.units[id_].record) for id_ in unit.prerequisites]
    checked = env.RustTargetSpec() if unit.for_target else []
    action = KeyedAction(signature, f"rustc {' '.join(unit.arguments)}", perform)
    return recorded_step(env, unit.folder, [*files, *prerequisites, checked], action)


def _sources(env: Any, session: Session, unit: PlannedUnit) -> tuple[list[Any], Inputs]:
    """What a unit is made from: nodes for files that people edit, one digest for a package that was fetched."""
    package = Path(session.paths.root, session.paths.expand(unit.package))
    if is_local(unit.package):
        paths = [*source_tree.package_files(package), *source_tree.expand_inputs(package, unit.extra_inputs)]
        return [env.File(session.paths.portable(path)) for path in paths], ()
    if unit.package.startswith("@{rust-src}"):
        return [], ()
    return [], ((unit.package, session.trees.digest(package)),)


def generate(env: Any) -> None:
    env.AddMethod(rust_unit, "RustUnit")


def exists(_env: Any) -> bool:
    return True
