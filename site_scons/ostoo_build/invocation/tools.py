"""The toolchain of an invocation, its digest, and the paths by which actions name it. Runs nothing of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.base import home, layout, state_file, user_cache
from ostoo_build.base.paths import PathMap
from ostoo_build.execution.input_guard import Witness
from ostoo_build.planning import cargo
from ostoo_build.toolchain import digest as toolchain_digest
from ostoo_build.toolchain import provide as toolchain_provide

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ostoo_build.base import digest
    from ostoo_build.base.input import Input
    from ostoo_build.invocation.checkout import Checkout
    from ostoo_build.toolchain.find import Toolchain


class Tools(Struct, frozen=True):
    """What compiles, and what tells whether it was touched since.

    `paths` name places of this machine portably, `folder` is the toolchain as an input, `environment` what cargo, and
    rustc where it is asked a question, may see of the user's.
    """

    toolchain: Toolchain
    paths: PathMap
    witness: Witness
    folder: Input
    environment: Mapping[str, str]

    @property
    def sha256(self) -> digest.Hash:
        """The toolchain's digest."""
        return self.folder.sha256


def find(checkout: Checkout, variables: Mapping[str, str]) -> Tools:
    """Find the toolchain or provide it; say which it is when that is not the last invocation's."""
    toolchain = find_toolchain(checkout, variables)
    return of(checkout, toolchain, _environment(checkout, toolchain))


def find_toolchain(checkout: Checkout, variables: Mapping[str, str]) -> Toolchain:
    words = {name: variables[name] for name in ("RUSTC", "CARGO", "LLD", "RUST_SRC")}
    return toolchain_provide.find_or_provide(
        checkout.root, words, os.environ, lambda line: checkout.report.status("Providing", line)
    )


def of(checkout: Checkout, toolchain: Toolchain, environment: Mapping[str, str]) -> Tools:
    """Look at a toolchain: from here on a touch of it is seen, and only then it is hashed."""
    paths = paths_of(checkout.root, toolchain)
    libraries = {library.parent for library in toolchain.libraries}  # they change with their folder
    parts = (toolchain.rustc, toolchain.cargo, toolchain.lld, toolchain.rust_src, *libraries)
    witness = Witness(paths, checkout.began, parts)
    folder = toolchain_digest.of(toolchain, user_cache.folder() / user_cache.TOOLCHAINS)
    chosen = checkout.root / layout.TOOLCHAIN
    line = os.fsencode(toolchain.reason)
    if state_file.recall(chosen) != line:
        checkout.report.status("Using", toolchain.reason)
        user_cache.note(chosen, line)
    return Tools(toolchain, paths, witness, folder, environment)


def paths_of(root: Path, toolchain: Toolchain) -> PathMap:
    """The places that actions name."""
    found = PathMap(
        (
            ("root", root),
            ("toolchain", toolchain.rustc.parent.parent),
            ("rust-src", toolchain.rust_src),
            ("cargo-home", home.cargo(os.environ)),
            ("rustc", toolchain.rustc),
            ("cargo", toolchain.cargo),
            ("lld", toolchain.lld),
        )
    )
    places = [place for _, place in toolchain_digest.places(toolchain)]
    of_tools = (f"{found.portable(place)}{'/' if place.is_dir() else ''}" for place in places)
    return replace(found, of_tools=tuple(of_tools))


def _environment(checkout: Checkout, toolchain: Toolchain) -> dict[str, str]:
    for name in cargo.ignored_variables():
        checkout.report.warn_once(f"{name} is ignored: write what it says into .cargo/config.toml of the workspace")
    return {**cargo.environment(dict(toolchain.env)), "RUSTC": str(toolchain.rustc)}
