"""Boots a kernel in QEMU, runs programs one after the other, and returns how each ended.

What the guest writes is followed in files; QEMU itself is asked over its monitor. Neither the guest nor QEMU outlives
the call.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import time
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.boot import vga_text
from ostoo_build.boot.description import NONCE, PROGRAM
from ostoo_build.boot.ending import Ending, Verdict
from ostoo_build.boot.qmp import Monitor
from ostoo_build.boot.serial_log import GuestLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ostoo_build.boot.description import BootDescription
    from ostoo_build.boot.qemu import QemuSystem

T = TypeVar("T")

CONSOLE, PROGRAMS, QEMU, PICTURE = "console.log", "programs.log", "qemu.log", "screen.ppm"
"""What a boot leaves in its folder: what the kernel said, programs, QEMU; and what was to be seen when it died."""

_MEMORY = "screen.bin"
_COMMON = ("-accel", "tcg", "-display", "none", "-nodefaults", "-no-reboot")
"""A KVM that opens may still not work, and an emulated processor is the same one everywhere."""

_PAUSE = 0.02
_PATIENCE = 1


class Guest(Struct, frozen=True):
    """What is booted: `folder` is made anew, `files` are put there as links, by name, and `initramfs` if it has any.

    `limit` is what each program may take, in seconds.
    """

    description: BootDescription
    qemu: QemuSystem
    folder: Path
    files: Mapping[str, Path]
    initramfs: bytes
    nonce: str
    limit: float


class Boot(Struct, frozen=True):
    """How each program ended, and the lines of the kernel's that are worth a note."""

    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]


class _OverError(Exception):
    """The guest does nothing more that is waited for."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.told)
        self.ending = ending


def boot(guest: Guest, programs: Sequence[str]) -> Boot:
    """Boot, run each program, and end the guest. Raises `OstooError` where QEMU can't do what is asked of it."""
    shutil.rmtree(guest.folder, ignore_errors=True)
    guest.folder.mkdir(parents=True)
    for name, path in guest.files.items():
        (guest.folder / name).symlink_to(path)
    if guest.initramfs:
        (guest.folder / "initramfs").write_bytes(guest.initramfs)
    with _started(guest) as (qemu, monitor):
        conversation = _Conversation(guest, qemu, monitor)
        verdicts = tuple(conversation.run(programs))
        return Boot(verdicts, tuple(conversation.notes()))


@contextlib.contextmanager
def _started(guest: Guest) -> Iterator[tuple[process.Attended, Monitor]]:
    ours, theirs = socket.socketpair()
    monitor = ("-chardev", f"socket,id=monitor,fd={theirs.fileno()}", "-mon", "chardev=monitor,mode=control")
    words = (word.replace(NONCE, guest.nonce) for word in guest.description.qemu)
    command = (*guest.qemu.command, *_COMMON, *monitor, *words)
    with ours, (guest.folder / QEMU).open("wb") as log:
        with theirs:
            qemu = process.beside(
                command, cwd=guest.folder, env=guest.qemu.environment, output=log, pass_fds=[theirs.fileno()]
            )
        try:
            yield qemu, _connected(ours, guest.folder / QEMU)
        finally:
            process.end(qemu, _PATIENCE)


def _connected(connection: socket.socket, log: Path) -> Monitor:
    try:
        return Monitor(connection)
    except OstooError as error:
        said = log.read_text(encoding="utf-8", errors="replace").strip()
        raise OstooError(f"QEMU does not start: {said or error.what}", where=str(log)) from error


