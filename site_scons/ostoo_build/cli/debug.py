"""Implements `./ostoo gdb` and `./ostoo addr2line`."""

from __future__ import annotations

import os
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.base import layout, process
from ostoo_build.base.errors import OstooError
from ostoo_build.binary import functions as symbols
from ostoo_build.binary.demangle import demangle
from ostoo_build.binary.machine import machine_of
from ostoo_build.binary.source_lines import Frame, SourceLines
from ostoo_build.run import debugger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ostoo_build.cli.run import Runner

_PATIENCE = 10.0
"""Seconds that QEMU may take to open its socket for gdb."""


def gdb(runner: Runner, program: str, arguments: Sequence[str], rust_src: Path) -> int:
    """Debug a built program in QEMU and return gdb's exit code. Raises `OstooError` if no gdb supports its machine."""
    path = runner.path(program)
    machine = machine_of(path)
    gdb_program = debugger.find(machine, runner.environ.get("PATH", os.defpath))
    with tempfile.TemporaryDirectory() as folder:
        door = Path(folder, "gdb")
        guest = process.spawn([str(runner.qemu(machine)), "-g", str(door), str(path), *arguments], cwd=Path.cwd())
        try:
            _wait_for(door, guest)
            std, own = _word(rust_src), _word(runner.root)
            sources = ("-iex", f"set substitute-path library {std}", "-iex", f"set directories {own}")
            connect = (str(debug_file(path)), "-ex", f"target remote {door}")
            command = [gdb_program, "-q", "-iex", "set debuginfod enabled off", *sources, *connect]
            return process.run_inherited(command, cwd=Path.cwd(), env=runner.environ, stdout=None)
        finally:
            process.terminate(guest, _PATIENCE)


def addr2line(path: Path, addresses: Sequence[str]) -> Iterator[str]:
    """Yield function and line of each address, given in hexadecimal, as binutils' `addr2line -apfi` does.

    Raises `OstooError` for an invalid address, and if the program was not built or has no debug information.
    """
    kept = debug_file(path)
    lines = SourceLines(kept)
    functions = symbols.load(kept)
    for text in addresses:
        address = _address(text)
        function = functions.around(address)
        frames = [*lines.frames(address)] or [Frame("", "", 0)]
        if not (function or frames[0].file):
            raise OstooError(f"{text} is not an address in the code of {path.name}", where=str(kept))
        if function:
            frames[-1] = replace(frames[-1], function=function.name)
        yield f"{address:#x}: {_place(frames[0])}\n"
        yield from (f" (inlined by) {_place(frame)}\n" for frame in frames[1:])


def debug_file(path: Path) -> Path:
    """Return the program with symbols. Raises `OstooError` if it was not built."""
    found = path.with_name(f"{path.name}{layout.SYMBOLS}")
    if not found.is_file():
        raise OstooError(f"{path.name} has not been built", where=str(found), remedy=f"./sconsw {path.name}")
    return found


def _place(frame: Frame) -> str:
    return f"{demangle(frame.function).text or '??'} at {frame.file or '??'}:{frame.line or '?'}"


def _address(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError as error:
        raise OstooError(f"{text} is not an address", remedy="write it in hexadecimal: 0x2053a0") from error


def _word(path: Path) -> str:
    """Quote a path for gdb, which splits words as a shell does."""
    return re.sub(r"([\\\s'\"])", r"\\\1", str(path))


def _wait_for(door: Path, guest: process.ChildProcess) -> None:
    end = time.monotonic() + _PATIENCE
    while not door.exists():
        if guest.poll() is not None or time.monotonic() > end:
            raise OstooError("QEMU did not wait for gdb", remedy="use a QEMU of version 6 or newer")
        time.sleep(0.01)
