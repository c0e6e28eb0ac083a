"""Options of an invocation other than its targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from ostoo_build.project.description import Description

if TYPE_CHECKING:
    from collections.abc import Mapping


class Options(Struct, frozen=True):
    """The values of `variables`, `jobs` at once; `performs` is false if nothing may run, as with `-n`.

    `lints` are the user's arguments for clippy, `for_rustdoc` those of `./ostoo doc`.
    """

    variables: Mapping[str, str]
    jobs: int = 1
    all_outputs: bool = False
    performs: bool = True
    lints: tuple[str, ...] = ()
    for_rustdoc: tuple[str, ...] = ()
    described: Description = field(default_factory=Description)

    @property
    def executes_remotely(self) -> bool:
        return bool(self.variables["remote_executor"])
