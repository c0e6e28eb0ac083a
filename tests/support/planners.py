"""What plans in a checkout, as a build of it has it."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from ostoo_build.base.console import Console
from ostoo_build.base.input import Input
from ostoo_build.base.paths import PathMap
from ostoo_build.execution.input_guard import InputGuard
from ostoo_build.invocation import planner
from ostoo_build.invocation.checkout import Checkout
from ostoo_build.invocation.options import Options
from ostoo_build.invocation.planner import Planner
from ostoo_build.invocation.targets import Targets
from ostoo_build.invocation.tools import Tools
from ostoo_build.planning.cargo import Binary
from ostoo_build.planning.programs import Programs
from ostoo_build.project import description
from ostoo_build.project import variables as build_variables
from ostoo_build.project.workspaces import ProgramGroup
from ostoo_build.toolchain.find import Toolchain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ostoo_build.planning.features import Selection
    from ostoo_build.planning.workspace import Workspace


def opened(root: Path, jobs: int = 1, **variables: str) -> Planner:
    """A planner of a new invocation, which asks no cache."""
    described = description.read(root)
    options = Options(
        build_variables.values(described.variables, {"cache": "off", **variables}), jobs, described=described
    )
    return planner.find(Checkout(root, Console(colour=False, quiet=True)), options)


def without_compiler(
    root: Path,
    *names: str,
    target: str = "",
    paths: PathMap | None = None,
    selected: Mapping[str, Selection] | None = None,
) -> Planner:
    """A planner that knows programs by their names and plans none of them; no tool of its toolchain is there.

    `selected` are the features that `ostoo.toml` selects.
    """
    tools = root.parent / "no-tools"
    toolchain = Toolchain(
        rustc=tools / "bin/rustc",
        cargo=tools / "bin/cargo",
        lld=tools / "bin/lld",
        rust_src=tools / "library",
        version="1.0.0",
        host="host",
        env=(),
        libraries=(),
        host_linker=None,
        reason="fake",
    )
    paths = paths or PathMap((("root", root),))
    folder = Input("@{toolchain}", "0" * 64, 0, is_folder=True)
    found = Tools(toolchain, paths, InputGuard(paths, time.time_ns(), ()), folder, {}, {})
    targets = Targets(root, (ProgramGroup("user-rs", (target,) if target else (), is_asked=True),))
    binaries = tuple(Binary(name, "p", root / f"user-rs/{name}/Cargo.toml", "0" * 64) for name in names)
    workspace = cast("Workspace", SimpleNamespace(binaries=lambda: binaries))
    programs = Programs(targets.groups, lambda *_: workspace, "release", 1, selected or {})
    return Planner(root, found, targets, programs, "release")
