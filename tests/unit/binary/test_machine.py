from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import symbol_elfs

from ostoo_build.base.errors import OstooError
from ostoo_build.binary.machine import machine_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("machine", "word"),
    [(symbol_elfs.X86, "EM_X86_64"), (symbol_elfs.ARM, "EM_AARCH64"), (symbol_elfs.RISC_V, "EM_RISCV")],
)
def test_a_program_is_for_one_machine(machine: int, word: str, tmp_path: Path) -> None:
    shipped, _ = symbol_elfs.Linked(b"\xc3", machine=machine).write(tmp_path)
    assert machine_of(shipped) == word


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF", None])
def test_what_is_no_program_is_one_message(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "program"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OstooError, match="can't run it: ") as caught:
        machine_of(path)
    assert caught.value.where == str(path)
