"""Finds the programs that a toolchain may lack: clippy, rustfmt and rustdoc. Installs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import home
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ostoo_build.toolchain.find import Toolchain


class Component(Struct, frozen=True):
    """A program beside rustc, with the names of rustup's component and of Debian's package that bring it."""

    program: str
    component: str
    package: str


CLIPPY = Component("clippy-driver", "clippy", "rust-web-clippy")
RUSTFMT = Component("rustfmt", "rustfmt", "rustfmt-web")
RUSTDOC = Component("rustdoc", "rust-docs", "rustc-web")


def find(wanted: Component, toolchain: Toolchain, environ: Mapping[str, str]) -> Path:
    """Return the path of the program. Raises `OstooError` with the command that brings it."""
    place = toolchain.rustc.with_name(wanted.program)
    if not place.is_file():
        raise OstooError(
            f"the toolchain has no {wanted.program}: {toolchain.reason}",
            where=str(place),
            remedy=_remedy(wanted, toolchain.rustc, environ),
        )
    return place


def _remedy(wanted: Component, rustc: Path, environ: Mapping[str, str]) -> str:
    sysroot = rustc.parent.parent
    if sysroot.resolve().parent == (home.rustup(environ) / "toolchains").resolve():
        return f"rustup component add {wanted.component} --toolchain {sysroot.name}"
    if sysroot == Path("/usr"):
        return f"apt-get install {wanted.package}, or {wanted.component} for a rustc of another Debian package"
    return f"use rustup's toolchain with its component {wanted.component}, or name a rustc that has it: RUSTC=..."
