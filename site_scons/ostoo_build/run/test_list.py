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
    """One test executable. All texts are portable.

    `file` is run in the folder `package`, with `environment` in addition to the machine's own. `source` is the path of
    its root file within the package. Without a harness, the executable is a single test named `target`.
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
        """Cargo's name for it."""
        return self.source if self.kind == "test" else f"unittests {self.source}"


def to_bytes(executables: tuple[Executable, ...]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(executables)) + b"\n"


def load(path: Path) -> tuple[Executable, ...]:
    """Read the output of `to_bytes`. Raises `OstooError` if the file is missing."""
    try:
        found: tuple[Executable, ...] = decoders.decode(state_file.read(path), tuple[Executable, ...])
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        raise OstooError(f"can't read the list of tests: {error}", where=str(path)) from error
    return found
