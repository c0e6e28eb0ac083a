"""Obtains an action's outputs in the cheapest correct way.

The ways, in order: the outputs are present; the action cache has them; the action runs remotely; it runs here. The
engine first decides, as a value (`decision`), and then carries the decision out; if that fails, it decides again.
Outputs in the cache are fetched when another action reads them, or when they are requested.

`_judged_there` alone decides what is up to date. It is asked for every action in every build.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ostoo_build.actions import record as records
from ostoo_build.actions.record import Output, Record
from ostoo_build.base import state_file
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import changed
from ostoo_build.base.paths import is_local
from ostoo_build.execution import lookup
from ostoo_build.execution.decision import NOTHING_TRIED, Cached, Local, Present, Reason, Remote, tried_with
from ostoo_build.execution.folder_locks import FolderLocks
from ostoo_build.execution.job import UpToDate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.outcome import Outcome
    from ostoo_build.base.console import Console
    from ostoo_build.base.digest import Hash
    from ostoo_build.base.input import Input
    from ostoo_build.base.paths import PathMap
    from ostoo_build.cache.action_cache import ActionCache
    from ostoo_build.execution.decided import Decisions
    from ostoo_build.execution.decision import Decision, Tried
    from ostoo_build.execution.input_guard import InputGuard
    from ostoo_build.execution.job import Job
    from ostoo_build.execution.timeline import Timeline
    from ostoo_build.remote import executor as remote_executor
    from ostoo_build.remote.executor import RemoteExecutor


class Engine(Struct, frozen=True, kw_only=True):
    """Shared by all actions of an invocation."""

    paths: PathMap
    cache: ActionCache
    console: Console
    decisions: Decisions
    input_guard: InputGuard
    executor: RemoteExecutor | None
    fetch_all: bool
    timeline: Timeline
    settled: dict[Path, UpToDate] = field(default_factory=dict)
    """Results of this invocation by folder, so that they are not read from the disk again."""
    _early: dict[Path, Record] = field(default_factory=dict)
    """Outputs by folder that can be read while the action still makes others."""
    _anew: dict[str, Hash] = field(default_factory=dict)
    """Rebuilt outputs by portable path: not every compilation gives the same bytes twice."""
    _locks: FolderLocks = field(default_factory=FolderLocks)

    def perform(self, job: Job) -> Record:
        """Obtain a job's outputs and return their record. Raises `OstooError` if the action fails."""
        began = self.timeline.now
        decision = self.decide(job)
        if isinstance(decision, Present):
            if self._taken(job, decision):
                return decision.record
            decision = self.decide(job, {Present: Reason.LOST})
        former = records.load(job.folder)
        self.settled.pop(job.folder, None)
        if job.folder.is_symlink() or not job.folder.is_dir():
            state_file.remove(job.folder)  # the target of a link must not be cleared
        records.discard(job.folder)
        made = self._made(job, decision, began)
        for name in former.outputs if former else ():
            if not any(f"{other}/".startswith(f"{name}/") for other in (*made.outputs, *made.folders)):
                state_file.remove(job.folder / name)
        self.settled[job.folder] = UpToDate(job.of(made.learned), made)
        return made

    def present(self, job: Job) -> Record | None:
        """Return the record of a job whose outputs are up to date, else None; fetches nothing."""
        found = self._judged_there(job)
        if isinstance(found, Reason):
            return None
        self.settled[job.folder] = UpToDate(job.of(found.record.learned), found.record)
        return found.record

    def decide(self, job: Job, tried: Tried = NOTHING_TRIED) -> Decision:
        """Choose the cheapest correct way that was not tried in vain."""
        there = tried[Present] if Present in tried else self._judged_there(job)
        if isinstance(there, Present):
            return there
        if not job.shared:
            return Local((there, Reason.UNSHARED))
        found = None if Cached in tried else lookup.result(self.cache, job)
        if found is not None:
            return Cached(*found, (there,), is_of_team=found[0].key in self.cache.fetched)
        cached = tried.get(Cached, Reason.UNCACHED)
        if self.executor is None:
            return Local((there, cached))
        if job.judge is None:
            remote: Reason | None = Reason.HERE_ONLY
        elif self.executor.is_off:
            remote = Reason.GIVEN_UP
        else:
            remote = tried.get(Remote)
        return Remote((there, cached)) if remote is None else Local((there, cached, remote))

    def _judged_there(self, job: Job) -> Present | Reason:
        """Decide whether a job's outputs are up to date.

        They are if and only if the record's key equals the key computed now.
        """
        found = records.load(job.folder)
        if found is None:
            return Reason.NOTHING
        if not job.is_answered_by(found):
            return Reason.OTHER_ACTION
        if not self._fits(found):
            return Reason.OTHER_CHECKOUT
        if not records.is_intact(job.folder, found):
            return Reason.ALTERED
        if job.tree and not records.is_all(job.folder, job.tree, found):
            return Reason.ADDED
        return Present(found, fetches=self._is_wanted(job))

    def _taken(self, job: Job, decision: Present) -> bool:
        """Fetch missing outputs that are wanted in the folder; return False if the cache has lost them."""
        if decision.fetches:
            away = _away(job, decision.record)
            if not self._restored(job, decision.record, away):
                self.cache.forget(job.of(decision.record.learned).decisive)
                return False
            records.remember(job.folder, decision.record, away)
        self.settled[job.folder] = UpToDate(job.of(decision.record.learned), decision.record)
        self.console.messages(decision.record.stderr)
        return True

    def announce(self, action: Action, folder: Path, name: str) -> None:
        """Make one output of a running action readable for other actions."""
        self._early[folder] = Record(action.key, {name: self.input_guard.observe(folder / name)})

    def result(self, folder: Path) -> Record:
        """Return the record of the action of a folder, from this invocation.

        Raises `OstooError` if none was performed in this invocation.
        """
        if folder in self.settled:
            return self.settled[folder].record
        if folder in self._early:
            return self._early[folder]
        raise OstooError(
            "outputs of an earlier step are missing", where=self.paths.portable(folder), remedy="run the build again"
        )

    def _made(self, job: Job, decision: Decision, began: float) -> Record:
        """Carry out a decision; if that fails, decide again."""
        inputs = [entry.path for entry in job.action.inputs]
        folder = self.paths.portable(job.folder)
        with self.timeline.step(job.verb, job.subject, folder, inputs, began) as step:
            former = self.decisions.begin_job(job)
            while not isinstance(decision, Present):
                decided = self.decisions.take(job, decision, former)
                self.timeline.decided(decided.told, decided.cause, job.decisive.key)
                made = self._carried_out(job, decision)
                if isinstance(made, Record):
                    step.way = decision.way
                    self.decisions.done(decided, None if made.learned == job.learned else job.of(made.learned))
                    return made
                decision = self.decide(job, tried_with(decision, made))
            raise AssertionError("present outputs need no work")

    def _carried_out(self, job: Job, decision: Cached | Remote | Local) -> Record | Reason:
        if isinstance(decision, Local):
            return self._run(job)
        if isinstance(decision, Remote):
            return self._run_elsewhere(job) or Reason.NO_RESULT
        if self._adopted(job, decision.record):
            return decision.record
        self.cache.forget(decision.job.decisive)
        return Reason.LOST

    def _adopted(self, job: Job, record: Record) -> bool:
        """Accept a result whose files are in a cache; return False if they are needed here and not available."""
        job.folder.mkdir(parents=True, exist_ok=True)
        kept = records.keep_only(job.folder, record)
        for name in filter(None, (job.tree, *record.folders)):
            (job.folder / name).mkdir(parents=True, exist_ok=True)
        away = record.outputs.keys() - kept.keys()
        if self._is_wanted(job) and not self._restored(job, record, away):
            return False
        records.save(job.folder, record, {**kept, **records.output_stamps(job.folder, away)})
        self.console.messages(record.stderr)
        return True

    def _is_wanted(self, job: Job) -> bool:
        return job.needed or self.fetch_all

    def _restored(self, job: Job, record: Record, away: Iterable[str]) -> bool:
        return not self.cache.fetch((job.folder / name, record.outputs[name]) for name in away)

    def _run(self, job: Job) -> Record:
        inputs = job.action.inputs
        while True:
            self._fetch(_missing(inputs, Path(self.paths.root)))
            with self._locks.reading(self._folders(inputs)):
                if any(self._can_be_made(path) for path, _ in _missing(inputs, Path(self.paths.root))):
                    continue  # another reader had it rebuilt, and that failed
                return self._run_here(job)

    def _run_here(self, job: Job) -> Record:
        as_promised = all(entry.sha256 == self._anew.get(entry.path, entry.sha256) for entry in job.action.inputs)
        job.folder.mkdir(parents=True, exist_ok=True)
        self.console.status(job.verb, job.subject)
        outcome, began = self._ran(job, as_promised=as_promised)
        declared, job = frozenset(job.action.inputs), _as_told(job, outcome)
        self.input_guard.check_untouched((entry for entry in job.action.inputs if entry not in declared), began)
        self.console.messages(outcome.stderr)
        before = records.output_stamps(job.folder, outcome.outputs)
        outputs = {name: self._observe(job, name) for name in outcome.outputs}
        made = self._record(job, outcome, outputs)
        if as_promised and job.shared:
            self.cache.store(job.decisive, made, job.place)
            lookup.learn(self.cache, job, made)
        if not as_promised:
            made = replace(made, is_answer=False)
        records.save(job.folder, made, before)
        return made

    def _ran(self, job: Job, *, as_promised: bool) -> tuple[Outcome, int]:
        """Run a job's action, and return when its last run began. It runs again if an input changed during the run.

        Such an input may be back to what was hashed, and may have been different when it was read. A file that changes
        in both runs is written by the action itself. Raises `OstooError` if an input differs from what was hashed.
        """
        known: frozenset[str] = frozenset()
        unvouched = [entry for entry in job.action.inputs if not (job.vouched and entry.path.endswith(job.vouched))]
        while True:
            before, began = self.input_guard.stamps(unvouched), time.time_ns()
            try:
                outcome = job.run()
            except OstooError:
                self.input_guard.check_tools()  # then its failure proves nothing
                raise
            if as_promised:
                self.input_guard.check(_as_told(job, outcome).decisive.inputs)
            touched = self.input_guard.touched(before)
            touched = touched if outcome.unproved is None else touched & outcome.unproved
            if touched <= known:
                return outcome, began
            if known or job.folder in self._early:  # others already read its outputs
                raise changed(min(touched - known))
            known = touched

    def _run_elsewhere(self, job: Job) -> Record | None:
        """Run the action remotely; return None if that is impossible, or if the result is unusable here."""
        if self.executor is None:
            return None
        self.console.status(job.verb, f"{job.subject} (remotely)")
        self._tell_sent(job.action)
        remote = self.executor.execute(job.action, job.results)
        absent = [] if remote else list(_missing(job.action.inputs, Path(self.paths.root)))
        if absent:  # the service lacks inputs that came from a cache and were not needed here so far
            self._fetch(absent)
            remote = self.executor.execute(job.action, job.results)
        outcome = self._judged(job, remote) if remote else None
        if remote is None or outcome is None or outcome.holds_root:
            return None
        if not set(outcome.learned.reads) <= set(job.learned.reads):
            return None  # it reports undeclared reads, of files that did not exist there
        job = _as_told(job, outcome)
        made = self._record(job, outcome, {name: remote.outputs[name] for name in outcome.outputs})
        if not self._adopted(job, made):
            return None
        self.cache.adopt(job.decisive, made, job.place)
        lookup.learn(self.cache, job, made)
        return made

    def _tell_sent(self, action: Action) -> None:
        expand = self.paths.expand
        environment = {name: expand(value) for name, value in action.environment}
        folder = Path(self.paths.root, expand(action.directory))
        self.timeline.sent([expand(word) for word in action.arguments], str(folder), environment)

    def _judged(self, job: Job, remote: remote_executor.RemoteResult) -> Outcome | None:
        """Verify a remote result; return None if it lacks declared outputs."""
        try:
            outcome = job.judge(remote.done) if job.judge else None
        except (OSError, ValueError):
            outcome = None
        if outcome is None or not {*outcome.outputs, *job.promised} <= remote.outputs.keys():
            self.console.warn_once("the remote executor returned no usable result: the action runs here again")
            return None
        return outcome

    def _record(self, job: Job, outcome: Outcome, outputs: dict[str, Output]) -> Record:
        bound_to = self.cache.root if outcome.holds_root else ""
        return Record(
            key=job.decisive.key,
            outputs=outputs,
            stdout=outcome.stdout,
            stderr=outcome.stderr,
            bound_to=bound_to,
            learned=outcome.learned,
            folders=outcome.folders,
        )

    def _fetch(self, wanted: Iterable[tuple[Path, Output]]) -> None:
        files = list(wanted)
        # rebuilding a folder clears it, which would remove files that are being written there
        with self._locks.reading(self._owners(path for path, _ in files)):
            lost = self.cache.fetch(files)
        for path in lost:
            if self._can_be_made(path):
                self._make_anew(path)

    def _make_anew(self, path: Path) -> None:
        """Rebuild an output that the cache promised and lost, once no action reads the files beside it."""
        folder = self._owner(path)
        if folder is None:
            return
        with self._locks.remaking(folder):
            if path.exists():
                return
            job, promised = self.settled[folder]
            self.cache.forget(job.of(promised.learned).decisive)
            made = self._run(job)
            self.settled[folder] = UpToDate(job.of(made.learned), made)
            for name, output in made.outputs.items():
                if promised.outputs.get(name) != output:
                    self._anew[self.paths.input_path(folder / name)] = output.sha256

    def _folders(self, inputs: Iterable[Input]) -> set[Path]:
        """Return the folders of the actions that made some of an action's inputs."""
        root = Path(self.paths.root)
        return self._owners(root / entry.path for entry in inputs if is_local(entry.path))

    def _owners(self, paths: Iterable[Path]) -> set[Path]:
        return {folder for folder in map(self._owner, paths) if folder is not None}

    def _owner(self, path: Path) -> Path | None:
        return next((folder for folder in path.parents if folder in self.settled), None)

    def _can_be_made(self, path: Path) -> bool:
        """Whether an action makes this path; otherwise its reader reports it as missing."""
        folder = self._owner(path)
        return folder is not None and path.relative_to(folder).as_posix() in self.settled[folder].record.outputs

    def _observe(self, job: Job, name: str) -> Output:
        try:
            return self.input_guard.observe(job.folder / name)
        except OSError as error:
            raise OstooError(
                f"{job.verb.lower()} {job.subject} did not create {name}", where=str(job.folder)
            ) from error

    def _fits(self, record: Record) -> bool:
        return record.bound_to in ("", self.cache.root)


def _as_told(job: Job, outcome: Outcome) -> Job:
    """Return the job for what its run told; the variables are those that it was given."""
    return job.of(replace(outcome.learned, asked=job.learned.asked))


def _away(job: Job, record: Record) -> list[str]:
    """Return the outputs that are not in the job's folder; those that are there must be known to be intact."""
    return [name for name in record.outputs if not os.path.exists(f"{job.folder}/{name}")]  # noqa: PTH110 - many of them


def _missing(inputs: Iterable[Input], root: Path) -> Iterable[tuple[Path, Output]]:
    for entry in inputs:
        if is_local(entry.path) and not os.path.exists(f"{root}/{entry.path}"):  # noqa: PTH110 - as above
            yield root / entry.path, Output(entry.sha256, entry.size, entry.executable)
