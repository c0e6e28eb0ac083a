"""Checks what the machine gives: space, memory, clock, limits."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import byte_size, stamps
from ostoo_build.doctor.subject import existing
from ostoo_build.doctor.verdict import PrerequisiteError, error, ok, warning
from ostoo_build.rebuild import watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.doctor.subject import Subject
    from ostoo_build.doctor.verdict import Verdict

_MIB, _GIB = 1 << 20, 1 << 30
_NO_SPACE, _LITTLE_SPACE = 256 * _MIB, 2 * _GIB
"""A project with its sysroot, and std in the cache, takes some 300 MiB (docs/performance.md)."""

_NO_FILES = 1000
"""A build folder has some hundred files for each program."""

_NO_MEMORY, _LITTLE_MEMORY = 512 * _MIB, 2 * _GIB
"""Compiling core takes some 500 MiB."""

_FILES, _PROCESSES, _STACK = 256, 64, _MIB
"""What a build with several jobs opens and starts, and the stack that rustc's first thread needs."""

_OLDEST = 1_735_689_600
"""2025-01-01, in seconds: with an older clock no certificate is valid."""

_INOTIFY = Path("/proc/sys/fs/inotify")


def disk(subject: Subject) -> Verdict:
    """Check the space and the number of files that are left where builds write."""
    places = {"build": subject.build, "temporary": Path(tempfile.gettempdir())}
    if subject.cache is not None:
        places["cache"] = existing(subject.cache)
    free = {name: shutil.disk_usage(place).free for name, place in places.items()}
    value = ", ".join(f"{name} {byte_size.show(size)} free" for name, size in free.items())
    full = [f"{places[name]} has {byte_size.show(size)} left" for name, size in free.items() if size < _NO_SPACE]
    full += [f"{place} can take no more files" for place in places.values() if _is_out_of_files(place)]
    if full:
        return error(value, "\n".join(full), "remove files; `ostoo cache gc --size SIZE` makes the cache smaller")
    if min(free.values()) < _LITTLE_SPACE:
        return warning(value, "a build may fill what is left", "remove files, or set a smaller cache_size=")
    return ok(value)


def _is_out_of_files(place: Path) -> bool:
    found = os.statvfs(place)
    return found.f_files > 0 and found.f_favail < _NO_FILES


def memory(_: Subject) -> Verdict:
    """Check the memory that is free, and limits of this process and its group."""
    sizes = dict(_memory())
    value = ", ".join(f"{name} {byte_size.show(size)}" for name, size in sizes.items()) or "unknown"
    least = min(sizes, key=sizes.__getitem__, default="")
    if sizes and sizes[least] < _LITTLE_MEMORY:
        make = error if sizes[least] < _NO_MEMORY else warning
        what = f"{least} {byte_size.show(sizes[least])}: compiling std takes some {byte_size.show(_NO_MEMORY)} a job"
        return make(value, what, "end other programs, raise the limit (ulimit -v), or build with fewer jobs: -j1")
    return ok(value)


def _memory() -> Iterator[tuple[str, int]]:
    """Yield the sizes in bytes that the system tells (proc(5), getrlimit(2), the kernel's cgroup-v2 document)."""
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemAvailable:"):
            yield "available", int(line.split()[1]) << 10
    for name, kind in (("address space limited to", resource.RLIMIT_AS), ("data limited to", resource.RLIMIT_DATA)):
        soft, _ = resource.getrlimit(kind)
        if soft != resource.RLIM_INFINITY:
            yield name, soft
    for line in _lines(Path("/proc/self/cgroup")):
        group = Path("/sys/fs/cgroup", line.rpartition(":")[2].lstrip("/"))
        for limit in _lines(group / "memory.max"):
            if limit.isdecimal():
                yield "group limited to", int(limit)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def limits(_: Subject) -> Verdict:
    """Check this process' limits of files, processes and stack."""
    kinds = {
        "open files": (resource.RLIMIT_NOFILE, _FILES, "ulimit -n"),
        "processes": (resource.RLIMIT_NPROC, _PROCESSES, "ulimit -u"),
        "stack": (resource.RLIMIT_STACK, _STACK, "ulimit -s"),
    }
    found = {name: resource.getrlimit(kind)[0] for name, (kind, _, _) in kinds.items()}
    value = ", ".join(f"{name} {_limit(size)}" for name, size in found.items())
    low = [name for name, size in found.items() if size != resource.RLIM_INFINITY and size < kinds[name][1]]
    if low:
        what = "\n".join(f"{name}: {found[name]} are allowed, a build needs {kinds[name][1]}" for name in low)
        return error(value, what, f"raise the limits: {', '.join(kinds[name][2] for name in low)}")
    return ok(value)


