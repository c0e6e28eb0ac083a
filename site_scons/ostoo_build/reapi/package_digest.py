"""Hashes the files of packages, and reuses digests of files whose stamps did not change."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ostoo_build.base import decoders, digest, stamps, state_file
from ostoo_build.base.input import Input, is_executable, refuse_odd
from ostoo_build.base.source_files import package_files
from ostoo_build.reapi import merkle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    _Take = Callable[[Path, Sequence[Path]], tuple[Input, ...]]


class TreeMemo:
    """Stored digests of package files; a file is hashed again only if its stamp changed. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _load(path)
        self._changed = False

    def input(self, path: str, folder: Path) -> Input:
        """Return a whole package as one input at a portable path. Raises `OSError` for a file that can't be read."""
        (found,) = self._of(f"{folder}/", folder, _whole)
        return found._replace(path=path)

    def files(self, path: str, folder: Path) -> tuple[Input, ...]:
        """Return each file of a package as an input below a portable path.

        Raises `OSError` for a file that can't be read.
        """
        found = self._of(str(folder), folder, _each)
        return found if path == "." else tuple(entry._replace(path=f"{path}/{entry.path}") for entry in found)

    def _of(self, name: str, folder: Path, take: _Take) -> tuple[Input, ...]:
        files = package_files(folder)
        before = [stamps.of(file) for file in files]
        names = [file.relative_to(folder).as_posix() for file in files]
        refuse_odd(folder, names)
        state = digest.of_json(list(zip(names, before, strict=True)))
        known = self._known.get(name)
        if known is not None and known.state == state:
            return known.inputs
        found = take(folder, files)
        if all(map(stamps.is_settled, before)) and before == [stamps.of(file) for file in files]:
            self._known[name] = _Known(state, found)
            self._changed = True
        return found

    def save(self) -> None:
        """Write the digests to the file for the next invocation."""
        if self._changed:
            state_file.write(self._path, state_file.sealed(msgspec.json.encode(self._known)))
            self._changed = False


class _Known(NamedTuple):
    """The inputs of a package, and the stamps that its files had; paths are relative to the package."""

    state: digest.Hash
    inputs: tuple[Input, ...]


def inputs_of(folder: Path) -> list[Input]:
    """Hash all files of one package, and return them with relative paths."""
    return list(_each(folder, package_files(folder)))


def _whole(folder: Path, files: Sequence[Path]) -> tuple[Input, ...]:

    return (merkle.tree(_each(folder, files)).root,)


def _each(folder: Path, files: Sequence[Path]) -> tuple[Input, ...]:
    pairs = zip(files, digest.of_files(files), strict=True)
    return tuple(_input(file, sha256, folder) for file, sha256 in pairs)


def _input(file: Path, sha256: digest.Hash, folder: Path) -> Input:
    status = file.stat()
    return Input(file.relative_to(folder).as_posix(), sha256, status.st_size, is_executable(status))


def _load(path: Path) -> dict[str, _Known]:
    content = state_file.recall_sealed(path)
    if content is None:
        return {}
    try:
        found: dict[str, _Known] = decoders.decode(content, dict[str, _Known])
    except (msgspec.MsgspecError, RecursionError):
        state_file.found_damaged(path)
        return {}
    return found
