from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.rust import link_files

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("a.ld", "b.o", "libs/libc.a", "sub/inner.ld", "version.map", "list")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("os")
    for name in NAMES:
        write(root / name, b"\x7fELF\0" if name.endswith((".o", ".a")) else b"nothing")
    return root


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def names(folder: Path, *arguments: str, searches: tuple[str, ...] = ()) -> set[str]:
    found = link_files.named(arguments, folder, [folder / each for each in searches])
    return {path.resolve().relative_to(folder).as_posix() for path in found.files}


WAYS = (
    "{}", "-T{}", "-T|{}", "--script={}", "-script={}", "--script|{}", "--version-script={}", "-R{}", "-R|{}",
    "--just-symbols={}", "--dynamic-list={}", "--symbol-ordering-file={}", "--retain-symbols-file={}",
    "-dT|{}", "-dT{}", "--export-dynamic-symbol-list={}", "--call-graph-ordering-file={}", "--default-script={}",
    "--remap-inputs=x.o={}", "--remap-inputs-file={}", "--format=binary|{}", "--in-implib={}",
)  # fmt: skip
"""How LLD takes a file's name (`ld.lld --help`); `|` stands between two arguments."""


@given(st.lists(st.tuples(st.sampled_from(WAYS), st.sampled_from(NAMES), st.booleans()), max_size=4))
def test_a_file_is_found_in_every_option_and_what_is_not_named_is_not(
    folder: Path, asked: list[tuple[str, str, bool]]
) -> None:
    arguments = [
        part
        for way, name, is_absolute in asked
        for part in way.format(folder / name if is_absolute else name).split("|")
    ]
    assert names(folder, *arguments) == {name for _, name, _ in asked}


@pytest.mark.parametrize(
    "arguments",
    [("-lc", "-Llibs"), ("-L", "libs", "-l", "c"), ("-Llibs", "-l:libc.a"), ("--library-path=libs", "--library=c")],
)
def test_a_library_is_found_in_the_folders_that_are_searched(folder: Path, arguments: tuple[str, ...]) -> None:
    assert names(folder, *arguments) == {"libs/libc.a"}


def test_all_libraries_of_a_folder_count_as_crates_name_them_in_metadata(folder: Path) -> None:
    assert names(folder, searches=("libs", "nowhere")) == {"libs/libc.a"}


@pytest.mark.parametrize(
    "text",
    [
        "INCLUDE sub/inner.ld",
        'INCLUDE "sub/inner.ld"',
        "INPUT(b.o sub/inner.ld)",
        "GROUP ( AS_NEEDED(sub/inner.ld) , b.o )",
        "SECTIONS { .text : { sub/inner.ld(.text) } }",
    ],
)
def test_scripts_are_followed(tmp_path: Path, text: str) -> None:
    write(tmp_path / "sub/inner.ld", b"INCLUDE last.ld")
    write(tmp_path / "last.ld", b"INCLUDE sub/inner.ld")  # a circle ends
    write(tmp_path / "top.ld", text.encode())
    assert {"top.ld", "sub/inner.ld", "last.ld"} <= names(tmp_path, "-Ttop.ld")


def test_a_script_finds_files_beside_itself_and_in_folders_that_it_names(tmp_path: Path) -> None:
    write(tmp_path / "sub/top.ld", b"SEARCH_DIR(libs) INPUT(beside.o -lx)")
    write(tmp_path / "sub/beside.o", b"\0")
    write(tmp_path / "libs/libx.a", b"\0")
    assert names(tmp_path, "sub/top.ld") == {"sub/top.ld", "sub/beside.o", "libs/libx.a"}


def test_response_files_are_taken_apart_and_told_as_unseen(tmp_path: Path) -> None:
    write(tmp_path / "words", b"--defsym=a=1 'my file.o' @more @words")
    write(tmp_path / "my file.o", b"\0")
    write(tmp_path / "more", b"-Tx.ld @nowhere")
    write(tmp_path / "x.ld", b"")
    assert names(tmp_path, "@words") == {"words", "my file.o", "more", "x.ld"}
    found = link_files.named(["@words"], tmp_path, [])
    assert {path.name for path in found.unseen} == {"words", "more"}


def test_members_of_thin_archives_are_told_as_unseen(tmp_path: Path) -> None:
    table = b"../a member.o/\nb.o/\n"
    header = b"//".ljust(48) + str(len(table)).encode().ljust(10) + b"`\n"
    index = b"/".ljust(48) + b"4".ljust(10) + b"`\n\0\0\0\0"
    write(tmp_path / "sub/thin.a", b"!<thin>\n" + index + header + table)
    found = link_files.named(["sub/thin.a"], tmp_path, [])
    assert [str(path.relative_to(tmp_path)) for path in found.unseen] == ["sub/../a member.o", "sub/b.o"]
    assert set(found.unseen) < set(found.files)


@given(st.lists(st.text(max_size=300), max_size=4))
def test_any_words_are_taken(folder: Path, arguments: list[str]) -> None:
    link_files.named(arguments, folder, [])
