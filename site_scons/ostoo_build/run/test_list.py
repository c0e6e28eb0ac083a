"""The list of a program's test executables, stored beside them: their paths and how they are started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ostoo_build.base import decoders, state_file
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "suite.json"


class Executable(Struct, frozen=True):
    """One executable; all texts are portable.

    `source` is its root file seen from its package, whose folder is `package`. `file` is what is run, there, under
    `environment` besides the machine's own. One without a harness is a test itself, and is called `target`.
    """

    file: str
    kind: str
    target: str
    source: str
    package: str
    environment: tuple[tuple[str, str], ...]
    has_harness: bool

    @property
    def title(self) -> str:
        """What cargo calls it."""
        return self.source if self.kind == "test" else f"unittests {self.source}"


def to_bytes(executables: tuple[Executable, ...]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(executables)) + b"\n"


def load(path: Path) -> tuple[Executable, ...]:
    """Read what `to_bytes` made. Raises `OstooError` where it is not there."""
    try:
        found: tuple[Executable, ...] = decoders.decode(state_file.read(path), tuple[Executable, ...])
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        raise OstooError(f"can't read which tests there are: {error}", where=str(path)) from error
    return found
