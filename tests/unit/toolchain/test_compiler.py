from __future__ import annotations

from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.toolchain import compiler
from ostoo_build.toolchain.compiler import Compiler

if TYPE_CHECKING:
    from pathlib import Path

ENVIRON = {"PATH": "/usr/bin:/bin"}


def test_a_compiler_says_who_it_is(tmp_path: Path) -> None:
    folder = fake.sysroot(tmp_path / "rust")
    found = compiler.identify(folder / "bin/rustc", tmp_path / "memo", ENVIRON)
    assert found == Compiler(str(folder / "bin/rustc"), str(folder), fake.DESCRIBED, fake.HOST)
    assert found.version == "1.96.0"
    assert found.libraries() == [folder / "lib/librustc_driver-0.so"]


def test_a_proxy_stands_for_the_compiler_behind_it_and_is_asked_each_time(tmp_path: Path) -> None:
    folder = fake.sysroot(tmp_path / "rust")
    proxy = fake.rustc(tmp_path / "proxies/rustc", sysroot=folder)
    for _ in range(2):
        assert compiler.identify(proxy, tmp_path / "memo", ENVIRON).rustc == str(folder / "bin/rustc")
    assert (proxy.parent / "asked").read_text().split() == ["-vV", "--print"] * 2


def test_a_compiler_that_several_folders_share_through_links_is_asked_once(tmp_path: Path) -> None:
    folder = fake.sysroot(tmp_path / "rust")
    fake.rustc(folder / "bin/rustc", sysroot=folder)
    for name in ("one", "two"):
        (tmp_path / name).symlink_to(folder)
        found = compiler.identify(tmp_path / name / "bin/rustc", tmp_path / "memo", ENVIRON)
        assert found.rustc == str(folder / "bin/rustc")
    assert (folder / "bin/asked").read_text().split() == ["-vV", "--print"]


def test_an_unknown_answer_is_told(tmp_path: Path) -> None:
    program = fake.script(tmp_path / "rustc", "echo hello")
    with pytest.raises(OstooError, match="not a rustc") as caught:
        compiler.identify(program, tmp_path / "memo", ENVIRON)
    assert caught.value.where == str(program)


def test_libraries_are_looked_for_where_debian_would_have_put_them(tmp_path: Path) -> None:
    folder = tmp_path / "usr/lib/x86_64-linux-gnu"
    folder.mkdir(parents=True)
    assert compiler.library_path(tmp_path / "usr", {}) == {"LD_LIBRARY_PATH": str(folder)}
    assert compiler.library_path(tmp_path / "usr", {"LD_LIBRARY_PATH": "/x"}) == {"LD_LIBRARY_PATH": f"{folder}:/x"}
    assert compiler.library_path(tmp_path, {"LD_LIBRARY_PATH": "/x"}) == {}
