"""Implements `./ostoo doc`: makes the documentation of programs, and opens it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import layout, process
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from ostoo_build.cli.run import Runner


class Request(Struct, frozen=True):
    """The command line; `arguments` are those that the build hands on to rustdoc."""

    names: tuple[str, ...]
    is_all: bool
    opens: bool
    arguments: tuple[str, ...]


def perform(request: Request, runner: Runner) -> int:
    """Document programs, and return the exit code.

    Raises `OstooError` if there is nothing to document, or no browser.
    """
    if request.is_all:
        names = runner.planner().programs.all_but_examples
    else:
        names = request.names or runner.planner().programs.defaults
    if not names:
        raise OstooError("there is no program to document", remedy="create one: ostoo new NAME")
    runner.check(names)
    words = [layout.part(name, layout.DOC) for name in names]
    words += [f"--rustdoc={shlex.join(request.arguments)}"] if request.arguments else []
    code = runner.attempt(words)
    if code == 0:
        folders = ((name, runner.root / layout.docs(target, name)) for name in names for target in runner.targets(name))
        files = [f"{folder}/{name.replace('-', '_')}/index.html" for name, folder in folders]
        sys.stdout.write("".join(f"{file}\n" for file in files))
        return _open(files[0], runner) if request.opens else 0
    return code


def _open(file: str, runner: Runner) -> int:
    browser = os.environ.get("BROWSER") or shutil.which("xdg-open") or shutil.which("open")
    if not browser:
        raise OstooError("no browser was found", where=file, remedy="set BROWSER, or open the file yourself")
    return process.run_inherited([browser, file], cwd=runner.root, env=runner.environ, stdout=None)
