"""The `zig` provider, the default: builds musl from the sources in the `ziglang` wheel."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import digest, process, toml_tables
from ostoo_build.base.errors import OstooError
from ostoo_build.base.toml_file import load as load_toml
from ostoo_build.binary import ar
from ostoo_build.fetch import ziglang
from ostoo_build.sysroot.contract import read_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ostoo_build.sysroot.contract import Machine

FIXES = Path(__file__).with_name("musl-fixes.toml")
"""Security fixes for the pinned sources."""

_CFLAGS = (
    # as in musl's own configure script
    *("-std=c99", "-nostdinc", "-ffreestanding", "-frounding-math", "-Wa,--noexecstack", "-D_XOPEN_SOURCE=700"),
    *("-fomit-frame-pointer", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables"),
    *("-ffunction-sections", "-fdata-sections", "-fno-stack-protector", "-fno-pic"),
    "-Oz",  # hello-std is 3,000 bytes smaller than with -Os
    "-w",  # musl's warnings are not ours to read
)
_OPTIONS = ("-mcpu=baseline", "-O", "ReleaseSmall", "-fstrip", "-fno-compiler-rt")
_INCLUDES = ("arch/{arch}", "arch/generic", "src/include", "src/internal", "src/locale")
_HEADERS = ("include/{arch}-linux-musl", "include/generic-musl")
_CRT = ("crt1", "crti", "crtn")


class ZigMusl(Struct, frozen=True):
    """The provider. `project` receives the wheel."""

    project: Path

    def identity(self) -> Mapping[str, str]:
        return {
            "name": "zig",
            "wheel": digest.of_file(ziglang.REQUIREMENTS),
            "fixes": digest.of_file(FIXES),
            "flags": digest.of_json([_OPTIONS, _CFLAGS]),
        }

    def write_raw(self, raw: Path, machine: Machine) -> None:
        zig = ziglang.provide(self.project)
        libc = zig / "lib/libc"
        for headers in reversed(_HEADERS):  # the first ones win
            shutil.copytree(libc / headers.format(arch=machine.arch), raw / "include", dirs_exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            listed = sources(libc / "musl", machine.arch)
            fixed = _fixed_sources(libc / "musl", FIXES, Path(scratch))
            members = _compile(zig, machine, [fixed.get(source, source) for source in listed], Path(scratch))
        _write_library(members, raw / "lib", machine)


def factory(argument: str, project: Path) -> ZigMusl:
    """Create the provider. Raises `OstooError` for an argument, as there is none."""
    if argument:
        raise OstooError("the zig sysroot takes no argument", where=f"sysroot=zig:{argument}")
    return ZigMusl(project)


def sources(musl: Path, arch: str) -> list[str]:
    """Return the files that musl's Makefile compiles, in a fixed order. Files for an arch replace generic ones."""
    folders = [*sorted(path for path in (musl / "src").iterdir() if path.is_dir()), musl / "src/malloc/mallocng"]
    files = [path for folder in folders for path in _of_arch(folder, arch).values()]
    start = _of_arch(musl / "crt", arch)
    return [path.relative_to(musl).as_posix() for path in [*files, *(start[stem] for stem in _CRT)]]


def _of_arch(folder: Path, arch: str) -> dict[str, Path]:
    files = [path for place in (folder, folder / arch) for path in place.glob("*.[csS]")]
    return dict(sorted({path.stem: path for path in files}.items()))


def _fixed_sources(musl: Path, fixes: Path, scratch: Path) -> dict[str, str]:
    """Write the fixed files to `scratch`, and return their paths by name below `musl`."""
    fixed = {}
    for fix in toml_tables.tables(load_toml(fixes), "fix", str(fixes)):
        file = toml_tables.text(fix, "file", str(fixes))
        path = scratch / PurePath(file).name
        path.write_bytes(_mend(musl.joinpath(file).read_bytes(), fix, str(fixes)))
        fixed[file] = str(path)
    return fixed


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


def _compile(zig: Path, machine: Machine, sources: Sequence[str], scratch: Path) -> list[ar.Member]:
    """Compile all files in one process, four times as fast as one for each. Returns the objects in order."""
    target = f"{machine.arch}-linux-musl"
    includes = [folder.format(arch=machine.arch) for folder in _INCLUDES]
    includes += [f"../{folder.format(arch=machine.arch)}" for folder in _HEADERS]
    library = scratch / "libc.a"
    options = ["-target", target, *_OPTIONS]
    flags = ["-cflags", *_CFLAGS, *(f"-I{folder}" for folder in includes), "--"]
    done = process.run(
        [str(zig / "zig"), "build-lib", *options, f"-femit-bin={library}", *flags, *sources],
        cwd=zig / "lib/libc/musl",
        env={"ZIG_GLOBAL_CACHE_DIR": str(scratch / "global"), "ZIG_LOCAL_CACHE_DIR": str(scratch / "local")},
    )
    if done.returncode != 0:
        raise OstooError(f"zig could not build musl:\n{done.stderr.decode(errors='replace').strip()}", where=str(zig))
    return list(ar.read(library.read_bytes(), str(library)))


def _write_library(members: Sequence[ar.Member], lib: Path, machine: Machine) -> None:
    """Write a new archive, as zig's contains paths of its cache as names, and the crt objects beside it."""
    named = [ar.Member(PurePath(member.name).name, member.data) for member in members]
    lib.mkdir()
    for member in named[-len(_CRT) :]:
        (lib / member.name).write_bytes(member.data)
    libc = [ar.IndexedMember(m, read_object(m.data, machine, m.name).symbols) for m in named[: -len(_CRT)]]
    (lib / "libc.a").write_bytes(ar.write(libc))
