"""Checks what the file system of the build folder can do."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import process
from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.doctor.verdict import error, ok, warning
from ostoo_build.invocation.checkout import Checkout

if TYPE_CHECKING:
    from ostoo_build.doctor.subject import Subject
    from ostoo_build.doctor.verdict import Verdict

_ELSEWHERE = "put the project on another file system, such as ext4, btrfs, xfs or APFS"
_SECOND = 1_000_000_000
_TRIALS = 3
"""How many files have whole seconds as times before this is taken for the file system's grain."""


def file_system(subject: Subject) -> Verdict:
    """Try in a folder that is removed again: writing, links, case, programs, the grain of times."""
    Checkout(subject.root, Console(colour=False, quiet=True)).check_places()
    place = subject.build
    try:
        scratch = tempfile.TemporaryDirectory(dir=place, prefix=".doctor-")
    except OSError as refused:
        remedy = f"make {place} writable for the user {os.getuid()}, or remove it"
        return error(str(place), f"nothing can be written there: {refused.strerror}", remedy)
    with scratch as folder:
        return _tried(Path(folder), place)


def _tried(folder: Path, place: Path) -> Verdict:
    (folder / "lower").write_bytes(b"")
    for kind, link in (("symbolic", _symlink), ("hard", _hard_link)):
        if why := link(folder):
            return error(str(place), f"it has no {kind} links: {why}", _ELSEWHERE)
    if why := _run(folder):
        return error(str(place), f"no program can be started there: {why}", "mount it without noexec")
    if (folder / "LOWER").exists():
        what = "it does not tell `A` from `a`: sources whose names differ only so are taken for one"
        return warning(str(place), what, _ELSEWHERE)
    if _has_coarse_times(folder):
        what = "it keeps times in whole seconds: files that have just changed are read again by each build"
        return warning(str(place), what, _ELSEWHERE)
    return ok(f"{place}: links, case and programs work, times have fractions of seconds")


def _symlink(folder: Path) -> str:
    try:
        (folder / "link").symlink_to("lower")
    except OSError as refused:
        return str(refused.strerror)
    return ""


def _hard_link(folder: Path) -> str:
    try:
        (folder / "second").hardlink_to(folder / "lower")
    except OSError as refused:
        return str(refused.strerror)
    return ""


def _run(folder: Path) -> str:
    """Return why a program in a folder can't be started; empty if it can."""
    program = folder / "program"
    program.write_bytes(b"#!/bin/sh\n")
    program.chmod(0o755)
    try:
        done = process.run([str(program)], cwd=folder, env={})
    except OstooError as refused:
        return refused.what
    return f"exit code {done.returncode}" if done.returncode else ""


def _has_coarse_times(folder: Path) -> bool:
    for number in range(_TRIALS):
        path = folder / str(number)
        path.write_bytes(b"")
        if path.stat().st_mtime_ns % _SECOND:
            return False
        time.sleep(0.01)
    return True
