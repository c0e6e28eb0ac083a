from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.actions.action import Action
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.base.paths import PathMap
from ostoo_build.rules import link_proof

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "build/t/release/units/a-1"
INPUTS = (
    Input("user-rs/link.ld", "1" * 64, 1),
    Input(f"{FOLDER}/a.o", "2" * 64, 1),
    Input("@{cargo-home}/registry/b-1.0", "3" * 64, 1, is_folder=True),
)


@pytest.fixture
def paths(tmp_path: Path) -> PathMap:
    return PathMap((("root", tmp_path / "os"), *((name, tmp_path / name) for name in ("toolchain", "cargo-home"))))


def prove(paths: PathMap, *names: str) -> None:
    escaped = [name.replace(" ", "\\ ").replace("#", "\\#").replace("$", "$$") for name in names]
    text = "out: \\\n" + " \\\n".join(f" {name}" for name in escaped) + "\n" + "".join(f"\n{n}:\n" for n in escaped)
    action = Action("Link", (), (), INPUTS, (), directory="user-rs")
    link_proof.prove(text, action, FOLDER, paths, "user-rs/a/Cargo.toml")


def test_what_is_declared_made_by_rustc_or_the_toolchains_may_be_read(paths: PathMap, tmp_path: Path) -> None:
    prove(
        paths,
        *("link.ld", f"../{FOLDER}/a.o", f"{tmp_path}/os/user-rs/link.ld", f"../{FOLDER}/rustcAbC123/symbols.o"),
        *(f"{tmp_path}/toolchain/lib/crt1.o", f"{tmp_path}/cargo-home/registry/b-1.0/libs/libb.a"),
    )


@pytest.mark.parametrize(
    ("name", "shown", "remedy"),
    [
        ("other.ld", "user-rs/other.ld", "inputs = "),
        ("a #1 $.ld", "user-rs/a #1 $.ld", "inputs = "),
        ("/etc/passwd", "/etc/passwd", "copy it into the checkout"),
        ("../build/t/release/greet", "build/t/release/greet", "OUT_DIR"),
    ],
)
def test_an_undeclared_file_is_named_with_what_to_do(name: str, shown: str, remedy: str, paths: PathMap) -> None:
    with pytest.raises(OstooError) as caught:
        prove(paths, "link.ld", name)
    assert caught.value.what == f"the link reads {shown}, which is not among its declared inputs"
    assert caught.value.where == "user-rs/a/Cargo.toml"
    assert remedy in caught.value.remedy
