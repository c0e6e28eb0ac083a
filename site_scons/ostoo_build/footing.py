"""Names all that a build depends on: trees and single files of this machine. Does not look at them."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build import home, link_inputs, read_set, toolchain, toolchain_digest, unit_inputs
from ostoo_build.look import Look
from ostoo_build.paths import is_local
from ostoo_build.rustc import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.plan import PlannedUnit
    from ostoo_build.session import Session

_OWN = os.path.expanduser("~/.scons/site_scons")  # noqa: PTH111 - as SCons asks: where there is no home it is no error
EXTENSIONS = (Path(_OWN), Path("/usr/share/scons/site_scons"))
"""Where SCons looks for extensions, besides the checkout (SCons' man page, `site_scons`)."""

Tree = tuple[str, list[str]]
"""A folder, and names at its top that do not count."""


def of(session: Session) -> tuple[list[Tree], list[str]]:
    """All that the planned programs depend on: trees, and files, which need not be there."""
    return list(_trees(session)), sorted({str(path) for path in _files(session)})


def is_known(session: Session) -> bool:
    """Whether it is only what `of` name that decides; the seldom ways are not worth a list."""
    chosen = session.toolchain
    # a compiler tells its place with links resolved; checkouts may share one folder through a link
    own = [place.resolve() for place in (home.rustup(os.environ), session.root / toolchain.PRIVATE)]
    return (
        session.variables["sysroot"] == "zig"
        and not any(session.variables[name] for name in ("RUSTC", "CARGO", "LLD", "RUST_SRC"))
        and any(chosen.rustc.resolve().is_relative_to(folder) for folder in own)
        and chosen.lld.is_relative_to(chosen.rustc.parent.parent)
    )


def _trees(session: Session) -> Iterator[Tree]:
    hidden = [entry.name for entry in session.root.iterdir() if entry.name.startswith(".") and entry.name != ".cargo"]
    yield str(session.root), ["build", "sysroot", *hidden]
    pins = session.root / "sysroot"
    yield str(pins), [entry.name for entry in pins.iterdir() if entry.is_dir()]  # finished sysroots, made here
    for _, place in toolchain_digest.places(session.toolchain):
        if place.is_dir():
            yield str(place), []
    packages = {unit.package for unit in session.units.values()}
    for package in packages:
        if not is_local(package) and not package.startswith("@{rust-src}"):
            yield session.paths.expand(package), []


def _files(session: Session) -> Iterator[Path]:
    yield from _of_python()
    yield from _of_toolchain(session)
    for workspace in session.programs.workspaces:
        yield from workspace.cargo.configuration_files()
        yield from workspace.elsewhere()
    for unit in session.units.values():
        yield from unit_inputs.declared_files(session, unit)
        if unit.kind is Kind.PROGRAM:
            yield from link_inputs.planned_files(session, unit)


def judged_anew(session: Session) -> list[str]:
    """More that it depends on, files and folders, for who does not judge plans and units: what these were made from."""
    look, units = Look(), session.units.values()
    found = {path for workspace in session.programs.workspaces for path in read_set.observed(workspace.look)}
    found.update(folder for unit in units for folder in unit_inputs.listed_folders(session, unit))
    found.update(_off_the_trees(session, {path for unit in units for path in _edited(session, unit, look)}))
    return sorted(map(str, found))


def _edited(session: Session, unit: PlannedUnit, look: Look) -> Iterator[str]:
    """All that a unit reads in the checkout, by name, and what its last run told that it reads."""
    yield from (entry.path for entry in unit_inputs.of(session, unit, look) if not entry.is_folder)
    yield from unit_inputs.known_reads(session, unit)


def _off_the_trees(session: Session, names: set[str]) -> Iterator[Path]:
    """Files, and the folders they are found in, that a walk does not come by: hidden ones, and those behind links."""
    for name in names:
        path = session.root / name
        if os.path.realpath(path) != str(path) or any(part.startswith(".") for part in path.parts):
            yield path
            if path.is_dir():
                yield from (Path(folder) for folder, _, _ in os.walk(path))
            yield from (folder for folder in path.parents if folder.is_relative_to(session.root))


def _of_python() -> Iterator[Path]:
    yield from (Path(sys.executable), Path(sys.prefix, "pyvenv.cfg"), Path(sysconfig.get_path("purelib")))
    yield from EXTENSIONS


def _of_toolchain(session: Session) -> Iterator[Path]:
    chosen = session.toolchain
    yield from (place for _, place in toolchain_digest.places(chosen) if not place.is_dir())
    sysroot = chosen.rustc.parent.parent
    yield session.root / toolchain.DEBIAN  # by this name it is found, maybe through a link
    yield from (sysroot / "lib", sysroot.parent / "lib", *toolchain.version_files(chosen.rust_src))
    yield home.rustup(os.environ) / "toolchains"
    yield session.root / toolchain.DEBIAN / "usr/bin/rustc"
    yield from (Path(folder, "cc") for folder in os.environ.get("PATH", os.defpath).split(os.pathsep))
