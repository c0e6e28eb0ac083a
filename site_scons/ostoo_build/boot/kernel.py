"""The kernel that `kernel=` names, with everything needed to boot it."""

from __future__ import annotations

import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import digest, source_files, spelling
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import is_executable
from ostoo_build.binary.machine import machine_of
from ostoo_build.boot import debian_kernel, guest, initramfs
from ostoo_build.boot import description as boot_description
from ostoo_build.boot import qemu as qemu_system
from ostoo_build.boot.guest import VmConfig
from ostoo_build.fetch.debian_packages import Project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ostoo_build.base.console import Console
    from ostoo_build.boot.guest import BootResult


class _Parts(Struct, frozen=True):
    """The parts of a boot besides programs: files that the guest finds by name, and busybox for an init script."""

    files: Mapping[str, Path]
    busybox: bytes

    @property
    def sha256(self) -> digest.Hash:
        return digest.of_json([self._contents(), digest.of_bytes(self.busybox)])

    def _contents(self) -> list[tuple[str, digest.Hash, bool]]:
        whole = [
            (f"{name}/{file.relative_to(path)}", file)
            for name, path in self.files.items()
            for file in source_files.all_files(path)
        ]
        return [(name, digest.of_file(file), is_executable(file.stat())) for name, file in whole]


class BootFolders(Struct, frozen=True):
    """A repository, its folder of boot descriptions, and the folder that a guest without initramfs gets."""

    root: Path
    descriptions: Path
    share: Path


class KernelImage:
    """The kernel that `kernel=` names: NAME or NAME:IMAGE. A property raises `OstooError` if its file is missing."""

    def __init__(self, folders: BootFolders, word: str, environ: Mapping[str, str], console: Console) -> None:
        self._folders = folders
        self._environ = environ
        self._console = console
        self.name, _, self._named_image = word.partition(":")

    @cached_property
    def file(self) -> Path:
        """The path of the boot description: the project's, else this build's own."""
        own, suffix = self._folders.descriptions, boot_description.SUFFIX
        folders = (own, boot_description.OWN)
        for folder in folders:
            path = folder / f"{self.name}{suffix}"
            if path.is_file():
                return path
        known = {each.name.removesuffix(suffix) for folder in folders for each in folder.glob(f"*{suffix}")}
        raise OstooError(
            f"no boot description for kernel {self.name}",
            where=str(own / f"{self.name}{suffix}"),
            remedy=spelling.one_of(self.name, sorted(known)),
        )

    @cached_property
    def description(self) -> boot_description.BootDescription:
        return boot_description.load(self.file)

    @cached_property
    def image(self) -> Path:
        """The kernel's file."""
        if self._named_image:
            path = Path(os.path.realpath(self._folders.root / self._named_image))
            if not path.is_file():
                raise OstooError("there is no such kernel image", where=str(path))
            return path
        if self.description.package:
            return debian_kernel.image(self.description.package, self._project)
        raise OstooError(f"kernel={self.name} needs an image of the kernel", remedy=f"write kernel={self.name}:PATH")

    @property
    def sha256(self) -> digest.Hash:
        """Identifies the kernel and shared files. With the description and programs, it identifies a boot."""
        return digest.of_json([self._qemu.sha256, self._parts.sha256])

    def refuse_other(self, program: Path) -> None:
        """Raise `OstooError` for a program for another processor."""
        machine = machine_of(program)
        if machine != self.description.machine:
            raise OstooError(
                f"{self.description.kernel} is booted for programs for {self.description.machine}, "
                f"and {program.name} is for {machine}",
                where=str(self.file),
                remedy="name another target=, or a kernel= for this one",
            )

    def boot(self, folder: Path, files: Mapping[str, bytes], order: Sequence[str], limit: float) -> BootResult:
        """Boot and start the programs of `order` by name, each for at most `limit` seconds.

        `files` are the contents of an initramfs by path. A guest without one finds the programs in the shared folder.
        """
        init = self.description.init
        archive = initramfs.make(init, self._parts.busybox, files, order) if init else b""
        nonce = secrets.token_hex(8)
        made = VmConfig(self.description, self._qemu, folder, self._parts.files, archive, nonce, limit)
        return guest.boot(made, order)

    @cached_property
    def _project(self) -> Project:
        say = self._console.status
        return Project(self._folders.root, self._environ, lambda line: say("Fetching", line))

    @cached_property
    def _qemu(self) -> qemu_system.QemuSystem:
        return qemu_system.find_or_provide(self.description.machine, self._project)

    @cached_property
    def _parts(self) -> _Parts:
        if self.description.init:
            return _Parts({"kernel": self.image}, debian_kernel.busybox(self._project).read_bytes())
        return _Parts({"kernel": self.image, "share": self._folders.share}, b"")
