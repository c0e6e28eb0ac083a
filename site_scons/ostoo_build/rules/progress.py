"""Tracks which programs of an invocation are published and which are being made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.actions.record import Output
    from ostoo_build.planning.plan import Program, ProgramId


class PendingProgram(Struct, frozen=True):
    """A program to be made, and its maximum size in bytes.

    `is_checked` says whether it is checked against the loader contract.
    """

    program: Program
    size_budget: int | None
    is_checked: bool


class Progress(Struct, frozen=True):
    """`current` are the published programs that match their sources, with their files.

    `pending` are the programs that are being made, `published` those of them that are in their place.
    """

    current: dict[ProgramId, dict[Path, Output]] = field(default_factory=dict)
    pending: dict[ProgramId, PendingProgram] = field(default_factory=dict)
    published: set[ProgramId] = field(default_factory=set)
