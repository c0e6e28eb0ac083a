"""Lists, writes and copies files of packages."""

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
    """List all files of a package in sorted order, without hidden files, cargo's `target`, and nested packages.

    A link is followed and listed under its own name. A broken link, or one that leads to a folder above it, is left
    out.
    """
    return sorted(_walk(folder, (os.path.realpath(folder),), _of_package))


def package_links(folder: Path) -> list[Path]:
    """List the links among a package's files and folders in sorted order, without following them."""
    found = []
    for place, folders, files in os.walk(folder):
        here, depth = Path(place), 1 if place == str(folder) else 2
        found += [here / name for name in (*folders, *files) if (here / name).is_symlink()]
        folders[:] = [name for name in folders if _of_package(here / name, depth)]
    return sorted(found)


def all_files(place: Path) -> list[Path]:
    """List a file, or all files below a folder including hidden ones, in sorted order.

    The result is empty if nothing exists at `place`.
    """
    if place.is_dir():
        return sorted(_walk(place, (os.path.realpath(place),), _any))
    return [place] if place.is_file() else []


def empty_folders(place: Path) -> list[Path]:
    """List the empty folders at and below `place` in sorted order: code that lists a folder can see them."""
    if not place.is_dir():
        return []
    return sorted(Path(folder) for folder, folders, files in os.walk(place) if not folders and not files)


def _walk(folder: Path, above: tuple[str, ...], belongs: Callable[[Path, int], bool]) -> Iterator[Path]:
    """`above` holds the real paths of the enclosing folders, with the folder itself last."""
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
    """Write a file under a temporary name and rename it, so that it is never half-written."""
    state_file.replace(path, data, 0o666)


def copy_whole(source: Path, target: Path, mode: int) -> None:
    """Copy a file under a temporary name, set its mode and rename it. Raises `OSError`."""

    def fill(temporary: str) -> None:
        copy = Path(temporary)
        shutil.copyfile(source, copy)
        copy.chmod(mode)

    state_file.put(state_file.beside(target), target, fill)


def write_output(path: Path, data: bytes) -> None:
    """Write a file atomically in a folder of the build; anything else in its place is removed."""
    state_file.make_way(path)
    write_atomically(path, data)


def expand_inputs(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """List the files outside a package that its manifest declares.

    They are declared by `package.metadata.ostoo.inputs`, relative to the package.
    """
    found: list[Path] = []
    for pattern in patterns:
        base = Path(os.path.normpath(folder / pattern))
        found += sorted(base.parent.glob(base.name)) if "*" in base.name else [base]
    return found
