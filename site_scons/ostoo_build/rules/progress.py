"""How far an invocation is: which programs are there, and which are being made. Makes none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.record import Output
    from ostoo_build.planning.plan import Asked, Program


class Wanted(Struct, frozen=True):
    """A program, the most that its file may hold in bytes, and the action that makes it of the sources as they are.

    `is_checked` says whether a loader has to take it.
    """

    program: Program
    size_budget: int | None
    action: Action
    is_checked: bool


class Progress(Struct, frozen=True):
    """`current` are programs that are what their sources give: which files, and what is in them.

    `wanted` are those that are being made.
    """

    current: dict[Asked, dict[Path, Output]] = field(default_factory=dict)
    wanted: dict[Asked, Wanted] = field(default_factory=dict)
