"""Brings an action's outputs about by the cheapest way that is right. Does not know how an action is run.

In this order: the outputs are there already, the action cache has them, the action runs elsewhere, it runs here.
Outputs that the cache has are fetched when an action that runs reads them, or when somebody asks for them.

`present` is the one judge of what is up to date: whoever orders actions asks for each of them, every time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from ostoo_build.actions import action_log
from ostoo_build.actions import record as records
from ostoo_build.actions.record import Output, Record
from ostoo_build.base import state_file
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import changed
from ostoo_build.base.paths import is_local
from ostoo_build.cache.action_cache import Place
from ostoo_build.execution.folder_locks import FolderLocks
from ostoo_build.execution.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.outcome import Finished, Outcome
    from ostoo_build.base.console import Report
    from ostoo_build.base.digest import Hash
    from ostoo_build.base.input import Input
    from ostoo_build.base.paths import PathMap
    from ostoo_build.cache.action_cache import ActionCache
    from ostoo_build.execution.input_guard import Witness
    from ostoo_build.execution.timeline import Way
    from ostoo_build.remote.executor import Remote, RemoteExecutor


@dataclass(frozen=True)
class Job:
    """An action, where its outputs go and how it is run; `subject` is what the user reads after the verb.

    `judge` says what came of a process that ran elsewhere; it is None for what can run here only. `results` is the
    portable path that the action itself knows its outputs' folder by. `needed` says that somebody wants to find the
    outputs in the folder, whether or not another action reads them. `shared` is False for what no cache may hold: it
    depends on what the last run left here. `follows` are portable paths of what has to be there first and is not read.
    `reads` are inputs of the action that only an earlier run told of; `reading` is the same job with others.
    `seeing` is the action with those inputs of its package alone that a run can have read.
    `promised` are names of outputs that each result has. `tree` is a folder within `folder` all of which are outputs.
    Of inputs with names that end with `vouched` the tool tells what was in them, where that is not empty.
    """

    action: Action
    folder: Path
    results: str
    verb: str
    subject: str
    run: Callable[[], Outcome]
    needed: bool = False
    shared: bool = True
    judge: Callable[[Finished], Outcome] | None = None
    follows: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    reading: Callable[[tuple[str, ...]], Job] | None = None
    seeing: Callable[[tuple[str, ...]], Action] | None = None
    promised: tuple[str, ...] = ()
    tree: str = ""
    vouched: str = ""

    def of(self, reads: tuple[str, ...]) -> Job:
        """The job as it is where its action reads these."""
        return self if self.reading is None or reads == self.reads else self.reading(reads)

    def key(self, seen: tuple[str, ...] | None) -> Hash:
        """The key of what was made by a run that can have read these; without them that of the action."""
        return (self.action if seen is None or self.seeing is None else self.seeing(seen)).key

    @property
    def place(self) -> Place:
        return Place(self.results, self.folder, self.promised)


class Settled(NamedTuple):
    """An action that this invocation found up to date or made so, and what it made."""

    job: Job
    record: Record

    @property
    def is_kept(self) -> bool:
        """Whether the record answers the action's question in other invocations too."""
        return _answers(self.record, self.job)


