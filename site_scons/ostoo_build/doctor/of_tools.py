"""Checks the programs that some verbs need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import PathMap
from ostoo_build.boot import qemu as qemu_system
from ostoo_build.doctor.verdict import ok, warning
from ostoo_build.execution import sandbox as bubblewrap
from ostoo_build.run import debugger, emulator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ostoo_build.doctor.subject import Subject
    from ostoo_build.doctor.verdict import Verdict

_PATIENCE = 20.0
"""Time limit in seconds for a program that tells its version."""


def qemu(subject: Subject) -> Verdict:
    """Look for the emulators of whole machines, and of other processors. Builds need none."""
    found: dict[str, str] = {}
    for machine in _machines(subject):
        if not emulator.runs_natively(machine):
            program = emulator.present(machine, subject.root, subject.environ)
            found[f"for programs of {machine}"] = version(str(program), subject.environ) if program else ""
        if qemu_system.is_known(machine):
            here = qemu_system.present(machine, subject.root, subject.environ)
            found[f"for kernels of {machine}"] = version(here.command[0], here.environment) if here else ""
    value = ", ".join(f"{what}: {said or 'none'}" for what, said in found.items())
    if all(found.values()):
        return ok(value)
    if shutil.which("apt-get", path=subject.environ.get("PATH")):
        return ok(f"{value} (gets it from Debian's packages when it is needed)")
    return warning(value, "`ostoo boot`, and `ostoo run` for other processors, need it", "install QEMU")


def gdb(subject: Subject) -> Verdict:
    """Look for a gdb for each target."""
    path = subject.environ.get("PATH", os.defpath)
    try:
        programs = dict.fromkeys(debugger.find(machine, path) for machine in _machines(subject))
    except OstooError as error:
        return warning("", f"{error.what}: `ostoo gdb` needs it", error.remedy)
    return ok(", ".join(f"{version(program, subject.environ)}, {program}" for program in programs))


def sandbox(subject: Subject) -> Verdict:
    """Try bubblewrap if `sandbox=on` asks for it."""
    if subject.variables["sandbox"] == "off":
        return ok("off")
    found = bubblewrap.find(PathMap((("root", subject.root),)), (), subject.environ)
    return ok(str(found.bwrap))


def _machines(subject: Subject) -> list[str]:
    """Return ELF's names of the processors of the targets that builds are for."""
    return [*dict.fromkeys(machine.elf_machine for machine in subject.machines.values())]


def version(program: str, environ: Mapping[str, str]) -> str:
    """Return the first line that a program prints of itself; empty if it does not run."""
    try:
        done = process.run([program, "--version"], cwd=Path("/"), env=environ, timeout=_PATIENCE)
    except OstooError:
        return ""
    return done.stdout.decode(errors="replace").partition("\n")[0]
