"""Boots a kernel in QEMU, runs programs one after the other, and returns how each ended.

The guest's output is read from files, and QEMU is controlled through its monitor. Guest and QEMU end with the call.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.boot import vga_text
from ostoo_build.boot.description import NONCE, PROGRAM
from ostoo_build.boot.ending import Ending, ProgramResult
from ostoo_build.boot.qmp import Monitor
from ostoo_build.boot.serial_log import GuestLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ostoo_build.boot.description import BootDescription, KeyInput
    from ostoo_build.boot.qemu import QemuSystem

T = TypeVar("T")

CONSOLE, PROGRAMS, QEMU, PICTURE = "console.log", "programs.log", "qemu.log", "screen.ppm"
"""What a boot leaves in its folder: what the kernel said, programs, QEMU; and what was to be seen when it died."""

_MEMORY = "screen.bin"
_COMMON = ("-accel", "tcg", "-display", "none", "-nodefaults", "-no-reboot")
"""TCG only: KVM may not work even if it can be opened, and the emulated processor is the same on all machines."""

_PAUSE = 0.02
_PATIENCE = 1
_LOST, _RETRIES = 3.0, 3
"""Seconds for which a prompt is shown after something was typed until that is typed again, and how often in a row."""


class VmConfig(Struct, frozen=True):
    """What is booted.

    `folder` is created again, with links to `files` by name, and with `initramfs` if that is not empty.

    `limit` is the time limit for each program, in seconds.
    """

    description: BootDescription
    qemu: QemuSystem
    folder: Path
    files: Mapping[str, Path]
    initramfs: bytes
    nonce: str
    limit: float


class BootResult(Struct, frozen=True):
    """The result of each program, and lines of the kernel that the description declares as notes."""

    verdicts: tuple[ProgramResult, ...]
    notes: tuple[str, ...]


class _StoppedError(Exception):
    """The guest stopped, or will not do what is awaited."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.text)
        self.ending = ending


def boot(guest: VmConfig, programs: Sequence[str]) -> BootResult:
    """Boot, run each program, and stop the guest. Raises `OstooError` if QEMU fails."""
    shutil.rmtree(guest.folder, ignore_errors=True)
    guest.folder.mkdir(parents=True)
    for name, path in guest.files.items():
        (guest.folder / name).symlink_to(path)
    if guest.initramfs:
        (guest.folder / "initramfs").write_bytes(guest.initramfs)
    with _started(guest) as (qemu, monitor):
        conversation = _Conversation(guest, qemu, monitor)
        verdicts = tuple(conversation.run(programs))
        return BootResult(verdicts, tuple(conversation.notes()))


@contextlib.contextmanager
def _started(guest: VmConfig) -> Iterator[tuple[process.ChildProcess, Monitor]]:
    ours, theirs = socket.socketpair()
    monitor = ("-chardev", f"socket,id=monitor,fd={theirs.fileno()}", "-mon", "chardev=monitor,mode=control")
    words = (word.replace(NONCE, guest.nonce) for word in guest.description.qemu)
    command = (*guest.qemu.command, *_COMMON, *monitor, *words)
    with ours, (guest.folder / QEMU).open("wb") as log:
        with theirs:
            qemu = process.spawn_logged(
                command, cwd=guest.folder, env=guest.qemu.environment, output=log, pass_fds=[theirs.fileno()]
            )
        try:
            yield qemu, _connected(ours, guest.folder / QEMU)
        finally:
            process.terminate(qemu, _PATIENCE)


def _connected(connection: socket.socket, log: Path) -> Monitor:
    try:
        return Monitor(connection)
    except OstooError as error:
        said = log.read_text(encoding="utf-8", errors="replace").strip()
        raise OstooError(f"QEMU does not start: {said or error.what}", where=str(log)) from error


