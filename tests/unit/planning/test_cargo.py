from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fake_cargo
import fake_toolchains as fake
import planned_trees as trees
import pytest
from msgspec.structs import replace

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import cargo
from ostoo_build.planning.cargo import Binary
from ostoo_build.planning.features import Selection

if TYPE_CHECKING:
    from fake_cargo import FakeCargo


@pytest.fixture
def workspace(tmp_path: Path) -> FakeCargo:
    return fake_cargo.make(tmp_path)


def test_binaries_are_found_in_order_and_nothing_else(workspace: FakeCargo, tmp_path: Path) -> None:
    folder = tmp_path / "os/user-rs"
    packages = [
        fake_cargo.package(folder, "b", "lib", "bin"),
        fake_cargo.package(folder, "rt", "lib"),
        fake_cargo.package(folder, "a", "bin"),
    ]
    workspace.answer("metadata", {"packages": packages})
    found = [(binary.name, binary.package, binary.manifest) for binary in workspace.cargo.binaries()]
    assert found == [(name, name, folder / name / "Cargo.toml") for name in "ab"]


@pytest.mark.parametrize(
    "change", [{"dependencies": [{"name": "rt", "features": ["no_std"]}]}, {"features": {"default": ["a"], "a": []}}]
)
def test_what_a_package_asks_of_others_tells_programs_apart(
    change: dict[str, Any], workspace: FakeCargo, tmp_path: Path
) -> None:
    packages = [fake_cargo.package(tmp_path / "os/user-rs", name, "bin") for name in "abc"]
    workspace.answer("metadata", {"packages": [packages[0], packages[1], {**packages[2], **change}]})
    a, b, c = workspace.cargo.binaries()
    assert a.dependencies == b.dependencies != c.dependencies


def test_a_program_is_planned_alone(workspace: FakeCargo, tmp_path: Path) -> None:
    binary = Binary("hello-rs", "hello", tmp_path / "Cargo.toml", "0" * 64)
    (graph,) = workspace.cargo.unit_graphs([binary], "release", tmp_path / f"{trees.TARGET}.json")
    assert graph == trees.graph(workspace.paths, "hello-rs")
    (asked,) = workspace.asked()
    assert " build --unit-graph -Zunstable-options --profile release " in asked
    assert asked.endswith(f" --target {tmp_path}/{trees.TARGET}.json --package hello --bin hello-rs")


def test_a_unit_for_another_target_is_refused_by_name(workspace: FakeCargo, tmp_path: Path) -> None:
    text = trees.graph_text(workspace.paths, "hello-rs")
    workspace.answer("hello-rs", json.loads(text.replace(f"{trees.TARGET}.json", "thumbv8m.main-none-eabi", 1)))
    binary = Binary("hello-rs", "hello", tmp_path / "Cargo.toml", "0" * 64)
    with pytest.raises(OstooError, match=r"always builds .* for .*thumbv8m\.main-none-eabi"):
        workspace.cargo.unit_graphs([binary], "release", tmp_path / f"{trees.TARGET}.json")


def test_the_tests_of_a_program_are_its_own_and_its_packages(workspace: FakeCargo, tmp_path: Path) -> None:
    document = json.loads(trees.graph_text(workspace.paths, "hello-rs"))
    (root,) = document["roots"]
    made = document["units"][root]
    targets = {"bin": ["hello-rs", "other"], "lib": ["hello_rs"], "test": ["outside"], "proc-macro": ["macros"]}
    for kind, names in targets.items():
        for name in names:
            platform = None if kind == "proc-macro" else made["platform"]
            target = {**made["target"], "kind": [kind], "name": name}
            document["units"].append({**made, "mode": "test", "target": target, "platform": platform})
    document["roots"] += range(root + 1, len(document["units"]))
    workspace.answer("hello-rs", document)
    place = Path(workspace.paths.root, "user-rs")
    binary = Binary("hello-rs", "hello-rs", place / "hello-rs/Cargo.toml", "0" * 64)
    other = Binary("other", "p", place / "other/Cargo.toml", "0" * 64)
    found, of_another = workspace.cargo.test_graphs([binary, other], "release", tmp_path / f"{trees.TARGET}.json")
    assert [graph.name for graph in found] == ["hello-rs", "hello_rs", "outside"]
    assert of_another == [], "no test of another package is its"
    assert all(graph.units[-1].is_test for graph in found)
    (asked,) = workspace.asked()
    assert " build --unit-graph -Zunstable-options --profile release " in asked
    assert asked.endswith(
        f" --target {tmp_path}/{trees.TARGET}.json --package hello-rs --package p --tests -Zpanic-abort-tests"
    )


