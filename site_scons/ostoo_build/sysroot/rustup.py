"""The `rustup` provider: musl from the component `rust-std` of the toolchain, which is never changed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.sysroot.install import RAW_FILES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ostoo_build.sysroot.install import RawTree

_TRIPLES = {
    "x86_64": "x86_64-unknown-linux-musl",
    "aarch64": "aarch64-unknown-linux-musl",
    "riscv64": "riscv64gc-unknown-linux-musl",
}
"""Rust's own targets with musl, by processor."""


class RustupMusl(Struct, frozen=True):
    """The provider. `rustlib` is the toolchain's folder with std's libraries by target."""

    rustlib: Path
    has_headers: ClassVar[bool] = False

    def identity(self) -> Mapping[str, str]:
        files = {
            f"{triple}/{name}": digest.of_file(path)
            for triple in _TRIPLES.values()
            for name in RAW_FILES
            if (path := self._file(triple, name)).is_file()
        }
        return {"name": "rustup", "files": digest.of_json(files)}

    def write_raw(self, raw: RawTree) -> None:
        triple = _TRIPLES[raw.machine.arch]
        (raw.folder / "lib").mkdir()
        for name in RAW_FILES:
            path = self._file(triple, name)
            if not path.is_file():
                what, remedy = f"the toolchain has no musl for {raw.machine.arch}", self._remedy(triple)
                raise OstooError(what, where=str(path), remedy=remedy)
            shutil.copyfile(path, raw.folder / name)

    def _file(self, triple: str, name: str) -> Path:
        return self.rustlib / triple / "lib/self-contained" / name.removeprefix("lib/")

    def _remedy(self, triple: str) -> str:
        toolchain = self.rustlib.parents[1]
        if toolchain.parent.name != "toolchains":
            return "it is not rustup's: choose another sysroot="
        return f"rustup target add {triple} --toolchain {toolchain.name}, or choose another sysroot="


def factory(argument: str, rustlib: Path) -> RustupMusl:
    """Create the provider. Raises `OstooError` for an argument, as there is none."""
    if argument:
        raise OstooError("the rustup sysroot takes no argument", where=f"sysroot=rustup:{argument}")
    return RustupMusl(rustlib)
