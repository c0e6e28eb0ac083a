"""Notes all that a build with nothing to do depends on, for `null_build`. Does not find out whether there is work.

A note must be true of the moment at which its files were read: it is only written where nothing that it names was
touched since this process began.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
import sysconfig
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostoo_build import null_build, steps, toolchain, toolchain_digest, user_cache
from ostoo_build.errors import OstooError
from ostoo_build.execution import record as records
from ostoo_build.paths import is_local

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.execution.record import Output
    from ostoo_build.session import Session

_TICK = 50_000_000
"""Nanoseconds within which a file system may give two changes one time."""

_DRIFT = 2_000_000_000
"""Nanoseconds that the clock of another file system than the checkout's may be apart."""

_OTHERS = (Path.home() / ".scons/site_scons", Path("/usr/share/scons/site_scons"))
"""Where SCons looks for extensions, besides the checkout (SCons' man page, `site_scons`)."""

Tree = tuple[str, list[str]]


def write(session: Session, targets: list[str]) -> None:
    """Write the note of this command, where all it depends on is known and holds still."""
    asked = null_build.question
    with contextlib.suppress(OSError, OstooError):  # somebody else is at work here: next time
        if asked is None or not _is_known(session):
            return
        _let_the_clock_tick(session)
        trees, files = list(_trees(session)), sorted({str(path) for path in _files(session)})
        names = [str(path) for path in _programs(session)]
        programs = null_build.stamps([], names)
        known = null_build.stamps(trees, files)
        if _holds_still(session, trees, files, known) and _is_as_it_was(session):
            content: Any = (asked, trees, [*names, *files], [*programs, *known], targets)
            user_cache.note(Path(null_build.note(str(session.root), asked)), marshal.dumps(content))


def _let_the_clock_tick(session: Session) -> None:
    """Wait until a change of a program that was just written gives it another time."""
    written = max((path.stat().st_ctime_ns for path in _programs(session)), default=0)
    time.sleep(max(written + _TICK - time.time_ns(), 0) / 1e9)


def _programs(session: Session) -> dict[Path, Output]:
    return {path: output for files in session.current.values() for path, output in files.items()}


def _is_known(session: Session) -> bool:
    """Whether it is only what `_trees` and `_files` name that decides; the seldom ways are not worth a list."""
    chosen = session.toolchain
    own = (toolchain.rustup_home(os.environ), session.root / toolchain.PRIVATE)
    return (
        session.variables["sysroot"] == "zig"
        and not any(session.variables[name] for name in ("RUSTC", "CARGO", "LLD", "RUST_SRC"))
        and any(chosen.rustc.is_relative_to(folder) for folder in own)
        and chosen.lld.is_relative_to(chosen.rustc.parent.parent)
    )


def _trees(session: Session) -> Iterator[Tree]:
    hidden = [entry.name for entry in session.root.iterdir() if entry.name.startswith(".") and entry.name != ".cargo"]
    yield str(session.root), ["build", "sysroot", *hidden]
    pins = session.root / "sysroot"
    yield str(pins), [entry.name for entry in pins.iterdir() if entry.is_dir()]  # finished sysroots, made here
    for _, place in toolchain_digest.places(session.toolchain):
        if place.is_dir():
            yield str(place), []
    packages = {unit.package for unit in session.units.values()}
    for package in packages:
        if not is_local(package) and not package.startswith("@{rust-src}"):
            yield session.paths.expand(package), []


def _files(session: Session) -> Iterator[Path]:
    yield from _of_python()
    yield from _of_toolchain(session)
    yield from session.workspace.cargo.configuration_files()
    for unit in session.units.values():
        yield from steps.declared_inputs(session, unit)


def _of_python() -> Iterator[Path]:
    yield from (Path(sys.executable), Path(sys.prefix, "pyvenv.cfg"), Path(sysconfig.get_path("purelib")))
    yield from _OTHERS


def _of_toolchain(session: Session) -> Iterator[Path]:
    chosen = session.toolchain
    yield from (place for _, place in toolchain_digest.places(chosen) if not place.is_dir())
    sysroot = chosen.rustc.parent.parent
    yield from (sysroot / "lib", sysroot.parent / "lib", *toolchain.version_files(chosen.rust_src))
    yield toolchain.rustup_home(os.environ) / "toolchains"
    yield session.root / toolchain.DEBIAN / "usr/bin/rustc"
    yield from (Path(folder, "cc") for folder in os.environ.get("PATH", os.defpath).split(os.pathsep))


def _holds_still(session: Session, trees: list[Tree], files: list[str], known: list[Any]) -> bool:
    """Whether nothing was touched since this process began, and the file system's clock is like ours."""
    started = null_build.STARTED
    if not started - _TICK < session.lock_owner.stat().st_ctime_ns < time.time_ns() + _TICK:
        return False
    here = session.root.stat().st_dev
    there = (path for path, stamp in zip(files, known, strict=False) if stamp is not None)
    in_trees = (entry if isinstance(entry, str) else entry[0] for entry in known[len(files) :])
    for path in (*there, *(top for top, _ in trees), *in_trees):
        status = os.stat(path)  # noqa: PTH116 - strings, thousands of them
        if status.st_ctime_ns > started - (_TICK if status.st_dev == here else _DRIFT):
            return False
    return True


def _is_as_it_was(session: Session) -> bool:
    """Whether programs are what they should be; and whether what is not there was not there when it was looked for."""
    cargo = session.workspace.cargo
    return (
        all(records.observe(path) == output for path, output in _programs(session).items())
        and toolchain.find(session.root, {}, os.environ) == session.toolchain
        and replace(cargo).configuration_digest == cargo.configuration_digest
        and not any(str(path) in sys.path for path in _OTHERS)
    )
