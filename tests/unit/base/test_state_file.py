from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import state_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def _nothing_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_file, "damaged", {})


def huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(1 << 40)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def linked(path: Path) -> None:
    (path.parent / "other").write_text("other")
    path.symlink_to("other")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a folder": lambda path: path.mkdir(),
    "a folder with something in it": lambda path: (path / "a/b").mkdir(parents=True),
    "a pipe": os.mkfifo,
    "a socket": listening,
    "a link": linked,
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "huge": huge,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_told_once_though_nobody_writes_it_anew(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state"
    DAMAGES[damage](path)
    assert state_file.recall(path) is None
    monkeypatch.setattr(state_file, "damaged", {})
    assert state_file.recall(path) is None
    assert state_file.damaged == {}
    assert not os.path.lexists(path)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.timeout(20)
def test_what_is_no_file_of_ours_is_damaged_and_can_be_written_over(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "state"
    DAMAGES[damage](path)
    with pytest.raises(OSError, match="state"):
        state_file.read(path)
    assert state_file.recall(path) is None
    assert list(state_file.damaged) == [str(path)]
    state_file.write(path, b"new")
    assert state_file.recall(path) == b"new"
    assert not path.is_symlink()
    if damage == "a link":
        assert (tmp_path / "other").read_text() == "other"


def test_what_is_not_there_is_not_damaged(tmp_path: Path) -> None:
    assert state_file.recall(tmp_path / "state") is None
    assert state_file.recall(tmp_path / "folder/state") is None
    assert not state_file.damaged


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        state_file.write(tmp_path / "folder/state", b"new")
        (tmp_path / "open").touch(0o666)
        state_file.write(tmp_path / "open", b"new")
    finally:
        os.umask(old)
    assert (tmp_path / "folder/state").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o600


def test_what_can_not_be_written_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state"
    state_file.write(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        state_file.write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_may_not_be_read_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state"
    state_file.write(path, b"old")
    reads = os.open

    def refuse(name: os.PathLike[str], flags: int, *mode: int) -> int:
        if flags & os.O_WRONLY:
            return reads(name, flags, *mode)
        raise PermissionError(13, "Permission denied", str(name))

    monkeypatch.setattr(os, "open", refuse)
    assert state_file.recall(path) is None
    assert list(state_file.damaged) == [str(path)]
    state_file.write(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"new"


def test_each_flipped_bit_of_what_is_sealed_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "state"
    good = state_file.sealed(b'{"a": 1}')
    state_file.write(path, good)
    assert state_file.recall_json(path) == {"a": 1}
    for bit in range(8 * len(good)):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        state_file.write(path, bytes(flipped))
        state_file.damaged.clear()
        assert state_file.recall_json(path) is None
        is_another_number = flipped[:1].isdigit() and bytes(flipped[1:]) == good[1:]
        assert bool(state_file.damaged) != is_another_number


@pytest.mark.parametrize("number", ["", "1 ", f"{state_file.FORMAT + 1} ", f"{state_file.FORMAT}0 "])
def test_state_of_another_version_is_neither_read_nor_damaged(number: str, tmp_path: Path) -> None:
    good = state_file.sealed(b'{"a": 1}').decode()
    own = f"{state_file.FORMAT} "
    assert good.startswith(own)
    state_file.write(tmp_path / "state", (number + good.removeprefix(own)).encode())
    state_file.damaged.clear()
    assert state_file.recall_json(tmp_path / "state") is None
    assert not state_file.damaged


@pytest.mark.parametrize(
    "content", [b"", b"[" * 100_000, b'{"a":' * 100_000, b"\xff", b"{", b"\n"], ids=lambda content: repr(content[:9])
)
def test_what_is_no_document_is_damaged(content: bytes, tmp_path: Path) -> None:
    for damage in (content, state_file.sealed(content)):
        state_file.write(tmp_path / "state", damage)
        assert state_file.recall_json(tmp_path / "state") is None
        assert list(state_file.damaged) == [str(tmp_path / "state")]
