"""Defines decisions: how an action's outputs will be obtained, and the reason against each cheaper way.

Nothing is carried out here. `decided` says what explains it to users.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from ostoo_build.actions.record import Record
    from ostoo_build.base.events import Way
    from ostoo_build.execution.job import Job


class Reason(Enum):
    """Why a way is not taken; the value is the text that users read."""

    NOTHING = "it has no outputs yet"
    OTHER_ACTION = "the action differs from the one that made the outputs"
    OTHER_CHECKOUT = "the outputs contain the path of another checkout"
    ALTERED = "outputs were modified or removed"
    ADDED = "its folder contains files that it did not make"
    LOST = "the cache has lost the result"
    UNSHARED = "not cacheable: it depends on the last run"
    UNCACHED = "not in the cache"
    HERE_ONLY = "it can run on this machine only"
    GIVEN_UP = "the remote executor is disabled"
    NO_RESULT = "the remote executor returned no usable result"


Reasons = tuple[Reason, ...]
"""The reasons against cheaper ways, the cheapest first."""


class Present(Struct, frozen=True):
    """The outputs are present; `fetches` says that missing output files are fetched into the folder."""

    record: Record
    fetches: bool


class Cached(Struct, frozen=True):
    """A cache has the result: that of the job for what its run told, `job`. It may be the team's."""

    record: Record
    job: Job
    reasons: Reasons
    is_of_team: bool = False
    way: Way = "cached"


class Remote(Struct, frozen=True):
    """A remote executor will run the action."""

    reasons: Reasons
    way: Way = "remote"


class Local(Struct, frozen=True):
    """The action will run on this machine."""

    reasons: Reasons
    way: Way = "local"


Decision = Present | Cached | Remote | Local

Tried = Mapping[type[Decision], Reason]
"""Ways that were tried in vain, with the reason."""

NOTHING_TRIED: Tried = MappingProxyType({})


def tried_with(decision: Cached | Remote | Local, why_not: Reason) -> Tried:
    """Return the updated reasons after a decision could not be carried out."""
    ways: tuple[type[Decision], ...] = (Present, Cached, Remote)
    return {**dict(zip(ways, decision.reasons, strict=False)), type(decision): why_not}
