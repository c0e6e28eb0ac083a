"""Builder `MuslSysroot`: the C library that std links against, from the provider that `sysroot=` names."""

from __future__ import annotations

from typing import Any

from ostoo_build.rules import nodes, steps
from site_tools.scons_nodes import declare, one_message


def musl_sysroot(env: Any, target: str) -> Any:
    """Declare a target's sysroot."""
    with one_message():
        steps.sysroot_key(env["OSTOO"], target)  # a provider that there is none of is told before anything is built
    node = declare(env, nodes.sysroot(env["OSTOO"], target))
    env.Alias("sysroot", node)
    return node


def generate(env: Any) -> None:
    env.AddMethod(musl_sysroot, "MuslSysroot")


def exists(_env: Any) -> bool:
    return True
