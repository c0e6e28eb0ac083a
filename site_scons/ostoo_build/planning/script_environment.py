"""Computes the environment variables that cargo sets for a build script.

The variables are those of cargo's reference, "Environment variables Cargo sets for build scripts"; a test compares them
with the real cargo (`test_as_cargo_real.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.paths import absolute, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ostoo_build.planning.manifest import Manifest
    from ostoo_build.planning.unit_graph import Unit


class Platform(Struct, frozen=True):
    """A platform as build scripts see it. `rustflags` are as the user wrote them, `cfgs` as rustc prints them.

    `linker` is the portable path of the linker in cargo's configuration, or empty.
    """

    triple: str
    cfgs: tuple[str, ...]
    rustflags: tuple[str, ...]
    linker: str


class ScriptContext(Struct, frozen=True):
    """What all build scripts of a plan have in common. `profile` is `debug` or `release`, by inheritance."""

    target: Platform
    host: Platform
    profile: str


_NOT_TOLD = frozenset({"debug_assertions", "proc_macro"})
"""Cfgs that depend on rustc's other arguments, not on the platform."""


def of_run(unit: Unit, manifest: Manifest, context: ScriptContext, folder: str) -> Iterator[tuple[str, str]]:
    """Return a run's portable variables, except those of its package and of the runs that it depends on."""
    profile, machine = unit.profile, context.target if unit.platform else context.host
    yield from (("RUSTC", "@{rustc}"), ("RUSTDOC", "@{toolchain}/bin/rustdoc"))
    yield "OUT_DIR", absolute(f"{folder}/out")
    yield "TARGET", machine.triple
    yield "HOST", context.host.triple
    yield "OPT_LEVEL", profile.opt_level
    yield "DEBUG", "true" if profile.debuginfo != "0" else "false"
    yield "PROFILE", context.profile
    yield "CARGO_ENCODED_RUSTFLAGS", quote("\x1f".join(machine.rustflags))
    if profile.trim_paths:
        yield "CARGO_TRIM_PATHS", profile.trim_paths
    if machine.linker:
        yield "RUSTC_LINKER", machine.linker
    if manifest.links:
        yield "CARGO_MANIFEST_LINKS", manifest.links
    for feature in unit.features:
        yield f"CARGO_FEATURE_{variable(feature)}", "1"
    yield "CARGO_CFG_FEATURE", ",".join(unit.features)
    yield from _cfg_variables(machine.cfgs, is_debug=profile.debug_assertions)


def variable(name: str) -> str:
    """Convert a name to its form within the name of a variable, as cargo does."""
    return name.upper().replace("-", "_")


def _cfg_variables(cfgs: Iterable[str], *, is_debug: bool) -> Iterator[tuple[str, str]]:
    """Return the `CARGO_CFG_…` variables.

    `debug_assertions` comes from the profile: rustc printed `cfgs` without one.
    """
    values: dict[str, list[str]] = {"debug_assertions": []} if is_debug else {}
    for cfg in cfgs:
        name, equals, value = cfg.partition("=")
        if name in _NOT_TOLD:
            continue
        if equals:
            values.setdefault(name, []).append(value.strip('"'))
        else:
            values[name] = []
    for name, found in values.items():
        yield f"CARGO_CFG_{variable(name)}", quote(",".join(found))
