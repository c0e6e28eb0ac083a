"""Defines the cases: how each starts, what is changed, and what must be true afterwards.

Each run is checked: an edited program contains the edit, and a build with nothing to do compiled nothing.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contenders import ALONE, CARGO, NINJA, NO_STD, OURS, STD, SYSROOT, TUNED

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contenders import Contender
    from measure import Run

ALL = (*NO_STD, *STD)
BOTH = ("hello-rs", "hello-std")
EVERYBODY = (OURS, CARGO, TUNED)
WARM = (OURS, ALONE, CARGO, TUNED, NINJA)
"""Before the first build there is no server."""


@dataclass(frozen=True)
class Edit:
    """A visible change of a program: `line`, which prints a text of this round, is inserted before `anchor`."""

    file: str
    line: str
    anchor: str

    @contextmanager
    def applied(self, root: Path, marker: str) -> Iterator[None]:
        """Apply the edit while the context lasts.

        Raises `OstooError` unless the file contains the anchor exactly once.
        """
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.anchor) != 1:
            raise OstooError(f"there is no single {self.anchor!r} to edit", where=self.file)
        path.write_text(text.replace(self.anchor, self.line % marker + self.anchor), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Case:
    """One row of the table. Unless a case is cold, its programs are built before.

    `by` are the contenders that are measured, `idle` those of them that must not compile anything.
    """

    name: str
    programs: tuple[str, ...]
    cold: bool = False
    first: bool = False
    without_sysroot: bool = False
    touch: bool = False
    edit: Edit | None = None
    by: tuple[str, ...] = EVERYBODY
    idle: tuple[str, ...] = ()

    def play(self, contender: Contender, number: int) -> Run:
        """Prepare a contender's checkout, build, and check the result. Raises `OstooError` for a wrong one."""
        self._prepare(contender)
        if self.without_sysroot:
            with _aside(contender.root / SYSROOT):
                return self._build(contender)
        if self.edit is None:
            return self._build(contender)
        marker = f"This is edit number {number:04}."
        with self.edit.applied(contender.root, marker):
            run = self._build(contender)
            for name in self.programs:
                if marker.encode() not in contender.program(name).read_bytes():
                    raise OstooError(f"{contender.name} did not build the edit into {name} ({self.name})")
        return run

    def _prepare(self, contender: Contender) -> None:
        if self.cold:
            contender.clean()
            if self.first:
                contender.forget()
        else:
            contender.build(self.programs)
            contender.settle()
        if self.touch:
            for path in (contender.root / "user-rs").rglob("*.rs"):
                os.utime(path)

    def _build(self, contender: Contender) -> Run:
        before = self._stamps(contender)
        run = contender.build(self.programs)
        changed = [name for name, stamp in self._stamps(contender).items() if stamp != before[name]]
        missing = [name for name in self.programs if not contender.program(name).is_file()]
        if missing:
            raise OstooError(f"{contender.name} did not build {', '.join(missing)} ({self.name})")
        if contender.name in self.idle and (changed or "Compiling" in run.said):
            raise OstooError(f"{contender.name} compiled something though nothing changed ({self.name}):\n{run.said}")
        return run

    def _stamps(self, contender: Contender) -> dict[str, int]:
        paths = {name: contender.program(name) for name in self.programs}
        return {name: path.stat().st_mtime_ns if path.exists() else 0 for name, path in paths.items()}


@contextmanager
def _aside(folder: Path) -> Iterator[None]:
    """Let a folder be missing for a while."""
    other = folder.parents[1] / "aside"
    folder.rename(other)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        other.rename(folder)


CASES = (
    Case("cold-hello-rs", ("hello-rs",), cold=True),
    Case("cold-first", ("hello-rs",), cold=True, first=True),
    Case("cold-hello-std", ("hello-std",), cold=True),
    Case("cold-both", BOTH, cold=True),
    Case("cold-six", ALL, cold=True),
    Case("cold-both-and-sysroot", BOTH, cold=True, without_sysroot=True, by=(OURS,)),
    Case("no-op", ALL, by=WARM, idle=WARM),
    Case("touch", ALL, touch=True, by=WARM, idle=(OURS, ALONE)),
    Case(
        "edit-main",
        ("hello-std",),
        by=WARM,
        edit=Edit("user-rs/hello-std/src/main.rs", 'println!("%s");\n    ', 'println!("Hello'),
    ),
    Case(
        "edit-rt",
        ("hello-rs",),
        by=WARM,
        edit=Edit("user-rs/rt/src/start.rs", 'crate::println!("%s");\n    ', "crate::syscall::exit(unsafe { main() })"),
    ),
)
