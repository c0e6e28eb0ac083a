"""Holds the state of one SCons run: the request, the checkout, and the declared nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from ostoo_build.actions.record import NAME
from ostoo_build.base import layout, live
from ostoo_build.base.errors import OstooError
from ostoo_build.execution import failure
from ostoo_build.execution.live_status import Counts, LiveStatus
from ostoo_build.invocation import planner as planners
from ostoo_build.invocation import request, services
from ostoo_build.rebuild.standby import PreparedBuild
from ostoo_build.rules.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ostoo_build.base.stops import Stops
    from ostoo_build.execution.event_file import EventFile
    from ostoo_build.execution.jobserver import Jobserver
    from ostoo_build.execution.timeline import Timeline
    from ostoo_build.invocation.checkout import Checkout
    from ostoo_build.invocation.options import Options
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.request import Requested
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import ProgramId
    from ostoo_build.rebuild.process_start import ProcessStart
    from ostoo_build.rebuild.standby import Undecided


_SEVERAL = 2


class OpenCheckout(Struct, frozen=True):
    """A locked checkout with the request, the planner and the services."""

    requested: Requested
    planner: Planner
    services: Services


class Build(Struct):
    """The value of `env["OSTOO"]`: the state before the lock is taken, and SCons' nodes by the names of rules.

    `is_top_down` says that a program is looked up before its parts.
    """

    process_start: ProcessStart
    checkout: Checkout
    options: Options
    jobserver: Jobserver
    timeline: Timeline
    stops: Stops
    is_top_down: bool
    nodes: dict[str, Any] = field(default_factory=dict)
    programs: dict[str, Any] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    """Programs whose declaration has begun."""
    read_by_others: set[str] = field(default_factory=set)
    """Programs that are inputs of others."""
    kept: set[ProgramId] = field(default_factory=set)
    """Programs that `-n` found in the action cache."""
    current: dict[ProgramId, list[Any]] = field(default_factory=dict)
    """SCons' nodes of the programs that were found to need no work."""
    undecided: dict[ProgramId, Undecided] = field(default_factory=dict)
    """Programs about which a build that waits decides afterwards."""
    progress: Progress = field(default_factory=Progress)
    opened: OpenCheckout | None = None
    failed: set[str] = field(default_factory=set)
    """Names of nodes whose actions failed."""
    diagnostics: dict[str, str] = field(default_factory=dict)
    """What compilers said that failed, in rustc's JSON, by the portable folders of units."""
    parts: dict[ProgramId, set[str]] = field(default_factory=dict)
    """The names of the nodes of programs that are not published yet."""
    is_declared: bool = False
    """Whether all nodes are known."""
    display: live.Display | None = None
    event_file: EventFile | None = None

    @staticmethod
    def of(env: Any) -> Build:
        found: Build = env["OSTOO"]
        return found

    def open(self, words: Sequence[str]) -> OpenCheckout:
        """Take the lock, parse the request, and create everything that job threads share."""
        standby = self.process_start.standby
        self.checkout.lock(prepares=standby is not None and standby.waits)
        planner = planners.find(self.checkout, self.options)
        requested = request.read(words, planner.programs, planner.targets)
        # a script may select features: without required ones nothing can be planned yet
        for what, names in requested.planned.items():
            planner.programs.start_planning(planner.programs.ids(planner.programs.available(names)), what)
        for name, error in planner.programs.refused.items() if requested.is_all else ():
            if not layout.is_example(name):
                self.checkout.console.warn_once(f"{error.what}: it is not built")
        made = services.start(self.checkout, self.options, planner, self.jobserver, self.timeline)
        self.opened = OpenCheckout(requested, planner, made)
        return self.opened

    @property
    def at_work(self) -> OpenCheckout:
        """Return the opened checkout. Scripts are read after `env.Requested()`."""
        if self.opened is None:
            raise RuntimeError("call env.Requested() first")
        return self.opened

    def read(self) -> PreparedBuild:
        """Return everything that a waiting build needs."""
        opened = self.at_work
        started = self.process_start.started
        undecided = self.undecided.values()
        return PreparedBuild(started, self.checkout, self.options, opened.planner, opened.services, undecided)

    def stop_after_failure(self) -> None:
        """Let nothing else begin, and say what is worth waiting for."""
        if self.timeline.is_closed:
            return
        for step in failure.stop(self.timeline):
            done = f"{self.timeline.worked(step):.0f} s of work"
            what = f"for {step.subject}: its {done} are kept for the next build; press Ctrl-C to end it"
            self.checkout.console.status("Waiting", what)

    def summary(self) -> OstooError | None:
        """Return which of several programs failed, and which were not finished; None if there was just one."""
        left = {program: parts for program, parts in self.parts.items() if program not in self.progress.published}
        failed = [program for program, parts in left.items() if parts & self.failed]
        every = self.parts.keys() | self.progress.current
        if len(every) < _SEVERAL or not failed:
            return None
        others = [program for program in left if program not in failed]
        unfinished = f"; not finished: {self._named(others)}" if others else ""
        return OstooError(f"{len(failed)} of {len(every)} programs failed: {self._named(failed)}{unfinished}")

    def _named(self, programs: Iterable[ProgramId]) -> str:
        targets = self.at_work.planner.targets
        return ", ".join(targets.named(name, target) for name, target in sorted(programs))

    def wait(self) -> None:
        """Wait until no action runs: after a failure nobody else does."""
        if self.opened is not None:
            self.opened.services.background.wait()

    def show(self, environ: Mapping[str, str]) -> None:
        """Let the user see how the build goes on, until `hide`."""
        console = self.checkout.console
        status = LiveStatus(self.timeline, self.counts, console.colour)
        self.display = live.display(status, console, environ) if self.options.performs else None
        if self.display is not None:
            self.display.start()

    def hide(self) -> None:
        """Show nothing any more."""
        if self.display is not None:
            self.display.stop()
        self.display = None

    def counts(self) -> Counts | None:
        """Return how many of the declared actions are done; None before all are declared."""
        if self.opened is None or not self.is_declared:
            return None
        total = sum(name.endswith(f"/{NAME}") for name in self.nodes)
        return Counts(len(self.opened.services.engine.settled), total)

    def save(self) -> None:
        """Save the state for the next invocation, and tell what is to be told of it."""
        if self.opened is not None:
            self.opened.services.save()
        self.checkout.tell_damaged()

    def close(self) -> None:
        """Save the state for the next invocation, leave the cache, and release the lock."""
        if self.opened is not None:
            self.opened.services.close()
        self.checkout.close()
