"""Lists every directory and file that a build depends on. Does not stat them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import home, own_files, read_set, source_files
from ostoo_build.base.paths import is_local
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.fetch import places
from ostoo_build.planning.planned_unit import CompileUnit
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import link_inputs, unit_inputs
from ostoo_build.server import code_state
from ostoo_build.toolchain import digest as toolchain_digest
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ostoo_build.base.paths import PathMap
    from ostoo_build.base.stamps import Tree
    from ostoo_build.invocation.options import Options
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.planned_unit import PlannedUnit

_OWN = os.path.expanduser("~/.scons/site_scons")  # noqa: PTH111 - as SCons asks: where there is no home it is no error
EXTENSIONS = (Path(_OWN), Path("/usr/share/scons/site_scons"))
"""Folders outside the checkout in which SCons looks for extensions (SCons' man page, `site_scons`)."""


class Dependencies(Struct, frozen=True):
    """The dependencies of the planned programs.

    The first four fields are trees: of the checkout, of this build's own code outside the checkout, of the toolchain,
    of crates outside the checkout. The others are single paths, some of which may not exist: of Python and SCons; where
    toolchains are searched; cargo's configuration; paths outside the checkout at which packages were searched; declared
    inputs; targets of links.
    """

    checkout: tuple[Tree, ...]
    code: tuple[Tree, ...]
    toolchain: tuple[Tree, ...]
    crates: tuple[Tree, ...]
    python: tuple[str, ...]
    tools: tuple[str, ...]
    configuration: tuple[str, ...]
    elsewhere: tuple[str, ...]
    declared: tuple[str, ...]
    linked: tuple[str, ...]

    @property
    def trees(self) -> list[Tree]:
        return [*self.checkout, *self.code, *self.toolchain, *self.crates]

    @property
    def places(self) -> list[str]:
        return sorted({*self.python, *self.tools, *self.configuration, *self.elsewhere, *self.declared, *self.linked})


class Observed(Struct, frozen=True):
    """Further dependencies, for a check that does not compute the keys of plans and units.

    They are inputs of plans, folders whose entries are inputs, and inputs that a walk of the trees does not reach.
    """

    planned: tuple[str, ...]
    listed: tuple[str, ...]
    off_the_trees: tuple[str, ...]

    @property
    def places(self) -> list[str]:
        return sorted({*self.planned, *self.listed, *self.off_the_trees})


def of(planner: Planner) -> Dependencies:
    """Return the dependencies of the planned programs."""
    units, workspaces = planner.units.values(), planner.programs.workspaces
    crates = (unit for unit in units if isinstance(unit, CompileUnit))
    programs = [unit for unit in crates if unit.kind is UnitKind.PROGRAM]
    return Dependencies(
        checkout=(checkout_tree(planner.root, planner.paths),),
        code=tuple((str(folder), []) for folder in code_elsewhere(planner.root)),
        toolchain=toolchain_digest.trees(planner.tools.toolchain),
        crates=tuple((folder, []) for folder in crate_folders(planner)),
        python=_names((*code_state.of_python(), *EXTENSIONS)),
        tools=_names(_of_toolchain(planner)),
        configuration=_names(path for each in workspaces for path in each.cargo.configuration_files()),
        elsewhere=_names(path for each in workspaces for path in each.elsewhere()),
        declared=_names(path for unit in units for path in unit_inputs.declared_files(planner.paths, unit)),
        linked=_names(
            path for unit in programs for path in link_inputs.planned_files(planner.paths, planner.targets, unit)
        ),
    )


def observed(planner: Planner, services: Services, walked: Collection[str]) -> Observed:
    """Return the inputs of plans and units; `walked` contains all paths that the walk of the trees reached."""
    snapshot, units = Snapshot(), planner.units.values()
    edited = {path for unit in units for path in _edited(planner, services, unit, snapshot)}
    off = _names(off_the_trees(planner, edited, walked))
    return Observed(planned=_planned(planner), listed=_listed(planner), off_the_trees=off)


def read_here(planner: Planner, services: Services) -> set[str]:
    """Return all files that a user may edit and a build reads: packages, configuration, declared and searched files."""
    snapshot, units, made_of = Snapshot(), planner.units.values(), of(planner)
    named = {str(_place(planner, name)) for unit in units for name in _edited(planner, services, unit, snapshot)}
    crates = {str(path) for folder in _of_edited_crates(planner) for path in source_files.package_files(folder)}
    places = {*made_of.configuration, *made_of.elsewhere, *made_of.declared, *made_of.linked}
    return {*named, *crates, *places, *_planned(planner), *_listed(planner)}


def _planned(planner: Planner) -> tuple[str, ...]:
    return _names(path for each in planner.programs.workspaces for path in read_set.observed(each.snapshot))


def _listed(planner: Planner) -> tuple[str, ...]:
    units = planner.units.values()
    return _names(folder for unit in units for folder in unit_inputs.listed_folders(planner.paths, unit))


def is_known(planner: Planner, options: Options) -> bool:
    """Whether `of` covers everything that decides the result. Rare configurations are not covered, and get no note."""
    chosen, variables = planner.tools.toolchain, options.variables
    # a compiler reports its path with links resolved; checkouts may share a folder through a link
    own = [place.resolve() for place in (home.rustup(os.environ), planner.root / places.PRIVATE)]
    return (
        {variables["sysroot"], *options.described.sysroots.values()} == {"zig"}
        and not any(variables[name] for name in ("RUSTC", "CARGO", "LLD", "RUST_SRC"))
        and any(chosen.rustc.resolve().is_relative_to(folder) for folder in own)
        and chosen.lld.is_relative_to(chosen.rustc.parent.parent)
    )


def _names(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(sorted(set(map(str, paths))))


def checkout_tree(root: Path, paths: PathMap) -> Tree:
    hidden = [entry.name for entry in root.iterdir() if entry.name.startswith(".") and entry.name != ".cargo"]
    return str(root), [*sorted(paths.made), *hidden]


def code_elsewhere(root: Path) -> list[Path]:
    """Return the folders of this build's own code that no walk of the checkout reaches: it is installed."""

    def is_walked(folder: Path) -> bool:
        return folder.is_relative_to(root) and not folder.relative_to(root).parts[0].startswith(".")

    return [folder for folder in own_files.CODE if not is_walked(folder)]


def crate_folders(planner: Planner) -> set[str]:
    packages = {unit.package for unit in planner.units.values()}
    return {
        planner.paths.expand(package)
        for package in packages
        if not is_local(package) and not package.startswith("@{rust-src}")
    }


def _edited(planner: Planner, services: Services, unit: PlannedUnit, snapshot: Snapshot) -> Iterator[str]:
    """Return all files that a unit reads in the checkout, by name, including those that its last run reported."""
    reads = unit_inputs.known(services, planner.paths, unit).reads
    yield from (entry.path for entry in unit_inputs.of(planner, services, unit, reads, snapshot) if not entry.is_folder)
    yield from reads


def _place(planner: Planner, name: str) -> Path:
    return planner.root / planner.paths.expand(name)


def off_the_trees(planner: Planner, names: set[str], walked: Collection[str]) -> Iterator[Path]:
    """Return files, and the folders that contain them, that a walk of the trees does not reach.

    They are hidden, behind links, in cargo's output folder or in a sysroot, which a walk leaves out.
    """
    yield from _not_walked(walked, (_place(planner, name) for name in names), planner.root)
    for folder in _of_edited_crates(planner):
        yield from _not_walked(walked, source_files.package_files(folder), folder)


def _not_walked(walked: Collection[str], paths: Iterable[Path], top: Path) -> Iterator[Path]:
    for path in paths:
        if str(path) not in walked or os.path.realpath(path) != str(path):
            yield path
            if path.is_dir():
                yield from (Path(folder) for folder, _, _ in os.walk(path))
            yield from (folder for folder in path.parents if folder.is_relative_to(top))


def _of_edited_crates(planner: Planner) -> Iterator[Path]:
    """Crates outside the checkout that a user may edit; downloaded crates never change."""
    for folder in sorted(crate_folders(planner)):
        if not planner.paths.portable(folder).startswith("@{cargo-home}/"):
            yield Path(folder)


def _of_toolchain(planner: Planner) -> Iterator[Path]:
    chosen = planner.tools.toolchain
    yield from (place for _, place in toolchain_digest.places(chosen) if not place.is_dir())
    sysroot = chosen.rustc.parent.parent
    yield planner.root / places.DEBIAN  # by this name it is found, maybe through a link
    # a link can change its target, and a missing file can appear
    yield from (sysroot / toolchain.SOURCE, toolchain.own_lld(sysroot, chosen.host))
    yield from (sysroot / "lib", sysroot.parent / "lib", *toolchain.version_files(chosen.rust_src))
    yield home.rustup(os.environ) / "toolchains"
    yield planner.root / places.DEBIAN / "usr/bin/rustc"
    yield from (Path(folder, "cc") for folder in os.environ.get("PATH", os.defpath).split(os.pathsep))
