"""Sets an environment up for this build: variables, toolchain, and which programs an invocation is about."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from SCons.Script import ARGUMENTS, COMMAND_LINE_TARGETS, AddOption, GetBuildFailures, GetOption, SetOption

from ostoo_build.base import deferred, layout, streams
from ostoo_build.base.console import Report
from ostoo_build.base.errors import OstooError, told
from ostoo_build.base.stops import Stops
from ostoo_build.execution import timings
from ostoo_build.execution.jobserver import usable_cpus
from ostoo_build.invocation import request as build_request
from ostoo_build.invocation import variables as build_variables
from ostoo_build.invocation.session import Options, Session
from ostoo_build.rebuild import null_build_note, standby
from ostoo_build.rules import whole_program
from site_tools import no_signatures, script_errors
from site_tools.scons_nodes import EXIT_CODE, one_message

_MOST_JOBS = 1000
"""As many have room in the jobserver's pipe, and threads in most machines."""

_LONG = 5.0
"""Seconds of a build after which people ask where they went."""


def request(env: Any) -> build_request.Requested:
    """What the command line asks for. Raises nothing: a mistake there is told, and ends SCons."""
    with one_message():
        env["OSTOO"].lock()
        asked = build_request.read(COMMAND_LINE_TARGETS, env["OSTOO"])
        programs = env["OSTOO"].programs
        programs.start_planning(programs.asked(asked.programs))
        env["OSTOO_ASKED"] = asked
        return asked


def reached(env: Any) -> None:
    """Say that the scripts have declared all there is: a build that waits for an edit waits here."""
    if standby.here is not None:
        standby.here.reached(env["OSTOO"])


def finish(env: Any, sampler: timings.Sampler | None) -> None:
    """End an invocation, however it went, and say where its time went."""
    stops: Stops = env["OSTOO_STOPS"]
    try:
        if stops.is_asked:
            env["OSTOO"].close()
        else:
            _end(env, sampler)
        stops.end()
        said = streams.complaint()
        if said:
            _leave(said)
    except Exception as error:
        message = told(error)
        if message is None:
            raise
        _leave(f"{message}\n")


def _leave(said: str) -> None:
    """It is too late for another way."""
    sys.stderr.write(said)
    sys.stderr.flush()
    os._exit(EXIT_CODE)


def _end(env: Any, sampler: timings.Sampler | None) -> None:
    session: Session = env["OSTOO"]
    if _is_complete(env):
        if set(env["OSTOO_ASKED"].programs) == set(session.programs.binaries):
            whole_program.take_away_lost(session)
        null_build_note.write(session, [str(target) for target in COMMAND_LINE_TARGETS] or ["all"])
    session.close()
    if sampler is not None:
        page = timings.write(session.timeline, sampler.stop(), session.options.jobs, session.root)
        session.report.status("Timings", f"in {page.relative_to(session.root)}")
    if session.timeline.now > _LONG and session.timeline.steps and not GetBuildFailures():
        session.report.status("Finished", timings.summary(session.timeline))


def _is_complete(env: Any) -> bool:
    """Whether programs were asked for and nothing else, and all of them are there."""
    asked: build_request.Requested | None = env.get("OSTOO_ASKED")
    options = [word for word in sys.argv[1:] if word.startswith("-") and word != "-Q"]
    return (
        asked is not None
        and not (options or asked.words - {"all"})
        and env["OSTOO"].current.keys() == env["OSTOO"].programs.asked(asked.programs)
    )


def generate(env: Any) -> None:
    """Set SCons' options as this build needs them (docs/design_notes.md says why) and add the session."""
    script_errors.install()
    SetOption("hash_format", "sha256")
    SetOption("max_drift", -1)
    asked = GetOption("num_jobs")
    if not 0 < asked <= _MOST_JOBS:
        with one_message():
            raise OstooError(f"-j {asked} is no number above 0, and at most {_MOST_JOBS}")
    jobs = asked if asked > 1 else usable_cpus()
    AddOption(
        "--all-outputs", action="store_true", help="take from the action cache whatever it has, not programs alone"
    )
    AddOption("--timings", action="store_true", help=f"show in {layout.TIMINGS} where the time went")
    gc.disable()
    env.Help(build_request.help_text(), append=True)
    report = Report(colour=sys.stderr.isatty() and "NO_COLOR" not in os.environ, quiet=bool(GetOption("silent")))
    root = Path(env.Dir("#").get_abspath())
    with one_message():
        options = Options(
            build_variables.read(root, ARGUMENTS), jobs, bool(GetOption("all_outputs")), standby.here is not None
        )
        session = Session(root, options, report)
        session.make_memos()
    # as many steps again may wait for code that is being generated: the jobserver keeps the processes to `jobs`
    SetOption("num_jobs", 2 * jobs + (int(session.variables["remote_jobs"]) if session.executes_remotely else 0))
    sampler = timings.Sampler(session.timeline, lambda: session.jobserver.busy)
    deferred.register(partial(finish, env, sampler.start() if GetOption("timings") else None))
    atexit.register(deferred.run)  # where SCons was started by itself
    env["OSTOO"] = session
    env["OSTOO_STOPS"] = Stops()
    env["OSTOO_NODES"] = {}
    env.SConsignFile(str(root / layout.SCONSIGN), no_signatures)
    waits = standby.here is not None and standby.here.waits
    env["OSTOO_TOP_DOWN"] = not (
        waits or session.options.all_outputs or GetOption("clean") or "std" in COMMAND_LINE_TARGETS
    )
    env.AddMethod(request, "Requested")
    env.AddMethod(reached, "Reached")


def exists(_env: Any) -> bool:
    return True
