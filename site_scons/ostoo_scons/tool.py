"""The SCons tool of this build: configures SCons, reads the request, and ends an invocation."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import shlex
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import SCons.Script.Main
from msgspec.structs import replace
from SCons.Script import ARGUMENTS, COMMAND_LINE_TARGETS, AddOption, GetBuildFailures, GetOption, SetOption

from ostoo_build.base import deferred, events, layout, own_files, own_version, pages, streams
from ostoo_build.base.console import Console, speak
from ostoo_build.base.errors import OstooError, told
from ostoo_build.base.events import Stream
from ostoo_build.base.stops import Stops
from ostoo_build.execution import timings
from ostoo_build.execution.event_file import EventFile
from ostoo_build.execution.jobserver import Jobserver, usable_cpus
from ostoo_build.execution.timeline import Timeline
from ostoo_build.execution.verbose import Verbose
from ostoo_build.invocation import request as build_request
from ostoo_build.invocation.checkout import Checkout
from ostoo_build.invocation.options import Options
from ostoo_build.planning import unit_name
from ostoo_build.project import description
from ostoo_build.project import variables as build_variables
from ostoo_build.rebuild import null_build_note, process_start
from ostoo_build.rules import whole_program
from ostoo_build.server import address, launching
from ostoo_build.start import null_build
from ostoo_build.why import build_notes
from ostoo_scons import declarations, no_signatures, script_errors
from ostoo_scons.scons_build import Build
from ostoo_scons.scons_nodes import one_message
from ostoo_scons.whole_run import EXIT_CODE, ended

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST_JOBS = 1000
"""The limit of the jobserver's pipe, and of threads on most machines."""

_LONG = 5.0
"""Duration in seconds from which a build reports its critical path."""


def generate(env: Any) -> None:
    """Set SCons' options (docs/design_notes.md has the reasons) and add the builders."""
    script_errors.install()
    SetOption("hash_format", "sha256")
    SetOption("max_drift", -1)
    with one_message():
        jobs = _jobs(GetOption("num_jobs"))
    AddOption("--all-outputs", action="store_true", help="fetch all outputs from the action cache, not only programs")
    AddOption("--verbose", action="count", default=0, help="show the commands that are run; twice: and why, with keys")
    AddOption("--events", metavar="FILE", help="write what happens to a file, each event as a line of JSON")
    AddOption("--timings", action="store_true", help=f"write a page about the time of each action to {layout.TIMINGS}")
    gc.disable()
    AddOption("--messages", metavar="FORM:FILE", help="write what the compiler says to a file, for --message-format")
    AddOption("--lints", default="", help="arguments for clippy, as in a shell, for ./ostoo clippy")
    AddOption("--rustdoc", default="", help="arguments of ./ostoo doc, as in a shell")
    env.Help(build_request.help_text(), append=True)
    with one_message():
        build = _build(Path(env.Dir("#").get_abspath()), jobs)
    options = build.options
    # half of the jobs may wait for code generation; the jobserver limits the processes to `jobs`
    elsewhere = int(options.variables["remote_jobs"]) if options.executes_remotely else 0
    SetOption("num_jobs", 2 * jobs + elsewhere)
    sampler = timings.Sampler(build.timeline, lambda: build.jobserver.busy)
    if not build.process_start.waits:
        build.show(os.environ)
    deferred.register(partial(_finish, build, sampler.start() if GetOption("timings") else None))
    for do in (deferred.run_afterwards, deferred.run):  # if SCons was started directly; the last one is called first
        atexit.register(do)
    env["OSTOO"] = build
    env.SConsignFile(str(build.checkout.root / layout.SCONSIGN), no_signatures)
    for name, method in METHODS.items():
        env.AddMethod(method, name)


def exists(_env: Any) -> bool:
    return True


def _jobs(asked: int) -> int:
    if not 0 < asked <= _MOST_JOBS:
        raise OstooError(f"-j {asked} is not a number between 1 and {_MOST_JOBS}")
    return asked if asked > 1 else usable_cpus()


