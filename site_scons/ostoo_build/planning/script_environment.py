"""Computes the environment variables that cargo sets for a build script.

The variables are those of cargo's reference, "Environment variables Cargo sets for build scripts"; a test holds them
against the real cargo (`test_as_cargo_real.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.paths import absolute, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ostoo_build.planning.manifest import Manifest
    from ostoo_build.planning.unit_graph import Unit


class Machine(Struct, frozen=True):
    """What scripts are told of one they build for: `rustflags` as the user wrote them, `cfgs` as rustc prints them.

    `linker` is the one that the configuration names for it, a portable text, or empty.
    """

    triple: str
    cfgs: tuple[str, ...]
    rustflags: tuple[str, ...]
    linker: str


class Told(Struct, frozen=True):
    """What all scripts of one plan are told: `profile` is `debug` or `release`, as the profile was inherited."""

    target: Machine
    host: Machine
    profile: str


_NOT_TOLD = frozenset({"debug_assertions", "proc_macro"})
"""What rustc says of a question, not of a machine."""


def of_run(unit: Unit, manifest: Manifest, told: Told, folder: str) -> Iterator[tuple[str, str]]:
    """Each variable of a run, portable, but those of the package and of the runs it depends on."""
    profile, machine = unit.profile, told.target if unit.platform else told.host
    yield from (("RUSTC", "@{rustc}"), ("RUSTDOC", "@{toolchain}/bin/rustdoc"))
    yield "OUT_DIR", absolute(f"{folder}/out")
    yield "TARGET", machine.triple
    yield "HOST", told.host.triple
    yield "OPT_LEVEL", profile.opt_level
    yield "DEBUG", "true" if profile.debuginfo != "0" else "false"
    yield "PROFILE", told.profile
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
    """Write a name as cargo writes it in a variable's."""
    return name.upper().replace("-", "_")


def _cfg_variables(cfgs: Iterable[str], *, is_debug: bool) -> Iterator[tuple[str, str]]:
    """What the compiler was asked says nothing of the profile: its word on debug assertions does not count."""
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
