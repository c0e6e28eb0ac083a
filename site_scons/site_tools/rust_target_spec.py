"""Builder `RustTargetSpec`: the validated target spec; nothing is compiled for a target before it passed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostoo_build import steps
from site_tools.keyed_action import KeyedAction, file_node, recorded_step

if TYPE_CHECKING:
    from ostoo_build.session import Session


def rust_target_spec(env: Any, target: str) -> Any:
    """Declare the check of a target spec."""
    session: Session = env["OSTOO"]
    folder = steps.target_folder(target)
    record = file_node(env, f"{folder}/action.json")
    if record.has_builder():
        return record
    sources = [file_node(env, session.paths.portable(path)) for path in steps.target_files(session, target)]
    action = KeyedAction(session.tools, f"check {target}", lambda: steps.check_target(session, target))
    return recorded_step(env, folder, sources, action)


def generate(env: Any) -> None:
    env.AddMethod(rust_target_spec, "RustTargetSpec")


def exists(_env: Any) -> bool:
    return True
