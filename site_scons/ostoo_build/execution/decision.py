"""How an action's outputs are to come about, and why in no cheaper way: decided before anything is done.

Carries nothing out. Who tells people of it, or notes it, reads it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from ostoo_build.actions.record import Record
    from ostoo_build.execution.timeline import Way


class Reason(Enum):
    """Why a way is not taken; the value is what people read."""

    NOTHING = "nothing is there yet"
    OTHER_ACTION = "it is another action than the one that made what is there"
    OTHER_CHECKOUT = "what is there holds the path of another checkout"
    ALTERED = "what is there was altered or taken away"
    ADDED = "something lies there that it did not make"
    LOST = "the cache lost what it had"
    UNSHARED = "no cache may have it: it depends on the last run"
    UNCACHED = "no cache has it"
    HERE_ONLY = "only this machine can do it"
    GIVEN_UP = "the remote executor is given up"
    NO_RESULT = "the remote executor left no result that can be used"


Reasons = tuple[Reason, ...]
"""Why each cheaper way is not taken, the cheapest first."""


class Present(Struct, frozen=True):
    """The record that is there answers; `fetches` says that its outputs are wanted in its folder as well."""

    record: Record
    fetches: bool


class Cached(Struct, frozen=True):
    """A cache has the record."""

    record: Record
    reasons: Reasons
    way: Way = "cached"


class Remote(Struct, frozen=True):
    """A remote executor is to run the action."""

    reasons: Reasons
    way: Way = "remote"


class Local(Struct, frozen=True):
    """The action is to run here."""

    reasons: Reasons
    way: Way = "local"


Decision = Present | Cached | Remote | Local

Tried = Mapping[type[Decision], Reason]
"""Ways that can't be taken, and why."""

NOTHING_TRIED: Tried = MappingProxyType({})


def tried_with(decision: Cached | Remote | Local, why_not: Reason) -> Tried:
    """What is known once a decision could not be carried out."""
    ways: tuple[type[Decision], ...] = (Present, Cached, Remote)
    return {**dict(zip(ways, decision.reasons, strict=False)), type(decision): why_not}


def told(decision: Cached | Remote | Local) -> str:
    """What people read: the way, and why it is no cheaper one."""
    ways = {"cached": "taken from the cache", "remote": "run remotely", "local": "run here"}
    return f"{ways[decision.way]}: {'; '.join(reason.value for reason in decision.reasons)}"
