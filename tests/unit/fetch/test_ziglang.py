from __future__ import annotations

import base64
import hashlib
import shutil
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sysroot_trees import MACHINE, write

from ostoo_build.base import digest, locks, process
from ostoo_build.base.errors import OstooError
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.fetch import ziglang
from ostoo_build.sysroot import install as sysroot
from ostoo_build.sysroot import zig as sysroot_zig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from filelock import FileLock

PIN = b"# comment\nziglang==1.2.3 \\\n    --hash=sha256:00\n"


REAL_PIN, REAL_FIXES = ziglang.REQUIREMENTS, sysroot_zig.FIXES


@pytest.fixture(autouse=True)
def _pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a pin and fixes of its own."""
    monkeypatch.setattr(ziglang, "REQUIREMENTS", tmp_path / REAL_PIN.name)
    monkeypatch.setattr(sysroot_zig, "FIXES", tmp_path / REAL_FIXES.name)


def project(folder: Path, fixes: bytes = b"fix = []\n") -> Path:
    ziglang.REQUIREMENTS.write_bytes(PIN)
    sysroot_zig.FIXES.write_bytes(fixes)
    return folder


def pack(package: Path) -> None:
    """Write the record that a wheel brings, as pip leaves it beside the package."""
    files = sorted(path for path in package.rglob("*") if path.is_file())
    digests = [base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=") for path in files]
    names = [path.relative_to(package.parent).as_posix() for path in files]
    lines = [f"{name},sha256={digest.decode()},9" for name, digest in zip(names, digests, strict=True)]
    lines.append("ziglang-1.2.3.dist-info/RECORD,,")
    write(package.parent, {"ziglang-1.2.3.dist-info/RECORD": "\n".join(lines).encode()})


def as_fetched(package: Path) -> None:
    """Write a wheel's package where it lies once it was fetched."""
    pack(package)
    information = package.parent / "ziglang-1.2.3.dist-info"
    (information / "RECORD").rename(package / "RECORD")
    information.rmdir()
    package.rename(package.with_name("ziglang-1.2.3"))


def with_zig(folder: Path, returncode: int) -> None:
    zig = folder / ".toolchain/ziglang"
    files = {f"lib/libc/{name}/bits/x.h": b"" for name in ("include/x86_64-linux-musl", "include/generic-musl")}
    files |= {"lib/libc/musl/arch/x86_64/syscall_arch.h": b"", "lib/libc/musl/include/stdio.h": b""}
    files |= {f"lib/libc/musl/crt/{name}": b"" for name in ("crt1.c", "crti.c", "crtn.c")}
    files |= {"lib/libc/musl/src/malloc/mallocng/malloc.c": b"", "lib/libc/musl/src/locale/iconv.c": b"hole\n"}
    write(zig, files | {"zig": f"#!/bin/sh\necho no memory >&2\nexit {returncode}\n".encode()})
    (zig / "zig").chmod(0o755)
    as_fetched(zig)


@pytest.mark.parametrize("name", [REAL_PIN.name, REAL_FIXES.name])
def test_another_pin_or_fix_is_another_key(tmp_path: Path, name: str) -> None:
    before = sysroot.key(sysroot_zig.factory("", project(tmp_path)), MACHINE)
    (tmp_path / name).write_bytes(b"other")
    assert sysroot.key(sysroot_zig.factory("", tmp_path), MACHINE) != before


def test_the_pin_names_a_digest_for_each_platform() -> None:
    lines = REAL_PIN.read_text().splitlines()
    assert len({line for line in lines if "--hash=sha256:" in line}) == 4


def test_every_fix_says_what_it_mends() -> None:
    fixes = tomllib.loads(REAL_FIXES.read_text())["fix"]
    assert [(fix["id"], fix["file"]) for fix in fixes] == [("CVE-2025-26519", "src/locale/iconv.c")]


def fix(before: bytes, after: bytes) -> bytes:
    digests = f'before = "{digest.of_bytes(before)}"\nafter = "{digest.of_bytes(after)}"\n'
    head = '[[fix]]\nid = "CVE-1"\nfile = "src/locale/iconv.c"\n'
    return f'{head}{digests}[[fix.edit]]\nold = "hole"\nnew = "patch"\n'.encode()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b"another file\n", b"patch\n", "the fix CVE-1 is for another version of src/locale/iconv.c"),
        (b"hole\n", b"something else\n", "the fix CVE-1 did not produce the expected src/locale/iconv.c"),
        (b"hole\n", b"patch\n", "zig could not build musl:\nno memory"),
    ],
)
def test_musl_is_compiled_only_after_the_fix_has_been_applied(
    tmp_path: Path, before: bytes, after: bytes, message: str
) -> None:
    with_zig(project(tmp_path, fix(before, after)), returncode=1)
    with pytest.raises(OstooError) as caught:
        sysroot.provide(sysroot_zig.factory("", tmp_path), MACHINE, tmp_path / "out", Jobserver(1))
    assert caught.value.what == message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"fix = 1", "fix is not an array of tables"),
        (b"fix = [1]", "fix is not an array of tables"),
        (b"[[fix]]", "file is missing"),
        (b"[[fix]]\nfile = 1", "file is not a string"),
        (b'[[fix]]\nfile = "src/locale/iconv.c"\nid = "a"', "before is missing"),
        (fix(b"hole\n", b"patch\n").replace(b'new = "patch"', b"new = []"), "new is not a string"),
        (fix(b"hole\n", b"patch\n").replace(b"[[fix.edit]]", b"[fix.edit]"), "edit is not an array of tables"),
    ],
)
def test_fixes_of_another_shape_are_refused(said: bytes, told: str, tmp_path: Path) -> None:
    with_zig(project(tmp_path, said), returncode=1)
    with pytest.raises(OstooError) as caught:
        sysroot.provide(sysroot_zig.factory("", tmp_path), MACHINE, tmp_path / "out", Jobserver(1))
    assert (caught.value.what, caught.value.where) == (told, str(sysroot_zig.FIXES))


