from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from ostoo_build.actions.action import Action
from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.base.paths import PathMap
from ostoo_build.rules import proof
from ostoo_build.rust.dep_info import DepInfo

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "user-rs/a"
SHA, OTHER = "1" * 64, "2" * 64
PATHS = ("user-rs/a/src/lib.rs", "@{cargo-home}/registry/src/b-1.0", "build/units/c/c.rmeta")
DECLARED = tuple(Input(path, SHA, 1, is_folder=path.startswith("@")) for path in PATHS)


@pytest.fixture
def paths(tmp_path: Path) -> PathMap:
    names = ("toolchain", "rust-src", "cargo-home")
    return PathMap((("root", tmp_path / "my os"), *((name, tmp_path / name) for name in names)))


def action(*declared: Input, directory: str = ".") -> Action:
    return Action("Rustc", (), (), declared, (), directory=directory)


def prove(paths: PathMap, **files: str) -> None:
    proof.prove(DepInfo(files, {}), action(*DECLARED), (), paths, PACKAGE)


@pytest.mark.parametrize(
    "name",
    [
        "user-rs/a/src/lib.rs",
        "user-rs/a/src/../src/lib.rs",
        "build/units/c/c.rmeta",
        "{}/my os/user-rs/a/src/lib.rs",
        "{}/cargo-home/registry/src/b-1.0/src/lib.rs",
        "{}/rust-src/core/src/lib.rs",
        "{}/toolchain/lib/librustc_driver.so",
    ],
)
def test_what_is_declared_or_the_toolchains_may_be_read(name: str, paths: PathMap, tmp_path: Path) -> None:
    prove(paths, **{name.format(tmp_path): SHA})


def test_a_toolchains_folder_vouches_for_nothing_else_that_lies_there(paths: PathMap, tmp_path: Path) -> None:
    """The system's is `/usr`."""
    known = replace(paths, of_tools=("@{rust-src}/", "@{toolchain}/lib/rustlib/host/lib/"))
    prove(known, **{f"{tmp_path}/toolchain/lib/rustlib/host/lib/libstd.rlib": SHA})
    with pytest.raises(OstooError, match=r"the crate reads @\{toolchain\}/lib/libz\.rlib, which"):
        prove(known, **{f"{tmp_path}/toolchain/lib/libz.rlib": SHA})


def test_names_are_those_of_the_folder_where_rustc_ran(paths: PathMap) -> None:
    here = action(*DECLARED, directory="user-rs")
    proof.prove(DepInfo({"a/src/lib.rs": SHA, "../build/units/c/c.rmeta": SHA}, {}), here, (), paths, PACKAGE)
    with pytest.raises(OstooError, match=r"the crate reads user-rs/c\.rmeta, which"):
        proof.prove(DepInfo({"c.rmeta": SHA}, {}), here, (), paths, PACKAGE)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("user-rs/ab/src/lib.rs", "user-rs/ab/src/lib.rs"),
        ("user-rs/b/src/lib.rs", "user-rs/b/src/lib.rs"),
        ("user-rs/a/src/../../b/lib.rs", "user-rs/b/lib.rs"),
        ("{}/cargo-home/registry/src/b-1.0.1/lib.rs", "@{cargo-home}/registry/src/b-1.0.1/lib.rs"),
        ("/etc/passwd", "/etc/passwd"),
    ],
)
def test_an_undeclared_file_is_named_with_the_way_to_declare_it(
    name: str, shown: str, paths: PathMap, tmp_path: Path
) -> None:
    with pytest.raises(OstooError) as caught:
        prove(paths, **{"user-rs/a/src/lib.rs": SHA, name.format(tmp_path): SHA})
    assert caught.value.what == f"the crate reads {shown}, which is not among its declared inputs"
    assert caught.value.where == f"{PACKAGE}/Cargo.toml"
    assert "[package.metadata.ostoo]\ninputs = " in caught.value.remedy


def test_what_lies_in_the_package_and_is_not_declared_is_told(paths: PathMap, tmp_path: Path) -> None:
    hidden = tmp_path / "my os/user-rs/a/src/.motd"
    hidden.parent.mkdir(parents=True)
    hidden.write_text("hello")
    name = "user-rs/a/src/.motd"
    for sha256 in ("", digest.of_bytes(b"hello")):
        assert proof.prove(DepInfo({name: sha256}, {}), action(*DECLARED), (), paths, PACKAGE) == (name,)
    with pytest.raises(OstooError, match="changed while"):
        proof.prove(DepInfo({name: OTHER}, {}), action(*DECLARED), (), paths, PACKAGE)


def test_a_file_is_known_by_the_name_that_it_is_read_by(paths: PathMap, tmp_path: Path) -> None:
    """What a link leads to is not what was declared under the link's name, whatever is in it."""
    source = tmp_path / "my os/user-rs/a/src"
    (source / "deep").mkdir(parents=True)
    (source / "one.rs").write_text("x")
    (source / "link.rs").symlink_to("one.rs")
    (source / "folder").symlink_to("deep")
    (source / "deep/two.rs").symlink_to("../one.rs")
    names = {f"user-rs/a/src/{name}": digest.of_bytes(b"x") for name in ("link.rs", "folder/two.rs")}
    declared = tuple(Input(name, sha256, 1) for name, sha256 in names.items())
    assert proof.prove(DepInfo(names, {}), action(*declared), (), paths, PACKAGE) == ()
    through = {"user-rs/a/src/folder/../one.rs": digest.of_bytes(b"x")}
    assert proof.prove(DepInfo(through, {}), action(*declared), (), paths, PACKAGE) == ("user-rs/a/src/one.rs",)


def test_a_file_that_changed_under_the_compiler_is_told(paths: PathMap) -> None:
    with pytest.raises(OstooError, match="changed while it was being compiled"):
        prove(paths, **{"user-rs/a/src/lib.rs": OTHER})


def test_what_rustc_did_not_hash_is_hashed_here(paths: PathMap, tmp_path: Path) -> None:
    library = tmp_path / "my os/c.rmeta"
    library.parent.mkdir()
    library.write_bytes(b"library")
    declared = action(Input("c.rmeta", digest.of_bytes(b"library"), 7))
    proof.prove(DepInfo({"c.rmeta": ""}, {}), declared, (), paths, PACKAGE)
    library.write_bytes(b"another")
    with pytest.raises(OstooError, match="changed while"):
        proof.prove(DepInfo({"c.rmeta": ""}, {}), declared, (), paths, PACKAGE)