def _build(root: Path, jobs: int) -> Build:
    console = Console.of(os.environ, quiet=bool(GetOption("silent")))
    speak(console)
    here = process_start.taken()
    stream = console.events = Stream(time.monotonic() - (time.time_ns() - here.started) / 1e9)
    event_file = None if here.waits else _event_file(root, stream, here.started, jobs)
    deferred.register(partial(_tell_end, stream))  # it runs last, and also if nothing else can be created
    performs = not (GetOption("no_exec") or GetOption("clean"))
    described = description.read(root)
    options = Options(
        variables=build_variables.values(described.variables, ARGUMENTS),
        jobs=jobs,
        all_outputs=bool(GetOption("all_outputs")),
        performs=performs,
        lints=tuple(shlex.split(GetOption("lints"))),
        for_rustdoc=tuple(shlex.split(GetOption("rustdoc"))),
        described=described,
    )
    checkout = Checkout(root, console)
    checkout.make_memos()
    verbosity, explains = GetOption("verbose"), _takes_over_explaining()
    stream.listen(Verbose(console, verbosity > 0, explains or verbosity > 1))
    if explains and here.asked is not None:
        _explain(console, root, here.asked)
    stops = Stops()
    stops.leaving = partial(stream.tell, events.BuildEnded("stopped"))
    return Build(
        process_start=here,
        checkout=checkout,
        options=options,
        jobserver=Jobserver(jobs),
        timeline=Timeline(stream),
        stops=stops,
        event_file=event_file,
        # a program that is restored as a whole has no records of what was said about its crates
        is_top_down=not (
            options.all_outputs or GetOption("clean") or GetOption("messages") or "std" in COMMAND_LINE_TARGETS
        ),
    )


def _explain(console: Console, root: Path, asked: null_build.Question) -> None:
    """Say why more is looked at than files' stamps."""
    doubt = null_build.doubt(str(root), null_build.plain(asked))
    if doubt is not None:
        console.status("Explained", f"nothing to do was not certain: {doubt}")


def _takes_over_explaining() -> bool:
    """Whether `--debug=explain` was given. SCons itself would say that nodes are always built."""
    values = SCons.Script.Main.OptionsParser.values
    asked, values.debug_explain = bool(values.debug_explain), False
    return asked


def _request(env: Any) -> build_request.Requested:
    """Parse the command line. An error there is reported, and ends SCons."""
    with one_message():
        return Build.of(env).open(COMMAND_LINE_TARGETS).requested


def _declare(env: Any) -> None:
    """Declare what is requested. A waiting build waits here, as everything has been read."""
    declarations.declare_requested(env)
    build = Build.of(env)
    standby = build.process_start.standby
    if standby is not None:
        edited = standby.reached(build.read())
        declarations.decide(env, edited)
        # a build that waited has seen that what it read holds for the command that it works for
        command = standby.handover.request
        build.process_start = build.process_start._replace(started=command.started, asked=command.asked)
        if standby.waits:
            build.event_file = _event_file(
                build.checkout.root, build.timeline.stream, command.started, build.options.jobs
            )
            build.show(os.environ)
    build.is_declared = True
    if (counts := build.counts()) is not None:
        build.timeline.stream.tell(events.BuildPlanned(counts.total))


def _event_file(root: Path, stream: Stream, started: int, jobs: int) -> EventFile | None:
    """Let a file hear what happens, if one is named."""
    if not GetOption("events"):
        return None
    with one_message():
        file = EventFile(root / GetOption("events"))
    stream.listen(file)
    words = tuple(word for word in sys.argv[1:] if word != "-Q")
    stream.tell(events.BuildBegan(events.FORMAT, own_version.number(), started, words, str(root), jobs))
    return file


def _tell_end(stream: Stream) -> None:
    code = ended[0] if ended else SCons.Script.Main.exit_status  # SCons may have been started directly
    stream.tell(events.BuildEnded("failed" if code else "succeeded"))


METHODS: Mapping[str, Callable[..., Any]] = {
    "RustProgram": declarations.declare_program,
    "Requested": _request,
    "DeclareRequested": _declare,
}
"""What scripts call as `env.NAME(...)`."""


