"""What an invocation is asked to do besides what it is to build. Does not act on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping


class Options(Struct, frozen=True):
    """`variables` as in `variables`, `jobs` at once; `performs` is false where nothing is to be run, as with `-n`.

    `explains` says that people want to read why each action is carried out.
    """

    variables: Mapping[str, str]
    jobs: int = 1
    all_outputs: bool = False
    performs: bool = True
    explains: bool = False

    @property
    def executes_remotely(self) -> bool:
        return bool(self.variables["remote_executor"])
