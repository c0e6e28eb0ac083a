"""Provides a Linux kernel and busybox from Debian's packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.fetch import debian_packages
from ostoo_build.fetch.debian_packages import PackageSet

if TYPE_CHECKING:
    import re
    from pathlib import Path

    from ostoo_build.fetch.apt import Apt
    from ostoo_build.fetch.debian_packages import Project

_BUSYBOX = "busybox-static"
_IMAGE = lazy_pattern(r"linux-image-\d.+")
"""The package with the kernel image of one version, on which the metapackage depends."""


def image(package: str, project: Project) -> Path:
    """Return the kernel image that the metapackage `package` depends on. Raises `OstooError` if it is not available."""
    parcel = PackageSet(package, f"Debian's {package}, some 30 MB,", lambda apt: _chosen(apt, package, _IMAGE))
    remedy = "name your own image: kernel=NAME:PATH"
    return _file(parcel, project, "boot/vmlinuz-*", remedy)


def busybox(project: Project) -> Path:
    """Return a static busybox. Raises `OstooError` if it is not available."""
    wanted = lazy_pattern(_BUSYBOX)
    parcel = PackageSet(_BUSYBOX, f"Debian's {_BUSYBOX}, 1 MB,", lambda apt: _chosen(apt, _BUSYBOX, wanted))
    return _file(parcel, project, "bin/busybox", "boot on a Debian machine")


def _file(parcel: PackageSet, project: Project, pattern: str, remedy: str) -> Path:
    folder = parcel.folder(project.root)
    try:
        found = debian_packages.ensure(parcel, project, lambda: next(folder.glob(f"**/{pattern}"), None))
    except OstooError as error:
        raise OstooError(f"there is no {parcel.name}: {error.what}", remedy=remedy) from error
    if found is None:
        raise OstooError(f"Debian's {parcel.name} has no {pattern}", remedy=remedy)
    return found


def _chosen(apt: Apt, package: str, wanted: re.Pattern[str]) -> dict[str, str]:
    return {name: version for name, version in apt.closure([package]).items() if wanted.fullmatch(name)}
