from pathlib import Path

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.boot import qemu as qemu_system
from ostoo_build.fetch.debian_packages import Project


def silent(_line: str) -> None:
    pass


def program(path: Path) -> Path:
    fake.write(path, "#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_qemu_from_path_is_taken_as_it_is(tmp_path: Path) -> None:
    on_path = program(tmp_path / "bin/qemu-system-x86_64")
    program(tmp_path / ".toolchain/qemu-system/usr/bin/qemu-system-x86_64")
    environ = {"PATH": str(on_path.parent)}
    found = qemu_system.find_or_provide("EM_X86_64", Project(tmp_path, environ, silent))
    assert (found.command, found.environment) == ((str(on_path),), environ)


def test_an_unpacked_qemu_finds_its_libraries_and_firmware(tmp_path: Path) -> None:
    folder = tmp_path / ".toolchain/qemu-system"
    unpacked = program(folder / "usr/bin/qemu-system-x86_64")
    for place in ("lib", "usr/lib"):
        (folder / place / "x86_64-linux-gnu").mkdir(parents=True)
    found = qemu_system.find_or_provide("EM_X86_64", Project(tmp_path, {"PATH": "", "HOME": "/h"}, silent))
    share = folder / "usr/share"
    assert found.command == (str(unpacked), "-L", f"{share}/qemu", "-L", f"{share}/seabios")
    libraries = f"{folder}/lib/x86_64-linux-gnu:{folder}/usr/lib/x86_64-linux-gnu"
    assert found.environment == {"PATH": "", "HOME": "/h", "LD_LIBRARY_PATH": libraries}


def test_another_qemu_has_another_identity(tmp_path: Path) -> None:
    on_path = program(tmp_path / "bin/qemu-system-x86_64")
    found = qemu_system.find_or_provide("EM_X86_64", Project(tmp_path, {"PATH": str(on_path.parent)}, silent))
    before = found.sha256
    on_path.write_text("#!/bin/bash\n")
    assert found.sha256 != before


def test_without_qemu_and_without_debian_that_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(OstooError, match="there is no qemu-system-x86_64: ") as caught:
        qemu_system.find_or_provide("EM_X86_64", Project(tmp_path, {"PATH": str(tmp_path)}, said.append))
    assert caught.value.remedy == "install qemu-system-x86, or put qemu-system-x86_64 on PATH"
    assert said == ["QEMU: some Debian packages, 20 MB, for this project only"]
    assert [path.name for path in (tmp_path / ".toolchain").iterdir() if path.suffix != ".lock"] == []
