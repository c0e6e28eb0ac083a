"""A cargo that answers from files, and notes each question."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import fake_toolchains as fake
import planned_trees as trees

from ostoo_build.planning.cargo import Cargo

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.base.paths import PathMap


@dataclass(frozen=True)
class FakeCargo:
    """A checkout of `planned_trees` in `folder`, with a cargo for it."""

    folder: Path
    paths: PathMap

    @property
    def cargo(self) -> Cargo:
        environment = {"PATH": "/usr/bin:/bin", "CARGO_HOME": str(self.folder / "cargo")}
        place = self.folder / "os/user-rs"
        return Cargo(self.folder / "bin/cargo", place, place, environment, None)

    def answer(self, question: str, document: Any) -> None:
        (self.folder / f"bin/{question}.json").write_text(json.dumps(document))

    def configure(self, said: str) -> None:
        """Have it say that of its configuration."""
        (self.folder / "bin/config.toml").write_text(said)

    def meanwhile(self, command: str) -> None:
        """Have something done by the shell while it reads."""
        (self.folder / "bin/while-it-reads").write_text(command)

    def asked(self) -> list[str]:
        """All questions since the last call of this."""
        path = self.folder / "bin/asked"
        questions = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return questions


def make(folder: Path) -> FakeCargo:
    paths = trees.checkout(folder)
    workspace = folder / "os/user-rs"
    fake.write(workspace / "Cargo.toml", '[workspace]\nmembers = ["rt", "hello-*"]\n')
    answers = folder / "bin"
    fake.script(
        answers / "cargo",
        f"echo \"$*\" >> '{answers}/asked'",
        f"if [ -e '{answers}/while-it-reads' ]; then . '{answers}/while-it-reads'; fi",
        'case "$*" in',
        f"*metadata*) cat '{answers}/metadata.json' ;;",
        f"*config\\ get*) cat '{answers}/config.toml' ;;",
        f"*hello-std*) cat '{answers}/hello-std.json' ;;",
        f"*hello-rs*) cat '{answers}/hello-rs.json' ;;",
        "esac",
    )
    made = FakeCargo(folder, paths)
    made.configure("")
    made.answer("metadata", {"packages": [package(workspace, name, "bin") for name in ("hello-std", "hello-rs")]})
    for name in ("hello-std", "hello-rs"):
        (answers / f"{name}.json").write_text(trees.graph_text(paths, name))
    return made


def package(workspace: Path, name: str, *kinds: str) -> dict[str, Any]:
    targets = [{"name": name, "kind": [kind], "crate_types": [kind]} for kind in kinds]
    asked: dict[str, Any] = {"dependencies": [], "features": {}}
    return {"name": name, "manifest_path": str(workspace / name / "Cargo.toml"), "targets": targets} | asked
