"""Compares the action cache with sccache and cargo on this machine: python bench/cache_bench.py [--rounds N].

Each build is in a new checkout in another folder. docs/performance.md describes the cases. Linux only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[1:1] = [str(ROOT / path) for path in ("site_scons", "tests/e2e", "tests/support")]

import line  # noqa: E402 - found only by the path that is set above
import page  # noqa: E402 - likewise
from cached import PROGRAMS, SCCACHE, Cached, OursCached, Place, Sccache  # noqa: E402 - likewise
from cases import Edit  # noqa: E402 - likewise
from contenders import CPUS, OURS, enter  # noqa: E402 - likewise
from line import Line  # noqa: E402 - likewise
from table import Conditions, conditions, spread, table  # noqa: E402 - likewise

from ostoo_build.base.errors import OstooError  # noqa: E402 - likewise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EDIT = Edit("user-rs/hello-std/src/main.rs", 'println!("%s");\n    ', 'println!("Hello')
KIB = 1024


@dataclass(frozen=True)
class Case:
    """Where a build finds results: in the local cache (`here`), or on a server behind a line."""

    name: str
    here: bool = False
    line: Callable[[], Line] | None = None
    edited: bool = False


SLOW = partial(Line, rate=100e6 / 8, delay=0.010)
"""100 Mbit/s, 20 ms there and back."""

CASES = (
    Case("cold"),
    Case("warm, local", here=True),
    Case("warm, server on loopback", line=Line),
    Case("warm, slow line", line=SLOW),
    Case("edited, local", here=True, edited=True),
    Case("edited, server on loopback", line=Line, edited=True),
    Case("edited, slow line", line=SLOW, edited=True),
)


@dataclass
class Measured:
    """One case and builder: the seconds of each round, and the bytes that the last one transferred."""

    seconds: list[float] = field(default_factory=list)
    received: int = 0
    sent: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the action cache with sccache and cargo.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each case is played (default: 5)")
    parser.add_argument("--markdown", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch, ExitStack() as stack:
        root = Path(scratch).resolve()
        try:
            reason, (ours, _, plain, *_) = enter(root, {})
            prepared = [
                stack.enter_context(_prepared(builder))
                for builder in (OursCached(ours, root / "a"), Sccache(plain, root / "b"))
            ]
            measured = _measure(prepared, arguments.rounds)
        except OstooError as error:
            sys.exit(str(error))
    head = conditions(Conditions(reason, CPUS, arguments.rounds, (load, os.getloadavg()[0])))
    text = f"{head}\n\n{_table(measured)}"
    print(text)
    if arguments.markdown:
        page.write("cache_bench.py", text)


@dataclass(frozen=True)
class Prepared:
    """A builder, a cache and a server's port with all results, and the programs of the first build."""

    builder: Cached
    place: Place
    programs: dict[str, bytes]


@contextmanager
def _prepared(builder: Cached) -> Iterator[Prepared]:
    builder.scratch.mkdir()
    for port in builder.serve(builder.scratch / "server"):
        root = builder.scratch / "first"
        builder.checkout(root)
        builder.build(root, Place(builder.scratch / "unused" / "cache", port))
        place = Place(builder.scratch / "filled" / "cache", port)
        shutil.rmtree(root)
        builder.checkout(root)
        builder.build(root, Place(place.local))
        yield Prepared(builder, place, {name: builder.program(root, name).read_bytes() for name in PROGRAMS})


def _measure(prepared: list[Prepared], rounds: int) -> dict[str, dict[str, Measured]]:
    measured: dict[str, dict[str, Measured]] = {case.name: {} for case in CASES}
    for number in range(rounds):
        for case in CASES:
            for each in prepared if number % 2 else reversed(prepared):
                found = measured[case.name].setdefault(each.builder.name, Measured())
                _play(case, each, number, found)
                print(
                    f"{number + 1}/{rounds} {case.name} {each.builder.name} {found.seconds[-1]:.2f} s", file=sys.stderr
                )
    return measured


def _play(case: Case, prepared: Prepared, number: int, measured: Measured) -> None:
    builder = prepared.builder
    scratch = builder.scratch / "now"
    root = scratch / f"checkout {number}"
    builder.checkout(root)
    up, down = (case.line or Line)(), (case.line or Line)()
    port = line.connect(prepared.place.port, up, down) if case.line else 0
    local = prepared.place.local if case.here else scratch / "cache"
    place = Place(local, port)
    if not case.here and not case.line:
        builder.add_sysroot(root, place)
    with ExitStack() as stack:
        if case.edited:
            stack.enter_context(EDIT.applied(root, _marker(case, number)))
        measured.seconds.append(builder.build(root, place).cost.wall)
        measured.received, measured.sent = down.moved, up.moved
    _check(case, prepared, root, _marker(case, number))
    shutil.rmtree(scratch)


def _marker(case: Case, number: int) -> str:
    return f"This is edit {number:04} of {case.name}."


def _check(case: Case, prepared: Prepared, root: Path, marker: str) -> None:
    """Raise `OstooError` if a build has the wrong result."""
    for name in PROGRAMS:
        program = prepared.builder.program(root, name).read_bytes()
        if case.edited and name == "hello-std":
            if marker.encode() not in program:
                raise OstooError(f"{prepared.builder.name} did not build the edit ({case.name})")
        elif prepared.builder.name == OURS and program != prepared.programs[name]:
            raise OstooError(f"{name} is another program than that of the first checkout ({case.name})")


def _table(measured: dict[str, dict[str, Measured]]) -> str:
    rows = []
    for name, by in measured.items():
        ours, peer = by[OURS], by[SCCACHE]
        ratio = f"{median(ours.seconds) / median(peer.seconds):.2f}"
        rows.append((name, spread(ours.seconds, 2), spread(peer.seconds, 2), ratio, _moved(ours), _moved(peer)))
    head = ("Wall time, s", OURS, SCCACHE, "ours / sccache", "ours: KiB received, sent", "sccache: KiB received, sent")
    return table(head, rows)


def _moved(measured: Measured) -> str:
    if not measured.received:
        return ""
    return f"{measured.received / KIB:,.0f}, {measured.sent / KIB:,.0f}"


if __name__ == "__main__":
    main()
