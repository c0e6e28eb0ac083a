"""Finds and hashes the files of a package. Does not know which of them a compiler reads."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build import digest, state_file
from ostoo_build.inputs import Input, is_executable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Signature = list[int]
"""Size, mtime and ctime in nanoseconds, inode: equal signatures mean unchanged contents."""


_SECOND = 1_000_000_000
_TICK, _COARSE_TICK = _SECOND // 20, 2 * _SECOND
"""Nanoseconds within which a file system may give two changes one time; some keep whole seconds only."""


def package_files(folder: Path) -> list[Path]:
    """All files of one package in sorted order: not hidden ones, cargo's `target`, nor packages nested in it."""
    return sorted(_walk(folder, top=True))


def _walk(folder: Path, *, top: bool) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or (top and entry.name == "target"):
                continue
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if not (path / "Cargo.toml").exists():
                    yield from _walk(path, top=False)
            elif entry.is_file():
                yield path


def _is_settled(found: Signature) -> bool:
    """Whether the next change of a file must give it another signature: its clock has ticked since the last one."""
    _size, mtime, ctime, _inode = found
    changed = max(mtime, ctime)
    return changed + (_TICK if changed % _SECOND else _COARSE_TICK) < time.time_ns()


def signature(path: Path) -> Signature:
    """Read a file's signature. Raises `OSError` where it can't."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


class TreeMemo:
    """Digests of folders that nobody edits, such as fetched crates; hashed again only where a signature changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _load(path)
        self._changed = False

    def input(self, path: str, folder: Path) -> Input:
        """Take a whole package as an action's input, at a portable path."""
        files = package_files(folder)
        each = [signature(file) for file in files]
        names = (str(file.relative_to(folder)) for file in files)
        signatures = digest.of_json(list(zip(names, each, strict=True)))
        known = self._known.get(str(folder))
        if known is not None and known[0] == signatures:
            return Input(path, known[1], known[2], is_folder=True)
        from ostoo_build import merkle  # noqa: PLC0415 - a start without work hashes nothing

        found = merkle.tree(inputs_of(folder)).root
        if all(map(_is_settled, each)):
            self._known[str(folder)] = (signatures, found.sha256, found.size)
            self._changed = True
        return found._replace(path=path)

    def save(self) -> None:
        """Keep what was hashed for the next invocation."""
        if self._changed:
            write_atomically(self._path, json.dumps(self._known).encode())
            self._changed = False


def inputs_of(folder: Path) -> list[Input]:
    """All files of one package, each with its path below it; hashes each."""
    files = package_files(folder)
    with ThreadPoolExecutor() as pool:
        hashes = pool.map(digest.of_file, files)
        return [_input(file, sha256, folder) for file, sha256 in zip(files, hashes, strict=True)]


def _input(file: Path, sha256: digest.Hash, folder: Path) -> Input:
    status = file.stat()
    return Input(file.relative_to(folder).as_posix(), sha256, status.st_size, is_executable(status))


def _load(path: Path) -> dict[str, tuple[str, str, int]]:
    try:
        raw = json.loads(path.read_bytes())
        return {folder: (signatures, sha256, size) for folder, (signatures, sha256, size) in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or nothing: under another name first, then renamed."""
    state_file.replace(path, data, 0o666)


def expand_inputs(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """Files outside a package that its manifest declares (`package.metadata.ostoo.inputs`, relative to the package)."""
    found: list[Path] = []
    for pattern in patterns:
        base = Path(os.path.normpath(folder / pattern))
        found += sorted(base.parent.glob(base.name)) if "*" in base.name else [base]
    return found
