"""Provides a Linux kernel and busybox from Debian's packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.fetch import debian_packages
from ostoo_build.fetch.debian_packages import Parcel

if TYPE_CHECKING:
    import re
    from pathlib import Path

    from ostoo_build.fetch.apt import Apt
    from ostoo_build.fetch.debian_packages import Project

_BUSYBOX = "busybox-static"
_IMAGE = lazy_pattern(r"linux-image-\d.+")
"""What the package that is asked for stands for: an image of one version."""


def image(package: str, project: Project) -> Path:
    """The image of the kernel that the package `package` stands for. Raises `OstooError` where there is none."""
    parcel = Parcel(package, f"Debian's {package}, some 30 MB,", lambda apt: _chosen(apt, package, _IMAGE))
    remedy = "name an image of yours: kernel=NAME:PATH"
    return _file(parcel, project, "boot/vmlinuz-*", remedy)


def busybox(project: Project) -> Path:
    """A busybox that needs no library. Raises `OstooError` where there is none."""
    wanted = lazy_pattern(_BUSYBOX)
    parcel = Parcel(_BUSYBOX, f"Debian's {_BUSYBOX}, 1 MB,", lambda apt: _chosen(apt, _BUSYBOX, wanted))
    return _file(parcel, project, "bin/busybox", "boot on a Debian machine")


def _file(parcel: Parcel, project: Project, pattern: str, remedy: str) -> Path:
    folder = parcel.folder(project.root)
    try:
        found = debian_packages.have(parcel, project, lambda: next(folder.glob(f"**/{pattern}"), None))
    except OstooError as error:
        raise OstooError(f"there is no {parcel.name}: {error.what}", remedy=remedy) from error
    if found is None:
        raise OstooError(f"Debian's {parcel.name} has no {pattern}", remedy=remedy)
    return found


def _chosen(apt: Apt, package: str, wanted: re.Pattern[str]) -> dict[str, str]:
    return {name: version for name, version in apt.closure([package]).items() if wanted.fullmatch(name)}
