"""The files of a new repository: a user workspace with a target, the runtime, and one program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base import layout, own_files, own_version
from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from pathlib import Path

TARGET = "x86_64-ostoo-user"
_WORKSPACE = "user-rs"

SCONSTRUCT = '''\
"""Builds the programs of this repository: `ostoo build PROGRAM`, or `scons PROGRAM`."""
import ostoo_scons
ostoo_scons.build()
'''

IGNORED = (f"/{layout.BUILD}/", "/.toolchain/", f"/{layout.IDE_DOCUMENT}")
"""Lines for `.gitignore`: what this build makes at the top."""

_MANIFEST = """\
[workspace]
resolver = "2"
members = ["rt"]

[workspace.package]
edition = "2021"
license = "MIT OR Apache-2.0"

[workspace.dependencies]
ostoo-rt = { path = "rt", default-features = false }

[workspace.lints.rust]
unsafe_op_in_unsafe_fn = "deny"

[profile.release]
opt-level = "s"
lto = true
panic = "abort"
strip = true
debug = "line-tables-only"

[profile.dev]
opt-level = 1
panic = "abort"
"""

_CONFIGURATION = f"""\
[build]
target = "../targets/{TARGET}.json"

[unstable]
build-std = ["std", "panic_abort"]
build-std-features = ["compiler-builtins-mem"]
json-target-spec = true

[target.{TARGET}]
rustflags = ["-Lnative=../build/sysroot/{TARGET}/lib"]
"""

_TOOLCHAIN = """\
[toolchain]
channel = "nightly"
components = ["rust-src"]
"""

_SCHEMA = lazy_pattern(rb'(?m)^  "\$schema": "\.\./site_scons/.*",\n')
"""Where editors find a schema in this build's own repository; a new one has none."""

_GITIGNORE = "/user-rs/target/\n"


def files() -> dict[str, bytes]:
    """Return the contents of all files by portable path."""
    texts = {
        "SConstruct": SCONSTRUCT,
        "ostoo.toml": _description(),
        "rust-toolchain.toml": _TOOLCHAIN,
        ".gitignore": _GITIGNORE,
        f"{_WORKSPACE}/Cargo.toml": _MANIFEST,
        f"{_WORKSPACE}/.cargo/config.toml": _CONFIGURATION,
    }
    own = own_files.starter()
    named = [*(own / layout.TARGETS).glob(f"{TARGET}.*"), own / layout.TARGETS / "policy.schema.json"]
    named += [file for file in sorted((own / _WORKSPACE / "rt").rglob("*")) if _is_source(file)]
    return {name: text.encode() for name, text in texts.items()} | {
        file.relative_to(own).as_posix(): _SCHEMA.sub(b"", file.read_bytes()) for file in named
    }


def _is_source(file: Path) -> bool:
    return file.is_file() and file.suffix in (".rs", ".toml")


def _description() -> str:
    version = ".".join(own_version.number().split(".")[:2])
    return (
        f"# What `ostoo build PROGRAM` builds. Each key has a default; see the manual of ostoo-build.\n"
        f'version = "{version}"\nsysroot-folder = "{layout.BUILD}/sysroot"\n\n'
        f'[[workspaces]]\nfolder = "{_WORKSPACE}"\nruntime = "ostoo-rt"\n'
    )