class _Conversation:
    """What passes between us and one guest."""

    def __init__(self, guest: Guest, qemu: process.Attended, monitor: Monitor) -> None:
        self._description = guest.description
        self._folder = guest.folder
        self._nonce = guest.nonce
        self._limit = guest.limit
        self._patience = 0.0 if guest.description.keys else guest.description.time_limit
        """What the guest may take to boot, where it does not show that it is ready."""
        self._qemu = qemu
        self._monitor = monitor
        self._console, self._programs = GuestLog(guest.folder / CONSOLE), GuestLog(guest.folder / PROGRAMS)
        self._exit_log = {"console": self._console, "programs": self._programs}[guest.description.exit_log]
        self._exit_line = self._pattern(guest.description.exit_pattern)

    def run(self, programs: Sequence[str]) -> Iterator[Verdict]:
        """Yield how each program ended; where the guest is over before, those behind are not started."""
        over: Ending | None = None
        for program in programs:
            if over is not None:
                yield Verdict(program, b"", Ending.not_started())
                continue
            typed = ""
            try:
                typed = self._type(program)
                limit, self._patience = self._limit + self._patience, 0.0
                before, match = self._await(self._ended, limit, "the program had ended")
            except _OverError as error:
                over = error.ending
                yield Verdict(program, self._output(self._programs.rest(), typed), over)
                self._picture()
            else:
                yield Verdict(program, self._output(self._of_programs(before), typed), _ending(match))

    def notes(self) -> Iterator[str]:
        """Yield lines of the kernel's that the description wants told."""
        for sign in self._description.notes:
            for match in self._pattern(sign.pattern).finditer(self._console.data):
                yield f"{sign.name}: {_text(match)}"

    def _type(self, program: str) -> str:
        """Type what starts a program, if that is how it is done, and return that."""
        keys = self._description.keys
        if keys is None:
            return ""
        self._await(self._sees_prompt, self._description.time_limit, "the guest was ready")
        text = keys.text.replace(PROGRAM, program)
        self._monitor.type(text)
        return text.strip()

    def _await(self, found: Callable[[], T | None], limit: float, what: str) -> T:
        """Wait until something is found. Raises `_OverError` where it will not be, or not in `limit` seconds."""
        deadline = time.monotonic() + limit
        while True:
            is_over, is_late = self._qemu.poll() is not None, time.monotonic() > deadline
            self._console.read()
            self._programs.read()
            result = found()
            if result:
                return result
            self._check_deaths("console", bytes(self._console.data))
            if is_over:
                raise _OverError(Ending.died(f"QEMU ended before {what}"))
            if is_late:
                self._check_deaths("screen", "\n".join(self._screen()).encode())
                raise _OverError(Ending.late(f"{limit:g} s passed before {what}"))
            time.sleep(_PAUSE)

    def _check_deaths(self, place: str, text: bytes) -> None:
        for sign in self._description.deaths:
            match = self._pattern(sign.pattern).search(text) if sign.on == place else None
            if match is not None:
                raise _OverError(Ending.died(f"{sign.name}: {_text(match)}"))

    def _of_programs(self, before_exit_line: bytes) -> bytes:
        return before_exit_line if self._exit_log is self._programs else self._programs.rest()

    def _output(self, written: bytes, typed: str) -> bytes:
        """What a program wrote: to its log, or to the screen below what was typed."""
        if self._description.output == "programs":
            return written
        lines = self._screen()
        if lines and self._is_prompt(lines[-1]):
            lines.pop()
        starts = (at for at, line in enumerate(lines, 1) if self._is_prompt(line.removesuffix(typed).rstrip()))
        return "".join(f"{line}\n" for line in lines[max(starts, default=0) :]).encode()

    def _ended(self) -> tuple[bytes, re.Match[bytes]] | None:
        return self._exit_log.find(self._exit_line)

    def _sees_prompt(self) -> bool:
        return any(self._is_prompt(line) for line in self._screen()[-1:])

    def _is_prompt(self, line: str) -> bool:
        keys = self._description.keys
        return keys is not None and self._pattern(keys.prompt).search(line.encode()) is not None

    def _screen(self) -> list[str]:
        """The rows down to the last one that is not blank; none where there is no screen, or the guest is over."""
        if self._description.screen is None:
            return []
        first, end = self._description.screen
        try:
            self._monitor.command("pmemsave", val=vga_text.ADDRESS, size=vga_text.size(end), filename=_MEMORY)
        except OstooError:
            return []
        lines = vga_text.lines((self._folder / _MEMORY).read_bytes())[first:]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def _picture(self) -> None:
        """Keep what is to be seen: text memory has nothing of a screen in a graphics mode."""
        if self._description.screen is not None:
            with contextlib.suppress(OstooError):
                self._monitor.command("screendump", filename=PICTURE)

    def _pattern(self, pattern: str) -> re.Pattern[bytes]:
        return lazy_pattern(pattern.replace(NONCE, self._nonce).encode(), re.MULTILINE)


def _ending(match: re.Match[bytes]) -> Ending:
    groups = match.groupdict()
    return Ending.signalled(int(groups["signal"])) if groups.get("signal") else Ending.exited(int(groups["code"]))


def _text(match: re.Match[bytes]) -> str:
    return match[0].decode("utf-8", "replace").strip()