def test_a_wheel_that_is_there_is_not_fetched(tmp_path: Path) -> None:
    with_zig(project(tmp_path), returncode=0)
    assert ziglang.provide(tmp_path) == tmp_path / ".toolchain/ziglang-1.2.3"


def in_place_of(path: Path) -> Path:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    return path


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a file edited": lambda zig: (zig / "lib/libc/musl/crt/crt1.c").write_bytes(b"\n"),
    "a file lost": lambda zig: (zig / "lib/libc/musl/crt/crt1.c").unlink(),
    "a file more": lambda zig: (zig / "lib/libc/musl/crt/crt2.c").write_bytes(b""),
    "a folder in the place of a file": lambda zig: in_place_of(zig / "zig").mkdir(),
    "a folder that is a link": lambda zig: (zig / "lib/libc/musl/src/crt").symlink_to("../crt"),
    "no record": lambda zig: (zig / "RECORD").unlink(),
    "a record that is none": lambda zig: (zig / "RECORD").write_bytes(b"ziglang/zig\n"),
    "a digest that is none": lambda zig: (zig / "RECORD").write_bytes(b"ziglang/zig,sha256=x,1\n"),
    "a line lost": lambda zig: (zig / "RECORD").write_bytes((zig / "RECORD").read_bytes().partition(b"\n")[2]),
    "a file in the place of all": lambda zig: in_place_of(zig).write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_wheel_that_was_damaged_is_fetched_anew(
    damage: Callable[[Path], object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with_zig(project(tmp_path), returncode=0)
    lying = tmp_path / ".toolchain/ziglang-1.2.3"
    whole = tmp_path / "whole"
    shutil.copytree(lying, whole / "ziglang", ignore=shutil.ignore_patterns("RECORD"))

    def pip(_argv: list[str], *, cwd: Path, env: object) -> process.Completed:
        assert env
        shutil.copytree(whole, cwd, dirs_exist_ok=True)
        pack(cwd / "ziglang")
        return process.Completed(0, b"", b"")

    damage(lying)
    monkeypatch.setattr(process, "run", pip)
    ziglang.provide(tmp_path)
    assert "zig again, as the one in .toolchain was modified: some 80 MB" in capsys.readouterr().err
    monkeypatch.setattr(process, "run", None)
    assert ziglang.provide(tmp_path) == lying
    assert sorted(path.name for path in lying.parent.iterdir()) == ["lock", "ziglang-1.2.3"]
    for path in (path for path in (whole / "ziglang").rglob("*") if path.is_file()):
        assert lying.joinpath(path.relative_to(whole / "ziglang")).read_bytes() == path.read_bytes()


def test_a_failed_fetch_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = process.Completed(1, b"", b"no network\n")
    monkeypatch.setattr(process, "run", lambda *_args, **_options: failed)
    with pytest.raises(OstooError, match="no network") as caught:
        ziglang.provide(project(tmp_path))
    assert "sysroot=folder:" in caught.value.remedy
    assert [path.name for path in (tmp_path / ".toolchain").iterdir()] == ["lock"]


def test_a_fetch_checks_the_pinned_digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def pip(argv: list[str], *, cwd: Path, env: object) -> process.Completed:
        assert env
        commands.append(argv)
        write(cwd, {"ziglang/zig": b""})
        pack(cwd / "ziglang")
        return process.Completed(0, b"", b"")

    monkeypatch.setattr(process, "run", pip)
    assert (ziglang.provide(project(tmp_path)) / "zig").is_file()
    assert "--require-hashes" in commands[0]
    assert str(ziglang.REQUIREMENTS) in commands[0]


def test_two_builds_at_once_fetch_one_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[Path] = []
    at_the_lock: list[Path] = []
    both, lock = threading.Event(), locks.of_file

    def of_file(path: Path) -> FileLock:
        at_the_lock.append(path)
        if len(at_the_lock) == 2:
            both.set()
        return lock(path)

    def pip(_argv: list[str], *, cwd: Path, env: object) -> process.Completed:
        assert env
        fetched.append(cwd)
        assert both.wait(60), "the other one has found nothing"
        write(cwd, {"ziglang/zig": b""})
        pack(cwd / "ziglang")
        return process.Completed(0, b"", b"")

    monkeypatch.setattr(process, "run", pip)
    monkeypatch.setattr(locks, "of_file", of_file)
    project(tmp_path)
    with ThreadPoolExecutor() as pool:
        assert len({future.result() for future in [pool.submit(ziglang.provide, tmp_path) for _ in range(2)]}) == 1
    assert len(fetched) == 1


def test_requirements_without_a_version_are_refused(tmp_path: Path) -> None:
    ziglang.REQUIREMENTS.write_bytes(b"ziglang>=1\n")
    with pytest.raises(OstooError, match="no line pins ziglang==VERSION"):
        ziglang.provide(tmp_path)
