"""Finds the result of a job in the caches, though its key depends on what only its runs can tell.

Caches list what runs of an action told (`Learned`). For each, the key follows from the files and variables there are
now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ostoo_build.actions.learned import Learned
from ostoo_build.base import decoders
from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import is_of_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.actions.record import Record
    from ostoo_build.cache.action_cache import ActionCache
    from ostoo_build.execution.job import Job


def result(cache: ActionCache, job: Job) -> tuple[Record, Job] | None:
    """Find the result for what there is now; return it with the job for what its run told."""
    looked_up = set()
    for candidate in _candidates(cache, job):
        tried = candidate
        while tried.decisive.key not in looked_up:
            looked_up.add(tried.decisive.key)
            found = cache.lookup(tried.decisive, job.place)
            if found is None:
                break
            if tried.is_answered_by(found):
                return found, tried.of(found.learned)
            tried = tried.of(found.learned)  # it is for others, and tells of variables that are set here
    return None


def _candidates(cache: ActionCache, job: Job) -> Iterator[Job]:
    """Yield the job for what its own last run told, and for what others' runs told."""
    is_known = job.seeing is None or job.learned.seen is not None
    if is_known:
        yield job
    question = job.question
    for text in cache.learned(question) if question is not None else ():
        found = _if_told(job, text)
        if found is not None:
            yield found
    if not is_known:
        yield job


def _if_told(job: Job, text: str) -> Job | None:
    """Return the job for what another run told; None if that can't be here."""
    try:
        return job.of(decoders.decode(text.encode(), Learned))
    except (OSError, OstooError, ValueError, KeyError):
        return None


def learn(cache: ActionCache, job: Job, made: Record) -> None:
    """Store what a run told. A path outside of the checkout is of this machine, and told to nobody."""
    if made.learned == Learned() or any(map(is_of_machine, made.learned.reads)):
        return
    question = job.question
    if question is not None:
        cache.learn(question, msgspec.json.encode(made.learned).decode())
