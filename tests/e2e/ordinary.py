"""Published programs, unmodified: a project whose workspace has them as members, and cargo beside us."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trees import PROJECT, TARGET, cargo

from ostoo_build.base import home
from ostoo_build.planning import cargo as planning_cargo
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

VERSIONS = {"hexyl": "0.17.0", "just": "1.48.0", "tokei": "15.0.0"}
"""A viewer of files; a runner of commands, which starts others; a counter of lines, which has many threads."""

_MANIFEST = """\
[workspace]
resolver = "2"
members = [{members}]

[profile.release]
panic = "abort"
strip = true
"""
_CONFIGURATION = f"""\
[build]
target = "../targets/{TARGET}.json"

[unstable]
build-std = ["std", "panic_abort"]
build-std-features = ["compiler-builtins-mem"]
json-target-spec = true

[target.{TARGET}]
rustflags = ["-Lnative=../sysroot/{TARGET}/lib"]
"""
_DESCRIPTION = f"""\
[targets.{TARGET}]
crt = "musl"
"""


@dataclass(frozen=True)
class Behaviour:
    """What a program does with arguments in a folder; `text` is what it reads."""

    arguments: tuple[str, ...]
    text: bytes = b""

    def of(self, program: Path, folder: Path) -> tuple[int, bytes, bytes]:
        command = [str(program), *self.arguments]
        done = subprocess.run(command, cwd=folder, input=self.text, capture_output=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr


BEHAVIOURS = {
    "hexyl": (Behaviour((), bytes(range(256))), Behaviour(("--version",)), Behaviour(("nosuch",))),
    "just": (Behaviour(("greet", "you")), Behaviour(("--list",)), Behaviour(("fail",)), Behaviour(("--dump",))),
    "tokei": (
        Behaviour(("--sort", "files", ".")),
        Behaviour(("--output", "json", "some")),
        Behaviour(("--languages",)),
    ),
}
_FILES = {
    "justfile": "greet name:\n  @echo hello {{name}}\nfail:\n  @exit 3\n",
    "some/main.rs": "// a comment\nfn main() {}\n\n",
    "some/deep/text.md": "# Title\n",
    "script.py": "print(1)\n",
}


def fetch(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Have cargo download programs. Returns the folders with their sources, which nobody may change."""
    (folder / "src").mkdir(parents=True)
    (folder / "src/lib.rs").touch()
    asks = "".join(f'{name} = "={VERSIONS[name]}"\n' for name in names)
    head = '[package]\nname = "asks"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n'
    (folder / "Cargo.toml").write_text(head + asks)
    cargo(folder, "fetch")
    sources = home.cargo(os.environ) / "registry/src"
    return {name: next(sources.glob(f"*/{name}-{VERSIONS[name]}")) for name in names}


def write_project(root: Path, sources: Mapping[str, Path]) -> None:
    """Write a project whose only workspace has these programs and no runtime crate."""
    shutil.rmtree(root / "user-rs", ignore_errors=True)
    (root / "user-rs/.cargo").mkdir(parents=True)
    for name, folder in sources.items():
        shutil.copytree(folder, root / "user-rs" / name)
    members = ", ".join(f'"{name}"' for name in sources)
    (root / "user-rs/Cargo.toml").write_text(_MANIFEST.format(members=members))
    (root / "user-rs/.cargo/config.toml").write_text(_CONFIGURATION)
    (root / "ostoo.toml").write_text(_DESCRIPTION)
    (root / f"targets/{TARGET}.loader.json").unlink(missing_ok=True)  # ostoo's loader takes no AVX, and smaller files
    cargo(root / "user-rs", "generate-lockfile")


def cargo_command(name: str) -> list[str]:
    return [str(toolchain.find(PROJECT, {}, os.environ).cargo), "build", "--release", f"--package={name}"]


def cargo_environment(root: Path) -> dict[str, str]:
    """What cargo has to be told that ostoo.toml tells us: libc's start file, and the linker."""
    found = toolchain.find(PROJECT, {}, os.environ)
    target = TARGET.upper().replace("-", "_")
    return {
        **planning_cargo.environment(dict(found.env)),
        "RUSTC": str(found.rustc),
        f"CARGO_TARGET_{target}_LINKER": str(found.lld),
        f"CARGO_TARGET_{target}_RUSTFLAGS": f"-Clink-arg={root}/sysroot/{TARGET}/lib/crt1.o",
    }


def behaviour(name: str, program: Path, folder: Path) -> list[tuple[int, bytes, bytes]]:
    """What a program does in a folder with some files."""
    for file, text in _FILES.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    return [each.of(program, folder) for each in BEHAVIOURS[name]]
