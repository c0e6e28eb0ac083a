from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from symbol_elfs import NOTYPE, OBJECT, Linked, Sym

from ostoo_build.base.errors import OstooError
from ostoo_build.size import report as size_report
from ostoo_build.size.parts import Part

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.size.report import SizeReport

RUST = "_RNvC3abc3run"
TEXT = b"\xc3" * 10 + b"\x90" * 6 + b"\xc3" * 20
EXAMPLE = Linked(
    TEXT,
    (
        Sym("_start", 0, 10),
        Sym(RUST, 16, 12),
        Sym("memcpy", 28, 8),
        Sym("table", 4, 8, OBJECT, in_data=True),
        Sym("_RNvC3abc5VALUE", 12, 4, OBJECT, in_data=True),
    ),
    data=b"text" + b"12345678" + b"1234" + b"constant that nobody names, " * 4,
)


def report(folder: Path, linked: Linked = EXAMPLE) -> SizeReport:
    return size_report.analyse(*linked.write(folder), "my-program")


def with_functions(sizes: dict[str, int]) -> SizeReport:
    parts = tuple(Part(".text", "abc", name, size) for name, size in sizes.items())
    return size_report.SizeReport("example", sum(sizes.values()), parts)


def rows(found: SizeReport) -> dict[str, tuple[str, int]]:
    return {part.name: (part.crate, part.size) for part in found.parts}


def test_each_byte_of_the_file_is_in_one_row(tmp_path: Path) -> None:
    found = report(tmp_path)
    assert sum(part.size for part in found.parts) == found.file_size == len(EXAMPLE.stripped())
    assert rows(found) == {
        "[ELF header]": ("[headers]", 64),
        "[program headers]": ("[headers]", 112),
        "[section headers]": ("[headers]", 5 * 64),
        "[padding]": ("[padding]", 6),
        ".comment": ("[headers]", 15),
        ".shstrtab": ("[headers]", 32),
        "_start": ("my_program", 10),
        "abc::run": ("abc", 12),
        "memcpy": ("compiler_builtins", 8),
        "table": ("compiler_builtins", 8),
        "abc::VALUE": ("abc", 4),
        ".data without a symbol": ("[unknown]", 4 + 112),
    }


def test_padding_is_named_by_its_section(tmp_path: Path) -> None:
    assert Part(".text", "[padding]", "[padding]", 6) in report(tmp_path).parts


def test_what_rustc_did_not_name_is_libcs_where_there_is_one(tmp_path: Path) -> None:
    symbols = (*EXAMPLE.symbols[:3], Sym("__libc_start_main", 30), Sym("main", 20), Sym("__udivti3", 24))
    found = rows(report(tmp_path, replace(EXAMPLE, symbols=symbols)))
    assert found["memcpy"][0] == found["__libc_start_main"][0] == "musl"
    assert found["main"][0] == "my_program"
    assert found["_start"][0] == "musl", "crt1.o has it"
    assert found["__udivti3"][0] == "compiler_builtins"


def test_the_entry_is_the_runtimes_where_there_is_one(tmp_path: Path) -> None:
    runtime = Sym("_RNvC8ostoo_rt4exit", 30, 4)
    for symbols in ((runtime,), (runtime, Sym("__libc_start_main", 34))):
        found = rows(report(tmp_path, replace(EXAMPLE, symbols=(*EXAMPLE.symbols[:2], *symbols))))
        assert found["_start"][0] == found["ostoo_rt::exit"][0] == "ostoo_rt"


@settings(deadline=None)
@given(st.lists(st.builds(Sym, st.sampled_from("abc"), st.integers(0, 40), st.integers(0, 60),
                          st.sampled_from((NOTYPE, OBJECT, 2)), in_data=st.booleans()), max_size=8))  # fmt: skip
