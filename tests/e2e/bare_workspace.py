"""A Cargo workspace without std, as the real cargo builds it and as we plan it: for a target nothing is compiled."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import recording_cargo
from trees import PROJECT, TARGET

from ostoo_build.base import home
from ostoo_build.base.paths import PathMap
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.planning import cargo
from ostoo_build.planning.cargo import Cargo
from ostoo_build.planning.memos import Memos
from ostoo_build.planning.plan import WHOLE
from ostoo_build.planning.workspace import Rustc, Workspace
from ostoo_build.target import spec as target_spec
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from pathlib import Path

    from recording_cargo import Recorded

    from ostoo_build.planning.plan import Program
    from ostoo_build.toolchain.find import Toolchain

CONFIG = f"""
[build]
target = "../targets/{TARGET}.json"
[unstable]
json-target-spec = true
profile-rustflags = true
"""


@dataclass(frozen=True)
class Bare:
    """A checkout in `folder/os`, whose workspace is `user-rs`."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "os"

    @cached_property
    def toolchain(self) -> Toolchain:
        return toolchain.find(PROJECT, {}, os.environ)

    @cached_property
    def paths(self) -> PathMap:
        chosen = self.toolchain
        places = (("rustc", chosen.rustc), ("cargo", chosen.cargo), ("lld", chosen.lld), ("rust-src", chosen.rust_src))
        sysroot = ("toolchain", chosen.rustc.parent.parent)
        return PathMap((("root", self.root), *places, sysroot, ("cargo-home", home.cargo(os.environ))))

    def write(self, name: str, text: str) -> None:
        path = self.root / "user-rs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def configure(self, text: str) -> None:
        """Have the workspace configured so, besides what it needs."""
        (self.root / "targets").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / f"targets/{TARGET}.json", self.root / f"targets/{TARGET}.json")
        self.write(".cargo/config.toml", f"{CONFIG}\n{text}\n")

    def workspace(self) -> Workspace:
        environment = {**cargo.environment(dict(self.toolchain.env)), "RUSTC": str(self.toolchain.rustc)}
        spec = self.root / f"targets/{TARGET}.json"
        return Workspace(
            Cargo(self.toolchain.cargo, self.root / "user-rs", self.root / "user-rs", environment, None),
            Rustc(self.toolchain.rustc, environment, self.toolchain.host, "0" * 64),
            spec,
            target_spec.load(spec).digest,
            None,
            self.paths,
            Memos(self.folder / "memos"),
            Snapshot(),
        )

    def plan(self, program: str, profile: str) -> Program:
        workspace = self.workspace()
        (binary,) = (each for each in workspace.binaries() if each.name == program)
        return workspace.plan(WHOLE, [binary], profile)[program]

    def recorded(self, program: str, profile: str) -> Recorded:
        words = ("--profile", profile, "--package", program, "--bin", program)
        return recording_cargo.build(self.toolchain, self.root / "user-rs", self.folder / "cargo", *words)
