"""Defines `Learned`: what a run told of its inputs that was not known before it."""

from __future__ import annotations

from msgspec import Struct


class Learned(Struct, frozen=True):
    """What a run told. With the files and variables that there are now, it determines the action's key.

    `reads` are portable paths of undeclared files and folders that it reads, which may be missing. `asked` are the
    undeclared variables of the environment that it asked for; those that are set are part of the action. `seen` are
    the inputs in its package that it may have read, and names at which it looked for more; the key includes only
    these. None means all.
    """

    reads: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    seen: tuple[str, ...] | None = None
