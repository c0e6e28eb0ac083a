"""Checks the action cache on this disk, the build server, and the team's servers."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from ostoo_build.base import byte_size, layout
from ostoo_build.cache import folder as cache_folder
from ostoo_build.cache import upkeep
from ostoo_build.doctor.subject import existing
from ostoo_build.doctor.verdict import error, ok, warning
from ostoo_build.invocation import services
from ostoo_build.server import address, client, wire

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.doctor.subject import Subject
    from ostoo_build.doctor.verdict import Verdict

_MOST = 1 << 30
"""Bytes that are read of the entries: `ostoo cache verify` reads all."""


def cache(subject: Subject) -> Verdict:
    """Check the folder of the action cache."""
    limit = byte_size.parse(subject.variables["cache_size"])
    folder = subject.cache
    if folder is None:
        return ok("off")
    if not cache_folder.is_ours(folder):
        what = "it contains other files, and is not a cache of this build: nothing is kept there"
        return error(str(folder), what, "name another folder: cache=DIR")
    found = upkeep.stats(folder)
    value = f"{folder}, {found.results} results, {byte_size.show(found.size)} of {byte_size.show(limit)}"
    if why := _refusal(folder):
        return warning(value, f"nothing can be kept there: {why}", f"make it writable for the user {os.getuid()}")
    return ok(value)


def entries(subject: Subject) -> Verdict:
    """Read the entries that were used last, and remove nothing."""
    folder = subject.cache
    if folder is None:
        return ok("off")
    found = upkeep.examine(folder, _MOST)
    value = f"{found.read} of {found.entries} read"
    if found.damaged:
        what = f"{len(found.damaged)} are damaged, such as {found.damaged[0]}"
        return warning(value, what, "ostoo cache verify removes them; builds make them again")
    return ok(value)


def _refusal(folder: Path) -> str:
    """Return why nothing can be written to a folder, or to the one that it would be made in; empty if that works."""
    try:
        with tempfile.TemporaryFile(dir=existing(folder)):
            return ""
    except OSError as error:
        return str(error.strerror)


def server(subject: Subject) -> Verdict:
    """Ask the project's build servers for their state."""
    os.chdir(subject.root)  # a socket's address is short
    folder = layout.SERVERS
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []  # noqa: PTH112, PTH208 - relative to where we are
    said = {name: client.ask(f"{folder}/{name}", wire.STATUS) for name in names}
    answers = [answer.decode(errors="replace") for answer in said.values() if answer is not None]
    is_used = address.is_wanted([f"server={subject.variables['server']}"])
    value = "; ".join(answers) or ("none runs" if is_used else "not used: CI is set, or server=off")
    stale = [name for name, answer in said.items() if answer is None]
    if stale:
        places = ", ".join(f"{folder}/{name}" for name in stale)
        return warning(
            value, f"no server answers at {places}", f"end the processes that hold them, and remove {places}"
        )
    return ok(value)


def remote_cache(subject: Subject) -> Verdict:
    """Store something on the team's cache, and get it back."""
    return _trip(subject, "remote_cache")


def remote_executor(subject: Subject) -> Verdict:
    """Do the same with the service for remote execution, which gets the inputs of actions."""
    return _trip(subject, "remote_executor")


def _trip(subject: Subject, variable: str) -> Verdict:
    where = subject.variables[variable]
    if not where:
        return ok("none")
    try:
        from ostoo_build.remote import options, probe  # noqa: PLC0415 - most have no team's cache
    except ModuleNotFoundError as refused:
        raise services.without_remote(refused) from refused
    chosen = options.read(where, subject.root, subject.variables, subject.environ)
    try:
        trip = probe.round_trip(chosen, stores=chosen.writable or variable == "remote_executor")
    except probe.BrokenError as broken:
        return warning(where, f"{broken.what}; builds go on without it", broken.remedy)
    return ok(f"{where}: {trip}")
