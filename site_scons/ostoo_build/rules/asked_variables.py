"""Gives build scripts the variables of the user's environment that they ask for (`rerun-if-env-changed`).

A script sees no variable that nobody declared. If it asks for one, it runs again with that variable, whose value is
then part of its key. So a result without a variable is valid only while that is unset.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import cargo_config

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ostoo_build.rust.build_script import Instructions

_NOT_THE_USERS = frozenset({"CARGO_MAKEFLAGS", "NUM_JOBS", "RUSTFLAGS"})
"""Variables that the build sets for scripts; cargo removes `RUSTFLAGS`."""


def of_script(said: Instructions, declared: Collection[str]) -> tuple[str, ...]:
    """Return the requested variables whose values are in no key; `declared` are those in the script's own key."""
    return tuple(sorted({name for name in said.changed_variables if name not in declared} - _NOT_THE_USERS))


def are_unset(names: Iterable[str]) -> bool:
    """Whether a result without these variables is valid now."""
    return not that_are_set(names)


def that_are_set(names: Iterable[str]) -> set[str]:
    """Return those of the variables that the user has set."""
    return {name for name in names if name in os.environ}


OF_SHELLS = frozenset({"_", "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "TERM_SESSION_ID", "WINDOWID"})
"""Variables that shells and terminals change often; a null build does not look at them (`start.null_build`)."""


def values(names: Iterable[str], script: str) -> dict[str, str]:
    """Return the values of the variables that are set, as portable texts. Raises `OstooError` if no key can hold it."""
    found = {name: os.environ[name] for name in sorted(set(names) - _NOT_THE_USERS) if name in os.environ}
    for name in sorted(OF_SHELLS.intersection(found)):
        raise OstooError(
            f"the build script asks for the environment variable {name}, which each shell sets for itself",
            where=script,
            remedy=f"unset {name}, or set it under [env] in .cargo/config.toml of the workspace, with `force = true`",
        )
    return {name: cargo_config.of_user(name, value) for name, value in found.items()}


def to_text(names: Iterable[str]) -> str:
    """Serialize names for a record."""
    found = sorted(set(names))
    return json.dumps(found) if found else ""


def from_text(text: str) -> tuple[str, ...]:
    """Parse the output of `to_text`. Raises `ValueError` for anything else."""
    return tuple(map(str, json.loads(text))) if text else ()
