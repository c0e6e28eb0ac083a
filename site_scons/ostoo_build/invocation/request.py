"""Reads what the command line asks to build. Does not build it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.spelling import one_of
from ostoo_build.invocation import variables as build_variables
from ostoo_build.planning import discovery

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ostoo_build.invocation.session import Session

_HELP = """
usage: scons [TARGET...] [VARIABLE=VALUE...]

  scons             build every program of the workspace
  scons PROGRAM     build that one, at build/TARGET/PROFILE/PROGRAM
  scons PROGRAM.tests  build its tests; ./ostoo test PROGRAM runs them too
  scons std         build the standard library only
  scons sysroot     provide the musl sysroot only
  scons deploy      copy programs to DEPLOY_DIR
  scons size-report, scons stack-report
                    write what ./ostoo size and ./ostoo stack show
  scons test        run the tests of this build
  scons -c          remove what was built

variables (for everybody: in ostoo.toml):
"""

_ALL = ("all", "std", "deploy", "size-report", "stack-report")
WORDS = (*_ALL, "sysroot", "test")
"""Targets that are not programs."""


class Requested(Struct, frozen=True):
    """The programs that have to be planned, those whose tests have to be, SConscripts, and the words that stand beside.

    `scripts` are those of the packages. `deployed` are the programs that `deploy` is about: a kernel is not unless it
    is named. `targets` are those of `target=`.
    """

    programs: tuple[str, ...]
    tests: tuple[str, ...]
    scripts: tuple[str, ...]
    words: frozenset[str]
    deployed: tuple[str, ...]
    targets: tuple[str, ...]


def help_text() -> str:
    """What `scons --help` says of this build."""
    lines = (
        f"  {name}=  {what}{f' (default: {default})' if default else ''}\n"
        for name, (what, default) in build_variables.VARIABLES.items()
    )
    return _HELP + "".join(lines)


def read(targets: Sequence[str], session: Session) -> Requested:
    """Sort the command line's targets. Raises `OstooError` for one that is neither a word, a program, nor its file."""
    words = frozenset(target for target in targets if target in WORDS)
    tested = [target for target in targets if layout.tested(target) in session.programs.binaries]
    known = [*session.programs.binaries, *(() if words else WORDS)]
    names = [_program(target, known, session) for target in targets if target not in (*WORDS, *tested)]
    tests = tuple(dict.fromkeys(map(layout.tested, tested)))
    deployed = names
    if not targets or (words.intersection(_ALL) and not names):
        names = list(session.programs.binaries)
        deployed = [name for name in names if session.programs.folder_of(name) == discovery.USER]
    return Requested(
        programs=tuple(dict.fromkeys(names)),
        tests=tests,
        scripts=tuple(_scripts([*names, *tests], session)),
        words=words,
        deployed=tuple(dict.fromkeys(deployed)) if "deploy" in words else (),
        targets=session.targets_by_folder[discovery.USER],
    )


def _scripts(names: Sequence[str], session: Session) -> Iterator[str]:
    folders = dict.fromkeys(session.programs.binaries[name].manifest.parent for name in names)
    for script in (folder / "SConscript" for folder in folders):
        if script.is_file():
            yield str(script.relative_to(session.root))


def _program(target: str, known: Sequence[str], session: Session) -> str:
    name = Path(target).name
    if name not in session.programs.binaries or not (target == name or Path(target).parts[0] == layout.BUILD):
        raise OstooError(f"there is no program {target}", remedy=one_of(target, known))
    return name
