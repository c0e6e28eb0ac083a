"""Parses the targets on the command line."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.spelling import one_of
from ostoo_build.planning.plan import WHOLE
from ostoo_build.project.variables import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ostoo_build.invocation.targets import Targets
    from ostoo_build.planning.programs import Programs

TARGETS: Mapping[str, str] = {
    "": "build every program of the workspace",
    "PROGRAM": "build one program, at build/TARGET/PROFILE/PROGRAM",
    "PROGRAM.tests": "build its tests; ./ostoo test PROGRAM also runs them",
    "PROGRAM.check": "check its crates without code; ./ostoo check PROGRAM says more",
    "PROGRAM.doc": "document it; ./ostoo doc PROGRAM also opens it",
    "PROGRAM.clippy": "check its crates with clippy; ./ostoo clippy PROGRAM takes lints",
    "PROGRAM.scripts": "run its build scripts and compile its macros, for ./ostoo ide",
    "examples/EXAMPLE": "build an example, at build/TARGET/PROFILE/examples/EXAMPLE",
    "std": "build the standard library only",
    "sysroot": "provide the musl sysroot only",
    "deploy": "copy programs to DEPLOY_DIR",
    "size-report": "write the report of ./ostoo size",
    "stack-report": "write the report of ./ostoo stack",
    "test": "run the tests of this build",
    "-c": "remove what was built",
}
"""What may be asked for on the command line, each with what it does; the empty word stands for none."""

_ALL = ("all", "std", "deploy", "size-report", "stack-report")
WORDS = (*_ALL, "sysroot", "test")
"""Targets that are not programs."""


class Requested(Struct, frozen=True):
    """The programs to plan, those of which only a part is wanted, the SConscripts to read, and the other targets.

    `tests` and `editors` are the programs whose tests, or build scripts and macros are wanted, `parts` the programs of
    which one of `layout.PARTS` is wanted, with it.
    `scripts` are the packages' SConscripts. `deployed` are the programs that `deploy` copies: a kernel only if it is
    named. `targets` are those of `target=`. `is_all` says that no program was named.
    """

    programs: tuple[str, ...]
    tests: tuple[str, ...]
    scripts: tuple[str, ...]
    words: frozenset[str]
    deployed: tuple[str, ...]
    targets: tuple[str, ...]
    is_all: bool
    parts: tuple[tuple[str, str], ...] = ()
    editors: tuple[str, ...] = ()

    @property
    def asks_for_more(self) -> bool:
        """Whether anything but whole programs is wanted."""
        return bool(self.words - {"all"} or self.tests or self.parts or self.editors)

    @property
    def is_of_parts(self) -> bool:
        """Whether no whole program is wanted."""
        return not (self.programs or self.tests) and bool(self.parts or self.editors)

    @property
    def planned(self) -> dict[str, tuple[str, ...]]:
        """The programs whose plans are needed: as a whole, and of each part."""
        parts = {what: tuple(name for part, name in self.parts if part == what) for what, _ in self.parts}
        return {WHOLE: (*self.programs, *self.editors), **parts}

    def built(self, programs: Programs) -> tuple[str, ...]:
        """Return the programs to build: of all programs those whose required features are selected, as with cargo."""
        return programs.available(self.programs) if self.is_all else self.programs


def help_text() -> str:
    """Return this build's part of `scons --help`."""
    width = max(map(len, TARGETS))
    targets = "".join(f"  scons {word.ljust(width)}  {what}\n" for word, what in TARGETS.items())
    lines = (
        f"  {name}=  {what}{f' (default: {default})' if default else ''}\n"
        for name, (what, default) in VARIABLES.items()
    )
    head = "\nusage: scons [TARGET...] [VARIABLE=VALUE...]\n\n"
    return f"{head}{targets}\nvariables (set them for all users in ostoo.toml):\n{''.join(lines)}"


def read(words: Sequence[str], programs: Programs, targets: Targets) -> Requested:
    """Sort the command line's targets. Raises `OstooError` for one that is not a target, program or program's file."""
    beside = frozenset(word for word in words if word in WORDS)
    named = [_of_part(words, programs, each) for each in (layout.tested, layout.scripted)]
    parts = [(what, _of_part(words, programs, partial(layout.parted, what=what))) for what in layout.PARTS]
    of_parts = {word for each in (*named, *(found for _, found in parts)) for word in each}
    known = [*programs.binaries, *(() if beside else WORDS)]
    names = [_program(word, known, programs) for word in words if word not in (*WORDS, *of_parts)]
    tests, editors = (tuple(dict.fromkeys(each.values())) for each in named)
    asked = tuple(dict.fromkeys((what, name) for what, found in parts for name in found.values()))
    deployed = names
    is_all = not words or bool(beside.intersection(_ALL) and not names)
    if is_all:
        names = [name for name, binary in programs.binaries.items() if binary.is_default]
        deployed = [name for name in names if programs.group_of(name).deploys]
    folders = dict.fromkeys(
        programs.binaries[name].manifest.parent for name in (*names, *tests, *(name for _, name in asked), *editors)
    )
    scripts = (folder / "SConscript" for folder in folders)
    return Requested(
        programs=tuple(dict.fromkeys(names)),
        tests=tests,
        parts=asked,
        editors=editors,
        scripts=tuple(str(script.relative_to(targets.root)) for script in scripts if script.is_file()),
        words=beside,
        deployed=tuple(dict.fromkeys(deployed)) if "deploy" in beside else (),
        targets=targets.asked,
        is_all=is_all,
    )


def _of_part(words: Sequence[str], programs: Programs, whose: Callable[[str], str]) -> dict[str, str]:
    """Return the words for a part of a program, each with the program."""
    found = {word: whose(word) for word in words}
    return {word: name for word, name in found.items() if name in programs.binaries and not layout.is_example(name)}


def _program(word: str, known: Sequence[str], programs: Programs) -> str:
    parts = Path(word).parts
    name = "/".join(parts[3:]) if parts[:1] == (layout.BUILD,) else word
    if name in programs.refused:
        raise programs.refused[name]
    if name not in programs.binaries:
        asked = next(filter(None, (layout.parted(word, what) for what in layout.PARTS)), layout.scripted(word) or word)
        raise OstooError(f"there is no program {asked}", remedy=one_of(asked, known))
    return name
