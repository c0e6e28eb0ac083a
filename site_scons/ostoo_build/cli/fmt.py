"""Implements `./ostoo fmt`: formats the crates of the project's workspaces with the toolchain's rustfmt."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ostoo_build.base import process, terminal
from ostoo_build.toolchain import component

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.cli.run import Runner
    from ostoo_build.invocation.planner import Planner


def perform(runner: Runner, *, checks: bool) -> int:
    """Format all crates, or show what would change, and return rustfmt's exit code.

    Raises `OstooError` if the toolchain has no rustfmt.
    """
    planner = runner.planner()
    rustfmt = component.find(component.RUSTFMT, planner.tools.toolchain, runner.environ)
    environment = {**runner.environ, **dict(planner.tools.toolchain.env)}
    colour = "always" if terminal.takes_colours(sys.stdout, runner.environ) else "never"
    options = ["--color", colour, *(["--check"] if checks else [])]
    code = 0
    for edition, sources in _sources(planner):
        command = [str(rustfmt), *options, "--edition", edition, *map(str, sources)]
        code = process.run_inherited(command, cwd=runner.root, env=environment, stdout=None) or code
    return code


def _sources(planner: Planner) -> Iterator[tuple[str, list[Path]]]:
    """Yield each edition with the root files of crates that have it, as cargo fmt does."""
    groups = planner.targets.groups
    workspaces = (planner.programs.workspace(group, group.targets[0]).cargo for group in groups)
    roots = {root for cargo in workspaces for root in cargo.roots()}
    for edition in sorted({edition for edition, _ in roots}):
        yield edition, sorted(path for other, path in roots if other == edition)
