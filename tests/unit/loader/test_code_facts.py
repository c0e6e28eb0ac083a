from __future__ import annotations

from typing import TYPE_CHECKING

from elf_files import CONTRACT, EXIT, GOOD, START, STD, no_symbols, with_text
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ostoo_build.binary import disassembly
from ostoo_build.loader import check, code_facts
from ostoo_build.loader.code_facts import Code

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

GETPID = bytes.fromhex("b827000000 0f05")  # mov eax, 39; syscall
PIECES = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([GETPID, EXIT])), max_size=2)
CODES = st.tuples(st.sampled_from(sorted(disassembly.MACHINES)), PIECES).map(
    lambda parts: Code(parts[0], tuple(parts[1]), ())
)


@given(CODES, CODES)
def test_facts_hold_for_the_code_they_are_about(code: Code, other: Code) -> None:
    known = code_facts.find(other)
    assert code_facts.of(code, known) == code_facts.find(code)
    assert (code_facts.of(code, known) is known) == (code == other)
    assert code_facts.of(code, None) == code_facts.find(code)


def test_a_check_decodes_what_was_decoded_ahead_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = tmp_path / "program", tmp_path / "other"
    path.write_bytes(GOOD.data())
    other.write_bytes(with_text(START + GETPID + EXIT).data())
    ahead = {file: check.look_ahead(file.read_bytes(), CONTRACT) for file in (path, other)}
    reports = {file: check.verify(file, CONTRACT, STD, no_symbols) for file in ahead}
    assert reports[path].syscalls != reports[other].syscalls
    assert check.verify(path, CONTRACT, STD, no_symbols, ahead[other]) == reports[path]
    few = replace(CONTRACT, reasons={name: why for name, why in CONTRACT.reasons.items() if name != "no-avx"})
    assert check.verify(path, few, STD, no_symbols, ahead[path]).rules != reports[path].rules
    monkeypatch.setattr(disassembly, "listings", None)
    assert check.verify(path, CONTRACT, STD, no_symbols, ahead[path]) == reports[path]
