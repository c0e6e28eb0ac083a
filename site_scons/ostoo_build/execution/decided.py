"""Defines `Decided`: how an action's outputs were obtained in a build, and what differed from the last time.

It is the one value that explains a build: `--debug=explain` and `-vv` print it, the action log and the timings page
have its text, and `ostoo why` reads it from the note of the last builds.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ostoo_build.actions import action_log
from ostoo_build.actions.action_log import Difference, Part
from ostoo_build.execution.decision import Cached, Reason, Remote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ostoo_build.actions.action_log import Entry
    from ostoo_build.base.paths import PathMap
    from ostoo_build.execution.decision import Decision, Local
    from ostoo_build.execution.job import Job

FEATURES = "features of "
"""What the part of a whole program begins with that a unit has for being there."""

_MOST = 32
"""How many causes are kept of one action."""


class Kind(Enum):
    """How outputs were obtained; the value is the text that users read."""

    PRESENT = "up to date"
    CACHED = "taken from the cache"
    TEAM = "taken from the team's cache"
    REMOTE = "run remotely"
    LOCAL = "run here"
    PARTS = "built from its parts"


class Decided(Struct, frozen=True):
    """What was decided of an action or a whole program.

    `subject` is its name for users, `mnemonic` the kind of action, `folder` the portable path of its output folder, or
    that of a published program. `reasons` are against cheaper ways. `causes` are differences from the last action with
    these results, at most 32; there are `others` more. It `is_failed` until the outputs are there.
    """

    subject: str
    mnemonic: str
    folder: str
    kind: Kind
    reasons: tuple[Reason, ...] = ()
    causes: tuple[Difference, ...] = ()
    others: int = 0
    is_failed: bool = True

    @property
    def told(self) -> str:
        """Describe the way and the reasons against cheaper ways."""
        reasons = "; ".join(reason.value for reason in self.reasons)
        return f"{self.kind.value}: {reasons}" if reasons else self.kind.value

    @property
    def cause(self) -> str:
        """Describe the first cause; empty if none is known."""
        return f"another {self.causes[0].what}" if self.causes else ""


def kind_of(decision: Decision) -> Kind:
    """Return the kind of a decision."""
    if isinstance(decision, Cached):
        return Kind.TEAM if decision.is_of_team else Kind.CACHED
    return Kind.REMOTE if isinstance(decision, Remote) else Kind.LOCAL


class Decisions(Struct, frozen=True):
    """What an invocation decided, by the folder of the decision. `log` is the folder of the action log.

    Several threads may share one: each writes of its own actions.
    """

    log: Path
    paths: PathMap
    made: dict[str, Decided] = field(default_factory=dict)

    def begin_job(self, job: Job) -> Entry | None:
        """Do as `begin`, for a job."""
        return self.begin(_entry(job))

    def begin(self, entry: Entry) -> Entry | None:
        """Move the log's entry of the last action with these results aside, and return it."""
        return action_log.begin(self.log, entry)

    def take(self, job: Job, decision: Cached | Remote | Local, former: Entry | None) -> Decided:
        """Note and log what was decided of a job before it is carried out; `former` is the last such action."""
        taken = Decided(
            subject=job.subject,
            mnemonic=job.action.mnemonic,
            folder=self.paths.portable(job.folder),
            kind=kind_of(decision),
            reasons=decision.reasons,
        )
        return self.add(taken, _entry(job), former)

    def add(self, taken: Decided, entry: Entry, former: Entry | None) -> Decided:
        """Note and log a decision with what differs from the former entry.

        If it replaces one of this invocation, the causes are those of the first.
        """
        before = self.made.get(taken.folder)
        if before is not None:
            made = replace(taken, causes=before.causes, others=before.others)
        else:
            causes = tuple(_told(former, entry)) if former is not None else ()
            made = replace(taken, causes=causes[:_MOST], others=len(causes[_MOST:]))
        self.made[taken.folder] = made
        action_log.write(self.log, replace(entry, decided=made.told))
        return made

    def done(self, taken: Decided, job: Job | None = None) -> None:
        """Note that a decision was carried out, and log the job if the run told more of its inputs."""
        self.made[taken.folder] = replace(taken, is_failed=False)
        if job is not None:
            action_log.write(self.log, replace(_entry(job), decided=taken.told))


def _causes(former: Entry, now: Entry) -> Iterator[Difference]:
    """Yield what changed, without what only one of both runs is known to have asked for.

    After a failure nothing tells which files and variables the last run asked for, and nothing tells that of a unit
    with other flags.
    """
    for each in action_log.differences(former, now):
        if each.part is Part.FILE:
            first, second = former.states(each.name), now.states(each.name)
            is_told = [_is_told(entry.learned.reads, each.name) for entry in (former, now)]
            is_one = is_told[0] != is_told[1] and "" in (first, second)
            if first != second and _is_read(former, now, each.name) and not is_one:
                yield replace(each, first=first, second=second)
        elif each.part is not Part.VARIABLE or (each.name in former.learned.asked) == (each.name in now.learned.asked):
            yield each


def _is_read(former: Entry, now: Entry, path: str) -> bool:
    """Whether a run read a file, or nothing is known of either run."""
    if former.reads(path) or (now.reads(path) and path not in former.unread):
        return True
    return _is_unsure(former, path) and _is_unsure(now, path)


def _is_unsure(entry: Entry, path: str) -> bool:
    """Whether nothing is known of a run and a file, which may be missing."""
    return path in entry.unsure or bool(entry.unsure and not entry.states(path))


def _is_told(reads: Sequence[str], path: str) -> bool:
    """Whether a run told of a file, or of a folder that it is in."""
    return any(f"{path}/".startswith(f"{read}/") for read in reads)


def _told(former: Entry, now: Entry) -> Sequence[Difference]:
    """Return what changed, of a program without what follows from the rest.

    The parts say what changed, and their digests do not. All files and flags of a unit that it did not have are new.
    """
    found = list(_causes(former, now))
    if not now.parts:
        return found
    units = {each.name.removeprefix(FEATURES) for each in found if each.name.startswith(FEATURES) and _is_one(each)}
    places = [path for path in {*former.salt} ^ {*now.salt} if path not in {**former.inputs, **now.inputs}]
    named = [each for each in found if _is_named(each, units, places)]
    return named or [each for each in found if each.part is not Part.SALT]


def _is_named(each: Difference, units: set[str], places: Sequence[str]) -> bool:
    """Whether a difference says what changed; `units` are only on one side, as are the packages in `places`."""
    if each.part is Part.PLAN:
        return each.name.startswith(FEATURES) or each.name.partition(" of ")[2] not in units
    if each.part is Part.FILE:
        return not (_is_one(each) and _is_told(places, each.name))
    return each.part not in (Part.ARGUMENT, Part.SALT)


def _is_one(each: Difference) -> bool:
    """Whether only one side has this."""
    return "" in (each.first, each.second)


def _entry(job: Job) -> Entry:
    """Describe a job's action, with the files of its package that it does not read, or may not."""
    entry = action_log.entry(job.decisive, job.results)
    unread = {each.path: action_log.described(each) for each in job.action.inputs if each.path not in entry.inputs}
    is_unsure = job.seeing is not None and job.learned.seen is None
    least = {each.path for each in job.seeing(()).inputs} if job.seeing is not None and is_unsure else set()
    unsure = tuple(each.path for each in job.action.inputs if is_unsure and each.path not in least)
    return replace(entry, unread=unread, learned=job.learned, unsure=unsure)