def test_features_are_selected_as_on_cargos_command_line(workspace: FakeCargo, tmp_path: Path) -> None:
    selected = Selection(("a", "b"), default=False)
    binary = Binary("hello-rs", "hello-rs", tmp_path / "Cargo.toml", "0" * 64, selected=selected)
    workspace.cargo.unit_graphs([binary], "release", tmp_path / f"{trees.TARGET}.json")
    workspace.cargo.test_graphs([binary], "release", tmp_path / f"{trees.TARGET}.json")
    asked = workspace.asked()
    assert len(asked) == 2
    assert all("--package hello" in each and "--no-default-features --features a,b" in each for each in asked)


def test_a_program_that_lacks_a_feature_is_refused_with_the_way_to_select_it(
    workspace: FakeCargo, tmp_path: Path
) -> None:
    binary = Binary("hello-rs", "hello", tmp_path / "Cargo.toml", "0" * 64, {"a": ()}, ("a", "b"))
    with pytest.raises(OstooError, match='requires features of its package that are not selected: "a", "b"') as caught:
        workspace.cargo.unit_graphs([binary], "release", tmp_path / f"{trees.TARGET}.json")
    assert 'env.RustProgram("hello-rs", features=["a", "b"])' in str(caught.value)
    assert workspace.asked() == []


@pytest.mark.parametrize(
    ("profile", "asked"),
    [
        ("release", []),
        ("size", ["-Zbuild-std-features=a,b"]),
        ("smaller", ["-Zbuild-std-features=a,b"]),
        ("none", ["-Zbuild-std-features="]),
        ("circle", []),
        ("unknown", []),
    ],
)
def test_a_profile_may_have_features_of_std_and_hands_them_on(
    profile: str, asked: list[str], workspace: FakeCargo, tmp_path: Path
) -> None:
    manifest = tmp_path / "os/user-rs/Cargo.toml"
    manifest.write_text(
        manifest.read_text()
        + """
        [workspace.metadata.ostoo.profile]
        size = { build-std-features = ["a", "b"] }
        none = {}
        [profile]
        size = { inherits = "release" }
        smaller = { inherits = "size" }
        circle = { inherits = "circle" }
        """
    )
    workspace.cargo.unit_graphs(
        [Binary("hello-rs", "hello", manifest, "0" * 64)], profile, tmp_path / f"{trees.TARGET}.json"
    )
    (question,) = workspace.asked()
    assert [word for word in question.split() if word.startswith("-Zbuild-std")] == asked


@pytest.mark.parametrize(
    ("own", "profile", "asked"),
    [
        (("-Zbuild-std=core",), "release", ["-Zbuild-std=core"]),
        (("-Zbuild-std=core", "-Zbuild-std-features=a"), "release", ["-Zbuild-std=core", "-Zbuild-std-features=a"]),
        (("-Zbuild-std=core", "-Zbuild-std-features=a"), "size", ["-Zbuild-std=core", "-Zbuild-std-features=b"]),
    ],
)
def test_a_profiles_features_of_std_go_before_the_workspaces(
    own: tuple[str, ...], profile: str, asked: list[str], workspace: FakeCargo, tmp_path: Path
) -> None:
    manifest = tmp_path / "os/user-rs/Cargo.toml"
    manifest.write_text(
        f'{manifest.read_text()}\n[workspace.metadata.ostoo.profile]\nsize = {{ build-std-features = ["b"] }}\n'
    )
    binary = Binary("hello-rs", "hello", manifest, "0" * 64)
    cargo = replace(workspace.cargo, std_options=own)
    cargo.unit_graphs([binary], profile, tmp_path / f"{trees.TARGET}.json")
    (question,) = workspace.asked()
    assert [word for word in question.split() if word.startswith("-Zbuild-std")] == asked


@pytest.mark.parametrize("before", ["", "    Blocking waiting for file lock on package cache\n", "warning: old\n"])
def test_cargos_own_words_are_the_error(before: str, workspace: FakeCargo, tmp_path: Path) -> None:
    fake.script(tmp_path / "bin/cargo", f"printf '{before}error: no such dependency\n' >&2; exit 101")
    with pytest.raises(OstooError) as caught:
        workspace.cargo.binaries()
    assert caught.value.what == "cargo can't plan the build: no such dependency"
    assert caught.value.where == str(tmp_path / "os/user-rs/Cargo.toml")


