import os
from pathlib import Path

import musl_for_std
import pytest
from trees import PROJECT, TARGET, Tree, copy_tree, take_sysroot

from ostoo_build.base import process
from ostoo_build.binary import ar
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.fetch import ziglang
from ostoo_build.sysroot import contract
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


@pytest.mark.compiler
def test_the_part_for_std_has_what_std_needs_and_whatever_else_defines_it_before(
    user: Path, first_developed: Tree
) -> None:
    musl = ziglang.provide(PROJECT) / "lib/libc/musl"
    units = first_developed.root / f"build/{TARGET}/dev/units"
    assert musl_for_std.of_std(units)
    split = musl_for_std.Split.of(user, units)
    needed = split.names(musl, "x86_64")
    assert sysroot_zig.FOR_STD.read_text().split() == needed, "made by tests/support/musl_for_std.py"
    others = split.others()
    assert len(others) > 1_000
    assert set(others) <= set(contract.OTHER_SYMBOLS.read_text().split()), "likewise"


@pytest.mark.compiler
@pytest.mark.parametrize("profile", ["release", "dev"])
def test_a_linker_takes_the_same_members_from_the_part_for_std_as_from_the_whole(
    profile: str, tree: Tree, first: Tree, tmp_path: Path
) -> None:
    other = take_sysroot(copy_tree(tmp_path / "other", tree.cache), first)
    for each in (tree, other):
        each.build("hello-std", f"profile={profile}", "--all-outputs")
    assert not (tree.root / "sysroot" / TARGET).exists()
    assert not (other.root / f"build/{TARGET}/target-libc").exists()
    assert tree.program("hello-std", profile).read_bytes() == other.program("hello-std", profile).read_bytes()


MORE = """
unsafe extern "C" {
    fn l64a(value: i64) -> *const u8;
}

#[no_mangle]
fn main() -> i32 {
    println!("{}", unsafe { *l64a(77) as char });
    0
}
"""


@pytest.mark.compiler
def test_programs_that_need_more_than_std_are_linked_with_the_whole(tree: Tree) -> None:
    source = tree.root / "user-rs/hello-std/src/main.rs"
    head = source.read_text().partition("use std")[0].partition("#[cfg_attr(not(test), no_mangle)]")[0]
    before = source.read_text()
    more = f"{head}{MORE}"
    for name in ("more", "too"):
        tree.write(f"user-rs/{name}/src/main.rs", more)
        tree.write(
            f"user-rs/{name}/Cargo.toml",
            (tree.root / "user-rs/hello-std/Cargo.toml").read_text().replace("hello-std", name),
        )
    tree.replace("user-rs/Cargo.toml", '    "hello-std",\n', '    "hello-std",\n    "more",\n    "too",\n')
    tree.write("user-rs/hello-std/src/main.rs", f"{before}// of this test\n")
    made = tree.build("hello-std", "more", "too")
    assert made.done("Linking") == ["hello-std", *["more"] * 2, *["too"] * 2], "with the part, and with the whole"
    assert "error" not in made.stderr
    assert tree.build("hello-std", "more", "too").steps == []
    assert [tree.run(name) for name in ("more", "too")] == [(0, "B\n", "")] * 2
    tree.write("user-rs/more/src/main.rs", more.replace("77", "78"))
    assert tree.build("more").done("Linking") == ["more"], "it is linked with the whole at once"
    tree.write("user-rs/more/src/main.rs", more.replace("l64a", "nobody_has_it"))
    failed = tree.scons("more")
    assert failed.code == 2
    assert failed.stderr.count("undefined symbol: nobody_has_it") == 1


@pytest.mark.compiler
def test_a_mistake_is_told_without_the_whole(tree: Tree) -> None:
    source = tree.root / "user-rs/hello-std/src/main.rs"
    source.write_text(
        source.read_text().partition("#[cfg_attr(not(test), no_mangle)]")[0] + MORE.replace("l64a", "nobody_has_it")
    )
    failed = tree.scons("hello-std")
    assert failed.code == 2
    assert failed.stderr.count("undefined symbol: nobody_has_it") == 1
    assert not (tree.root / "sysroot" / TARGET).exists()


@pytest.mark.compiler
@pytest.mark.parametrize("why", ["an argument for the linker", "a build script"])
def test_programs_with_what_may_see_the_difference_are_linked_with_the_whole(why: str, tree: Tree) -> None:
    if why == "a build script":
        tree.write("user-rs/hello-std/build.rs", "fn main() {}\n")
    else:
        tree.replace("user-rs/.cargo/config.toml", "rustflags = [", 'rustflags = ["-Clink-arg=--no-gc-sections", ')
    made = tree.build("hello-std")
    assert made.done("Linking") == ["hello-std"]
    assert (tree.root / "sysroot" / TARGET / "include").exists()
    assert not (tree.root / f"build/{TARGET}/target-libc").exists()
