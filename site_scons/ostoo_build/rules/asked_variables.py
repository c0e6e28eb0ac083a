"""Tells which of the user's variables a build script asks for that nobody declared: its result holds while none is set.

A script doesn't see them, so what it made is what it makes without them. Does not run it.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ostoo_build.rust.build_script import Instructions

_NOT_THE_USERS = frozenset({"CARGO_MAKEFLAGS", "NUM_JOBS", "OSTOO_HOST", "RUSTFLAGS"})
"""What scripts have from the build, whatever the user has set; cargo takes `RUSTFLAGS` away from them."""


def of_script(said: Instructions, declared: Collection[str]) -> tuple[str, ...]:
    """The variables that a run asked for, and whose values are in no key; `declared` are those in its own."""
    return tuple(sorted({name for name in said.changed_variables if name not in declared} - _NOT_THE_USERS))


def are_unset(names: Iterable[str]) -> bool:
    """Whether what was made without these variables is what is to be made now."""
    return not any(name in os.environ for name in names)


def refuse(names: Iterable[str], script: str) -> None:
    """Raise `OstooError` for one that is set."""
    for name in names:
        if not are_unset((name,)):
            raise OstooError(
                f"the build script asks for the environment variable {name}, which is set but not declared",
                where=script,
                remedy=f"unset {name}, or set it under [env] in .cargo/config.toml of the workspace",
            )


def to_text(names: Iterable[str]) -> str:
    """Write names for a record; nothing for none."""
    found = sorted(set(names))
    return json.dumps(found) if found else ""


def from_text(text: str) -> tuple[str, ...]:
    """Read what `to_text` wrote. Raises `ValueError` for anything else."""
    return tuple(map(str, json.loads(text))) if text else ()
