"""Finds the QEMU that emulates a whole machine.

It is taken from PATH; else, on Debian, its packages and the libraries that the machine lacks are unpacked into the
project, without root.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.fetch import debian_packages, places
from ostoo_build.fetch.debian_packages import PackageSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ostoo_build.fetch.apt import Apt
    from ostoo_build.fetch.debian_packages import Project

_QEMU = {"EM_X86_64": ("qemu-system-x86_64", "qemu-system-x86")}
"""The program and Debian's package for one of ELF's machines."""

_FOLDER = "qemu-system"
_OWN = lazy_pattern(r"qemu-system-.+|seabios")
_LIBRARY = lazy_pattern(r"lib.+")


class QemuSystem(Struct, frozen=True):
    """A QEMU; `command` precedes the arguments for a guest."""

    command: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    def sha256(self) -> digest.Hash:
        return digest.of_file(Path(self.command[0]))


def find_or_provide(machine: str, project: Project) -> QemuSystem:
    """Return QEMU for one of ELF's machines. Raises `OstooError` if it is neither on PATH nor in Debian's packages."""
    name, package = _QEMU[machine]
    parcel = PackageSet(_FOLDER, "QEMU: some Debian packages, 20 MB,", lambda apt: _versions(apt, package))
    remedy = f"install {package}, or put {name} on PATH"
    try:
        found = debian_packages.ensure(parcel, project, lambda: present(machine, project.root, project.environ))
    except OstooError as error:
        raise OstooError(f"there is no {name}: {error.what}", remedy=remedy) from error
    if found is None:
        raise OstooError(f"Debian's package has no {name}", remedy=remedy)
    return found


def present(machine: str, root: Path, environ: Mapping[str, str]) -> QemuSystem | None:
    """Return QEMU for one of ELF's machines if it is here. Fetches nothing."""
    name, _ = _QEMU[machine]
    on_path = shutil.which(name, path=environ.get("PATH", os.defpath))
    if on_path:
        return QemuSystem((on_path,), environ)
    folder = root / places.PRIVATE / _FOLDER
    program = folder / "usr/bin" / name
    if not program.is_file():
        return None
    data = (f"{folder}/usr/share/{part}" for part in ("qemu", "seabios"))
    command = (str(program), *(word for place in data for word in ("-L", place)))
    libraries = (str(path) for place in ("lib", "usr/lib") for path in folder.glob(f"{place}/*-linux-gnu*"))
    return QemuSystem(command, {**environ, "LD_LIBRARY_PATH": os.pathsep.join(libraries)})


def is_known(machine: str) -> bool:
    """Whether kernels of one of ELF's machines can be booted."""
    return machine in _QEMU


def _versions(apt: Apt, package: str) -> dict[str, str]:
    """Select the packages: always QEMU's own, and of the others the libraries that the machine lacks."""
    installed = apt.installed()
    needed = apt.closure([package])
    return {
        name: version
        for name, version in needed.items()
        if _OWN.fullmatch(name) or (_LIBRARY.fullmatch(name) and name not in installed)
    }