def _limit(size: int) -> str:
    return "unlimited" if size == resource.RLIM_INFINITY else str(size)


def clock(subject: Subject) -> Verdict:
    """Compare this machine's clock with that of the file system: stamps of files are judged by both."""
    try:
        with tempfile.NamedTemporaryFile(dir=subject.build, prefix=".clock-") as stream:
            apart = os.fstat(stream.fileno()).st_mtime_ns - time.time_ns()
    except OSError as refused:
        raise PrerequisiteError("file-system") from refused
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    seconds = apart / 1e9
    if abs(apart) > stamps.DRIFT:
        what = f"the clock of the file system is {abs(seconds):.0f} s {'ahead' if apart > 0 else 'behind'}"
        remedy = "let both machines get the time from a server (NTP): a build takes changed files for unchanged ones"
        return error(now, what, remedy)
    if time.time() < _OLDEST:
        return error(now, "the clock is years behind", "set it: no server's certificate is valid")
    value = f"{now}, the file system's differs by {abs(seconds):.2f} s"
    if late := [*_of_the_future(subject)]:
        what = f"{len(late)} sources are newer than now, such as {late[0]}: each build reads them again"
        return warning(value, what, "touch them")
    return ok(value)


def _of_the_future(subject: Subject) -> Iterator[str]:
    """Yield the project's files whose time is yet to come: their stamps prove nothing (`base.stamps`)."""
    now = time.time_ns() + stamps.DRIFT
    for folder in _folders(subject):
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False) and entry.stat().st_mtime_ns > now:
                    yield os.path.relpath(entry.path, subject.root)


def watch(subject: Subject) -> Verdict:
    """Check whether `ostoo watch` can watch the project's folders (inotify(7))."""
    allowed = {name: _number(_INOTIFY / name) for name in ("max_user_watches", "max_user_instances")}
    folders = sum(1 for _ in _folders(subject))
    value = f"{folders} folders, {', '.join(f'{name} {number}' for name, number in allowed.items())}"
    if None in allowed.values():
        return warning(value, "this system does not tell what inotify allows", "`ostoo watch` may miss changes")
    watches, instances = (number or 0 for number in allowed.values())
    if watches < 2 * folders:
        remedy = f"as root: sysctl fs.inotify.max_user_watches={max(4 * folders, 65536)}"
        return warning(value, "`ostoo watch` may run out of watches, which other programs need too", remedy)
    if instances < _INSTANCES:
        remedy = "as root: sysctl fs.inotify.max_user_instances=128"
        return warning(value, "`ostoo watch` may get no instance of inotify", remedy)
    return ok(value)


_INSTANCES = 8
"""`ostoo watch` takes three; an editor takes some, too."""


def _number(file: Path) -> int | None:
    text = "".join(_lines(file)).strip()
    return int(text) if text.isdecimal() else None


def _folders(subject: Subject) -> Iterator[Path]:
    """Yield the folders that `ostoo watch` watches."""
    made = watched.outputs(subject.options)
    ahead = [subject.root]
    while ahead:
        folder = ahead.pop()
        yield folder
        with os.scandir(folder) as entries:
            inner = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
        ahead += [path for path in inner if watched.counts(subject.root, made, path)]
