"""Finds what runs a program: this machine, or QEMU's user mode.

QEMU is taken from PATH; else, on Debian, its static package is unpacked into the project, without root.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.fetch import debian_packages, places
from ostoo_build.fetch.debian_packages import PackageSet, Project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ostoo_build.fetch.apt import Apt

FOLDER = f"{places.PRIVATE}/qemu-user"
"""The folder of an unpacked QEMU, relative to the project."""

_QEMU = {"EM_X86_64": "qemu-x86_64", "EM_AARCH64": "qemu-aarch64", "EM_RISCV": "qemu-riscv64"}
_HOSTS = {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64", "riscv64": "EM_RISCV"}
_PACKAGES = ("qemu-user-static", "qemu-user")
"""Static programs are in the first package up to Debian 12, in the second one later."""


def runs_natively(machine: str) -> bool:
    """Whether this machine can run Linux programs for one of ELF's machines without an emulator."""
    return sys.platform == "linux" and _HOSTS.get(platform.machine()) == machine


def qemu_user(machine: str, root: Path, environ: Mapping[str, str], say: Callable[[str], None]) -> Path:
    """Return QEMU for programs of one of ELF's machines.

    Raises `OstooError` if it is neither on PATH nor in Debian's packages.
    """
    name = _QEMU.get(machine)
    if name is None:
        raise OstooError(f"no emulator for {machine} is supported")
    parcel = PackageSet("qemu-user", "QEMU's user mode: one Debian package, some 20 MB,", _version)
    try:
        found = debian_packages.ensure(parcel, Project(root, environ, say), lambda: present(machine, root, environ))
    except OstooError as error:
        raise OstooError(f"there is no {name}: {error.what}", remedy="install QEMU's user mode") from error
    if found is None:
        raise OstooError(f"Debian's package has no {name}", remedy="install QEMU's user mode")
    return found


def present(machine: str, root: Path, environ: Mapping[str, str]) -> Path | None:
    """Return QEMU for one of ELF's machines if it is here. Fetches nothing."""
    name = _QEMU.get(machine, "")
    places = f"{environ.get('PATH', os.defpath)}{os.pathsep}{root / FOLDER / 'usr/bin'}"
    found = shutil.which(name, path=places) or shutil.which(f"{name}-static", path=places)
    return Path(found) if found else None


def _version(apt: Apt) -> dict[str, str]:
    refused: OstooError | None = None
    for package in _PACKAGES:
        try:
            return {package: apt.closure([package])[package]}
        except OstooError as error:
            refused = error
    raise OstooError(refused.what if refused else "")