def _finish(build: Build, sampler: timings.Sampler | None) -> None:
    """End an invocation, successful or not, and report where its time went."""
    try:
        build.wait()
        stream = build.timeline.stream
        if build.stops.is_asked:
            deferred.run_afterwards()
            with contextlib.suppress(OSError):
                _keep_decisions(build)
            build.close()
            stream.tell(events.BuildEnded("stopped"))
        else:
            _end(build, sampler)
            _tell_end(stream)
        build.hide()
        build.stops.end()
        said = streams.complaint()
        if said:
            _leave(said)
    except Exception as error:
        build.hide()
        message = told(error)
        if message is None:
            raise
        build.timeline.stream.tell(events.BuildEnded("failed"))
        _leave(f"{message}\n")


def _start_server(build: Build) -> None:
    """Start a server for the next build, if this one was started by a command, without a server."""
    here, root = build.process_start, build.checkout.root
    is_wanted = address.is_wanted(sys.argv[1:]) and build.options.variables["server"] == "on"
    if here.asked is not None and here.standby is None and is_wanted:
        with contextlib.suppress(OSError, OstooError):  # builds work without one
            launching.start(root, address.path(str(root)))


def _leave(said: str) -> None:
    """Exit at once with a message, as it is too late for an exception."""
    sys.stderr.write(said)
    sys.stderr.flush()
    os._exit(EXIT_CODE)


def _end(build: Build, sampler: timings.Sampler | None) -> None:
    build.save()
    if GetOption("messages") and build.opened is not None:
        from ostoo_scons import messages  # noqa: PLC0415 - most builds are not asked for it

        messages.keep(build, build.opened, GetOption("messages"), is_done=not GetBuildFailures())
    for do in (partial(_note, build), partial(_keep_decisions, build), build.close, partial(_start_server, build)):
        deferred.register_afterwards(do)
    console, timeline = build.checkout.console, build.timeline
    if sampler is not None:
        page = _write_timings(build, sampler)
        console.status("Timings", f"in {page.relative_to(build.checkout.root)}")
    if build.event_file is not None and (error := build.event_file.failure) is not None:
        console.warn_once(f"{build.event_file.path} does not have all events: {error.strerror}")
    failed = build.summary()
    if failed is not None:
        console.error(failed)
    if timeline.now > _LONG and timeline.steps and not GetBuildFailures():
        console.status("Finished", timings.summary(timeline))


def _write_timings(build: Build, sampler: timings.Sampler) -> Path:
    root, opened = build.checkout.root, build.opened
    units = opened.planner.units.values() if opened else ()
    features = {unit.folder: ", ".join(unit_name.features(unit)) or "no features" for unit in units}
    command = shlex.join([*own_files.build_words(root).split(), *(word for word in sys.argv[1:] if word != "-Q")])
    toolchain = f"Rust {opened.planner.tools.toolchain.version}" if opened else ""
    measured = timings.Measured(build.timeline, sampler.stop(), build.options.jobs, features)
    return timings.write(measured, root, pages.about(root, command, toolchain))


def _keep_decisions(build: Build) -> None:
    """Keep what this build decided, for `ostoo why`: it explains only, so it may fail."""
    if build.opened is None:
        return
    words, opened = tuple(map(str, COMMAND_LINE_TARGETS)), build.opened
    note = build_notes.of(opened.planner, opened.services, build.progress, build.process_start.started, words)
    build_notes.add(build.checkout.root, replace(note, is_stopped=build.stops.is_asked))
    asked = build.process_start.asked
    if asked is not None and not (note.decided or build.stops.is_asked):
        null_build.remember(str(build.checkout.root), asked, note.began)


def _note(build: Build) -> None:
    """Write the note of a null build, if only programs were requested and all of them are published."""
    opened, current = build.opened, build.progress.current
    options = [word for word in sys.argv[1:] if word.startswith("-") and word not in (*null_build.OF_DISPLAY, "-Q")]
    if opened is None or options or opened.requested.asks_for_more or build.process_start.asked is None:
        return
    programs = opened.planner.programs
    if current.keys() != programs.ids(opened.requested.built(programs)):
        return
    if opened.requested.is_all:
        whole_program.take_away_lost(opened.planner, build.checkout.console)
    files = {path: output for made in current.values() for path, output in made.items()}
    said = "".join(build.checkout.console.said)
    made = null_build_note.BuildResult(
        build.process_start, build.checkout, build.options, opened.planner, opened.services, files, said
    )
    null_build_note.write(made, [str(target) for target in COMMAND_LINE_TARGETS] or ["all"])
