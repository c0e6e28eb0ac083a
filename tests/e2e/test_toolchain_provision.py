"""The real thing: Debian's packages, fetched and unpacked, run without the network."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import process
from ostoo_build.planning import rustc_flags, std_crates
from ostoo_build.toolchain import debian as toolchain_debian
from ostoo_build.toolchain import digest as toolchain_digest
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
CONFIG = '[unstable]\nbuild-std = ["std", "panic_abort"]\njson-target-spec = true\n'

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.network,
    pytest.mark.xdist_group("provision"),  # else each worker unpacks a toolchain of its own
    pytest.mark.skipif(shutil.which("apt-get") is None, reason="only Debian and what derives from it has apt"),
]


@pytest.fixture(scope="module")
def provided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("provision") / "a project"
    root.mkdir()
    for name in ("rust-toolchain.toml", "toolchain.lock"):
        shutil.copy(PROJECT / name, root)
    toolchain_debian.provide(root, os.environ, print)
    yield root
    # pytest would keep it, and 900 MB are too many for that
    shutil.rmtree(root)


@pytest.fixture
def found(provided: Path, tmp_path: Path) -> toolchain.Toolchain:
    return toolchain.find(provided, {}, {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})


def run(found: toolchain.Toolchain, program: Path, *arguments: str, cwd: Path) -> str:
    env = {"PATH": "/usr/bin:/bin", "CARGO_HOME": str(cwd / "cargo-home"), **dict(found.env)}
    completed = process.run([str(program), *arguments], cwd=cwd, env=env)
    assert completed.returncode == 0, completed.stderr.decode()
    return completed.stdout.decode()


def test_only_the_toolchain_and_apts_lists_stay_in_the_private_folder(provided: Path) -> None:
    left = {path.name for path in (provided / ".toolchain").iterdir() if path.suffix != ".lock"}
    assert left <= {"apt", "debian", "compilers.json"}
    assert not list(provided.glob(".toolchain/apt/*.deb"))


def test_compiler_and_linker_run(found: toolchain.Toolchain, tmp_path: Path) -> None:
    (tmp_path / "main.rs").write_text('fn main() { println!("hello"); }\n')
    linker = (f"-Clink-arg=-B{tmp_path}", "-Clink-arg=-fuse-ld=lld")
    (tmp_path / "ld.lld").symlink_to(found.lld)
    run(found, found.rustc, "main.rs", *linker, cwd=tmp_path)
    assert run(found, tmp_path / "main", cwd=tmp_path) == "hello\n"


def test_a_crate_of_the_host_is_the_same_wherever_stds_source_lies(found: toolchain.Toolchain, tmp_path: Path) -> None:
    """Here a link leads to it; in other toolchains, and where actions run elsewhere, it is a folder."""
    sysroot, other = found.rustc.parents[1], tmp_path / "sysroot"
    shutil.copytree(sysroot / "lib/rustlib" / found.host, other / "lib/rustlib" / found.host, copy_function=os.link)
    shutil.copytree(found.rust_src, other / "lib/rustlib/src/rust/library", copy_function=os.link)
    assert (sysroot / "lib/rustlib/src/rust").is_symlink()
    (tmp_path / "main.rs").write_text('fn main() { print!("{}", &std::env::args().next().unwrap()[1..]); }\n')
    for name, place in (("here.o", sysroot), ("there.o", other)):
        flags = (rustc_flags.STD_BY_ITS_OWN_NAMES, f"--sysroot={place}", "--emit=obj", "-o", name)
        run(found, found.rustc, "main.rs", *flags, cwd=tmp_path)
    assert (tmp_path / "here.o").read_bytes() == (tmp_path / "there.o").read_bytes()


def test_cargo_plans_std_without_the_network(found: toolchain.Toolchain, tmp_path: Path) -> None:
    run(found, found.cargo, "init", "--vcs=none", "--name=hello", "--offline", ".", cwd=tmp_path)
    run(found, found.cargo, "generate-lockfile", "--offline", cwd=tmp_path)
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo/config.toml").write_text(CONFIG)
    vendor = std_crates.vendor(found.rust_src)
    assert vendor
    flags = std_crates.redirect(vendor)
    plan = ("build", "--offline", "--unit-graph", "-Zunstable-options", "--target", found.host, *flags)
    assert f"{found.rust_src}/vendor/libc-" in run(found, found.cargo, *plan, cwd=tmp_path)


def test_the_digest_is_that_of_every_other_unpacking(found: toolchain.Toolchain, tmp_path: Path) -> None:
    copied = tmp_path / "b"
    shutil.copytree(found.rustc.parents[3], copied / ".toolchain", symlinks=True, copy_function=os.link)
    shutil.copy(PROJECT / "rust-toolchain.toml", copied)
    other = toolchain.find(copied, {}, {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    assert other.rustc != found.rustc
    scans = map(toolchain_digest.scan, (other, found))
    of_other, of_found = map(toolchain_digest.of, (other, found), scans, (tmp_path / "1", tmp_path / "2"))
    assert of_other == of_found
