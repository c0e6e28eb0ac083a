"""Values of another type anywhere in what people write: taken as cargo takes them, or refused by one message."""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import elf_files
import mutations
import planned_trees as trees
import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.base import json_positions, json_schema
from ostoo_build.base.errors import OstooError, told
from ostoo_build.boot import description as boot_description
from ostoo_build.loader import check as loader_check
from ostoo_build.loader import contract as loader_contract
from ostoo_build.planning import cargo_config, manifest, std_crates
from ostoo_build.planning.cargo import Cargo
from ostoo_build.planning.cargo_config import ConfigContext
from ostoo_build.project import description, workspaces
from ostoo_build.project import variables as build_variables
from ostoo_build.project.description import Description
from ostoo_build.sysroot import debian as sysroot_debian
from ostoo_build.target import findings as target_findings
from ostoo_build.target import schema as target_schema

if TYPE_CHECKING:
    from collections.abc import Callable

TARGETS = Path(__file__).parents[3] / "targets"
PINS = {"debian-12": {"version": "1", "sha256": {"amd64": "0"}}}


def judged(read: Callable[[], object]) -> OstooError | None:
    """What is refused; anything else that is raised is a mistake of ours."""
    try:
        read()
    except Exception as error:
        message = told(error)
        if message is None:
            raise
        assert message.what
        return message
    return None


def known(_flags: tuple[str, ...]) -> frozenset[str]:
    """What rustc says of the target."""
    return trees.CFGS


def write(path: Path, document: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document) if path.suffix == ".json" else tomlkit.dumps(document))
    return path


def test_what_a_package_declares(tmp_path: Path) -> None:
    """Cargo lets anything stand in its metadata."""
    package = {"name": "a", "metadata": {"ostoo": {"inputs": ["../x"]}}}
    refused = 0
    for metadata in mutations.of({"metadata": package["metadata"]}):
        path = write(tmp_path / "Cargo.toml", {"package": {**package, **metadata}})
        error = judged(lambda path=path: manifest.read(path))  # type: ignore[misc]
        refused += error is not None
        if error is None:
            told_of = metadata["metadata"]
            told_of = told_of.get("ostoo", {}).get("inputs", []) if isinstance(told_of, dict) else []
            assert list(manifest.read(path).extra_inputs) == told_of
    assert refused > len(mutations.ODD)


def test_what_a_workspace_asks_of_std(tmp_path: Path) -> None:
    asked = {"profile": {"release": {"build-std-features": ["x"]}}}
    cargo = Cargo(tmp_path / "cargo", tmp_path, tmp_path, {"CARGO_HOME": str(tmp_path)}, None)
    results = set()
    for document in mutations.of({"metadata": {"ostoo": asked}}):
        write(tmp_path / "Cargo.toml", {"workspace": document})
        results.add(judged(lambda: list(cargo.std_features("release"))) is None)
    assert results == {True, False}


CONFIGURATION = {
    "build": {"rustflags": ["-Ca"], "target": "../targets/a.json"},
    "target": {trees.TARGET: {"rustflags": ["-Cb"], "linker": "rust-lld"}, "cfg(unix)": {"rustflags": "-Cc"}},
    "env": {"A": "a", "B": {"value": "b", "relative": True, "force": False}},
    "profile": {"small": {"inherits": "release"}},
    "include": ["x.toml"],
    "paths": ["y"],
}


def test_cargos_configuration(tmp_path: Path) -> None:
    paths = trees.checkout(tmp_path)
    place = ConfigContext(Path(paths.root, "user-rs"), {}, trees.TARGET, "host", frozenset({"unix"}))
    assert judged(lambda: cargo_config.read(tomlkit.dumps(CONFIGURATION), place, known, paths)) is None
    for document in mutations.of(CONFIGURATION):
        text = tomlkit.dumps(document)
        path = tmp_path / "kernel/.cargo/config.toml"
        write(tmp_path / "kernel/Cargo.toml", {"workspace": {}})
        write(path, document)
        judged(lambda text=text: cargo_config.read(text, place, known, paths))  # type: ignore[misc]
        judged(lambda: workspaces.find(tmp_path, Description(), ("a",)))
        judged(lambda path=path: cargo_config.inherited_profiles([path]))  # type: ignore[misc]
        judged(lambda: cargo_config.files(tmp_path / "kernel", {"CARGO_HOME": str(tmp_path)}))


