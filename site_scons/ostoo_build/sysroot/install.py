"""Completes a provider's musl tree, checks it, and installs it as the sysroot."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import Struct

from ostoo_build.base import digest, layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.sysroot import contract as sysroot_contract
from ostoo_build.sysroot import unwind_stub
from ostoo_build.sysroot.contract import MACHINES, Machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ostoo_build.base.spare_processors import Processors

__all__ = ["MACHINES", "OUTPUTS", "RAW_FILES", "Machine", "Provider", "RawTree", "key", "provide"]

RAW_FILES = ("lib/libc.a", "lib/crt1.o", "lib/crti.o", "lib/crtn.o")
"""The files that a provider writes, besides `include/`."""

MANIFEST = "manifest.json"
OUTPUTS = (*RAW_FILES, "lib/libunwind.a", MANIFEST)
"""Files of a finished sysroot that others may name.

The manifest contains the digests of all files, including headers.
"""


class RawTree(Struct, frozen=True):
    """What a provider is to write: files for `machine`, to an empty `folder`, on `processors`."""

    folder: Path
    machine: Machine
    processors: Processors


class Provider(Protocol):
    """The source of a raw musl tree. Its factory in `sysroot.providers` creates it once per invocation.

    `has_headers` says that the tree contains `include/`, which only C code needs.
    """

    @property
    def has_headers(self) -> bool: ...

    def identity(self) -> Mapping[str, str]:
        """Return everything that determines the raw tree's bytes: pinned digests, versions, digests of local files.

        It is part of the sysroot's key, contains no path of this machine, and is cheap enough for every start.
        """

    def write_raw(self, raw: RawTree) -> None:
        """Write `RAW_FILES` and, if it has headers, `include/` as regular files.

        It may write `layout.SYSCALL_NUMBERS` alone if it has no others. Other files in the folder are ignored. Raises
        `OstooError` if that is not possible.
        """


def key(provider: Provider, machine: Machine) -> digest.Hash:
    """Return the key of a finished sysroot; if it changes, the sysroot is made again."""
    return digest.of_json(
        {
            "provider": dict(provider.identity()),
            "machine": machine.arch,
            "libunwind.a": digest.of_bytes(unwind_stub.library(machine.elf_machine)),
        }
    )


def provide(provider: Provider, machine: Machine, destination: Path, processors: Processors) -> None:
    """Make the sysroot `destination` again, for example `sysroot/x86_64-ostoo-user`.

    It is made and checked in another folder, and then replaces the old one. Raises `OstooError` if the provider fails
    or its tree violates the contract; the old sysroot stays unchanged then.
    """
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        _clear_scratch(destination)
        with tempfile.TemporaryDirectory(dir=destination.parent, prefix=f".{destination.name}.") as scratch:
            _make(provider, machine, Path(scratch), processors)
            _replace(Path(scratch, "finished"), destination, Path(scratch, "old"))
    except OSError as error:
        raise OstooError(f"can't make the sysroot: {error}", where=str(destination)) from error


def _clear_scratch(destination: Path) -> None:
    """Remove the remains of a killed build. The checkout's lock rules out concurrent builds."""
    scratch = lazy_pattern(rf"\.{re.escape(destination.name)}\.\w+")
    for path in destination.parent.iterdir():
        if scratch.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def _make(provider: Provider, machine: Machine, scratch: Path, processors: Processors) -> None:
    raw, finished = scratch / "raw", scratch / "finished"
    raw.mkdir()
    provider.write_raw(RawTree(raw, machine, processors))
    numbers = layout.SYSCALL_NUMBERS
    headers = ("include",) if provider.has_headers else (numbers,) if (raw / numbers).exists() else ()
    _take(raw, finished, (*RAW_FILES, *headers))
    (finished / "lib/libunwind.a").write_bytes(unwind_stub.library(machine.elf_machine))
    musl = sysroot_contract.check(finished, machine)
    if provider.has_headers:
        sysroot_contract.check_headers(finished)
    _write_manifest(finished, {"musl": musl, "machine": machine.arch, "provider": dict(provider.identity())})


def _take(raw: Path, finished: Path, names: Iterable[str]) -> None:
    for name in names:
        if not (raw / name).exists():
            raise OstooError(f"the sysroot provider did not create {name}")
        (finished / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).rename(finished / name)


def _write_manifest(tree: Path, facts: Mapping[str, object]) -> None:
    files = {path.relative_to(tree).as_posix(): digest.of_file(path) for path in tree.rglob("*") if path.is_file()}
    (tree / MANIFEST).write_bytes(digest.canonical_json({**facts, "files": files}))


class State(NamedTuple):
    """The version of musl in a finished sysroot, and the files that differ from its manifest, or that it lacks.

    Of one with a damaged manifest that is the manifest, and no version is known.
    """

    musl: str
    altered: list[str]


def examine(tree: Path) -> State:
    """Compare a finished sysroot with its manifest."""
    try:
        manifest = json.loads((tree / MANIFEST).read_bytes())
        return State(
            manifest["musl"], [name for name, sha256 in manifest["files"].items() if not _has(tree / name, sha256)]
        )
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return State("", [MANIFEST])


def _has(path: Path, sha256: digest.Hash) -> bool:
    try:
        return digest.of_file(path) == sha256
    except OSError:
        return False


def _replace(new: Path, destination: Path, old: Path) -> None:
    if destination.exists():
        destination.rename(old)
    try:
        new.rename(destination)
    except OSError:
        if old.exists():
            old.rename(destination)
        raise