def test_rows_add_up_whatever_symbols_say(tmp_path_factory: pytest.TempPathFactory, symbols: list[Sym]) -> None:
    linked = replace(EXAMPLE, symbols=(*EXAMPLE.symbols, *symbols))
    found = report(tmp_path_factory.getbasetemp(), linked)
    assert sum(part.size for part in found.parts) == found.file_size == len(linked.stripped())


def test_two_different_programs_are_told(tmp_path: Path) -> None:
    shipped, unstripped = EXAMPLE.write(tmp_path)
    shipped.write_bytes(replace(EXAMPLE, data=EXAMPLE.data[:-1] + b"!").stripped())
    with pytest.raises(OstooError, match="these are two different programs"):
        size_report.analyse(shipped, unstripped, "example")


def test_a_program_without_symbols_is_told(tmp_path: Path) -> None:
    shipped, _ = EXAMPLE.write(tmp_path)
    with pytest.raises(OstooError, match="it has no symbols"):
        size_report.analyse(shipped, shipped, "example")


def test_a_table_tells_the_largest_first(tmp_path: Path) -> None:
    text = size_report.table(report(tmp_path), whole=False)
    assert text.startswith(f"my-program: {len(EXAMPLE.stripped())} bytes")
    sizes = [int(line.split()[0]) for line in text.split("function, data\n")[1].splitlines()]
    assert sizes == sorted(sizes, reverse=True)


def test_more_rows_than_are_shown_are_summed_up(tmp_path: Path) -> None:
    symbols = tuple(Sym(f"f{at}", at, 1) for at in range(36))
    found = report(tmp_path, replace(EXAMPLE, symbols=symbols))
    short, long = size_report.table(found, whole=False), size_report.table(found, whole=True)
    hidden = len(found.parts) - 25
    assert f"{hidden} more; --all shows them" in short.splitlines()[-1]
    assert len(long.splitlines()) == len(short.splitlines()) - 1 + hidden


def test_a_comparison_names_what_became_larger_and_smaller() -> None:
    before = with_functions({"old": 10, "same": 5, "gone": 1})
    after = with_functions({"old": 30, "same": 5, "new": 2})
    assert size_report.comparison(before, after, whole=False).splitlines() == [
        "example: 16 -> 37 bytes (+21)",
        "",
        "  change   before    after  crate",
        "     +21       16       37  abc",
        "",
        "  change   before    after  section",
        "     +21       16       37  .text",
        "",
        "  change   before    after  function, data",
        "     +20       10       30  abc                old",
        "      +2        0        2  abc                new",
        "      -1        1        0  abc                gone",
    ]


def test_equal_programs_have_no_changes(tmp_path: Path) -> None:
    found = report(tmp_path)
    assert size_report.comparison(found, found, whole=False).endswith("(+0)\nno size changed\n")


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = report(tmp_path)
    (tmp_path / "report.json").write_text(found.to_json())
    assert size_report.of_file(tmp_path / "report.json") == found


@pytest.mark.parametrize("name", ["my-program", "my-program.debug"])
def test_a_program_elsewhere_is_reported_with_the_one_beside_it(tmp_path: Path, name: str) -> None:
    EXAMPLE.write(tmp_path, "my-program")
    assert size_report.of_file(tmp_path / name).parts == report(tmp_path).parts


def test_a_program_without_the_other_beside_it_is_told(tmp_path: Path) -> None:
    shipped, unstripped = EXAMPLE.write(tmp_path)
    unstripped.unlink()
    with pytest.raises(OstooError, match="no such program"):
        size_report.of_file(shipped)


def test_the_page_needs_no_other_file_and_holds_the_report(tmp_path: Path) -> None:
    found = structs.replace(report(tmp_path), program="</script><b>")
    page = found.to_page({"command": "ostoo size"})
    assert "</script><b>" not in page
    assert not {"src=", "href=", "@import", "url("} & set(page.replace('"', " ").split())
    start = page.index("const data = ") + len("const data = ")
    assert json.loads(page[start : page.index(";\n", start)])["file_size"] == found.file_size
