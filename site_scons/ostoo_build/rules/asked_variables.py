"""Determines which variables of the user's environment a build script or a crate is given.

It sees no variable that nobody declared. If it asks for one that is set (`rerun-if-env-changed`, `env!`), it is made
again with that variable, whose value is then part of its key. So a result without a variable is valid only while that
is unset.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ostoo_build.base import terminal
from ostoo_build.base.errors import OstooError
from ostoo_build.planning import cargo_config

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ostoo_build.rust.build_script import Instructions
    from ostoo_build.rust.dep_info import DepInfo

_OF_JOBS = frozenset({"CARGO_MAKEFLAGS"})
"""Variables that the build sets for all processes, and that differ in each build."""

_OF_RUNS = _OF_JOBS | {"NUM_JOBS", "RUSTFLAGS"}
"""Likewise for scripts; cargo removes `RUSTFLAGS`."""


def of_script(said: Instructions, declared: Collection[str]) -> tuple[str, ...]:
    """Return the variables that a script asks for besides those in its own key, `declared`."""
    return tuple(sorted({name for name in said.changed_variables if name not in declared} - _OF_RUNS))


def of_crate(read: DepInfo, declared: Collection[str]) -> tuple[str, ...]:
    """Return the variables that a crate asks for besides those in its own key, `declared`."""
    return tuple(sorted({name for name in read.variables if name not in declared} - _OF_JOBS))


def values(names: Iterable[str], asks: str, where: str) -> dict[str, str]:
    """Return the values of the variables that are set, as portable texts.

    Raises `OstooError` if no key can hold one; `asks`, who asks for it, and `where` are for its message.
    """
    found = {name: os.environ[name] for name in sorted(set(names)) if name in os.environ}
    for name in sorted(terminal.OF_SHELLS.intersection(found)):
        raise OstooError(
            f"{asks} the environment variable {name}, which each shell sets for itself",
            where=where,
            remedy=f"unset {name}, or set it under [env] in .cargo/config.toml of the workspace, with `force = true`",
        )
    return {name: cargo_config.of_user(name, value) for name, value in found.items()}
