"""Writes results as `cargo build` and `check --message-format json` do (cargo's reference, "External Tools")."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from ostoo_build.actions.outcome import OUT
from ostoo_build.base.paths import absolute
from ostoo_build.planning import unit_name
from ostoo_build.rust import build_script
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ostoo_build.base.paths import PathMap
    from ostoo_build.check.results import Checked, Ran
    from ostoo_build.planning.planned_unit import CompileUnit

_SAFE = "/:+!$&'()*,;=@-._~"


def lines(checked: Iterable[Checked], ran: Iterable[Ran], paths: PathMap, *, is_done: bool) -> Iterator[str]:
    """Yield the messages, one in a line; `is_done` says whether the build as a whole succeeded."""
    for each in checked:
        about = _about(each.unit, paths)
        for diagnostic in filter(_is_told, each.diagnostics):
            yield _line({"reason": "compiler-message", **about, "message": diagnostic})
        if each.is_made:
            yield _line({"reason": "compiler-artifact", **about, **_artifact(each, paths)})
    for script in ran:
        yield _line({"reason": "build-script-executed", **_executed(script, paths)})
    yield _line({"reason": "build-finished", "success": is_done})


def _is_told(diagnostic: dict[str, Any]) -> bool:
    """Whether cargo passes it on: it leaves out how many there were."""
    level, text = diagnostic["level"], diagnostic["message"]
    if level == "error":
        return not text.startswith("aborting due to")
    return not (level == "warning" and text.endswith(("warning emitted", "warnings emitted")))


def _line(message: dict[str, Any]) -> str:
    return msgspec.json.encode(message).decode() + "\n"


def _executed(script: Ran, paths: PathMap) -> dict[str, Any]:
    told = build_script.parse(paths.expand(script.stdout), f"{script.unit.package}/build.rs")
    return {
        "package_id": _package({name: paths.expand(value) for name, value in script.unit.environment}),
        "linked_libs": told.link_libs,
        "linked_paths": told.link_searches,
        "cfgs": told.cfgs,
        "env": [*map(list, told.env.items())],
        "out_dir": paths.expand(absolute(f"{script.unit.folder}/{OUT}")),
    }


def _package(environment: dict[str, str]) -> str:
    name, version = environment["CARGO_PKG_NAME"], environment["CARGO_PKG_VERSION"]
    folder = environment["CARGO_MANIFEST_DIR"]
    named = version if posixpath.basename(folder) == name else f"{name}@{version}"
    return f"path+file://{quote(folder, safe=_SAFE)}#{named}"


def _about(unit: CompileUnit, paths: PathMap) -> dict[str, Any]:
    environment = {name: paths.expand(value) for name, value in unit.environment}
    return {
        "package_id": _package(environment),
        "manifest_path": environment["CARGO_MANIFEST_PATH"],
        "target": _target(unit, environment, paths),
    }


def _target(unit: CompileUnit, environment: dict[str, str], paths: PathMap) -> dict[str, Any]:
    options = rustc_options.read(unit.arguments)
    types = [option.value for option in options if option.flag == "--crate-type"]
    crate = environment["CARGO_CRATE_NAME"]
    is_script = types == ["bin"] and "CARGO_BIN_NAME" not in environment
    kind = "custom-build" if is_script else types[0]
    source = next(option.value for option in options if not option.flag)
    folder = paths.expand(absolute(unit.directory))
    return {
        "kind": [kind],
        "crate_types": types,
        "name": environment.get("CARGO_BIN_NAME", crate.replace("_", "-") if is_script else crate),
        "src_path": posixpath.normpath(posixpath.join(folder, paths.expand(source))),
        "edition": next(option.value for option in options if option.flag == "--edition"),
        "doc": kind in ("bin", "lib", "proc-macro"),
        "doctest": kind in ("lib", "proc-macro"),
        "test": kind in ("bin", "lib", "proc-macro"),
    }


def _artifact(made: Checked, paths: PathMap) -> dict[str, Any]:
    unit = made.unit
    files = [paths.expand(absolute(f"{unit.folder}/{name}")) for name in unit.outputs]
    settings = {option.name: option.setting for option in rustc_options.read(unit.arguments)}
    level = settings.get("opt-level", "0")
    asserts = settings.get("debug-assertions", "on" if level == "0" else "off") == "on"
    return {
        "profile": {
            "opt_level": level,
            "debuginfo": settings.get("debuginfo", 0),
            "debug_assertions": asserts,
            "overflow_checks": settings.get("overflow-checks", "on" if asserts else "off") == "on",
            "test": "--test" in unit.arguments,
        },
        "features": list(unit_name.features(unit)),
        "filenames": [made.executable] if made.executable else files,
        "executable": made.executable or None,
        "fresh": made.is_fresh,
    }
