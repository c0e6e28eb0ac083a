"""Unpacks Debian packages into the project once, without root."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ostoo_build.base import locks
from ostoo_build.fetch import places
from ostoo_build.fetch.apt import Apt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ostoo_build.fetch.apt import Versions

T = TypeVar("T")


@dataclass(frozen=True)
class Parcel:
    """Packages that lie in one folder; `name` is that of the folder, `what` is told when they are fetched."""

    name: str
    what: str
    choose: Callable[[Apt], Versions]

    def folder(self, root: Path) -> Path:
        return root / places.PRIVATE / self.name


@dataclass(frozen=True)
class Project:
    """Whom a parcel is for: the project's folder, the user's environment, and who is told."""

    root: Path
    environ: Mapping[str, str]
    say: Callable[[str], None]


def have(parcel: Parcel, project: Project, find: Callable[[], T | None]) -> T | None:
    """What `find` finds, if need be after the parcel was fetched; None where it is not in the parcel either.

    Raises `OstooError` where this is no Debian, or apt can't provide the packages.
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


def _fetch(parcel: Parcel, project: Project) -> None:
    scratch = project.root / places.PRIVATE / f"apt-{parcel.name}"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    apt = Apt(scratch, project.environ)
    try:
        project.say(f"fetching {parcel.what} for this project alone")
        apt.update()
        chosen = parcel.choose(apt)
        project.say(f"Debian packages: {len(chosen)}, {apt.size(chosen) / 1e6:.1f} MB")
        apt.unpack(apt.download(chosen).values(), parcel.folder(project.root))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
