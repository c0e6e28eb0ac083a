"""Builder `RustUnit`: nodes for a unit of a plan, the same nodes for every program that needs it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ostoo_build import digest, source_tree, steps
from ostoo_build.inputs import Input, is_executable
from ostoo_build.paths import is_local
from ostoo_build.rustc import Kind
from site_tools.keyed_action import KeyedAction, file_node, recorded_step

if TYPE_CHECKING:
    from collections.abc import Callable

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

    def inputs() -> Inputs:
        return (*(_input(path, node) for path, node in files.items()), *fetched)

    session.engine.producers[unit.folder] = lambda: steps.unit_job(session, unit, inputs())
    prerequisites = [file_node(env, unit.read_of(session.units[id_])) for id_ in unit.prerequisites]
    checked = env.RustTargetSpec(unit.target) if unit.target else []
    action = partial(KeyedAction, digest.of_json([msgspec.to_builtins(unit), fetched, session.tools]))
    sources = [*files.values(), *prerequisites, checked]
    if unit.kind is Kind.RUN:
        run = action(f"run {unit.label}", lambda: steps.run_build_script(session, unit, inputs()))
        return recorded_step(env, unit.folder, sources, run)
    if unit.kind is Kind.LIBRARY:
        _metadata(env, unit, sources, action, inputs)
        sources, action = [file_node(env, unit.metadata_record)], partial(KeyedAction, "")
    compile_ = action(_description(unit), lambda: steps.compilation(session, unit, inputs()).wait())
    return recorded_step(env, unit.folder, sources, compile_)


def _input(path: str, node: Any) -> Input:
    status = Path(node.get_abspath()).stat()
    return Input(path, node.get_csig(), status.st_size, is_executable(status))


def _metadata(
    env: Any, unit: PlannedUnit, sources: list[Any], action: Callable[..., KeyedAction], inputs: Callable[[], Inputs]
) -> None:
    """Declare a library's metadata: others compile against it while the code is still being generated."""
    session: Session = env["OSTOO"]
    start = action(_description(unit), lambda: steps.compilation(session, unit, inputs()).wait_for_metadata())
    env.Precious(env.Command(file_node(env, unit.metadata_record), sources, start))


def _description(unit: PlannedUnit) -> str:
    return f"rustc {' '.join(unit.arguments)}"


def _sources(session: Session, unit: PlannedUnit) -> tuple[list[str], Inputs]:
    """What a unit is made from: files that people edit, or one digest for a package that was fetched."""
    package = Path(session.paths.root, session.paths.expand(unit.package))
    if is_local(unit.package):
        found = [*source_tree.package_files(package), *steps.declared_inputs(session, unit)]
        return [session.paths.portable(path) for path in found], ()
    if unit.package.startswith("@{rust-src}"):
        return [], ()
    return [], (session.trees.input(unit.package, package),)


def generate(env: Any) -> None:
    env.AddMethod(rust_unit, "RustUnit")


def exists(_env: Any) -> bool:
    return True