@dataclass(frozen=True)
class Engine:
    """What all actions of an invocation share. `log` is the folder that remembers what was asked for."""

    paths: PathMap
    cache: ActionCache
    report: Report
    log: Path
    witness: Witness
    executor: RemoteExecutor | None = None
    fetch_all: bool = False
    timeline: Timeline = field(default_factory=Timeline)
    settled: dict[Path, Settled] = field(default_factory=dict)
    """By folder: what was judged in this invocation, so that others need not read it from the disk again."""
    _early: dict[Path, Record] = field(default_factory=dict)
    """By folder: outputs that can be read while the action still makes others."""
    _anew: dict[str, Hash] = field(default_factory=dict)
    """Outputs that were made anew, by portable path: not every compilation gives the same bytes twice."""
    _locks: FolderLocks = field(default_factory=FolderLocks)

    def perform(self, job: Job) -> Record:
        """Make a job's outputs be there, or be had, and say what they are. Raises `OstooError` where it fails."""
        found = self.present(job)
        if found is not None:
            return found
        former = records.load(job.folder)
        self.settled.pop(job.folder, None)
        if job.folder.is_symlink() or not job.folder.is_dir():
            state_file.remove(job.folder)  # what a link leads to is not ours to clear
        records.discard(job.folder)
        action_log.write(self.log, job.action, job.results)
        made = self._made(job)
        for name in set(former.outputs if former else ()) - set(made.outputs):
            if not any(f"{other}/".startswith(f"{name}/") for other in (*made.outputs, *made.folders)):
                state_file.remove(job.folder / name)
        self.settled[job.folder] = Settled(job.of(made.reads), made)
        return made

    def present(self, job: Job) -> Record | None:
        """Judge whether a job's outputs are there: if and only if its folder's record has the key that it has now."""
        found = records.load(job.folder)
        if found is None or not _answers(found, job):
            return None
        if not (self._fits(found) and records.is_intact(job.folder, found)):
            return None
        if job.tree and not records.is_all(job.folder, job.tree, found):
            return None
        if self._is_wanted(job):
            if not self._restored(job, found):
                self.cache.forget(job.action)
                return None
            records.remember(job.folder, found)
        self.settled[job.folder] = Settled(job, found)
        return found

    def announce(self, job: Job, name: str) -> None:
        """Let others read one output of an action that is still running."""
        self._early[job.folder] = Record(job.action.key, {name: self.witness.observe(job.folder / name)})

    def result(self, folder: Path) -> Record:
        """What the action of a folder made, as far as it is there.

        Raises `OstooError` where none was performed in this invocation.
        """
        if folder in self.settled:
            return self.settled[folder].record
        if folder in self._early:
            return self._early[folder]
        raise OstooError(
            "outputs of an earlier step are gone", where=self.paths.portable(folder), remedy="run the build again"
        )

    def _made(self, job: Job) -> Record:
        inputs = [*(entry.path for entry in job.action.inputs), *job.follows]
        with self.timeline.step(job.verb, job.subject, self.paths.portable(job.folder), inputs) as step:
            way: Way = "cached"
            made = self._cached(job) if job.shared else None
            if made is None and job.shared:
                way, made = "remote", self._run_elsewhere(job)
            if made is None:
                way, made = "local", self._run(job)
            step.way = way
            return made

    def _cached(self, job: Job) -> Record | None:
        found = self.cache.lookup(job.action, job.place)
        if found is None or self._adopted(job, found):
            return found and _kept(job, found)
        self.cache.forget(job.action)
        return None

    def _adopted(self, job: Job, record: Record) -> bool:
        """Take a result over whose files lie elsewhere; False where they are wanted here and can't be had."""
        job.folder.mkdir(parents=True, exist_ok=True)
        records.keep_only(job.folder, record)
        for name in filter(None, (job.tree, *record.folders)):
            (job.folder / name).mkdir(parents=True, exist_ok=True)
        if self._is_wanted(job) and not self._restored(job, record):
            return False
        records.save(job.folder, _kept(job, record))
        self.report.messages((record.stderr,))
        return True

    def _is_wanted(self, job: Job) -> bool:
        return job.needed or self.fetch_all

    def _restored(self, job: Job, record: Record) -> bool:
        return not self.cache.fetch((job.folder / name, output) for name, output in record.outputs.items())

    def _run(self, job: Job) -> Record:
        inputs = job.action.inputs
        while True:
            self._fetch(_missing(inputs, Path(self.paths.root)))
            with self._locks.reading(self._folders(inputs)):
                if any(self._can_be_made(path) for path, _ in _missing(inputs, Path(self.paths.root))):
                    continue  # another reader had it made anew, and that failed
                return self._run_here(job)

    def _run_here(self, job: Job) -> Record:
        as_promised = all(entry.sha256 == self._anew.get(entry.path, entry.sha256) for entry in job.action.inputs)
        job.folder.mkdir(parents=True, exist_ok=True)
        self.report.status(job.verb, job.subject)
        outcome, began = self._ran(job, as_promised=as_promised)
        declared, job = frozenset(job.action.inputs), job.of(outcome.reads)
        self.witness.check_untouched((entry for entry in job.action.inputs if entry not in declared), began)
        self.report.messages((outcome.stderr,))
        looks = records.looks_of(job.folder, outcome.outputs)
        outputs = {name: self._observe(job, name) for name in outcome.outputs}
        made = self._record(job, outcome, outputs)
        if as_promised and job.shared:
            self.cache.store(job.action, made, job.place)
        if not as_promised:
            made = replace(made, is_answer=False)
        records.save(job.folder, made, looks)
        return made

    def _ran(self, job: Job, *, as_promised: bool) -> tuple[Outcome, int]:
        """Run a job's action, and tell when its last run began: it runs again where an input did not hold still.

        That may be what it was when it was hashed, and have been something else when it was read. What is touched in
        both runs is written by the action itself. Raises `OstooError` where an input is not what it was.
        """
        known: frozenset[str] = frozenset()
        unvouched = [entry for entry in job.action.inputs if not (job.vouched and entry.path.endswith(job.vouched))]
        while True:
            looks, began = self.witness.looks(unvouched), time.time_ns()
            try:
                outcome = job.run()
            except OstooError:
                self.witness.check_tools()  # then what it could not do says nothing
                raise
            if as_promised:
                self.witness.check(job.action.inputs)
            touched = self.witness.touched(looks)
            touched = touched if outcome.unproved is None else touched & outcome.unproved
            if touched <= known:
                return outcome, began
            if known or job.folder in self._early:  # others read already what it made
                raise changed(min(touched - known))
            known = touched

    def _run_elsewhere(self, job: Job) -> Record | None:
        """Have a remote executor do it; None where it can't, or where what it left is no answer, or good there only."""
        if self.executor is None or self.executor.is_off or job.judge is None:
            return None
        self.report.status(job.verb, f"{job.subject} (remotely)")
        remote = self.executor.execute(job.action, job.results)
        absent = [] if remote else list(_missing(job.action.inputs, Path(self.paths.root)))
        if absent:  # the service lacks what was taken from a cache and is not here: nobody had needed it
            self._fetch(absent)
            remote = self.executor.execute(job.action, job.results)
        outcome = self._judged(job, remote) if remote else None
        if remote is None or outcome is None or outcome.holds_root:
            return None
        if not set(outcome.reads) <= set(job.reads):
            return None  # it says that it read what was not declared, and so was not there
        made = self._record(job, outcome, {name: remote.outputs[name] for name in outcome.outputs})
        if not self._adopted(job, made):
            return None
        self.cache.adopt(job.action, made, job.place)
        return made

    def _judged(self, job: Job, remote: Remote) -> Outcome | None:
        """What an executor's word comes to; None where it lacks what the action makes."""
        try:
            outcome = job.judge(remote.done) if job.judge else None
        except (OSError, ValueError):
            outcome = None
        if outcome is None or not {*outcome.outputs, *job.promised} <= remote.outputs.keys():
            self.report.warn_once("the remote executor left no result that can be used: what it ran is run here again")
            return None
        return outcome

    def _record(self, job: Job, outcome: Outcome, outputs: dict[str, Output]) -> Record:
        bound_to = self.cache.root if outcome.holds_root else ""
        return Record(
            key=job.key(outcome.seen),
            outputs=outputs,
            stdout=outcome.stdout,
            stderr=outcome.stderr,
            bound_to=bound_to,
            reads=outcome.reads,
            folders=outcome.folders,
            seen=outcome.seen,
        )

    def _fetch(self, wanted: Iterable[tuple[Path, Output]]) -> None:
        files = list(wanted)
        # who makes a folder's files anew clears it, and would take away what is being written there
        with self._locks.reading(self._owners(path for path, _ in files)):
            lost = self.cache.fetch(files)
        for path in lost:
            if self._can_be_made(path):
                self._make_anew(path)

    def _make_anew(self, path: Path) -> None:
        """Make an output that the cache promised and has lost, when nobody reads what lies beside it."""
        folder = self._owner(path)
        if folder is None:
            return
        with self._locks.remaking(folder):
            if path.exists():
                return
            job, promised = self.settled[folder]
            self.cache.forget(job.action)
            made = self._run(job)
            self.settled[folder] = Settled(job.of(made.reads), made)
            for name, output in made.outputs.items():
                if promised.outputs.get(name) != output:
                    self._anew[self.paths.input_path(folder / name)] = output.sha256

    def _folders(self, inputs: Iterable[Input]) -> set[Path]:
        """The folders of the actions that made some of an action's inputs."""
        root = Path(self.paths.root)
        return self._owners(root / entry.path for entry in inputs if is_local(entry.path))

    def _owners(self, paths: Iterable[Path]) -> set[Path]:
        return {folder for folder in map(self._owner, paths) if folder is not None}

    def _owner(self, path: Path) -> Path | None:
        return next((folder for folder in path.parents if folder in self.settled), None)

    def _can_be_made(self, path: Path) -> bool:
        """What no action makes is for its reader to miss."""
        folder = self._owner(path)
        return folder is not None and path.relative_to(folder).as_posix() in self.settled[folder].record.outputs

    def _observe(self, job: Job, name: str) -> Output:
        try:
            return self.witness.observe(job.folder / name)
        except OSError as error:
            raise OstooError(f"{job.verb.lower()} {job.subject} left no {name}", where=str(job.folder)) from error

    def _fits(self, record: Record) -> bool:
        return record.bound_to in ("", self.cache.root)


def _answers(record: Record, job: Job) -> bool:
    """Whether what a record names is what a job is asked for, in whichever invocation."""
    return record.is_answer and record.key == job.key(record.seen)


def _kept(job: Job, record: Record) -> Record:
    """A result from elsewhere as the record of a job."""
    return replace(record, key=job.key(record.seen), reads=job.reads)


def _missing(inputs: Iterable[Input], root: Path) -> Iterable[tuple[Path, Output]]:
    for entry in inputs:
        if is_local(entry.path) and not (path := root / entry.path).exists():
            yield path, Output(entry.sha256, entry.size, entry.executable)
