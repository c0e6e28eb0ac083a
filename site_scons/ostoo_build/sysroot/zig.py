"""The `zig` provider, the default: builds musl from the sources in the `ziglang` wheel."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import digest, layout, process, spare_processors, toml_tables
from ostoo_build.base.errors import OstooError
from ostoo_build.base.toml_file import load as load_toml
from ostoo_build.binary import ar
from ostoo_build.fetch import ziglang
from ostoo_build.sysroot.contract import read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ostoo_build.sysroot.contract import Machine
    from ostoo_build.sysroot.install import RawTree

FIXES = Path(__file__).with_name("musl-fixes.toml")
"""Security fixes for the pinned sources."""

FOR_STD = Path(__file__).with_name("musl-for-std.txt")
"""The sources that std may need on any processor, without the processor's folder and without suffixes.

A linker must take the same members from them as from all of musl: whatever else defines a symbol of theirs, and stands
before it in the library, is among them. Made by `tests/support/musl_for_std.py`.
"""

CFLAGS = (
    # as in musl's own configure script
    *("-std=c99", "-nostdinc", "-ffreestanding", "-frounding-math", "-Wa,--noexecstack", "-D_XOPEN_SOURCE=700"),
    *("-fomit-frame-pointer", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"),
    *("-ffunction-sections", "-fdata-sections", "-fno-stack-protector", "-fno-pic"),
    "-Oz",  # hello-std is 3,000 bytes smaller than with -Os
    "-w",  # musl's warnings are not ours to read
)
OPTIONS = ("-mcpu=baseline", "-O", "ReleaseSmall", "-fstrip", "-fno-compiler-rt")
_ARCH = {
    "x86_64": ("-march=x86-64", "-mred-zone"),
    "aarch64": ("-march=armv8-a",),
    "riscv64": ("-march=rv64imafdc", "-mabi=lp64d", "-mno-relax"),
}
"""Clang's names for the processors that `-mcpu=baseline` means to zig."""

INCLUDES = ("arch/{arch}", "arch/generic", "src/include", "src/internal", "src/locale")
HEADERS = ("include/{arch}-linux-musl", "include/generic-musl")
_CRT = ("crt1", "crti", "crtn")


class ZigMusl(Struct, frozen=True):
    """The provider. `project` receives the wheel. `is_for_std` leaves out headers, and all but `FOR_STD`."""

    project: Path
    is_for_std: bool = False

    @property
    def has_headers(self) -> bool:
        return not self.is_for_std

    def identity(self) -> Mapping[str, str]:
        return {
            "name": "zig",
            **({"members": digest.of_file(FOR_STD)} if self.is_for_std else {}),
            "wheel": digest.of_file(ziglang.REQUIREMENTS),
            "fixes": digest.of_file(FIXES),
            "flags": digest.of_json([OPTIONS, CFLAGS, _ARCH]),
        }

    def write_raw(self, raw: RawTree) -> None:
        zig, arch = ziglang.provide(self.project), raw.machine.arch
        libc = zig / "lib/libc"
        headers = [libc / each.format(arch=arch) for each in HEADERS]
        if self.has_headers:
            for folder in reversed(headers):  # the first ones win
                shutil.copytree(folder, raw.folder / "include", dirs_exist_ok=True)
        else:
            numbers = PurePath(layout.SYSCALL_NUMBERS)
            (raw.folder / numbers).parent.mkdir(parents=True)
            shutil.copyfile(headers[0] / numbers.relative_to("include"), raw.folder / numbers)
        with tempfile.TemporaryDirectory() as scratch:
            tree = Path(scratch, "musl")
            _link_fixed(libc / "musl", arch, FIXES, tree)
            members = _compile(zig, raw, tree, self._sources(libc / "musl", arch))
        _write_library(members, raw.folder / "lib", raw.machine)

    def _sources(self, musl: Path, arch: str) -> list[str]:
        every = sources(musl, arch)
        if not self.is_for_std:
            return every
        chosen = frozenset(FOR_STD.read_text(encoding="ascii").split())
        return [*(each for each in every[: -len(_CRT)] if generic(each, arch) in chosen), *every[-len(_CRT) :]]


def generic(source: str, arch: str) -> str:
    """Return a source as `FOR_STD` names it."""
    path = PurePath(source).with_suffix("")
    return (path.parent.parent / path.name if path.parent.name == arch else path).as_posix()


def factory(argument: str, project: Path) -> ZigMusl:
    """Create the provider. Raises `OstooError` for an argument, as there is none."""
    if argument:
        raise OstooError("the zig sysroot takes no argument", where=f"sysroot=zig:{argument}")
    return ZigMusl(project)


def for_std(project: Path) -> ZigMusl:
    """Create the provider of only what std may need."""
    return ZigMusl(project, is_for_std=True)


def sources(musl: Path, arch: str) -> list[str]:
    """Return the files that musl's Makefile compiles, in a fixed order. Files for an arch replace generic ones."""
    folders = [*sorted(path for path in (musl / "src").iterdir() if path.is_dir()), musl / "src/malloc/mallocng"]
    files = [path for folder in folders for path in _of_arch(folder, arch).values()]
    start = _of_arch(musl / "crt", arch)
    return [path.relative_to(musl).as_posix() for path in [*files, *(start[stem] for stem in _CRT)]]


def _of_arch(folder: Path, arch: str) -> dict[str, Path]:
    files = [path for place in (folder, folder / arch) for path in place.glob("*.[csS]")]
    return dict(sorted({path.stem: path for path in files}.items()))


