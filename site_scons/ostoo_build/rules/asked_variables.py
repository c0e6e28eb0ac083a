"""Handles undeclared environment variables that a build script requests.

Scripts don't see these variables, so a script's result is valid only while they are unset.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError

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
    return not any(name in os.environ for name in names)


def refuse(names: Iterable[str], script: str) -> None:
    """Raise `OstooError` if one of the variables is set."""
    for name in names:
        if not are_unset((name,)):
            raise OstooError(
                f"the build script reads the environment variable {name}, which is set but not declared",
                where=script,
                remedy=f"unset {name}, or set it under [env] in .cargo/config.toml of the workspace",
            )


def to_text(names: Iterable[str]) -> str:
    """Serialize names for a record."""
    found = sorted(set(names))
    return json.dumps(found) if found else ""


def from_text(text: str) -> tuple[str, ...]:
    """Parse the output of `to_text`. Raises `ValueError` for anything else."""
    return tuple(map(str, json.loads(text))) if text else ()
