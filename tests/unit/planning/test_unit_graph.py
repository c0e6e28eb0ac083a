from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import unit_graph
from ostoo_build.planning.unit_graph import Dependency, Profile, Unit

GRAPH = (Path(__file__).parents[2] / "support/data/unit_graph_hello_std.json").read_text()


def with_profile(**changes: Any) -> Profile:
    document = json.loads(GRAPH)
    (root,) = document["roots"]
    document["units"][root]["profile"] |= changes
    (graph,) = unit_graph.parse(json.dumps(document))
    return graph.units[-1].profile


def test_cargos_graph_is_read_whole() -> None:
    (graph,) = unit_graph.parse(GRAPH)
    root = graph.units[-1]
    profile = Profile("release", "s", "true", None, "0", False, False, "abort", "symbols", False, ())  # noqa: FBT003 - as in cargo's JSON
    assert replace(root, dependencies=()) == Unit(
        pkg_id="path+file://@ROOT@/user-rs/hello-std#0.1.0",
        kind="bin",
        crate_types=("bin",),
        target_name="hello-std",
        src_path=Path("@ROOT@/user-rs/hello-std/src/main.rs"),
        edition="2021",
        profile=profile,
        platform="@ROOT@/targets/x86_64-ostoo-user.json",
        mode="build",
        features=(),
        is_std=False,
        dependencies=(),
    )
    assert root.crate_name == "hello_std"
    assert [graph.units[d.index].target_name for d in root.dependencies] == [
        *("alloc", "compiler_builtins", "core", "ostoo_rt", "panic_abort", "std")
    ]
    assert root.dependencies[-1] == Dependency(8, "std", public=True, noprelude=True, nounused=True)
    assert not root.dependencies[3].noprelude


@pytest.mark.parametrize("changes", [{"codegen_backend": "cranelift"}, {"new_key": "on"}, {"new_key": {"a": 1}}])
def test_a_key_of_a_profile_that_is_not_known_is_refused(changes: dict[str, Any]) -> None:
    (name,) = changes
    with pytest.raises(
        OstooError, match=f"the profile release sets {name.replace('_', '-')}, which this build does not"
    ):
        with_profile(**changes)


def test_keys_of_a_profile_that_are_not_set_are_none() -> None:
    changes = {"codegen_backend": None, "new_key": None, "other": False, "split_debuginfo": "packed", "rpath": True}
    assert with_profile(**changes) == with_profile()
    assert with_profile(codegen_backend="llvm") == with_profile()
    assert with_profile(hint_mostly_unused=True).hint_mostly_unused


def test_runs_and_the_host_are_told_apart() -> None:
    (graph,) = unit_graph.parse(GRAPH)
    scripts = [unit for unit in graph.units if unit.kind == "custom-build"]
    assert [(unit.is_run, unit.platform is None, unit.is_std) for unit in scripts] == [
        (False, True, True),
        (True, False, True),
    ] * 2


@pytest.mark.parametrize(
    ("raw", "strip"),
    [
        ({"resolved": {"Named": "symbols"}}, "symbols"),
        ({"resolved": {"Named": "debuginfo"}}, "debuginfo"),
        ({"deferred": "None"}, "none"),
        ({"resolved": "None"}, "none"),
        ("none", "none"),
    ],
)
def test_cargos_ways_to_write_strip(raw: object, strip: str) -> None:
    assert with_profile(strip=raw).strip == strip


def test_a_profiles_own_words_are_kept() -> None:
    profile = with_profile(debuginfo="line-tables-only", codegen_units=1, rustflags=["-Cforce-frame-pointers"])
    assert (profile.debuginfo, profile.codegen_units) == ("line-tables-only", 1)
    assert profile.rustflags == ("-Cforce-frame-pointers",)


@pytest.mark.parametrize("version", ["2", "null"])
def test_an_unknown_version_is_told(version: str) -> None:
    with pytest.raises(OstooError, match="this build reads version 1"):
        unit_graph.parse(f'{{"version": {version}, "units": [], "roots": []}}')
