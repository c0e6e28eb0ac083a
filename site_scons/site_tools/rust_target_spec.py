"""Builder `RustTargetSpec`: the validated target spec; nothing is compiled for a target before it passed."""

from __future__ import annotations

from typing import Any

from ostoo_build.rules import nodes
from site_tools.scons_nodes import declare


def rust_target_spec(env: Any, target: str) -> Any:
    """Declare the check of a target spec."""
    return declare(env, nodes.check_target(env["OSTOO"], target))


def generate(env: Any) -> None:
    env.AddMethod(rust_target_spec, "RustTargetSpec")


def exists(_env: Any) -> bool:
    return True
