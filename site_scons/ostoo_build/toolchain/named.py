"""Checks the tools that the user names: RUSTC, CARGO, LLD, RUST_SRC."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError
from ostoo_build.toolchain import compiler

if TYPE_CHECKING:
    from collections.abc import Mapping

STD = Path("std/Cargo.toml")
"""Identifies a folder with std's source."""

_QUESTIONS = {"CARGO": (("-V",), r"cargo \d+\.\d+", "cargo"), "LLD": (("-flavor", "gnu", "--version"), "LLD ", "LLD")}
"""A program's arguments, a pattern for its answer, and what it then is. rustc too passes LLD its flavor."""

_LIBRARY = "name the folder `library` of Rust's source"
_PATIENCE = 20.0
"""The time limit for the answer in seconds."""


def read(root: Path, variables: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, Path]:
    """Return the tools that `variables` name. Raises `OstooError`, which names the variable, for an unusable one."""
    named = {name: _find(root, name, value, environ) for name, value in variables.items() if value}
    for name, path in named.items():
        word = f"{name}={variables[name]}"
        if name == "RUST_SRC":
            if not (path / STD).is_file():
                raise OstooError(f"{word} is not std's source: it has no {STD}", where=str(path), remedy=_LIBRARY)
        elif not os.access(path, os.X_OK):
            raise OstooError(f"{word} is not a program", where=str(path))
        elif name in _QUESTIONS and not is_rustup(path):
            _ask(name, word, path, environ)
    return named


def is_rustup(program: Path) -> bool:
    """Whether a program is rustup's proxy, which may run or even download any toolchain."""
    return program.resolve().name in ("rustup", "rustup-init")


def _find(root: Path, name: str, value: str, environ: Mapping[str, str]) -> Path:
    is_path = os.sep in value or name == "RUST_SRC"
    path = root / (value if is_path else shutil.which(value, path=environ.get("PATH")) or value)
    if not path.exists():
        raise OstooError(f"{name}={value} does not exist", where=str(path))
    if path.is_dir() != (name == "RUST_SRC"):
        raise OstooError(f"{name}={value} is {'not a folder' if name == 'RUST_SRC' else 'a folder'}", where=str(path))
    return path


def _ask(name: str, word: str, path: Path, environ: Mapping[str, str]) -> None:
    try:
        version(name, path, environ)
    except OstooError as error:
        raise OstooError(f"{word} {error.what}", where=str(path)) from error


def version(name: str, path: Path, environ: Mapping[str, str]) -> str:
    """Return the first line that cargo or LLD prints of itself; `name` is CARGO or LLD.

    Raises `OstooError`, whose message lacks its subject, if the program does not run or is another one.
    """
    arguments, pattern, what = _QUESTIONS[name]
    env = {**environ, **compiler.library_path(path.parent.parent, environ)}
    try:
        answer = process.run([str(path), *arguments], cwd=path.parent, env=env, timeout=_PATIENCE)
    except OstooError as error:
        raise OstooError(f"is not usable: {error.what}", where=str(path)) from error
    if answer.returncode or not re.search(pattern.encode(), answer.stdout):
        raise OstooError(f"is not {what}: it does not print its version", where=str(path))
    return answer.stdout.decode(errors="replace").partition("\n")[0]
