"""The toolchain goes away, or becomes another one, in the middle of a build: one message, and nothing wrong is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from tied import TIED
from trees import PROJECT, Tree, copy_cache, copy_tree, take_sysroot

from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.compiler, pytest.mark.long, pytest.mark.xdist_group("lost")]

LIBRARY = "user-rs/rt/src/lib.rs"
LASTS = """
#[allow(long_running_const_eval)]
const LASTS: u32 = { let mut number = 0; while number < 20_000_000 { number += 1; } number };
static LASTED: u32 = LASTS;
"""
"""Keeps rustc busy for a second or two."""
LEFT_OUT = ("share", "etc", "libexec", "clippy-driver", "rustfmt", "cargo-clippy", "cargo-fmt", "rustdoc")


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's home with a copy of the toolchain; its rustup refuses everything."""
    folder = tmp_path_factory.mktemp("private")
    found = toolchain.find(PROJECT, {}, os.environ)
    copy = folder / f".rustup/toolchains/nightly-{found.host}"
    shutil.copytree(found.rustc.parents[1], copy, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    rustup = folder / "bin/rustup"
    rustup.parent.mkdir()
    rustup.write_text("#!/bin/sh\necho refused >&2\nexit 1\n")
    rustup.chmod(0o755)
    return folder


def remove_folder(chosen: Path) -> None:
    chosen.rename(chosen.with_name("elsewhere"))


def remove_compiler(chosen: Path) -> None:
    (chosen / "bin/rustc").rename(chosen / "bin/rustc.elsewhere")


def source_of(chosen: Path) -> Path:
    """Where std's source lies, also where Debian's packages have a link to it."""
    return (chosen / "lib/rustlib/src/rust").resolve()


def remove_source(chosen: Path) -> None:
    source_of(chosen).rename(f"{source_of(chosen)}.elsewhere")


def restore(chosen: Path) -> None:
    for lost in (chosen, chosen / "bin/rustc", source_of(chosen)):
        elsewhere = lost.with_name("elsewhere" if lost == chosen else f"{lost.name}.elsewhere")
        if elsewhere.exists():
            elsewhere.rename(lost)


STEPS: dict[Callable[[Path], None], str] = {
    remove_folder: "Compiling ostoo-rt",
    remove_compiler: "Compiling ostoo-rt",
    remove_source: "Compiling core",
}
"""Who loses the toolchain while which crate is compiled: core takes long, so it is made for its source alone."""


@pytest.mark.parametrize("lose", STEPS)
def test_a_toolchain_that_goes_away_is_told_once(
    lose: Callable[[Path], None], private: Path, tmp_path: Path, first: Tree
) -> None:
    (chosen,) = (private / ".rustup/toolchains").iterdir()
    is_core_made = lose is remove_source
    cache = tmp_path / "cache" if is_core_made else private / "cache"
    tree = take_sysroot(copy_tree(tmp_path / "checkout", str(cache)), first)
    if not is_core_made:
        copy_cache(first.cache, tree.cache)
        tree.write(LIBRARY, f"{(first.root / LIBRARY).read_text(encoding='utf-8')}{LASTS}")
    environment = {
        **os.environ,
        "HOME": str(private),
        "RUSTUP_HOME": str(private / ".rustup"),
        "CARGO_HOME": str(private / ".cargo"),
        "XDG_CACHE_HOME": str(tmp_path / "user"),
        "PATH": f"{private / 'bin'}:/usr/bin:/bin",
    }

    def start() -> subprocess.Popen[str]:
        scons = [
            sys.executable,
            "-S",
            "-P",
            "site_scons/ostoo_scons/start.py",
            f"cache={tree.cache}",
            "hello-rs",
            "-j4",
        ]
        return subprocess.Popen([*TIED, *scons], cwd=tree.root, env=environment, stderr=subprocess.PIPE, text=True)

    process = start()
    said = []
    assert process.stderr is not None
    watchdog = threading.Timer(300, process.kill)
    watchdog.start()
    for line in process.stderr:
        said.append(line)
        if line.strip().startswith(STEPS[lose]):
            lose(chosen)
    code = process.wait()
    watchdog.cancel()
    text = "".join(said)
    restore(chosen)
    assert STEPS[lose] in text
    assert code == 2, text
    assert text.count("error: ") == 1, text
    assert "Traceback" not in text
    assert "error: the toolchain changed, or was removed, during the build\n  help: run the build again\n" in text
    assert not tree.program("hello-rs").exists()
    if lose is not remove_folder:
        return  # the others are undone in the same way
    shutil.copyfile(first.root / LIBRARY, tree.root / LIBRARY)
    again = start()
    _, text = again.communicate(timeout=600)
    assert again.returncode == 0, text
    assert tree.program("hello-rs").read_bytes() == first.program("hello-rs").read_bytes()
