"""Reads the commands of a finished build from its log, so that they can be run without this build."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ostoo_build.base.console import Console
from ostoo_build.invocation import tools
from ostoo_build.invocation.checkout import Checkout
from ostoo_build.project import description
from ostoo_build.project import variables as build_variables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MNEMONICS = ("Rustc", "Link")


@dataclass(frozen=True)
class Logged:
    """A command. `results` is its unit's folder; that, `inputs`, `outputs` and its working `directory` are portable."""

    mnemonic: str
    results: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    directory: str
    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]


def read(root: Path) -> Iterator[Logged]:
    """Yield all compilations and links that this checkout needed."""
    checkout = Checkout(root, Console(colour=False, quiet=True))
    described = description.read(root)
    paths = tools.paths_of(
        root, tools.find_toolchain(checkout, build_variables.values(described.variables, {})), described.sysroot_folder
    )
    for mnemonic in MNEMONICS:
        for log in sorted((root / "build/.ostoo/actions").glob(f"{mnemonic}-*.json")):
            action = json.loads(log.read_bytes())
            yield Logged(
                mnemonic,
                action["results"],
                tuple(action["inputs"]),
                tuple(action["outputs"]),
                action["directory"],
                tuple(paths.expand(argument) for argument in action["arguments"]),
                tuple((name, paths.expand(value)) for name, value in action["shown"].items()),
            )
