"""Puts clippy or rustdoc in rustc's place where they are to look at a unit."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.base.paths import quote
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rust import clippy
from ostoo_build.toolchain import component

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.actions.action import Action
    from ostoo_build.base.input import Input
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.planned_unit import CompileUnit
    from ostoo_build.toolchain.component import Component

NO_DEPS, PRIVATE = "--no-deps", "--document-private-items"
"""The arguments of `./ostoo doc` that matter to the build."""

_PUBLISHED = "https://doc.rust-lang.org"
"""Where std's documentation is for each release: in a folder of the toolchain it would have another path elsewhere."""


def driven(planner: Planner, services: Services, unit: CompileUnit, action: Action) -> Action:
    """Return a unit's action with clippy or rustdoc in the place of rustc, if they are to look at the unit.

    The toolchain digest covers rustc only. Raises `OstooError` if the toolchain lacks the other.
    """
    if unit.kind is UnitKind.LINT:
        return _linted(planner, services, action)
    return _documented(planner, services, unit, action) if unit.kind is UnitKind.DOC else action


def rustdoc(planner: Planner, services: Services) -> Input:
    """Return the program that documents. Raises `OstooError` if the toolchain has none."""
    return _found(planner, services, component.RUSTDOC)


def _found(planner: Planner, services: Services, wanted: Component) -> Input:
    place = component.find(wanted, planner.tools.toolchain, os.environ)
    return services.snapshot.get(place, lambda: planner.paths.input(place))


def _linted(planner: Planner, services: Services, action: Action) -> Action:
    file = _found(planner, services, component.CLIPPY)
    folder = os.environ.get(clippy.CONFIGURATION)
    named = {} if folder is None else {clippy.CONFIGURATION: planner.paths.named(folder)}
    arguments = {clippy.ARGUMENTS: quote(clippy.joined(services.invocation.lints))}
    return replace(
        action,
        arguments=(file.path, *action.arguments[1:]),
        environment=tuple({**named, **dict(action.environment), **arguments}.items()),
        salt=(*action.salt, ("clippy", file.sha256)),
    )


def _documented(planner: Planner, services: Services, unit: CompileUnit, action: Action) -> Action:
    file, asked = rustdoc(planner, services), services.invocation.for_rustdoc
    is_primary = "CARGO_PRIMARY_PACKAGE" in dict(unit.environment)
    shown = (PRIVATE,) if PRIVATE in asked and is_primary and PRIVATE not in action.arguments else ()
    users = tuple(map(planner.paths.portable_text, os.environ.get("RUSTDOCFLAGS", "").split()))
    return replace(
        action,
        arguments=(file.path, *action.arguments[1:], *_links(planner, services, unit), *shown, *users),
        salt=(*action.salt, ("rustdoc", file.sha256)),
    )


def _links(planner: Planner, services: Services, unit: CompileUnit) -> Iterator[str]:
    """Yield where the documentation of each crate is that the unit may name."""
    version = planner.tools.toolchain.version
    channel = next((name for name in ("nightly", "beta") if name in version), version)
    for other in (planner.units[id_] for id_ in unit.libraries):
        name = other.id.rpartition("-")[0]
        if other.is_std:
            yield from ("--extern-html-root-url", f"{name}={_PUBLISHED}/{channel}/")
        elif NO_DEPS not in services.invocation.for_rustdoc or other.package == unit.package:
            yield from ("--extern-html-root-url", f"{name}=..")
    yield "--extern-html-root-takes-precedence"
