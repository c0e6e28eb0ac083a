"""Builder `MuslSysroot`: the C library that std links against, from the provider that `sysroot=` names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostoo_build import steps
from site_tools.keyed_action import KeyedAction, file_node, one_message, recorded_step

if TYPE_CHECKING:
    from ostoo_build.session import Session


def musl_sysroot(env: Any, target: str) -> Any:
    """Declare a target's sysroot."""
    session: Session = env["OSTOO"]
    folder = steps.sysroot_folder(target)
    record = file_node(env, f"{folder}/action.json")
    if record.has_builder():
        return record
    with one_message():
        signature = steps.sysroot_key(session, target)
    action = KeyedAction(signature, f"provide {folder}", lambda: steps.make_sysroot(session, target))
    node = recorded_step(env, folder, [], action)
    env.Alias("sysroot", node)
    return node


def generate(env: Any) -> None:
    env.AddMethod(musl_sysroot, "MuslSysroot")


def exists(_env: Any) -> bool:
    return True
