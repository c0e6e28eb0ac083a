"""Checks that a sysroot has everything that a link needs, with pyelftools."""

from __future__ import annotations

import io
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base.errors import OstooError
from ostoo_build.binary import ar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from elftools.elf.elffile import ELFFile

OLDEST_MUSL = (1, 2, 3)
"""The musl for which rustc's own musl targets are built since Rust 1.71: older ones lack functions that std imports."""

_INIT = frozenset({"_init", "_fini"})

NEEDED_SYMBOLS = frozenset({
    *("__libc_start_main", "__init_tls", "environ", "exit", "abort"),  # a std program's start and end
    *("malloc", "free", "realloc", "posix_memalign", "memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen"),
    *("open", "read", "write", "writev", "close", "lseek", "fstat", "stat", "mmap", "munmap", "getcwd", "readdir"),
    *("pthread_create", "pthread_join", "pthread_key_create", "pthread_getattr_np", "sched_yield", "syscall"),
    *("sigaction", "sigaltstack", "signal", "poll", "nanosleep", "clock_gettime", "__errno_location"),
    *("dl_iterate_phdr", "posix_spawnp", "execvp", "fork", "waitpid", "pipe2", "socket", "getaddrinfo"),
    *("strerror_r", "__xpg_strerror_r"),
})  # fmt: skip
"""A sample of the symbols that std imports from libc.a, from each area: a complete musl has them all."""

OTHER_SYMBOLS = Path(__file__).with_name("musl-other-symbols.txt")
"""The symbols that only those sources of musl define, on some processor, which std does not need (`zig.FOR_STD`).

Made by `tests/support/musl_for_std.py`.
"""

NEEDED_HEADERS = (
    *("bits/alltypes.h", "bits/syscall.h", "errno.h", "fcntl.h", "pthread.h", "signal.h", "stddef.h", "stdint.h"),
    *("stdio.h", "stdlib.h", "string.h", "sys/mman.h", "sys/stat.h", "sys/syscall.h", "time.h", "unistd.h"),
)

_LARGEST = 64 << 20
_BITCODE = (b"BC\xc0\xde", b"\xde\xc0\x17\x0b")
_SYMBOL_SIZE = {32: 16, 64: 24}


class Machine(Struct, frozen=True):
    """A processor. `arch` is the first part of a target triple, the next two fields have ELF's names.

    `crti` are the functions that crti.o defines; newer processors have none.
    """

    arch: str
    elf_class: int
    elf_machine: str
    crti: frozenset[str] = _INIT

    @property
    def crt_symbols(self) -> Mapping[str, frozenset[str]]:
        """The symbols that each start file must define."""
        return {"lib/crt1.o": frozenset({"_start"}), "lib/crti.o": self.crti, "lib/crtn.o": frozenset()}


MACHINES = {
    "x86_64": Machine("x86_64", 64, "EM_X86_64"),
    "aarch64": Machine("aarch64", 64, "EM_AARCH64"),
    "riscv64": Machine("riscv64", 64, "EM_RISCV", crti=frozenset()),
}
"""Processors by the target spec's `arch`."""


class Object(Struct, frozen=True):
    """The global definitions of a relocatable file, and the contents of `__libc_version` if it defines that."""

    symbols: tuple[str, ...]
    version: str | None


def check(tree: Path, machine: Machine) -> str:
    """Check that `tree` can be linked for `machine`, and return its musl version, such as "1.2.5".

    Reads each member of `lib/libc.a` and the crt objects. Raises `OstooError`, which names the file or member and what
    it lacks.
    """
    for path in _not_regular(tree):
        raise OstooError("a sysroot may contain only regular files", where=str(path))
    for name, needed in machine.crt_symbols.items():
        _require(needed, set(read_object(_read(tree / name), machine, name).symbols), name)
    return _check_libc(_read(tree / "lib/libc.a"), machine)


def check_headers(tree: Path) -> None:
    """Check the names in `include/`. Raises `OstooError` if one is missing."""
    for header in NEEDED_HEADERS:
        if not (tree / "include" / header).is_file():
            raise OstooError(f"the sysroot lacks the header {header}", where=str(tree / "include"))


def _not_regular(tree: Path) -> Iterator[Path]:
    for path in sorted(tree.rglob("*")):
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            yield path


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise OstooError(f"larger than {_LARGEST >> 20} MiB, which no musl is", where=str(path))
        return path.read_bytes()
    except OSError as error:
        raise OstooError(f"the sysroot lacks {path.name}", where=str(path)) from error


def _check_libc(data: bytes, machine: Machine) -> str:
    objects = [read_object(m.data, machine, f"lib/libc.a({m.name})") for m in ar.read(data, "lib/libc.a")]
    _require(NEEDED_SYMBOLS, {symbol for each in objects for symbol in each.symbols}, "lib/libc.a")
    version = next((each.version for each in objects if each.version is not None), "")
    numbers = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", version)
    if numbers is None:
        raise OstooError(f"not musl: __libc_version is {version!r}", where="lib/libc.a")
    if tuple(map(int, numbers.groups())) < OLDEST_MUSL:
        oldest = ".".join(map(str, OLDEST_MUSL))
        raise OstooError(f"musl {version} is too old for std", where="lib/libc.a", remedy=f"use {oldest} or newer")
    return version


def _require(needed: frozenset[str], found: set[str], where: str) -> None:
    missing = sorted(needed - found)
    if missing:
        raise OstooError(f"the sysroot defines no {', '.join(missing)}", where=where)


def read_object(data: bytes, machine: Machine, where: str) -> Object:
    """Read a relocatable file's global definitions. Raises `OstooError` if it is invalid, or not for `machine`."""
    if data.startswith(_BITCODE):
        raise OstooError(
            "LLVM bitcode instead of machine code", where=where, remedy="build musl without -flto: rustc can't read it"
        )
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415 - 20 ms, and most starts read no object

    try:
        elf = ELFFile(io.BytesIO(data))
        kind = (elf.elfclass, elf["e_machine"], elf["e_type"])
        symbols = _symbol_table(elf, data)
    except Exception as error:  # pyelftools raises whatever a damaged file provokes
        raise OstooError(f"not a readable ELF object: {error}", where=where) from error
    expected = (machine.elf_class, machine.elf_machine, "ET_REL")
    if kind != expected:
        raise OstooError(f"ELF {kind} where {expected} is needed", where=where)
    return symbols


def _symbol_table(elf: ELFFile, data: bytes) -> Object:
    table: Any = elf.get_section_by_name(".symtab")
    if table is None:
        return Object((), None)
    if table["sh_entsize"] != _SYMBOL_SIZE[elf.elfclass] or table["sh_size"] > len(data):
        raise ValueError("the symbol table's size is impossible")
    names = []
    version = None
    for symbol in table.iter_symbols():
        if symbol["st_info"]["bind"] == "STB_LOCAL" or symbol["st_shndx"] == "SHN_UNDEF":
            continue
        names.append(symbol.name)
        if symbol.name == "__libc_version":
            section = elf.get_section(symbol["st_shndx"]).data()
            version = section[symbol["st_value"] :].split(b"\0")[0].decode("ascii")
    return Object(tuple(names), version)
