import struct
from pathlib import Path

import pytest
from sysroot_trees import MACHINE, elf, good_files, libc, version, write

from ostoo_build.base.errors import OstooError
from ostoo_build.sysroot import contract as sysroot_contract

NEEDED = sorted(sysroot_contract.NEEDED_SYMBOLS)


def problem(folder: Path, changes: dict[str, bytes], without: str = "") -> OstooError:
    files = good_files() | changes
    files.pop(without, None)
    write(folder, files)
    with pytest.raises(OstooError) as caught:
        sysroot_contract.check(folder, MACHINE)
    return caught.value


def test_a_complete_musl_passes_and_tells_its_version(tmp_path: Path) -> None:
    write(tmp_path, good_files())
    assert sysroot_contract.check(tmp_path, MACHINE) == "1.2.5"


@pytest.mark.parametrize("name", ["lib/libc.a", "lib/crt1.o", "lib/crti.o", "lib/crtn.o"])
def test_a_missing_library_file_is_named(tmp_path: Path, name: str) -> None:
    assert problem(tmp_path, {}, without=name).where.endswith(name)


def test_a_missing_header_is_named(tmp_path: Path) -> None:
    write(tmp_path, good_files())
    sysroot_contract.check_headers(tmp_path)
    (tmp_path / "include/sys/mman.h").unlink()
    with pytest.raises(OstooError, match=r"the sysroot lacks the header sys/mman\.h"):
        sysroot_contract.check_headers(tmp_path)


def test_missing_symbols_are_named(tmp_path: Path) -> None:
    members = libc(elf(*(name for name in NEEDED if name not in {"malloc", "write"})), version(b"1.2.5"))
    assert problem(tmp_path, {"lib/libc.a": members}).what == "the sysroot defines no malloc, write"


def test_a_crt1_without_start_is_refused(tmp_path: Path) -> None:
    assert problem(tmp_path, {"lib/crt1.o": elf("main")}).where == "lib/crt1.o"


def test_an_older_musl_is_refused_with_the_oldest_that_serves(tmp_path: Path) -> None:
    error = problem(tmp_path, {"lib/libc.a": libc(elf(*NEEDED), version(b"1.1.24"))})
    assert error.what == "musl 1.1.24 is too old for std"
    assert error.remedy == "use 1.2.3 or newer"


def test_another_libc_is_refused(tmp_path: Path) -> None:
    assert problem(tmp_path, {"lib/libc.a": libc(elf(*NEEDED))}).what == "not musl: __libc_version is ''"


def test_bitcode_is_told_from_machine_code(tmp_path: Path) -> None:
    error = problem(tmp_path, {"lib/libc.a": libc(elf(*NEEDED), b"BC\xc0\xde....", version(b"1.2.5"))})
    assert error.what == "LLVM bitcode instead of machine code"
    assert error.where == "lib/libc.a(1.o)"


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (4, b"\x01"),  # EI_CLASS: 32-bit
        (16, b"\x02"),  # e_type: an executable
        (18, b"\xb7"),  # e_machine: aarch64
    ],
)
def test_an_object_for_another_machine_is_refused(tmp_path: Path, offset: int, value: bytes) -> None:
    data = bytearray(elf("foreign"))
    data[offset : offset + 1] = value
    error = problem(tmp_path, {"lib/libc.a": libc(elf(*NEEDED), bytes(data), version(b"1.2.5"))})
    assert error.where == "lib/libc.a(1.o)"


def with_symbol_table(**fields: int) -> bytes:
    data = bytearray(elf("name"))
    (start,) = struct.unpack_from("<Q", data, 40)
    offsets = {"sh_size": 32, "sh_entsize": 56}
    for field, value in fields.items():
        struct.pack_into("<Q", data, start + 2 * 64 + offsets[field], value)
    return bytes(data)


def with_endless_sections() -> bytes:
    data = bytearray(elf("name"))
    (start,) = struct.unpack_from("<Q", data, 40)
    struct.pack_into("<H", data, 60, 0)  # e_shnum: the count is in section 0's sh_size
    struct.pack_into("<Q", data, start + 32, 1 << 40)
    return bytes(data).replace(b".symtab", b".zymtab")


@pytest.mark.parametrize(
    "data",
    [
        with_endless_sections(),
        b"",
        b"\x7fELF",
        elf("name")[:100],
        elf("name")[:-1],
        with_symbol_table(sh_entsize=1),
        with_symbol_table(sh_entsize=0),
        with_symbol_table(sh_size=1 << 60),
    ],
)
def test_a_damaged_object_is_one_error_that_names_the_member(tmp_path: Path, data: bytes) -> None:
    error = problem(tmp_path, {"lib/libc.a": libc(elf(*NEEDED), data, version(b"1.2.5"))})
    assert error.what.startswith("not a readable ELF object")
    assert error.where == "lib/libc.a(1.o)"


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    write(tmp_path, good_files())
    (tmp_path / "include/passwd.h").symlink_to("/etc/passwd")
    with pytest.raises(OstooError, match="only regular files") as caught:
        sysroot_contract.check(tmp_path, MACHINE)
    assert caught.value.where.endswith("include/passwd.h")


def test_a_file_larger_than_any_musl_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, good_files())
    with (tmp_path / "lib/libc.a").open("r+b") as stream:
        stream.truncate(65 << 20)
    with pytest.raises(OstooError, match="larger than 64 MiB"):
        sysroot_contract.check(tmp_path, MACHINE)
