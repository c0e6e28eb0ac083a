from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import unit_graph
from ostoo_build.planning.unit_graph import Dependency, Profile, Unit, UnitGraph

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
    ) as caught:
        with_profile(**changes)
    assert caught.value.remedy == "remove it"


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
    with pytest.raises(OstooError, match="this build reads version 1") as caught:
        unit_graph.parse(f'{{"version": {version}, "units": [], "roots": []}}')
    assert caught.value.remedy == "use the toolchain that rust-toolchain.toml names"


@pytest.mark.parametrize(
    ("raw", "trim"),
    [
        ({}, ""),
        ({"trim_paths": None}, "all"),
        ({"trim_paths": []}, "none"),
        ({"trim_paths": ["macro", "object"]}, "macro,object"),
    ],
)
def test_cargos_ways_to_write_which_paths_are_trimmed(raw: dict[str, Any], trim: str) -> None:
    assert with_profile(**raw).trim_paths == trim


def whole() -> UnitGraph:
    (graph,) = unit_graph.parse(GRAPH)
    return graph


def test_a_source_that_cargo_writes_itself_has_no_path() -> None:
    document = json.loads(GRAPH)
    document["units"][0]["target"]["src_path"] = None
    (graph,) = unit_graph.parse(json.dumps(document))
    assert Path() in [unit.src_path for unit in graph.units]


def test_a_graph_is_called_after_its_root() -> None:
    assert whole().name == "hello-std"


@pytest.mark.parametrize(
    ("pkg_id", "is_std", "is_local"),
    [
        ("path+file:///os/a#0.1.0", False, True),
        ("path+file:///library/std#0.0.0", True, False),
        ("registry+https://example.org/index#a@1.0.0", False, False),
        ("git+https://example.org/a#1.0.0", False, False),
    ],
)
def test_whose_package_it_is_decides_about_lints(pkg_id: str, *, is_std: bool, is_local: bool) -> None:
    assert replace(whole().units[-1], pkg_id=pkg_id, is_std=is_std).is_local is is_local


@pytest.mark.parametrize(
    ("kind", "is_of_library"),
    [
        *((kind, True) for kind in ("lib", "rlib", "proc-macro", "dylib", "cdylib", "staticlib")),
        *((kind, False) for kind in ("bin", "test", "bench", "example", "custom-build")),
    ],
)
def test_a_library_with_or_without_tests_is_made_of_the_library(kind: str, *, is_of_library: bool) -> None:
    for mode in ("build", "test"):
        unit = replace(whole().units[-1], kind=kind, mode=mode)
        assert (unit.is_of_library, unit.is_test) == (is_of_library, mode == "test")


@pytest.mark.parametrize(
    ("pkg_id", "source", "folder"),
    [
        ("path+file://@/a%20b#0.1.0", "elsewhere/main.rs", "a b"),
        ("path+file://@/a?x=1#name@0.1.0", "elsewhere/main.rs", "a"),
        ("registry+https://example.org/index#deep@1.0.0", "r/deep/src/lib.rs", "r/deep"),
        ("registry+https://example.org/index#outer@1.0.0", "r/deep/src/lib.rs", "r"),
        ("git+https://example.org/deep?rev=1#1.0.0", "r/deep/src/lib.rs", "r/deep"),
        ("git+https://example.org/repo#outer@1.0.0", "r/deep/src/lib.rs", "r"),
    ],
)
def test_a_manifest_is_where_the_packages_id_says_or_above_its_source(
    pkg_id: str, source: str, folder: str, tmp_path: Path
) -> None:
    """Of packages within packages it is the one of that name."""
    for name, package in (("r", "outer"), ("r/deep", "deep")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Cargo.toml").write_text(f'[package]\nname = "{package}"\n')
    unit = replace(whole().units[-1], pkg_id=pkg_id.replace("@/", f"{tmp_path}/"), src_path=tmp_path / source)
    assert unit_graph.manifest_path(unit) == tmp_path / folder / "Cargo.toml"


def test_a_source_below_no_manifest_of_its_package_is_told(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text("[workspace]\n")
    unit = replace(whole().units[-1], pkg_id="registry+x#a@1.0.0", src_path=tmp_path / "src/lib.rs")
    with pytest.raises(OstooError, match="no manifest of a above its source") as caught:
        unit_graph.manifest_path(unit)
    assert caught.value.where == str(unit.src_path)
