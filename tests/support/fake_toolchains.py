"""Toolchains that only tell their version: a folder as rustup or Debian lays it out, and a shell script for rustc."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HOST = "x86_64-unknown-linux-gnu"
DESCRIBED = "1.96.0 (ac68faa20 2026-05-25)"


def script(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def rustc(path: Path, described: str = DESCRIBED, sysroot: Path | None = None) -> Path:
    """A rustc that tells its version, and notes each question in the file `asked` beside it."""
    version = described.partition(" ")[0]
    return script(
        path,
        f"echo \"$1\" >> '{path.parent}/asked'",
        'case "$1" in',
        f"-vV) printf 'rustc {described}\\nbinary: rustc\\nhost: {HOST}\\nrelease: {version}\\n' ;;",
        f"--print) echo '{sysroot or path.parent.parent}' ;;",
        "*) exit 1 ;;",
        "esac",
    )


def lld(path: Path) -> Path:
    return script(path, '[ "$1 $2 $3" = "-flavor gnu --version" ] && echo "LLD 22.1.0 (compatible with GNU linkers)"')


def cargo(path: Path) -> Path:
    return script(path, '[ "$1" = -V ] && echo "cargo 1.96.0 (ac68faa20 2026-05-25)"')


def sysroot(folder: Path, described: str = DESCRIBED, source: str | None = "") -> Path:
    """A whole toolchain in `folder`. `source` is what the std source says its version is; None leaves it out."""
    rustc(folder / "bin/rustc", described)
    script(folder / "bin/cargo")
    write(folder / "lib/librustc_driver-0.so", "driver")
    write(folder / f"lib/rustlib/{HOST}/lib/libstd-0.rlib", "host std")
    script(folder / f"lib/rustlib/{HOST}/bin/rust-lld")
    if source is not None:
        write(folder / "lib/rustlib/src/rust/library/std/Cargo.toml", "[package]")
        write(folder / "lib/rustlib/src/rust/library/std/src/lib.rs", "std")
        release = described.partition(" ")[0].partition("-")[0]
        write(folder / "lib/rustlib/src/rust/src/version", f"{source or release}\n")
    return folder
