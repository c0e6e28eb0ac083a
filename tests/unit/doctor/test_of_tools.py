from __future__ import annotations

from typing import TYPE_CHECKING

import fake_toolchains as fake

from ostoo_build.doctor import of_tools
from ostoo_build.doctor.subject import Subject
from ostoo_build.sysroot.contract import MACHINES

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_qemu_that_was_unpacked_for_the_project_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts with the libraries that were unpacked beside it."""
    folder = tmp_path / ".toolchain/qemu-system"
    libraries = folder / "usr/lib/x86_64-linux-gnu"
    libraries.mkdir(parents=True)
    said = f'[ "$LD_LIBRARY_PATH" = {libraries} ] && echo QEMU emulator version 9.0'
    fake.script(folder / "usr/bin/qemu-system-x86_64", said)
    monkeypatch.setattr(Subject, "machines", {"x86_64-ostoo-user": MACHINES["x86_64"]})
    found = of_tools.qemu(Subject(tmp_path, (), {"PATH": ""}))
    assert found.value.endswith("for kernels of EM_X86_64: QEMU emulator version 9.0")
