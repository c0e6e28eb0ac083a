"""Implements `ostoo init`: adopts a repository, or begins one in an empty folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ostoo_build.adoption import describe, starter, survey
from ostoo_build.base.errors import OstooError
from ostoo_build.base.source_files import write_atomically
from ostoo_build.cli import new as new_verb
from ostoo_build.cli.run import Runner
from ostoo_build.invocation import tools as invocation_tools
from ostoo_build.invocation.checkout import Checkout
from ostoo_build.planning import cargo
from ostoo_build.project import description
from ostoo_build.project import variables as build_variables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ostoo_build.base.console import Console

_SCONSTRUCT = "SConstruct"
_FIRST = "hello"
"""The program of a new repository."""


def create(root: Path, console: Console) -> None:
    """Write `ostoo.toml` and `SConstruct` for what is in a folder; if nothing is, write a starter tree.

    Raises `OstooError`, and writes nothing, if there is a description already, or no program to build.
    """
    for name in (description.FILE, _SCONSTRUCT):
        if os.path.lexists(root / name):
            raise OstooError(f"there is a file {name} already", where=str(root / name), remedy="remove it first")
    if any(root.rglob("Cargo.toml")):
        _adopt(root, console)
    else:
        _start(root, console)
    _ignore(root / ".gitignore")


def _adopt(root: Path, console: Console) -> None:
    toolchain = invocation_tools.find_toolchain(Checkout(root, console), build_variables.values({}, {}))
    found = survey.look(root, toolchain.cargo, cargo.environment(dict(toolchain.env)))
    chosen = describe.choose(root, found)
    if not chosen.adopted:
        raise OstooError(
            "there is no Cargo workspace that builds programs for a target spec",
            where="\n".join(f"{folder}: {why}" for folder, why in chosen.left_out.items()),
            remedy="describe one in ostoo.toml: the manual has its keys",
        )
    _write(root, {description.FILE: describe.text(found, chosen).encode(), _SCONSTRUCT: starter.SCONSTRUCT.encode()})
    try:
        programs = _runner(root, console).planner().programs.binaries
    except BaseException:
        for name in (description.FILE, _SCONSTRUCT):
            (root / name).unlink()
        raise
    for verb, subject in describe.words(chosen):
        console.status(verb, subject)
    console.status("Created", f"{description.FILE}, {_SCONSTRUCT}")
    console.status("Next", f"ostoo build {next(iter(programs))}")


def _start(root: Path, console: Console) -> None:
    files = starter.files()
    for name in files:
        if os.path.lexists(root / name) and name != ".gitignore":
            raise OstooError(f"there is a file {name} already", where=str(root / name), remedy="use an empty folder")
    _write(root, {name: content for name, content in files.items() if not os.path.lexists(root / name)})
    request = new_verb.Request(_FIRST, std=False, start=root)
    new_verb.create(lambda: _runner(root, console).planner(), console, request)


def _write(root: Path, files: Mapping[str, bytes]) -> None:
    try:
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(root / name, content)
    except OSError as error:
        raise OstooError(f"can't write: {error.strerror}", where=str(error.filename or root)) from error


def _ignore(file: Path) -> None:
    """Add the folders of builds to a `.gitignore`, if they are not there."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    known = {line.strip().strip("/") for line in text.splitlines()}
    missing = [line for line in starter.IGNORED if line.strip("/") not in known]
    if missing:
        end = "" if not text or text.endswith("\n") else "\n"
        write_atomically(file, "\n".join([f"{text}{end}{missing[0]}", *missing[1:], ""]).encode())


def _runner(root: Path, console: Console) -> Runner:
    return Runner(root, (), os.environ, console)
