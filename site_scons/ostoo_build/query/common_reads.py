"""Lists what is read for a program besides its units and its link: for its plan, and for all programs alike."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import own_files
from ostoo_build.planning import package_places
from ostoo_build.query.reads import Reads
from ostoo_build.rules import program_key
from ostoo_build.toolchain import channel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ostoo_build.invocation.options import Options
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.planning.plan import Program

SCRIPT = "SConscript"
"""The name of the files that declare programs."""

_AT_THE_TOP = ("ostoo.toml", "SConstruct", "toolchain.lock", *channel.NAMES)
_OF_TOOLS = ("toolchain", "rust-src", "rustc", "lld")
"""The places of the toolchain among those that portable paths begin with; they may be in the checkout."""

_OF_SCONS = ("site_init.py", "site_tools")
"""What SCons loads of the folder of its extensions, besides what scripts import."""


def of_all(planner: Planner, options: Options) -> Reads:
    """Return what every build reads: descriptions, names of toolchains, this build's own code, what variables name."""
    root = planner.root
    folders = [entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    named = (*options.variables.values(), *options.described.sysroots.values())
    tools = (place for name, place in planner.paths.places if name in _OF_TOOLS)
    code = (own_files.PACKAGE / name for name in program_key.DECIDED_BY)
    extensions = root / "site_scons"
    return Reads(
        files=frozenset(
            map(
                str,
                (
                    *(root / name for name in _AT_THE_TOP),
                    *(folder / name for folder in folders for name in channel.NAMES),
                    own_files.requirements(),
                ),
            )
        ),
        folders=frozenset(
            map(
                str,
                (
                    *(place for place in (*tools, *_named(root, named)) if place.is_relative_to(root)),
                    *code,
                    own_files.INTERFACE,
                    *(extensions / name for name in _OF_SCONS),
                    *_imported(root, [root / "SConstruct", *root.rglob(SCRIPT)]),
                ),
            )
        ),
    )


def _named(root: Path, words: Iterable[str]) -> Iterator[Path]:
    """Yield the paths that variables name, also behind the name of a provider: `folder:third_party/musl`."""
    for word in words:
        for name in (word, word.partition(":")[2]):
            if name and os.path.lexists(root / name):
                yield Path(os.path.normpath(root / name))


def _imported(root: Path, scripts: Iterable[Path]) -> Iterator[Path]:
    """Yield the modules of the checkout that SCons' scripts import, without this build's own."""
    own = {folder.name for folder in own_files.CODE}
    names = {name for script in scripts for name in _imports(script)} - own
    for folder in (root, root / "site_scons"):
        yield from (folder / f"{name}{end}" for name in names for end in (".py", ""))


def _imports(script: Path) -> Iterator[str]:
    try:
        text = script.read_text(encoding="utf-8")
        nodes = list(ast.walk(ast.parse(text))) if "import" in text else []
    except (OSError, ValueError, SyntaxError):
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def of_plan(planner: Planner, program: Program) -> Reads:
    """Return what the plan of a program or test executable was made from, without its workspace's lock.

    A SConscript that selects features decides the plan as SCons evaluates it: then each file counts.
    """
    name = program.tested or program.name
    workspace = planner.programs.workspace_of(name, program.target)
    script = planner.programs.binaries[name].manifest.with_name(SCRIPT)
    if script.is_file() and b"features" in script.read_bytes():
        return Reads(folders=frozenset([planner.paths.root]))
    folder = workspace.cargo.workspace
    known = planner.programs.plan_reads(name, program.target, of_tests=bool(program.tested))
    if known is None:  # a file has just been edited
        return Reads(folders=frozenset([str(folder)]))
    places = [os.path.normpath(folder / each) for each in (*known.contents, *known.places)]
    configuration = map(str, workspace.cargo.configuration_files())
    folders = [each for each in places if Path(each).is_dir()]
    telling = {each: package_places.telling_names(Path(each)) for each in folders}
    of_targets = (f"{each}/{name}" for each, names in telling.items() for name in names or ())
    return Reads(
        files=frozenset({*places, *configuration, str(script), *of_targets}.difference(folders)),
        listed=frozenset(each for each, names in telling.items() if names is None),
    )


def lock(planner: Planner, program: Program) -> Path:
    """Return the lock of a program's workspace."""
    name = program.tested or program.name
    return planner.programs.workspace_of(name, program.target).cargo.workspace / "Cargo.lock"
