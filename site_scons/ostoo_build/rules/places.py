"""Returns the paths of a program's outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import layout

if TYPE_CHECKING:
    from ostoo_build.planning.plan import Program


class Places(Struct, frozen=True):
    """The paths of a program's outputs, relative to the root.

    `published` are the files for users: the program, and the same program with symbols.
    """

    linked: str
    unstripped: str
    check: str
    published: tuple[str, ...]

    @staticmethod
    def of(program: Program) -> Places:
        published = layout.program(program.target, program.profile, program.name)
        unit = program.unit
        linked, unstripped, check = (f"{unit.folder}/{name}" for name in ("linked", "unstripped", "check"))
        return Places(linked, unstripped, check, (published, f"{published}{layout.SYMBOLS}"))
