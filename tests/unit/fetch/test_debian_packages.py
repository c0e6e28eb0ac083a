from pathlib import Path

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.fetch import debian_packages
from ostoo_build.fetch.apt import Apt, Versions
from ostoo_build.fetch.debian_packages import PackageSet, Project

APT_GET = """#!/bin/sh
case "$*" in
    update*) : > "$PWD/lists/x_Packages" ;;
    *" --print-uris "*) echo "'http://d/toy' toy 2500000 SHA256:0" ;;
    download*) : > toy_1.0_all.deb ;;
esac
"""
DPKG_DEB = """#!/bin/sh
mkdir -p "$3/usr"
echo made > "$3/usr/toy"
"""


def toy(_apt: Apt) -> Versions:
    return {"toy": "1.0"}


def project(folder: Path, said: list[str]) -> Project:
    for name, text in (("apt-get", APT_GET), ("dpkg-deb", DPKG_DEB)):
        fake.write(folder / "bin" / name, text)
        (folder / "bin" / name).chmod(0o755)
    return Project(folder, {"PATH": f"{folder / 'bin'}:/usr/bin:/bin"}, said.append)


def test_packages_are_fetched_once_and_only_apts_lists_are_left(tmp_path: Path) -> None:
    said: list[str] = []
    parcel = PackageSet("toys", "a toy", toy)
    file = parcel.folder(tmp_path) / "usr/toy"
    for _ in range(2):
        found = debian_packages.ensure(parcel, project(tmp_path, said), lambda: file if file.is_file() else None)
        assert found == file
    assert said == ["a toy for this project only", "Debian packages: 1, 2.5 MB"]
    left = (path.name for path in (tmp_path / ".toolchain").iterdir() if path.suffix != ".lock")
    assert sorted(left) == ["apt", "toys"]
    assert not list((tmp_path / ".toolchain/apt").glob("*.deb"))


def test_what_is_not_in_the_packages_is_none(tmp_path: Path) -> None:
    assert debian_packages.ensure(PackageSet("toys", "a toy", toy), project(tmp_path, []), lambda: None) is None


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def refuse(_apt: Apt) -> Versions:
        raise OstooError("no such package")

    with pytest.raises(OstooError, match="no such package"):
        debian_packages.ensure(PackageSet("toys", "a toy", refuse), project(tmp_path, []), lambda: None)
    assert [path.name for path in (tmp_path / ".toolchain").iterdir() if path.suffix != ".lock"] == []


def test_the_next_packages_are_fetched_with_the_lists_that_are_here(tmp_path: Path) -> None:
    seen: list[bool] = []

    def chosen(apt: Apt) -> Versions:
        seen.append((apt.folder / "lists/ours").exists())
        fake.write(apt.folder / "lists/ours", "")
        return {"toy": "1.0"}

    for name in ("toys", "games"):
        debian_packages.ensure(PackageSet(name, "a toy", chosen), project(tmp_path, []), lambda: None)
    assert seen == [False, True]


def test_lists_that_apt_can_not_read_are_made_anew(tmp_path: Path) -> None:
    said: list[str] = []

    def chosen(apt: Apt) -> Versions:
        if (apt.folder / "lists/damaged").exists():
            raise OstooError("the package lists could not be parsed")
        return {"toy": "1.0"}

    fake.write(tmp_path / ".toolchain/apt/lists/damaged", "")
    parcel = PackageSet("toys", "a toy", chosen)
    file = parcel.folder(tmp_path) / "usr/toy"
    found = debian_packages.ensure(parcel, project(tmp_path, said), lambda: file if file.is_file() else None)
    assert found == file
    assert said == ["a toy for this project only", "Debian packages: 1, 2.5 MB"]
