"""Implements `./ostoo run`: builds a program and runs it."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import become, layout, own_files, process
from ostoo_build.base.errors import OstooError
from ostoo_build.base.spelling import one_of
from ostoo_build.binary.machine import machine_of
from ostoo_build.invocation import planner, tools
from ostoo_build.invocation.checkout import Checkout
from ostoo_build.invocation.options import Options
from ostoo_build.loader import contract as loader_contract
from ostoo_build.project import description
from ostoo_build.project import variables as build_variables
from ostoo_build.project.target_files import TargetFiles
from ostoo_build.run import emulator, syscall_trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ostoo_build.base.console import Console
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.planning.programs import Programs
    from ostoo_build.toolchain.find import Toolchain


class Runner(Struct, frozen=True, dict=True):
    """Builds and runs the programs of one checkout. `words` are the command line's `VARIABLE=VALUE`.

    `shown` are SCons' options for how much its builds show.
    """

    root: Path
    words: Sequence[str]
    environ: Mapping[str, str]
    console: Console
    shown: tuple[str, ...] = ()

    def build(self, programs: Sequence[str]) -> None:
        """Build programs with scons, with its output on stderr. If that fails, exit with scons' exit code."""
        code = self.attempt(programs)
        if code:
            sys.exit(code)

    def attempt(self, words: Sequence[str]) -> int:
        """Run scons with targets and options, with its output on stderr, and return its exit code."""
        command = own_files.build_command([*self.words, *self.shown, *words])
        return process.run_inherited(command, cwd=self.root, env=self.environ, stdout=sys.stderr)

    def check(self, programs: Sequence[str]) -> None:
        """Raise `OstooError` for a name that is not a program: other names have a meaning to scons."""
        for name in programs:
            if name not in self._programs.binaries:
                raise OstooError(f"there is no program {name}", remedy=one_of(name, self._programs.binaries))

    def target(self, program: str) -> str:
        """Return the target that a program is built for. Raises `OstooError` if there are several."""
        found = self.targets(program)
        if len(found) > 1:
            raise OstooError(
                f"{program} is built for several targets, but only one is supported here: {', '.join(found)}",
                remedy=f"name one of them: target={found[0]}",
            )
        return found[0]

    def targets(self, program: str) -> list[str]:
        """Return the targets that a program is built for. Raises `OstooError` if there is no such program."""
        self.check([program])
        return sorted(target for _, target in self._programs.ids([program]))

    @property
    def programs(self) -> list[str]:
        """The names of all programs."""
        return [*self._programs.binaries]

    @cached_property
    def _programs(self) -> Programs:
        return self.planner().programs

    def checkout(self) -> Checkout:
        """Return the checkout, as an invocation creates it."""
        return Checkout(self.root, self.console)

    def planner(self) -> Planner:
        """Return a planner with the same variables."""
        return planner.find(self.checkout(), self.options)

    def toolchain(self) -> Toolchain:
        return tools.find_toolchain(self.checkout(), self.variables)

    def run(self, program: str, arguments: Sequence[str]) -> None:
        """Replace this process by the program, natively or in QEMU, so that exit code and signals are its own."""
        path = self.path(program)
        command = [*self.starter(path), str(path), *arguments]
        self.console.status("Running", " ".join(command))
        become.exec_program(command, cwd=Path.cwd())

    def starter(self, path: Path) -> tuple[str, ...]:
        """Return the command that runs an executable; empty if this machine runs it natively."""
        machine = machine_of(path)
        return () if emulator.runs_natively(machine) else (str(self.qemu(machine)),)

    def trace(self, program: str, arguments: Sequence[str]) -> int:
        """Run the program in QEMU, list its system calls on stderr, and return its exit code."""
        path = self.path(program)
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "strace")
            command = [str(self.qemu(machine_of(path))), "-strace", "-D", str(log), str(path), *arguments]
            self.console.status("Running", " ".join(command))
            code = process.run_inherited(command, cwd=Path.cwd(), env=self.environ, stdout=None)
            calls = syscall_trace.count(log.read_text(encoding="utf-8", errors="replace"))
        target = self.target(program)
        sys.stderr.write(syscall_trace.table(calls, self._numbers(target), self._contract(target)))
        return code

    def path(self, program: str) -> Path:
        """Return the path of a built program."""
        target = self.target(layout.tested(program) or program)
        return self.root / layout.program(target, self.variables["profile"], program)

    def reports(self, program: str) -> Path:
        """Return the folder of a built program's reports."""
        return self.root / layout.reports(self.target(program), self.variables["profile"], program)

    @cached_property
    def options(self) -> Options:
        """The options of an invocation with these words."""
        described = description.read(self.root)
        words = dict(word.split("=", 1) for word in self.words)
        return Options(build_variables.values(described.variables, words), described=described)

    @property
    def variables(self) -> Mapping[str, str]:
        return self.options.variables

    def qemu(self, machine: str) -> Path:
        """Return QEMU's user-mode emulator for a machine."""
        return emulator.qemu_user(machine, self.root, self.environ, lambda line: self.console.status("Fetching", line))

    def _numbers(self, target: str) -> dict[str, int]:
        places = (f"{self.options.described.sysroot_folder}/{target}", layout.library(target))
        headers = (self.root / place / layout.SYSCALL_NUMBERS for place in places)
        found = next((header.read_text(encoding="utf-8") for header in headers if header.is_file()), "")
        return syscall_trace.numbers(found)

    def _contract(self, target: str) -> loader_contract.LoaderContract | None:
        path = TargetFiles(self.root, self.options.described).contract(target)
        return loader_contract.load(path) if path.is_file() else None


def leave(code: int) -> None:
    """Exit with a program's exit code, or die by the signal that ended it."""
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
