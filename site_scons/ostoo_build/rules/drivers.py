"""Puts clippy in rustc's place where it is to look at a unit."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.base.paths import quote
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rust import clippy
from ostoo_build.toolchain import component

if TYPE_CHECKING:
    from ostoo_build.actions.action import Action
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.planned_unit import CompileUnit


def driven(planner: Planner, services: Services, unit: CompileUnit, action: Action) -> Action:
    """Return a unit's action with clippy in the place of rustc, if clippy is to look at the unit.

    The toolchain digest covers rustc only. Raises `OstooError` if the toolchain has no clippy.
    """
    if unit.kind is not UnitKind.LINT:
        return action
    place = component.find(component.CLIPPY, planner.tools.toolchain, os.environ)
    file = services.snapshot.get(place, lambda: planner.paths.input(place))
    folder = os.environ.get(clippy.CONFIGURATION)
    named = {} if folder is None else {clippy.CONFIGURATION: planner.paths.named(folder)}
    arguments = {clippy.ARGUMENTS: quote(clippy.joined(services.invocation.lints))}
    return replace(
        action,
        arguments=(file.path, *action.arguments[1:]),
        environment=tuple({**named, **dict(action.environment), **arguments}.items()),
        salt=(*action.salt, ("clippy", file.sha256)),
    )