@pytest.mark.parametrize("place", ["os/user-rs/.cargo/config.toml", "os/.cargo/config", "cargo/config.toml"])
def test_each_configuration_that_cargo_merges_counts(place: str, workspace: FakeCargo, tmp_path: Path) -> None:
    before = workspace.cargo.configuration_digest
    path = fake.write(tmp_path / place, "[build]")
    after = replace(workspace.cargo).configuration_digest
    assert after != before
    path.rename(fake.write(tmp_path / "os/user-rs/.cargo/config", "").with_name("config.toml"))
    assert replace(workspace.cargo).configuration_digest not in {before, *([] if "user-rs" in place else [after])}


def test_the_users_environment_does_not_change_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped = ("CARGO_BUILD_TARGET", "RUSTFLAGS", "RUSTDOCFLAGS", "CARGO_PROFILE_RELEASE_LTO")
    kept = ("CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_HTTP_PROXY", "CARGO_REGISTRIES_X_INDEX", "SOMETHING")
    for name in (*dropped, *kept):
        monkeypatch.setenv(name, "1")
    found = cargo.environment({"RUSTC_BOOTSTRAP": "1"})
    assert not set(dropped) & set(found)
    assert set(kept) < set(found)
    assert found["RUSTC_BOOTSTRAP"] == "1"
    assert found["RUSTC_WRAPPER"] == found["RUSTC_WORKSPACE_WRAPPER"] == "", "an empty one wins over a configured one"
    assert cargo.ignored_variables() == ["CARGO_PROFILE_RELEASE_LTO", "RUSTFLAGS"]


def test_a_configured_profile_goes_back_where_the_nearest_file_says(workspace: FakeCargo, tmp_path: Path) -> None:
    manifest = tmp_path / "os/user-rs/Cargo.toml"
    manifest.write_text(manifest.read_text() + "[profile]\nsmall = { inherits = 'release' }\n")
    fake.write(tmp_path / "os/user-rs/.cargo/config.toml", "[profile]\nsmall = { inherits = 'quick' }\nother = 1\n")
    far = "[profile]\nquick = { inherits = 'dev' }\nsmall = { inherits = 'release' }\n"
    fake.write(tmp_path / "os/.cargo/config.toml", far)
    assert workspace.cargo.inherited("small") == "debug"
    fake.write(tmp_path / "os/.cargo/config.toml", "profile = 1\n")
    assert workspace.cargo.inherited("small") == "release"


def test_a_profile_goes_back_to_one_of_cargos_own(workspace: FakeCargo, tmp_path: Path) -> None:
    tables = "[profile]\nsmall = { inherits = 'size' }\nsize = { inherits = 'release' }\nquick = { inherits = 'dev' }\n"
    manifest = tmp_path / "os/user-rs/Cargo.toml"
    manifest.write_text(manifest.read_text() + tables)
    found = {name: workspace.cargo.inherited(name) for name in ("small", "size", "release", "bench", "quick", "dev")}
    assert found == {
        **dict.fromkeys(("small", "size", "release", "bench"), "release"),
        "quick": "debug",
        "dev": "debug",
    }


def test_a_workspace_that_needs_no_registry_takes_stds_crates_from_stds_source(
    workspace: FakeCargo, tmp_path: Path
) -> None:
    cargo_ = replace(workspace.cargo, vendor=tmp_path / "vendor")
    binary = Binary("hello-rs", "hello", tmp_path / "Cargo.toml", "0" * 64)
    cargo_.unit_graphs([binary], "release", tmp_path / f"{trees.TARGET}.json")
    locked, planned = workspace.asked()
    assert locked == "update --workspace"
    assert planned.startswith("--locked --config source.crates-io.replace-with=")
    fake.write(tmp_path / "os/user-rs/Cargo.lock", '[[package]]\nname = "a"\nsource = "registry+x"\n')
    cargo_.unit_graphs([binary], "release", tmp_path / f"{trees.TARGET}.json")
    (planned,) = workspace.asked()
    assert planned.startswith("--config unstable.json-target-spec=true build --unit-graph ")
