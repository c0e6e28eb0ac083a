"""Builder `RustUnit`: a node for a unit of a plan, the same node for every program that needs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ostoo_build import digest, source_tree, steps
from ostoo_build.paths import is_local
from site_tools.keyed_action import KeyedAction, file_node, recorded_step

if TYPE_CHECKING:
    from ostoo_build.execution.requests import Inputs
    from ostoo_build.plan import PlannedUnit
    from ostoo_build.session import Session


def rust_unit(env: Any, unit: PlannedUnit) -> Any:
    """Declare a unit's record as a node; its prerequisites must have been declared before."""
    record = file_node(env, unit.record)
    if record.has_builder():
        return record
    session: Session = env["OSTOO"]
    paths, fetched = _sources(session, unit)
    files = {path: file_node(env, path) for path in paths}

    def perform() -> None:
        hashed = tuple((path, node.get_csig()) for path, node in files.items())
        steps.build_unit(session, unit, (*hashed, *fetched))

    signature = digest.of_json([msgspec.to_builtins(unit), fetched, session.tools])
    prerequisites = [file_node(env, session.units[id_].record) for id_ in unit.prerequisites]
    checked = env.RustTargetSpec() if unit.for_target else []
    action = KeyedAction(signature, f"rustc {' '.join(unit.arguments)}", perform)
    return recorded_step(env, unit.folder, [*files.values(), *prerequisites, checked], action)


def _sources(session: Session, unit: PlannedUnit) -> tuple[list[str], Inputs]:
    """What a unit is made from: files that people edit, or one digest for a package that was fetched."""
    package = Path(session.paths.root, session.paths.expand(unit.package))
    if is_local(unit.package):
        found = [*source_tree.package_files(package), *source_tree.expand_inputs(package, unit.extra_inputs)]
        return [session.paths.portable(path) for path in found], ()
    if unit.package.startswith("@{rust-src}"):
        return [], ()
    return [], ((unit.package, session.trees.digest(package)),)


def generate(env: Any) -> None:
    env.AddMethod(rust_unit, "RustUnit")


def exists(_env: Any) -> bool:
    return True
