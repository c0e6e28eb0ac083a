"""The commands of a finished build, out of its log: to run them without this build. Does not run them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ostoo_build.base.console import Report
from ostoo_build.invocation import tools
from ostoo_build.invocation import variables as build_variables
from ostoo_build.invocation.checkout import Checkout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MNEMONICS = ("Rustc", "Link")


@dataclass(frozen=True)
class Logged:
    """A command that runs in the checkout's root; `results` is the folder of its unit, `inputs` are relative paths."""

    mnemonic: str
    results: str
    inputs: tuple[str, ...]
    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]


def read(root: Path) -> Iterator[Logged]:
    """All compilations and links that were needed in this checkout."""
    checkout = Checkout(root, Report(colour=False, quiet=True))
    paths = tools.paths_of(root, tools.find_toolchain(checkout, build_variables.read(root, {})))
    for mnemonic in MNEMONICS:
        for log in sorted((root / "build/.ostoo/actions").glob(f"{mnemonic}-*.json")):
            action = json.loads(log.read_bytes())
            yield Logged(
                mnemonic,
                action["results"],
                tuple(action["inputs"]),
                tuple(paths.expand(argument) for argument in action["arguments"]),
                tuple((name, paths.expand(value)) for name, value in action["environment"].items()),
            )
