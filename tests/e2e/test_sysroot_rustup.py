import os
import platform
import shutil
from pathlib import Path

import pytest
from trees import PROJECT, TARGET, Tree

from ostoo_build.sysroot import install as sysroot
from ostoo_build.toolchain import find as toolchain


def private_toolchain(folder: Path) -> Path:
    """Write a folder of rustup's with a toolchain that is this machine's; return its folder of std's libraries.

    rustc finds its own folder by its libraries, so these are copies; all else is links.
    """
    real = toolchain.find(PROJECT, {}, os.environ).rustc.parent.parent
    own = folder / f"toolchains/nightly-{platform.machine()}-unknown-linux-gnu"
    (own / "lib/rustlib").mkdir(parents=True)
    (own / "bin").mkdir()
    for path in (real / "bin/rustc", real / "bin/cargo", *(real / "lib").glob("*.so*")):
        shutil.copy(path, own / path.relative_to(real))
    for path in (path for path in (real / "lib/rustlib").iterdir() if "musl" not in path.name):
        (own / "lib/rustlib" / path.name).symlink_to(path)
    return own / "lib/rustlib"


@pytest.mark.compiler
def test_a_program_is_linked_with_the_musl_of_a_toolchain_that_nobody_changes(
    first: Tree, tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuses = tmp_path / "bin/rustup"
    refuses.parent.mkdir()
    refuses.write_text("#!/bin/sh\nexit 1\n")
    refuses.chmod(0o755)
    monkeypatch.setenv("PATH", f"{refuses.parent}{os.pathsep}{os.environ['PATH']}")
    rustlib = private_toolchain(tmp_path / "rustup")
    monkeypatch.setenv("RUSTUP_HOME", str(tmp_path / "rustup"))
    before = sorted(rustlib.iterdir())
    refused = tree.scons("sysroot=rustup", "hello-std")
    assert refused.code == 2
    assert refused.stderr.count("error: the toolchain has no musl for x86_64") == 1
    command = f"rustup target add x86_64-unknown-linux-musl --toolchain {rustlib.parents[1].name}"
    assert f"help: {command}" in refused.stderr
    assert sorted(rustlib.iterdir()) == before
    own = rustlib / "x86_64-unknown-linux-musl/lib/self-contained"
    own.mkdir(parents=True)
    for name in sysroot.RAW_FILES:
        shutil.copy(first.root / "sysroot" / TARGET / name, own)
    built = tree.build("sysroot=rustup", "hello-std")
    assert f"Providing sysroot {TARGET} from rustup" in built.steps
    assert not (tree.root / "sysroot" / TARGET / "include").exists()
    assert tree.program("hello-std").read_bytes() == first.program("hello-std").read_bytes()
    assert tree.run("hello-std")[0] == 0
