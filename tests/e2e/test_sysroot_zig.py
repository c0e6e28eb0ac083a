import os
from pathlib import Path

import pytest
from trees import PROJECT, TARGET, Tree

from ostoo_build.base import process
from ostoo_build.binary import ar
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.fetch import ziglang
from ostoo_build.sysroot import install as sysroot
from ostoo_build.sysroot import zig as sysroot_zig

PROGRAM = rb"""
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
int _Unwind_Backtrace(void *, void *);
int main(void)
{
    char in[] = "\xc8\x41", out[32], *i = in, *o = out;
    size_t in_left = 2, out_left = sizeof out;
    size_t done = iconv(iconv_open("UTF-8", "EUC-KR"), &i, &in_left, &o, &out_left);
    printf("iconv %zd %s\n", done, errno == EILSEQ ? "EILSEQ" : "?");
    printf("unwind %d\n", _Unwind_Backtrace(0, 0));
    return 7;
}
"""


@pytest.fixture(scope="session")
def user(first: Tree) -> Path:
    """The sysroot that programs were linked with."""
    return first.root / "sysroot" / TARGET


def zig(folder: Path, *argv: str) -> None:
    caches = {name: str(folder / "cache") for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    done = process.run([str(ziglang.provide(PROJECT) / "zig"), *argv], cwd=folder, env=caches)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.compiler
def test_two_folders_get_the_same_objects_bit_for_bit(
    user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each eighth source of musl: `first` has all of them, made in another folder.

    One process compiles them, so this is also about what it keeps from one file to the next.
    """
    every = sysroot_zig.sources
    monkeypatch.setattr(sysroot_zig, "sources", lambda *musl: [*every(*musl)[:-3:8], *every(*musl)[-3:]])
    other = tmp_path / "a folder/raw"
    other.mkdir(parents=True)
    sysroot_zig.factory("", PROJECT).write_raw(sysroot.RawTree(other, sysroot.MACHINES["x86_64"], Jobserver(2)))
    found, made = (ar.read((place / "lib/libc.a").read_bytes(), "") for place in (other, user))
    assert len(found) > 100
    assert set(found) < set(made)
    for path in (path for path in other.rglob("*") if path.is_file() and path.name != "libc.a"):
        assert path.read_bytes() == (user / path.relative_to(other)).read_bytes(), path


@pytest.mark.compiler
@pytest.mark.parametrize("arch", sysroot.MACHINES)
def test_one_process_makes_the_objects_that_zig_makes_of_each_file(
    arch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    libc = ziglang.provide(PROJECT) / "lib/libc"
    every = sysroot_zig.sources(libc / "musl", arch)
    some = [source for source in every[:-3:40] if "iconv" not in source]
    raw, library = tmp_path / "raw", tmp_path / "alone.a"
    raw.mkdir()
    monkeypatch.setattr(sysroot_zig, "sources", lambda *_musl: [*some, *every[-3:]])
    sysroot_zig.factory("", PROJECT).write_raw(sysroot.RawTree(raw, sysroot.MACHINES[arch], Jobserver(2)))
    places = [*(f"musl/{folder}" for folder in sysroot_zig.INCLUDES), *sysroot_zig.HEADERS]
    flags = [*sysroot_zig.CFLAGS, *(f"-I{libc / place.format(arch=arch)}" for place in places)]
    options = ["-target", f"{arch}-linux-musl", *sysroot_zig.OPTIONS, f"-femit-bin={library}"]
    zig(tmp_path, "build-lib", *options, "-cflags", *flags, "--", *(str(libc / "musl" / source) for source in some))
    made, alone = (ar.read(path.read_bytes(), "") for path in (raw / "lib/libc.a", library))
    assert [member.data for member in made] == [member.data for member in alone]


@pytest.mark.compiler
@pytest.mark.parametrize("part", [os.fsencode(PROJECT), b"libc/musl/", b"/local/o/"])
def test_no_path_of_the_machine_is_in_the_library(user: Path, part: bytes) -> None:
    assert part not in (user / "lib/libc.a").read_bytes()


@pytest.mark.compiler
def test_a_c_program_links_and_runs_with_the_fixed_iconv_and_the_unwind_stub(user: Path, tmp_path: Path) -> None:
    lib = user / "lib"
    (tmp_path / "main.c").write_bytes(PROGRAM)
    headers = ["-nostdinc", f"-I{user / 'include'}"]
    zig(tmp_path, "cc", "-target", "x86_64-linux-musl", "-Os", "-fno-pic", *headers, "-c", "main.c", "-o", "main.o")
    start, end = [str(lib / "crt1.o"), str(lib / "crti.o")], [str(lib / "crtn.o")]
    zig(tmp_path, "ld.lld", "-static", "-o", "program", *start, "main.o", f"-L{lib}", "-lunwind", "-lc", *end)
    done = process.run([str(tmp_path / "program")], cwd=tmp_path, env={})
    assert (done.returncode, done.stdout) == (7, b"iconv -1 EILSEQ\nunwind 5\n")
