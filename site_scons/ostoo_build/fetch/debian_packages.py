"""Unpacks Debian packages into the project once, without root."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ostoo_build.base import locks
from ostoo_build.base.errors import OstooError
from ostoo_build.fetch import places
from ostoo_build.fetch.apt import Apt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ostoo_build.fetch.apt import Versions

T = TypeVar("T")


@dataclass(frozen=True)
class PackageSet:
    """Packages that are unpacked to one folder. `name` is the folder's, `what` describes them for the user."""

    name: str
    what: str
    choose: Callable[[Apt], Versions]

    def folder(self, root: Path) -> Path:
        return root / places.PRIVATE / self.name


@dataclass(frozen=True)
class Project:
    """The project's folder, the user's environment, and the function that reports progress."""

    root: Path
    environ: Mapping[str, str]
    say: Callable[[str], None]


def ensure(parcel: PackageSet, project: Project, find: Callable[[], T | None]) -> T | None:
    """Return the result of `find`, after installing the packages if necessary; None if they lack it too.

    Raises `OstooError` if this is not a Debian machine, or apt can't provide the packages.
    """
    found = find()
    if found is None:
        folder = parcel.folder(project.root)
        folder.parent.mkdir(exist_ok=True)
        with locks.of_file(folder.with_name(f"{folder.name}.lock")):
            found = find()
            if found is None:
                _fetch(parcel, project)
                found = find()
    return found


def _fetch(parcel: PackageSet, project: Project) -> None:
    project.say(f"{parcel.what} for this project only")

    def unpack(apt: Apt) -> None:
        chosen = parcel.choose(apt)
        project.say(f"Debian packages: {len(chosen)}, {apt.size(chosen) / 1e6:.1f} MB")
        apt.unpack(apt.download(chosen).values(), parcel.folder(project.root))

    with_lists(project.root, project.environ, unpack)


def with_lists(root: Path, environ: Mapping[str, str], use: Callable[[Apt], None]) -> None:
    """Use apt with the project's own lists of packages, brought up to date; what `use` downloads is removed.

    Lists that an earlier use left spare most of the time: apt asks for what changed. Raises what `use` raises, and
    `OstooError` where apt gets no lists.
    """
    folder = root / places.PRIVATE / "apt"
    folder.parent.mkdir(exist_ok=True)
    with locks.of_file(folder.with_name("apt.lock")):
        if folder.is_dir():
            try:
                return _use(Apt(folder, environ), use)
            except OstooError:  # the lists may be damaged: try with new ones
                shutil.rmtree(folder)
        folder.mkdir()
        try:
            return _use(Apt(folder, environ), use)
        except BaseException:
            shutil.rmtree(folder)
            raise


def _use(apt: Apt, use: Callable[[Apt], None]) -> None:
    try:
        apt.update()
        use(apt)
    finally:
        for archive in apt.folder.glob("*.deb"):
            archive.unlink()
