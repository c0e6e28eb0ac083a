"""Builder `RustUnit`: nodes for a unit of a plan, the same nodes for every program that needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostoo_build.rules import nodes
from site_tools.scons_nodes import declare

if TYPE_CHECKING:
    from ostoo_build.planning.plan import PlannedUnit


def rust_unit(env: Any, unit: PlannedUnit) -> Any:
    """Declare a unit's record as a node; its prerequisites must have been declared before."""
    return [declare(env, node) for node in nodes.of_unit(env["OSTOO"], unit)][-1]


def generate(env: Any) -> None:
    env.AddMethod(rust_unit, "RustUnit")


def exists(_env: Any) -> bool:
    return True
