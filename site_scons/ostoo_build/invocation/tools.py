"""The toolchain of an invocation, its digest, and the paths by which actions name it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.base import home, layout, own_files, state_file, user_cache
from ostoo_build.base.paths import PathMap
from ostoo_build.execution.input_guard import InputGuard
from ostoo_build.planning import cargo
from ostoo_build.toolchain import digest as toolchain_digest
from ostoo_build.toolchain import provide as toolchain_provide

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ostoo_build.base import digest
    from ostoo_build.base.input import Input
    from ostoo_build.invocation.checkout import Checkout
    from ostoo_build.invocation.options import Options
    from ostoo_build.toolchain.find import Toolchain


class Tools(Struct, frozen=True):
    """The toolchain, with what detects changes of it.

    `paths` maps locations of this machine to placeholders, `folder` is the toolchain as an input, `scan` the stamps of
    its files before they were hashed, `environment` is what cargo, and rustc when it is queried, may see of the user's
    environment.
    """

    toolchain: Toolchain
    paths: PathMap
    input_guard: InputGuard
    folder: Input
    scan: toolchain_digest.Scan
    environment: Mapping[str, str]

    @property
    def sha256(self) -> digest.Hash:
        """The toolchain digest."""
        return self.folder.sha256


def find(checkout: Checkout, options: Options) -> Tools:
    """Find or provide the toolchain; announce it if it differs from that of the last invocation."""
    toolchain = find_toolchain(checkout, options.variables)
    paths = paths_of(checkout.root, toolchain, options.described.sysroot_folder)
    _warn_of_ignored(checkout)
    return of(checkout, toolchain, paths, environment(toolchain))


def find_toolchain(checkout: Checkout, variables: Mapping[str, str]) -> Toolchain:
    return toolchain_provide.find_or_provide(
        checkout.root, named(variables), os.environ, lambda line: checkout.console.status("Fetching", line)
    )


def named(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that name tools."""
    return {name: variables[name] for name in ("RUSTC", "CARGO", "LLD", "RUST_SRC")}


def of(checkout: Checkout, toolchain: Toolchain, paths: PathMap, environment: Mapping[str, str]) -> Tools:
    """Wrap a toolchain: changes are detected from here on, and it is hashed after this."""
    libraries = {library.parent for library in toolchain.libraries}  # they change together with their folder
    parts = (toolchain.rustc, toolchain.cargo, toolchain.lld, toolchain.rust_src, *libraries)
    input_guard = InputGuard(paths, checkout.began, parts)
    scan = toolchain_digest.scan(toolchain)
    folder = toolchain_digest.of(toolchain, scan, user_cache.folder() / user_cache.TOOLCHAINS)
    chosen = checkout.root / layout.TOOLCHAIN
    line = os.fsencode(toolchain.reason)
    if state_file.recall(chosen) != line:
        checkout.console.status("Using", toolchain.reason)
        user_cache.note(chosen, line)
    return Tools(toolchain, paths, input_guard, folder, scan, environment)


def paths_of(root: Path, toolchain: Toolchain, sysroots: str) -> PathMap:
    """Return the locations that actions name; `sysroots` is the portable path of the folder of all sysroots."""
    found = PathMap(
        (
            ("root", root),
            ("toolchain", toolchain.rustc.parent.parent),
            ("rust-src", toolchain.rust_src),
            ("cargo-home", home.cargo(os.environ)),
            ("rustc", toolchain.rustc),
            ("cargo", toolchain.cargo),
            ("lld", toolchain.lld),
            ("ostoo-build", own_files.PACKAGE),
        ),
        sysroots=sysroots,
    )
    places = [place for _, place in toolchain_digest.places(toolchain)]
    of_tools = (f"{found.portable(place)}{'/' if place.is_dir() else ''}" for place in places)
    return replace(found, of_tools=tuple(of_tools))


def environment(toolchain: Toolchain) -> dict[str, str]:
    """Return what cargo, and rustc when it is queried, may see of the user's environment."""
    return {**cargo.environment(dict(toolchain.env)), "RUSTC": str(toolchain.rustc)}


def _warn_of_ignored(checkout: Checkout) -> None:
    for name in cargo.ignored_variables():
        checkout.console.warn_once(f"{name} is ignored: set its value in the workspace's .cargo/config.toml")
