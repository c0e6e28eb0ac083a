"""That cargo looks nowhere else is proved with the real cargo, in tests/e2e/test_plan_reads_real.py."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import planned_trees as trees
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.planning import package_places


def package(root: Path, folder: str, more: str = "") -> Path:
    path = root / folder / "Cargo.toml"
    return trees.write(path, f'[package]\nname = "{path.parent.name}"\nversion = "0.1.0"\n{more}')


@pytest.mark.parametrize(
    "declares",
    [
        '[dependencies]\nb = { path = "../b" }\n',
        '[dev-dependencies]\nb = { path = "../b" }\n',
        '[build-dependencies.b]\npath = "../b"\n',
        '[build_dependencies.b]\npath = "../b"\n',
        '[dev_dependencies.b]\npath = "../b"\n',
        'workspace = "../b"\n',
        '[workspace]\nmembers = [1, "../b"]\n',
        '[target."cfg(unix)".dependencies]\nb = { path = "../b" }\n',
        '[patch.crates-io]\nb = { path = "../b" }\n',
        '[replace]\n"b:0.1.0" = { path = "../b" }\n',
        '[workspace]\nmembers = ["../b"]\n',
        '[workspace]\nmembers = ["../[b]"]\n',
        '[workspace.dependencies]\nb = { path = "../b" }\n',
        '[dependencies]\nb = { path = "../x/../b" }\n',
    ],
)
def test_a_package_that_a_manifest_names_is_found(declares: str, tmp_path: Path) -> None:
    root, other = package(tmp_path, "a", declares), package(tmp_path, "b")
    assert set(package_places.of_workspace(root, ())) == {root, other}


def test_a_package_of_a_package_is_found_and_circles_end(tmp_path: Path) -> None:
    root = package(tmp_path, "a", '[dependencies]\nb = { path = "../b" }\n')
    second = package(tmp_path, "b", '[dependencies]\nc = { path = "../c" }\n')
    third = package(tmp_path, "c", '[dev-dependencies]\na = { path = "../a" }\n')
    assert set(package_places.of_workspace(root, ())) == {root, second, third}


@pytest.mark.parametrize("said", ['paths = ["b"]\n', '[patch.crates-io]\nb = { path = "b" }\n'])
def test_a_package_that_the_configuration_names_is_found(said: str, tmp_path: Path) -> None:
    root, other = package(tmp_path, "a"), package(tmp_path, "b")
    configuration = trees.write(tmp_path / ".cargo/config.toml", said)
    assert set(package_places.of_workspace(root, [configuration])) == {root, other}


def test_what_is_not_there_is_no_package(tmp_path: Path) -> None:
    root = package(tmp_path, "a", '[dependencies]\nb = { path = "../b" }\n')
    assert package_places.of_workspace(root, ()) == (root,)


def test_a_new_member_would_turn_up_in_each_folder_of_its_pattern(tmp_path: Path) -> None:
    root = trees.write(tmp_path / "Cargo.toml", '[workspace]\nmembers = ["x/*/y", "z"]\n')
    for folder in ("x/one/y", "x/two", "z"):
        (tmp_path / folder).mkdir(parents=True)
    found = set(package_places.of_members(root))
    listed = {tmp_path / "x", tmp_path / "x/one", tmp_path / "x/two", tmp_path / "z"}
    assert found == {*listed, tmp_path / "x/one/y/Cargo.toml", tmp_path / "z/Cargo.toml"}


FOLDERS = [f"{top}{rest}" for top in "ab" for rest in ("", "/x", "/y", "/x/x", "/y/x", "/x/y/x")]
PATTERNS = st.lists(st.sampled_from(["a", "b", "x", "*", "?", "[xy]"]), min_size=1, max_size=4).map("/".join)


@given(PATTERNS, st.sets(st.sampled_from(FOLDERS)), st.sampled_from(FOLDERS))
def test_whatever_member_turns_up_something_that_was_looked_at_changes(pattern: str, there: set[str], new: str) -> None:
    """Cargo takes each folder that the pattern matches for a member."""

    def seen(paths: list[Path]) -> list[object]:
        return [sorted(path.iterdir()) if path.is_dir() else path.exists() for path in paths]

    with TemporaryDirectory() as folder:
        root = trees.write(Path(folder, "Cargo.toml"), f'[workspace]\nmembers = ["{pattern}"]\n')
        for name in there:
            Path(folder, name).mkdir(parents=True, exist_ok=True)
        members = set(Path(folder).glob(f"{pattern}/Cargo.toml"))
        looked_at = list(package_places.of_members(root))
        before = seen(looked_at)
        package(Path(folder), new)
        if set(Path(folder).glob(f"{pattern}/Cargo.toml")) != members:
            assert seen(looked_at) != before


def test_a_hidden_folder_may_be_a_member(tmp_path: Path) -> None:
    root, member = package(tmp_path, ".", '[workspace]\nmembers = ["x/*"]\n'), package(tmp_path, "x/.hidden")
    assert set(package_places.of_workspace(root, ())) == {root, member}


def test_what_is_no_manifest_names_nothing(tmp_path: Path) -> None:
    damaged = trees.write(tmp_path / "a/Cargo.toml", "[")
    assert package_places.of_workspace(damaged, [tmp_path / "missing.toml"]) == (damaged,)
    configuration = trees.write(tmp_path / ".cargo/config.toml", 'paths = [1, "b"]\n')
    other = package(tmp_path, "b")
    assert set(package_places.of_workspace(damaged, [configuration])) == {damaged, other}


@pytest.mark.parametrize("folder", ["src", "src/bin", "tests", "examples", "benches"])
def test_a_target_may_turn_up_in_each_of_cargos_folders(folder: str, tmp_path: Path) -> None:
    path = package(tmp_path, "a")
    (path.parent / folder / "tool").mkdir(parents=True)
    (path.parent / folder / "one.rs").touch()
    found = list(package_places.of_package(path, tmp_path))
    assert {path.parent / folder, path.parent / folder / "tool"} <= set(found)
    assert path.parent / folder / "one.rs" not in found, "its name is in the listing"


def test_manifests_above_count_as_far_as_the_workspace_or_without_one_all(tmp_path: Path) -> None:
    inside, outside = package(tmp_path, "top/ws/group/a"), package(tmp_path, "top/other/b")
    workspace = tmp_path / "top/ws"
    above = [path for path in package_places.of_package(inside, workspace) if path.name == "Cargo.toml"]
    assert above == [inside, workspace / "group/Cargo.toml", workspace / "Cargo.toml"]
    above = [path for path in package_places.of_package(outside, workspace) if path.name == "Cargo.toml"]
    assert above[:3] == [outside, tmp_path / "top/other/Cargo.toml", tmp_path / "top/Cargo.toml"]
    assert above[-1] == Path("/Cargo.toml")


def test_a_packages_targets_are_decided_by_its_folders(tmp_path: Path) -> None:
    path = package(tmp_path, "ws/a")
    for folder in ("src/bin/tool", "tests/data"):
        (path.parent / folder).mkdir(parents=True)
    found = set(package_places.of_package(path, tmp_path / "ws"))
    inside = {path.parent / name for name in (".", "src", "src/bin", "src/bin/tool", "tests", "tests/data")}
    assert {path, *inside, tmp_path / "ws/Cargo.toml"} <= found
    assert path.parent / "src/main.rs" not in found


def test_what_another_package_gets_hangs_on_what_is_declared(tmp_path: Path) -> None:
    path = package(tmp_path, "a", '[features]\nx = []\n[lib]\nname = "one"\n')
    before = package_places.declared([path], tmp_path)
    path.write_text(path.read_text().replace("one", "two"))
    assert package_places.declared([path], tmp_path) == before
    path.write_text(path.read_text().replace("x = []", 'x = ["y"]'))
    assert package_places.declared([path], tmp_path) != before


DECLARED = {
    **{
        f'[{table}]\nb = "1"\n': f'[{table}]\nb = "2"\n'
        for table in ("dependencies", "dev-dependencies", "build-dependencies")
    },
    **{f'[{table}]\nb = "1"\n': f'[{table}]\nb = "2"\n' for table in ("dev_dependencies", "build_dependencies")},
    '[target."cfg(unix)".dependencies]\nb = "1"\n': '[target."cfg(windows)".dependencies]\nb = "1"\n',
    '[patch.crates-io]\nb = { path = "b" }\n': '[patch.crates-io]\nb = { path = "c" }\n',
    '[replace]\n"b:0.1.0" = { path = "b" }\n': '[replace]\n"b:0.1.0" = { path = "c" }\n',
    'links = "z"\n': 'links = "y"\n',
    '[workspace]\nresolver = "2"\n': '[workspace]\nresolver = "3"\n',
}


@pytest.mark.parametrize("before", DECLARED)
def test_each_table_that_may_change_what_others_get_is_declared(before: str, tmp_path: Path) -> None:
    path = package(tmp_path, "a", before)
    first = package_places.declared([path], tmp_path)
    assert package_places.declared([package(tmp_path, "a", DECLARED[before])], tmp_path) != first


VALUES = st.recursive(
    st.booleans() | st.text("ab/.*[", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["path", "b", "members"]), inner, max_size=2)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(["dependencies", "workspace", "target", "patch", "replace", "package"])


@given(st.dictionaries(KEYS, VALUES, max_size=3))
def test_whatever_a_manifest_says_is_no_traceback(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    import tomlkit  # noqa: PLC0415 - this test alone writes TOML

    path = tmp_path_factory.getbasetemp() / "odd/Cargo.toml"
    trees.write(path, tomlkit.dumps(document))
    assert package_places.of_workspace(path, [path])[0] == path
    list(package_places.of_members(path))
    package_places.declared([path], path.parent)
