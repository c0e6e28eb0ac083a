from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base import digest
from ostoo_build.base.input import Input
from ostoo_build.reapi import layout as input_layout
from ostoo_build.reapi import merkle
from ostoo_build.toolchain import digest as toolchain_digest
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.toolchain.find import Toolchain


@pytest.fixture
def memos(tmp_path: Path) -> Path:
    return tmp_path / "memo"


def digest_of(made: Toolchain, memos: Path) -> Input:
    return toolchain_digest.of(made, toolchain_digest.scan(made), memos)


def make(root: Path) -> Toolchain:
    return find(fake.sysroot(root / "toolchain").parent)


def find(root: Path) -> Toolchain:
    return toolchain.find(root, {"RUSTC": str(root / "toolchain/bin/rustc")}, {"PATH": "/nowhere"})


def test_a_toolchain_is_the_folder_of_its_files(tmp_path: Path, memos: Path) -> None:
    made = make(tmp_path)
    contents = toolchain_digest.files(made)
    whole = merkle.tree(content for content, _ in contents).root
    expected = Input(".ostoo/toolchain", whole.sha256, whole.size, is_folder=True)
    assert digest_of(made, memos) == expected
    assert digest_of(made, memos) == expected, "and so it is remembered"


def test_its_files_have_their_names_on_every_machine(tmp_path: Path) -> None:
    made = make(tmp_path)
    contents = toolchain_digest.files(made)
    places = {content.path: path for content, path in contents}
    assert len(places) == len(contents)
    for name, path in (("rustc", made.rustc), ("cargo", made.cargo), ("lld", made.lld)):
        assert places[input_layout.TOOLS[name]] == path
    assert places["lib/rustlib/src/rust/library/std/src/lib.rs"] == made.rust_src / "std/src/lib.rs"
    assert places[f"lib/rustlib/{fake.HOST}/lib/libstd-0.rlib"] == made.host_std / "libstd-0.rlib"
    assert "lib/librustc_driver-0.so" in places
    assert not [content for content, _ in contents if content.is_folder]
    for content, path in contents:
        assert (content.sha256, content.size) == (digest.of_file(path), path.stat().st_size)
    programs = {content.path for content, _ in contents if content.executable}
    own = {input_layout.TOOLS[name] for name in ("rustc", "cargo", "lld")}
    assert programs == {*own, f"lib/rustlib/{fake.HOST}/bin/rust-lld"}, "the host's linker has it at its usual place"


def test_the_place_of_a_toolchain_does_not_count(tmp_path: Path, memos: Path) -> None:
    first = digest_of(make(tmp_path / "a"), memos)
    moved = make(tmp_path / "b b")
    # the fake's script tells its own place
    shutil.copy(tmp_path / "a/toolchain/bin/rustc", moved.rustc)
    assert digest_of(moved, memos) == first


@pytest.mark.parametrize(
    "part",
    [
        "bin/rustc",
        "bin/cargo",
        f"lib/rustlib/{fake.HOST}/bin/rust-lld",
        "lib/librustc_driver-0.so",
        f"lib/rustlib/{fake.HOST}/lib/libstd-0.rlib",
        "lib/rustlib/src/rust/library/std/src/lib.rs",
    ],
)
def test_each_part_counts(part: str, tmp_path: Path, memos: Path) -> None:
    made = make(tmp_path)
    before = digest_of(made, memos)
    with (tmp_path / "toolchain" / part).open("a") as stream:
        stream.write("\n")
    assert digest_of(made, memos) != before


def test_a_new_file_and_a_new_name_count(tmp_path: Path, memos: Path) -> None:
    made = make(tmp_path)
    before = digest_of(made, memos)
    added = fake.write(made.rust_src / "core/src/lib.rs", "core")
    with_core = digest_of(made, memos)
    added.rename(added.with_name("mod.rs"))
    assert len({before, with_core, digest_of(made, memos)}) == 3


def test_tests_in_the_std_source_do_not_count(tmp_path: Path, memos: Path) -> None:
    made = make(tmp_path)
    before = digest_of(made, memos)
    fake.write(made.rust_src / "std/tests/a.rs", "tests")
    assert digest_of(made, memos) == before


def test_another_file_of_the_same_size_and_mtime_counts(tmp_path: Path, memos: Path) -> None:
    made = make(tmp_path)
    before = digest_of(made, memos)
    driver = tmp_path / "toolchain/lib/librustc_driver-0.so"
    status = driver.stat()
    driver.write_text("DRIVER")
    os.utime(driver, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert digest_of(made, memos) != before


def test_another_toolchain_under_the_same_path_counts(tmp_path: Path, memos: Path) -> None:
    before = digest_of(make(tmp_path), memos)
    (tmp_path / "toolchain").rename(tmp_path / "old")
    fake.sysroot(tmp_path / "toolchain", "1.97.0")
    assert digest_of(find(tmp_path), memos) != before


def test_an_unchanged_toolchain_is_not_read_again(tmp_path: Path, memos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path)
    before = digest_of(made, memos)
    read: list[Path] = []
    monkeypatch.setattr(digest, "of_file", read.append)
    assert digest_of(made, memos) == before
    assert read == []


@pytest.mark.parametrize("memo", ["", "[]", "{}", '{"state": 1}'])
def test_a_damaged_memo_is_made_again(memo: str, tmp_path: Path, memos: Path) -> None:
    made = make(tmp_path)
    before = digest_of(made, memos)
    (memo_file,) = memos.iterdir()
    whole = memo_file.read_text()
    memo_file.write_text(memo)
    assert digest_of(made, memos) == before
    assert memo_file.read_text() == whole


def test_another_layout_is_another_digest(tmp_path: Path, memos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path / "a")
    known = digest_of(made, memos)
    monkeypatch.setitem(input_layout.TOOLS, "rust-src", "elsewhere")
    assert digest_of(made, memos) != known