@pytest.mark.parametrize("predicate", ["cfg(", "cfg()", "cfg(a =)", "cfg(all(", "cfg(=)", "cfg(,)", "cfg(not)"])
def test_a_predicate_that_is_none(predicate: str, tmp_path: Path) -> None:
    paths = trees.checkout(tmp_path)
    place = ConfigContext(Path(paths.root, "user-rs"), {}, trees.TARGET, "host", frozenset({"unix"}))
    text = tomlkit.dumps({"target": {predicate: {"rustflags": ["-Ca"]}}})
    judged(lambda: cargo_config.read(text, place, known, paths))


def test_an_entry_of_the_environment_that_cargo_would_not_take_is_refused(tmp_path: Path) -> None:
    paths = trees.checkout(tmp_path)
    place = ConfigContext(Path(paths.root, "user-rs"), {}, trees.TARGET, "host", frozenset({"unix"}))
    for entry in (1, True, ["a"], {}, {"value": 1}, {"value": "a", "relative": "yes"}, {"value": "a", "force": 1}):
        text = tomlkit.dumps({"env": {"A": entry}})
        with pytest.raises(OstooError, match=r"env\.A is neither a string nor a table with one"):
            cargo_config.read(text, place, known, paths)


def test_a_lock_file(tmp_path: Path) -> None:
    lock = {"version": 4, "package": [{"name": "a", "version": "1", "source": "registry+x"}]}
    for document in mutations.of(lock):
        path = write(tmp_path / "Cargo.lock", document)
        judged(lambda path=path: std_crates.uses_registry(path))  # type: ignore[misc]


def test_the_pins_of_debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysroot_debian, "_release", lambda: "debian-12")
    monkeypatch.setattr(sysroot_debian, "PINS", tmp_path / "pins.toml")
    for document in mutations.of(PINS):
        write(sysroot_debian.PINS, document)
        judged(lambda: sysroot_debian.factory("", tmp_path).identity())


def test_the_variables_for_everybody(tmp_path: Path) -> None:
    for document in mutations.of({"target": "x", "remote_jobs": "3", "sandbox": "off", "cache_size": "1 GiB"}):
        write(tmp_path / description.FILE, document)
        judged(lambda: build_variables.values(description.read(tmp_path).variables, {}))


def of_file(path: Path) -> st.SearchStrategy[Any]:
    document = read(path)
    return st.sampled_from(list(mutations.places(document))).map(partial(mutations.changed, document))


def loaded(document: Any, load: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "document.json")
        path.write_text(json.dumps(document))
        judged(lambda: load(path))


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def check(path: Path) -> None:
    """Hold a program against a contract that could be read."""
    program = path.with_name("program")
    program.write_bytes(elf_files.GOOD.data())
    loader_check.verify(program, loader_contract.load(path), elf_files.NO_STD, elf_files.no_symbols)


@given(of_file(elf_files.CONTRACT_FILE))
def test_a_loader_contract(document: Any) -> None:
    loaded(document, check)


@given(of_file(loader_contract.SCHEMA))
def test_the_schema_of_contracts(schema: Any) -> None:
    contract = read(elf_files.CONTRACT_FILE)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader_contract, "SCHEMA", Path(folder, "schema.json"))
        loader_contract.SCHEMA.write_text(json.dumps(schema))
        loaded(contract, loader_contract.load)


@given(of_file(boot_description.OWN / "linux.boot.json"))
def test_a_boot_description(document: Any) -> None:
    loaded(document, boot_description.load)


@given(of_file(TARGETS / "policy.schema.json"))
def test_the_policy_of_target_specs(policy: Any) -> None:
    path = TARGETS / "x86_64-ostoo-user.json"
    source = json_positions.read(path)

    def hold() -> None:
        if json_schema.complaint(policy):
            return
        found = target_schema.violations(source.value, policy)
        if found:
            raise target_findings.error(found, source)

    judged(hold)


@pytest.mark.parametrize(
    "policy",
    [
        False,
        {"properties": {"cpu": False, "arch": False}},
        {"additionalProperties": False},
        {"additionalProperties": False, "patternProperties": {"^a": {}}},
        {"required": ["nosuch"], "properties": {"nosuch": True}},
        {"properties": {"cpu": {"pattern": "("}, "arch": {"pattern": "("}}},
        {"properties": {"cpu": {"enum": []}, "arch": {"enum": []}}},
        {"properties": {"cpu": {"type": "null"}, "arch": {"type": "null"}}},
        {"$ref": "https://example.invalid/schema.json"},
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
    ],
)
def test_a_policy_of_another_shape_is_one_message(policy: Any) -> None:
    source = json_positions.read(TARGETS / "x86_64-ostoo-user.json")

    def hold() -> None:
        raise target_findings.error(target_schema.violations(source.value, policy), source)

    assert judged(hold)
