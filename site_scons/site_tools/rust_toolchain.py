"""Sets an environment up for this build: variables, toolchain, and which programs an invocation is about."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from pathlib import Path
from typing import Any

from SCons.Script import ARGUMENTS, COMMAND_LINE_TARGETS, AddOption, GetOption, SetOption, Variables

from ostoo_build import requested
from ostoo_build.errors import OstooError
from ostoo_build.report import Report
from ostoo_build.session import Options, Session
from ostoo_build.suggest import one_of
from site_tools.keyed_action import one_message

_VARIABLES = (
    ("target", "target spec in targets/, without .json", Options.target),
    ("profile", "cargo profile", Options.profile),
    ("sysroot", "musl from: zig, debian, folder:PATH, container:PATH, docker:IMAGE, podman:IMAGE", Options.sysroot),
    ("cache", "action cache: a folder, or off", Options.cache),
    ("cache_size", "what the action cache may take", Options.cache_size),
    ("DEPLOY_DIR", "folder that `scons deploy` copies programs to", Options.deploy_dir),
    ("RUSTC", "compiler to use", ""),
    ("CARGO", "cargo to use", ""),
    ("LLD", "LLD to use", ""),
    ("RUST_SRC", "std source to use: a folder `library`", ""),
)


def request(env: Any) -> requested.Requested:
    """What the command line asks for. Raises nothing: a mistake there is told, and ends SCons."""
    env["OSTOO"].lock()
    with one_message():
        asked = requested.read(COMMAND_LINE_TARGETS, env["OSTOO"])
        env["OSTOO"].start_planning(asked.programs)
        return asked


def generate(env: Any) -> None:
    """Set SCons' options as this build needs them (docs/design_notes.md says why) and add the session."""
    SetOption("hash_format", "sha256")
    SetOption("max_drift", -1)
    jobs = GetOption("num_jobs") if GetOption("num_jobs") > 1 else _usable_cpus()
    # as many steps again may wait for code that is being generated: the jobserver keeps the processes to `jobs`
    SetOption("num_jobs", 2 * jobs)
    AddOption(
        "--all-outputs", action="store_true", help="take from the action cache whatever it has, not programs alone"
    )
    gc.disable()
    variables = Variables(None, ARGUMENTS)
    variables.AddVariables(*_VARIABLES)
    variables.Update(env)
    env.Help(requested.HELP + variables.GenerateHelpText(env), append=True)
    with one_message():
        if unknown := variables.UnknownVariables():
            name = next(iter(unknown))
            raise OstooError(f"there is no variable {name}", remedy=one_of(name, [key for key, *_ in _VARIABLES]))
    report = Report(colour=sys.stderr.isatty() and "NO_COLOR" not in os.environ, quiet=bool(GetOption("silent")))
    toolchain = {name: env[name] for name in ("RUSTC", "CARGO", "LLD", "RUST_SRC")}
    words = (env[name] for name in ("target", "profile", "sysroot", "cache", "cache_size", "DEPLOY_DIR"))
    options = Options(*words, jobs, bool(GetOption("all_outputs")), toolchain)
    session = Session(Path(env.Dir("#").get_abspath()), options, report)
    atexit.register(session.close)
    env["OSTOO"] = session
    env["OSTOO_TOP_DOWN"] = not (
        session.options.all_outputs or GetOption("clean") or GetOption("no_exec") or "std" in COMMAND_LINE_TARGETS
    )
    env.AddMethod(request, "Requested")


def _usable_cpus() -> int:
    """The processors that this process may use; macOS can't tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def exists(_env: Any) -> bool:
    return True