def _link_fixed(musl: Path, arch: str, fixes: Path, tree: Path) -> None:
    """Create a tree of links to musl's files for one processor, with the fixed files in it."""
    others = shutil.ignore_patterns(*(path.name for path in (musl / "arch").iterdir() if path.name != arch))
    for folder in ("src", "crt"):
        shutil.copytree(musl / folder, tree / folder, copy_function=os.symlink, ignore=others)
    for folder in ("arch", "include"):
        (tree / folder).symlink_to(musl / folder)
    for fix in toml_tables.tables(load_toml(fixes), "fix", str(fixes)):
        path = tree / toml_tables.text(fix, "file", str(fixes))
        fixed = _mend(path.read_bytes(), fix, str(fixes))
        path.unlink()
        path.write_bytes(fixed)


def _mend(source: bytes, fix: dict[str, Any], where: str) -> bytes:
    name, file, before, after = (toml_tables.text(fix, key, where) for key in ("id", "file", "before", "after"))
    if digest.of_bytes(source) != before:
        raise OstooError(f"the fix {name} is for another version of {file}", where=where)
    for edit in toml_tables.tables(fix, "edit", where):
        old, new = (toml_tables.text(edit, key, where).encode() for key in ("old", "new"))
        source = source.replace(old, new)
    if digest.of_bytes(source) != after:
        raise OstooError(f"the fix {name} did not produce the expected {file}", where=where)
    return source


def _compile(zig: Path, raw: RawTree, tree: Path, sources: Sequence[str]) -> list[ar.Member]:
    """Compile all files below `tree`, and return the objects in order."""
    in_c, others = (
        [source for source in sources if (PurePath(source).suffix == ".c") is is_c] for is_c in (True, False)
    )
    options = ("clang", *_for_any_file(_shown_options(zig, raw.machine, tree, in_c[0])))
    processes = -(-len(in_c) // _FILES_AT_ONCE)
    library = tree / "assembled.a"
    steps: list[Callable[[], object]] = [
        partial(_assemble, zig, raw.machine, tree, others, library),
        *(partial(_zig, zig, tree, *options, *in_c[first::processes]) for first in range(processes)),
    ]
    spare_processors.perform(raw.processors, steps)
    assembled = iter(ar.read(library.read_bytes(), str(library)) if others else ())
    return [
        ar.Member(PurePath(source).with_suffix(".o").name, (tree / source).with_suffix(".o").read_bytes())
        if PurePath(source).suffix == ".c"
        else next(assembled)
        for source in sources
    ]


_FILES_AT_ONCE = 64
"""C files that one process compiles: the work of one second.

The compiler proper takes any number of files, and most of the time with one process for each is that of its start. It
writes each object beside its source.
"""


def _shown_options(zig: Path, machine: Machine, tree: Path, source: str) -> list[str]:
    """Return the compiler proper's options, as clang's driver shows them, for one file."""
    shown = _zig(zig, tree, "clang", "-###", *_driver_options(zig, machine), "-c", source).stderr.decode()
    _program, *words = shlex.split(shown.strip().splitlines()[-1])
    return words


def _for_any_file(words: Sequence[str]) -> Iterator[str]:
    """Yield the compiler's options without those that are about the one file, which is the last word."""
    every = iter(words[:-1])
    for word in every:
        if word in ("-o", "-main-file-name"):
            next(every)
        elif word != "-disable-free":  # the memory of one file is for the next one
            yield word


def _driver_options(zig: Path, machine: Machine) -> Iterator[str]:
    yield from ("--no-default-config", "-target", f"{machine.arch}-linux-musl", *_ARCH[machine.arch], "-DNDEBUG")
    yield from ("-fno-caret-diagnostics", "-fno-spell-checking", *CFLAGS)
    yield from (f"-I{folder.format(arch=machine.arch)}" for folder in INCLUDES)
    yield from (f"-I{zig / 'lib/libc' / folder.format(arch=machine.arch)}" for folder in HEADERS)
    yield from ("-isystem", str(zig / "lib/include"))


def _assemble(zig: Path, machine: Machine, tree: Path, sources: Sequence[str], library: Path) -> None:
    """Compile files in assembly language, which clang takes one by one, to a library in their order."""
    if not sources:
        return
    options = ("-target", f"{machine.arch}-linux-musl", *OPTIONS, f"-femit-bin={library}")
    includes = (f"-I{folder.format(arch=machine.arch)}" for folder in INCLUDES)
    _zig(zig, tree, "build-lib", *options, "-cflags", *CFLAGS, *includes, "--", *sources)


def _zig(zig: Path, tree: Path, *words: str) -> process.Completed:
    """Run zig with caches of its own beside the folder."""
    caches = {f"ZIG_{name}_CACHE_DIR": str(tree.parent / name) for name in ("GLOBAL", "LOCAL")}
    done = process.run([str(zig / "zig"), *words], cwd=tree, env=caches)
    if done.returncode != 0:
        raise OstooError(f"zig could not build musl:\n{done.stderr.decode(errors='replace').strip()}", where=str(zig))
    return done


def _write_library(members: Sequence[ar.Member], lib: Path, machine: Machine) -> None:
    """Write a new archive, as zig's contains paths of its cache as names, and the crt objects beside it."""
    named = [ar.Member(PurePath(member.name).name, member.data) for member in members]
    lib.mkdir()
    for member in named[-len(_CRT) :]:
        (lib / member.name).write_bytes(member.data)
    libc = [ar.IndexedMember(m, read_object(m.data, machine, m.name).symbols) for m in named[: -len(_CRT)]]
    (lib / "libc.a").write_bytes(ar.write(libc))
