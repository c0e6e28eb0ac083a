"""Finds and hashes the files of a package. Does not know which of them a compiler reads."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import state_file, target_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ostoo_build.base.input import Input

    _Take = Callable[[Path, Sequence[Path]], tuple[Input, ...]]


def package_files(folder: Path) -> list[Path]:
    """All files of one package in sorted order: not hidden ones, cargo's `target`, nor packages nested in it.

    A link is what it leads to, under its own name: so a link that is turned elsewhere is another file or folder. One
    that leads nowhere, or to a folder that it lies in, is nothing.
    """
    return sorted(_walk(folder, (os.path.realpath(folder),), _of_package))


def package_links(folder: Path) -> list[Path]:
    """The links among a package's files and folders, in sorted order; what lies behind one is not looked at."""
    found = []
    for place, folders, files in os.walk(folder):
        here, depth = Path(place), 1 if place == str(folder) else 2
        found += [here / name for name in (*folders, *files) if (here / name).is_symlink()]
        folders[:] = [name for name in folders if _of_package(here / name, depth)]
    return sorted(found)


def all_files(place: Path) -> list[Path]:
    """A file, or all files below a folder, hidden ones too, in sorted order; none where there is nothing."""
    if place.is_dir():
        return sorted(_walk(place, (os.path.realpath(place),), _any))
    return [place] if place.is_file() else []


def empty_folders(place: Path) -> list[Path]:
    """A folder, or all below it, in which nothing lies, in sorted order: whoever lists them sees them."""
    if not place.is_dir():
        return []
    return sorted(Path(folder) for folder, folders, files in os.walk(place) if not folders and not files)


def _walk(folder: Path, above: tuple[str, ...], belongs: Callable[[Path, int], bool]) -> Iterator[Path]:
    """`above` are the real paths of the folders that this one lies in, itself the last."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if not belongs(path, len(above)):
                continue
            if path.is_dir():
                real = os.path.realpath(path) if entry.is_symlink() else f"{above[-1]}/{entry.name}"
                if real not in above:
                    yield from _walk(path, (*above, real), belongs)
            elif path.is_file():
                yield path


def _of_package(path: Path, depth: int) -> bool:
    if path.name.startswith(".") or (depth == 1 and path.name == "target" and target_folder.is_target(str(path))):
        return False
    return not (path / "Cargo.toml").exists()


def _any(_path: Path, _depth: int) -> bool:
    return True


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or nothing: under another name first, then renamed."""
    state_file.replace(path, data, 0o666)


def copy_whole(source: Path, target: Path, mode: int) -> None:
    """Copy a file, whole or not at all, and give the copy a mode. Raises `OSError`."""

    def fill(temporary: str) -> None:
        copy = Path(temporary)
        shutil.copyfile(source, copy)
        copy.chmod(mode)

    state_file.put(state_file.beside(target), target, fill)


def write_output(path: Path, data: bytes) -> None:
    """Write a whole file or nothing in a folder that is the build's: what else lies there is taken away."""
    state_file.make_way(path)
    write_atomically(path, data)


def expand_inputs(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """Files outside a package that its manifest declares (`package.metadata.ostoo.inputs`, relative to the package)."""
    found: list[Path] = []
    for pattern in patterns:
        base = Path(os.path.normpath(folder / pattern))
        found += sorted(base.parent.glob(base.name)) if "*" in base.name else [base]
    return found