class _Conversation:
    """The communication with one guest."""

    def __init__(self, guest: VmConfig, qemu: process.ChildProcess, monitor: Monitor) -> None:
        self._description = guest.description
        self._folder = guest.folder
        self._nonce = guest.nonce
        self._limit = guest.limit
        self._patience = 0.0 if guest.description.keys else guest.description.time_limit
        """What the guest may take to boot, where it does not show that it is ready."""
        self._qemu = qemu
        self._monitor = monitor
        self._typed, self._begun = "", 0
        self._retries = _RETRIES
        self._waits_since: float | None = None
        self._console, self._programs = GuestLog(guest.folder / CONSOLE), GuestLog(guest.folder / PROGRAMS)
        self._exit_log = {"console": self._console, "programs": self._programs}[guest.description.exit_log]
        self._exit_line = self._pattern(guest.description.exit_pattern)

    def run(self, programs: Sequence[str]) -> Iterator[ProgramResult]:
        """Yield each program's result. If the guest stops, the remaining programs are not started."""
        over: Ending | None = None
        for program in programs:
            if over is not None:
                yield ProgramResult(program, b"", Ending.not_started())
                continue
            self._typed = ""
            try:
                self._begun = len(self._console.data)
                self._type(program)
                limit, self._patience = self._limit + self._patience, 0.0
                before, ending = self._await(partial(self._ended, program), limit, "the program had ended")
            except _StoppedError as error:
                over = error.ending
                yield ProgramResult(program, self._output(self._programs.rest()), over)
                self._picture()
            else:
                self._await_drawn_prompt()
                yield ProgramResult(program, self._output(self._of_programs(before)), ending)

    def notes(self) -> Iterator[str]:
        """Yield the lines of the kernel that the description declares as notes."""
        for sign in self._description.notes:
            for match in self._pattern(sign.pattern).finditer(self._console.data):
                yield f"{sign.name}: {_text(match)}"

    def _type(self, program: str) -> None:
        """Type the text that starts a program, if the description has one, at the prompt that the guest shows."""
        if self._description.keys:
            keys = self._await(self._prompt, self._description.time_limit, "the guest was ready")
            text = keys.text.replace(PROGRAM, program)
            self._typed = text.strip()
            self._monitor.type(text)
            self._waits_since = None

    def _await_drawn_prompt(self) -> None:
        """Wait a moment for the next prompt: half of it would be taken for the program's output."""
        deadline = time.monotonic() + _PATIENCE
        is_on_screen = self._description.keys and self._description.output != "programs"
        while is_on_screen and self._prompt() is None and self._qemu.poll() is None and time.monotonic() < deadline:
            time.sleep(_PAUSE)

    def _type_again(self, program: str) -> None:
        """Type again if the guest shows a prompt for some time and tells of no program: keys got lost."""
        if self._prompt() is None:
            self._waits_since = None
        elif self._waits_since is None:
            self._waits_since = time.monotonic()
        elif time.monotonic() - self._waits_since > _LOST and self._retries:
            self._retries -= 1
            self._type(program)

    def _await(self, found: Callable[[], T | None], limit: float, what: str) -> T:
        """Wait until `found` returns a result. Raises `_StoppedError` if the guest stops, or after `limit` seconds."""
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
                raise _StoppedError(Ending.died(f"QEMU ended before {what}"))
            if is_late:
                self._check_deaths("screen", "\n".join(self._screen()).encode())
                raise _StoppedError(Ending.late(f"{limit:g} s passed before {what}"))
            time.sleep(_PAUSE)

    def _check_deaths(self, place: str, text: bytes) -> None:
        for sign in self._description.deaths:
            matches = self._pattern(sign.pattern).finditer(text) if sign.on == place else ()
            match = next((each for each in matches if not self._is_fault(each)), None)
            if match is not None:
                raise _StoppedError(Ending.died(f"{sign.name}: {_text(match)}"))

    def _is_fault(self, match: re.Match[bytes]) -> bool:
        """Whether the line of a match is about a program, and the kernel goes on."""
        text = match.string
        line = text[text.rfind(b"\n", 0, match.start()) + 1 :].partition(b"\n")[0]
        return any(self._pattern(sign.pattern).search(line) for sign in self._description.faults)

    def _of_programs(self, before_exit_line: bytes) -> bytes:
        return before_exit_line if self._exit_log is self._programs else self._programs.rest()

    def _output(self, written: bytes) -> bytes:
        """Return a program's output: its log, or the screen below the typed text."""
        if self._description.output == "programs":
            return written
        lines = self._screen()
        if lines and self._is_prompt(lines[-1]):
            lines.pop()
        starts = (at for at, line in enumerate(lines, 1) if self._is_prompt(line.removesuffix(self._typed).rstrip()))
        return "".join(f"{line}\n" for line in lines[max(starts, default=0) :]).encode()

    def _ended(self, program: str) -> tuple[bytes, Ending] | None:
        """Return what the exit log said before the program's end, and how it ended."""
        if found := self._exit_log.find(self._exit_line):
            self._retries = _RETRIES
            return found[0], _ending(found[1])
        for sign in self._description.faults:
            match = self._pattern(sign.pattern).search(self._console.data, self._begun)
            if match is not None and b"\n" in self._console.data[match.end() :]:
                return self._exit_log.rest(), Ending.faulted(f"{sign.name}: {_text(match)}")
        if self._description.keys:
            self._type_again(program)
        return None

    def _prompt(self) -> KeyInput | None:
        """Return the keys whose prompt is the last line on the screen."""
        lines = self._screen()
        shown = (keys for keys in self._description.keys if lines and self._shows(keys, lines[-1]))
        return next(shown, None)

    def _is_prompt(self, line: str) -> bool:
        return any(self._shows(keys, line) for keys in self._description.keys)

    def _shows(self, keys: KeyInput, line: str) -> bool:
        return self._pattern(keys.prompt).search(line.encode()) is not None

    def _screen(self) -> list[str]:
        """Return the screen's rows up to the last one that is not blank; none without a screen or a running guest."""
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
        """Save a screenshot: text memory does not show a screen in a graphics mode."""
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
