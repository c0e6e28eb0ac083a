from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from symbol_elfs import DATA, TEXT, Linked, functions

from ostoo_build.base.errors import OstooError
from ostoo_build.loader.contract import Stack
from ostoo_build.stack import report as stack_report

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.stack.report import StackReport

GIVEN = Stack(32 << 10, "the loader maps no more")


def report(folder: Path, linked: Linked, given: Stack | None = GIVEN) -> StackReport:
    _, unstripped = linked.write(folder)
    return stack_report.analyse(unstripped, "example", given)


def program(*code: str, data: bytes = b"data") -> Linked:
    return Linked(*functions(*code), data=data)


# a: sub rsp, 24; call b; ud2.  b: push, push, ret
BOUNDED = program("4883ec18 e802000000 0f0b", "50 50 58 58 c3")


def test_a_program_whose_calls_are_all_known_is_bounded(tmp_path: Path) -> None:
    found = report(tmp_path, BOUNDED)
    assert found.bound == 24 + 8 + 16 + 128
    assert stack_report.table(found).splitlines() == [
        "example: the deepest known chain of calls",
        "",
        "   bytes   in all  function",
        "      32       32  a",
        "      16       48  b",
        "     128      176  (the red zone below the last one)",
        "",
        "bounded: example needs at most 176 bytes of stack",
        "it fits into the loader's stack of 32768 bytes (32.0 KiB), which argv shares",
    ]


def test_what_needs_more_than_the_loader_gives_does_not_fit(tmp_path: Path) -> None:
    found = report(tmp_path, BOUNDED, Stack(100, "it is a small one"))
    assert not found.fits
    assert stack_report.table(found).endswith("which argv shares: it is a small one\n")
    assert report(tmp_path, BOUNDED, Stack(176, "it is enough")).fits


def test_without_a_contract_nothing_is_compared(tmp_path: Path) -> None:
    found = report(tmp_path, BOUNDED, None)
    assert found.fits
    assert stack_report.table(found).endswith("no loader contract says how large the stack is\n")


def test_recursion_has_no_bound(tmp_path: Path) -> None:
    found = report(tmp_path, program("50 e802000000 58 c3", "7405 e8f1ffffff c3"))
    assert (found.bound, found.cycles) == (None, (("a", "b"),))
    assert "recursion 1: a, b\n" in stack_report.table(found)
    assert "not bounded, because of 1 recursion: the known part needs" in stack_report.table(found)


def test_an_indirect_call_has_no_bound_but_a_supposition(tmp_path: Path) -> None:
    # b's address is in the data, c's is nowhere
    pointers = (TEXT + 5).to_bytes(8, "little")
    found = report(tmp_path, program("50 ffd0 58 c3", "50 58 c3", "50 50 50 58 58 58 c3", data=pointers))
    assert found.bound is None
    assert found.indirect[0].places == (f"{TEXT + 1:#x}: call rax",)
    assert (found.supposed.taken, found.supposed.bound) == (1, 16 + 8 + 128)
    assert "may reach any of 1 function whose address is taken: at most 152 bytes" in stack_report.table(found)


def test_a_recursive_supposition_bounds_what_is_entered_once(tmp_path: Path) -> None:
    pointers = (TEXT + 5).to_bytes(8, "little")
    found = report(tmp_path, program("50 ffd0 58 c3", "50 ffd0 58 c3", data=pointers))
    assert (found.supposed.bound, found.supposed.recursive) == (None, 1)
    assert found.supposed.once == 16 + 16 + 128


def test_an_unknown_frame_has_no_bound(tmp_path: Path) -> None:
    found = report(tmp_path, program("4829c4 c3"))
    assert found.bound is None
    assert f"not known: a: a stack pointer that can't be followed at {TEXT:#x}: sub rsp, rax\n" in stack_report.table(
        found
    )


def test_what_is_not_reached_does_not_count(tmp_path: Path) -> None:
    assert report(tmp_path, program("c3", "4829c4 ffd0 c3")).bound == 128


def test_libc_is_taken_to_call_main(tmp_path: Path) -> None:
    linked = program("50 ffd0 0f0b", "50 50 50 58 58 58 c3")
    symbols = tuple(replace(each, name={"a": "__libc_start_main", "b": "main"}[each.name]) for each in linked.symbols)
    found = report(tmp_path, replace(linked, symbols=symbols))
    assert [row.function for row in found.chain] == ["__libc_start_main", "main"]
    assert found.known == 16 + 24 + 128
    assert found.bound is None


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = report(tmp_path, BOUNDED)
    (tmp_path / "report.json").write_text(found.to_json())
    assert stack_report.read(tmp_path / "report.json") == found


@pytest.mark.parametrize("text", ["{", "{}", None])
def test_a_damaged_report_is_told(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "report.json").write_text(text)
    with pytest.raises(OstooError, match="can't read the report"):
        stack_report.read(tmp_path / "report.json")


def test_a_program_without_symbols_is_told(tmp_path: Path) -> None:
    shipped, _ = BOUNDED.write(tmp_path)
    with pytest.raises(OstooError, match="it has no symbols"):
        stack_report.analyse(shipped, "example", None)


def test_an_entry_point_elsewhere_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match=f"its entry point {DATA:#x} is not a function"):
        report(tmp_path, replace(BOUNDED, entry=DATA - TEXT))


def test_another_processor_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="can't analyse code for EM_PPC64"):
        report(tmp_path, replace(BOUNDED, machine=21))
