"""Returns the paths of a program's outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import layout

if TYPE_CHECKING:
    from ostoo_build.planning.plan import Program


class Places(Struct, frozen=True):
    """The paths of a program's outputs, relative to the root.

    `linked` has the program with symbols, `stripped` the one that is shipped. `published` are the files for users: the
    latter, and the former.
    """

    linked: str
    stripped: str
    check: str
    published: tuple[str, ...]

    @staticmethod
    def of(program: Program) -> Places:
        published = layout.program(program.target, program.profile, program.name)
        unit = program.unit
        linked, stripped, check = (f"{unit.folder}/{name}" for name in ("linked", "stripped", "check"))
        return Places(linked, stripped, check, (published, f"{published}{layout.SYMBOLS}"))
