"""What machines say that no test can have: the values are those of the system calls and files that are read."""

from __future__ import annotations

import os
import resource
import shutil
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from ostoo_build.doctor import of_machine
from ostoo_build.doctor.subject import Subject
from ostoo_build.start.finding import State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MIB, GIB = 1 << 20, 1 << 30


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    (tmp_path / "ostoo.toml").write_text("")
    (tmp_path / "user-rs").mkdir()
    (tmp_path / "user-rs/Cargo.toml").write_text("[workspace]\n")
    return Subject(tmp_path, ("cache=off",), os.environ)


def files(monkeypatch: pytest.MonkeyPatch, texts: Mapping[str, str]) -> None:
    """Let these files of the system have these texts, and the others none."""
    monkeypatch.setattr(of_machine, "_lines", lambda path: texts.get(str(path), "").splitlines())


@pytest.mark.parametrize(
    ("free", "state"), [(10 * GIB, State.OK), (GIB, State.WARNING), (255 * MIB, State.ERROR), (0, State.ERROR)]
)
def test_space_is_judged_where_builds_write(
    free: int, state: State, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def usage(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(free=free)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    found = of_machine.disk(subject)
    assert found.state is state
    assert bool(found.problem) == bool(found.remedy) == (state is not State.OK)
    assert subject.root in asked
    (subject.root / "build").mkdir()
    of_machine.disk(subject)
    assert subject.root / "build" in asked


@pytest.mark.parametrize(
    ("total", "left", "state"), [(10**6, 999, State.ERROR), (10**6, 10**5, State.OK), (0, 0, State.OK)]
)
def test_a_file_system_may_count_files(
    total: int, left: int, state: State, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10 * GIB))
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_files=total, f_favail=left))
    assert of_machine.disk(subject).state is state


def limits(monkeypatch: pytest.MonkeyPatch, values: Mapping[int, int]) -> None:
    infinite = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (values.get(kind, infinite), infinite))


GROUP = {"/proc/self/cgroup": "0::/user/own\n", "/sys/fs/cgroup/user/own/memory.max": f"{GIB}\n"}


@pytest.mark.parametrize(
    ("told", "state", "shown"),
    [
        (({"/proc/meminfo": "MemTotal: 9\nMemAvailable: 8388608 kB\n"}, {}), State.OK, "available 8.0 GiB"),
        (({"/proc/meminfo": "MemAvailable: 1048576 kB\n"}, {}), State.WARNING, "available 1.0 GiB"),
        (({"/proc/meminfo": "MemAvailable: 1024 kB\n"}, {}), State.ERROR, "available 1.0 MiB"),
        (({}, {resource.RLIMIT_AS: 100 * MIB}), State.ERROR, "address space limited to 100.0 MiB"),
        (({}, {resource.RLIMIT_DATA: GIB}), State.WARNING, "data limited to 1.0 GiB"),
        ((GROUP, {}), State.WARNING, "group limited to 1.0 GiB"),
        (({**GROUP, "/sys/fs/cgroup/user/own/memory.max": "max\n"}, {}), State.OK, "unknown"),
        (({}, {}), State.OK, "unknown"),
    ],
)
def test_the_least_memory_counts(
    told: tuple[dict[str, str], dict[int, int]],
    state: State,
    shown: str,
    subject: Subject,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files(monkeypatch, told[0])
    limits(monkeypatch, told[1])
    found = of_machine.memory(subject)
    assert (found.state, found.value) == (state, shown)
    assert (shown in found.problem) == (state is not State.OK)


def test_limits_that_a_build_needs_are_compared(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    limits(monkeypatch, {resource.RLIMIT_NOFILE: 1024, resource.RLIMIT_STACK: 8 * MIB})
    assert of_machine.limits(subject).value == f"open files 1024, processes unlimited, stack {8 * MIB}"
    limits(monkeypatch, {resource.RLIMIT_NPROC: 10, resource.RLIMIT_STACK: 1000})
    found = of_machine.limits(subject)
    assert found.state is State.ERROR
    assert found.problem.splitlines() == [
        "processes: 10 are allowed, a build needs 64",
        f"stack: 1000 are allowed, a build needs {MIB}",
    ]
    assert found.remedy == "raise the limits: ulimit -u, ulimit -s"


@pytest.mark.parametrize(
    ("ahead", "state", "words"),
    [(0, State.OK, ""), (3, State.ERROR, "3 s behind"), (-3, State.ERROR, "3 s ahead"), (1, State.OK, "")],
)
def test_two_clocks_may_differ_a_little(
    ahead: int, state: State, words: str, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + ahead * 10**9)
    found = of_machine.clock(subject)
    assert found.state is state
    assert words in found.problem
    assert [path.name for path in subject.root.iterdir() if path.name.startswith(".clock")] == []


WATCHES, INSTANCES = "/proc/sys/fs/inotify/max_user_watches", "/proc/sys/fs/inotify/max_user_instances"


@pytest.mark.parametrize(
    ("watches", "instances", "words"),
    [
        ("65536", "128", ""),
        ("3", "128", "may run out of watches"),
        ("65536", "2", "may get no instance"),
        ("", "", "does not tell"),
    ],
)
def test_watches_are_compared_with_the_folders(
    watches: str, instances: str, words: str, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(monkeypatch, {WATCHES: watches, INSTANCES: instances})
    for made in ("build/x", "user/x", ".git/x"):
        (subject.root / made).mkdir(parents=True)
    found = of_machine.watch(subject)
    assert found.value.startswith("2 folders, ")
    assert words in found.problem
    assert (found.state is State.WARNING) == bool(words)
