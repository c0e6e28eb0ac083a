from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import digest, wheel_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {"a/b.py": b"b", 'a/"c, d".txt': b"c", "a/empty": b""}


def line(name: str, content: bytes) -> str:
    sha256 = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    quoted = '"{}"'.format(name.replace('"', '""'))
    return f"{quoted},sha256={sha256},{len(content)}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    lines = [*(line(*entry) for entry in FILES.items()), "a.dist-info/RECORD,,", "a/b.md5,md5=x,1"]
    (tmp_path / "RECORD").write_text("\n".join(lines))
    return tmp_path


def test_files_are_read_with_their_digests(folder: Path) -> None:
    recorded = wheel_record.read(folder / "RECORD")
    assert recorded == {name: digest.of_bytes(content) for name, content in FILES.items()}
    assert wheel_record.altered(folder, recorded) is None


CHANGES: dict[str, Callable[[Path], object]] = {
    "edited": lambda path: path.write_bytes(b"B"),
    "lost": lambda path: path.unlink(),
    "cut": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_is_not_as_it_was_packed_is_named(change: str, folder: Path) -> None:
    CHANGES[change](folder / "a/b.py")
    assert wheel_record.altered(folder, wheel_record.read(folder / "RECORD")) == folder / "a/b.py"


@pytest.mark.parametrize("text", ["a", "a\n,", "a,sha256=a"])
def test_what_is_no_list_is_told(text: str, folder: Path) -> None:
    (folder / "RECORD").write_text(text)
    with pytest.raises(ValueError, match=r"."):
        wheel_record.read(folder / "RECORD")
