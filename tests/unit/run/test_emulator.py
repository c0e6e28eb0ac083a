from pathlib import Path

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.run import emulator

SAID: list[str] = []


def program(path: Path) -> Path:
    fake.write(path, "#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_qemu_from_path_is_taken_first(tmp_path: Path) -> None:
    on_path = program(tmp_path / "bin/qemu-riscv64")
    program(tmp_path / emulator.FOLDER / "usr/bin/qemu-riscv64-static")
    environ = {"PATH": str(on_path.parent)}
    assert emulator.qemu_user("EM_RISCV", tmp_path, environ, SAID.append) == on_path


@pytest.mark.parametrize("name", ["qemu-aarch64", "qemu-aarch64-static"])
def test_an_unpacked_qemu_is_found_under_either_name(tmp_path: Path, name: str) -> None:
    unpacked = program(tmp_path / emulator.FOLDER / "usr/bin" / name)
    assert emulator.qemu_user("EM_AARCH64", tmp_path, {"PATH": ""}, SAID.append) == unpacked


def test_a_machine_that_qemu_is_not_asked_for_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="no emulator for EM_68K is supported"):
        emulator.qemu_user("EM_68K", tmp_path, {}, SAID.append)


def test_without_qemu_and_without_debian_that_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(OstooError, match="there is no qemu-aarch64: ") as caught:
        emulator.qemu_user("EM_AARCH64", tmp_path, {"PATH": str(tmp_path)}, said.append)
    assert caught.value.remedy == "install QEMU's user mode"
    assert len(said) == 1
    assert [path.name for path in (tmp_path / ".toolchain").iterdir() if path.suffix != ".lock"] == []


@pytest.mark.parametrize(
    ("system", "host", "machine", "natively"),
    [
        ("linux", "x86_64", "EM_X86_64", True),
        ("linux", "x86_64", "EM_AARCH64", False),
        ("linux", "aarch64", "EM_AARCH64", True),
        ("darwin", "x86_64", "EM_X86_64", False),
    ],
)
def test_a_linux_program_runs_on_its_own_machine(
    monkeypatch: pytest.MonkeyPatch, system: str, host: str, machine: str, *, natively: bool
) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("platform.machine", lambda: host)
    assert emulator.runs_natively(machine) is natively
