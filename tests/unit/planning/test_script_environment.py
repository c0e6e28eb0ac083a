"""That a variable is cargo's own is proved with the real cargo, in tests/e2e/test_as_cargo_real.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import planned_trees as trees
import pytest
from msgspec.structs import replace

from ostoo_build.planning import script_environment, unit_graph
from ostoo_build.planning.declared import Declared
from ostoo_build.planning.manifest import Manifest
from ostoo_build.planning.script_environment import Platform, ScriptContext

(GRAPH,) = unit_graph.parse((trees.DATA / "unit_graph_hello_std.json").read_text())
RUN = next(unit for unit in GRAPH.units if unit.is_run)
HOST = Platform("host-triple", ("unix",), (), "")
TARGET = Platform("target-triple", ("unix", 'target_os="linux"'), ("-Ca=b", "-Lx y"), "")
MANIFEST = Manifest(
    Path("Cargo.toml"),
    "a",
    "1.0.0",
    (),
    "",
    Declared({}, ()),
    (),
    (),
    hides_dependencies=False,
    extra_inputs=(),
    without_harness=(),
)


def told(
    unit: dict[str, Any] | None = None, profile: dict[str, Any] | None = None, links: str = "", **target: Any
) -> dict[str, str]:
    run = replace(RUN, **{"platform": "t", **(unit or {})})
    run = replace(run, profile=replace(run.profile, **(profile or {})))
    everything = ScriptContext(replace(TARGET, **target), HOST, "release")
    pairs = list(script_environment.of_run(run, replace(MANIFEST, links=links), everything, "build/t/units/a"))
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def test_a_script_is_told_of_the_machine_that_it_builds_for() -> None:
    found = told()
    assert (found["TARGET"], found["HOST"], found["PROFILE"]) == ("target-triple", "host-triple", "release")
    assert found["OUT_DIR"] == "@{root}/build/t/units/a/out"
    assert found["CARGO_ENCODED_RUSTFLAGS"] == "-Ca=b\x1f-Lx y"
    of_host = told(unit={"platform": None})
    assert (of_host["TARGET"], of_host["CARGO_ENCODED_RUSTFLAGS"]) == ("host-triple", "")
    assert "CARGO_CFG_TARGET_OS" not in of_host


@pytest.mark.parametrize(
    ("cfgs", "variables"),
    [
        (("unix",), {"CARGO_CFG_UNIX": ""}),
        (('target_feature="a"', 'target_feature="b"'), {"CARGO_CFG_TARGET_FEATURE": "a,b"}),
        (("target_has_atomic", 'target_has_atomic="8"'), {"CARGO_CFG_TARGET_HAS_ATOMIC": "8"}),
        (("debug_assertions", "proc_macro"), {}),
        (('my-cfg="@{root}"',), {"CARGO_CFG_MY_CFG": "@{at}{root}"}),
    ],
)
def test_what_rustc_is_compiled_under_becomes_variables(cfgs: tuple[str, ...], variables: dict[str, str]) -> None:
    found = told(cfgs=cfgs, unit={"features": ()}, profile={"debug_assertions": False})
    cfg = {name: value for name, value in found.items() if name.startswith("CARGO_CFG_")}
    assert cfg == {"CARGO_CFG_FEATURE": "", **variables}


def test_debug_assertions_are_the_profiles() -> None:
    assert told(profile={"debug_assertions": True})["CARGO_CFG_DEBUG_ASSERTIONS"] == ""
    assert "CARGO_CFG_DEBUG_ASSERTIONS" not in told(profile={"debug_assertions": False}, cfgs=("debug_assertions",))


def test_features_are_told_one_by_one_and_together() -> None:
    found = told(unit={"features": ("no-std", "b")})
    assert (found["CARGO_FEATURE_NO_STD"], found["CARGO_FEATURE_B"]) == ("1", "1")
    assert found["CARGO_CFG_FEATURE"] == "no-std,b"


SELDOM: list[tuple[str, str, dict[str, Any]]] = [
    ("CARGO_MANIFEST_LINKS", "z", {"links": "z"}),
    ("RUSTC_LINKER", "ld", {"linker": "ld"}),
    ("CARGO_TRIM_PATHS", "all", {"profile": {"trim_paths": "all"}}),
]


@pytest.mark.parametrize(("name", "value", "words"), SELDOM)
def test_what_is_not_said_is_no_variable(name: str, value: str, words: dict[str, Any]) -> None:
    assert name not in told()
    assert told(**words)[name] == value


@pytest.mark.parametrize(("debuginfo", "is_debug"), [("0", "false"), ("1", "true"), ("line-tables-only", "true")])
def test_debug_says_whether_there_is_debug_information(debuginfo: str, is_debug: str) -> None:
    assert told(profile={"debuginfo": debuginfo})["DEBUG"] == is_debug
