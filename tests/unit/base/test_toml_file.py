from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import toml_file
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.toml"


@pytest.mark.parametrize("text", ['a = "ü"\n', 'a = "ü"\r\n', '# first\na = "ü"'])
def test_a_document_is_read(text: str, path: Path) -> None:
    path.write_bytes(text.encode())
    assert toml_file.load(path) == {"a": "ü"}


NEWER = (
    'a = "\\xfc"\n',
    'a = "ü"\nb = {\n  c = 1, # of 1.1\n  d = "\\e",\n}\n',
    'a = "ü"\nb = 07:32\n',
    '\ufeffa = "ü"\n',
)


@pytest.mark.parametrize("text", NEWER)
def test_a_document_is_read_that_only_newer_parsers_of_cargo_read(text: str, path: Path) -> None:
    path.write_bytes(text.encode())
    assert toml_file.load(path)["a"] == "ü"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"a = 1\nb =\nc = 1", "not valid TOML: .*line 2"),
        (b"\xff", "not valid TOML: 'utf-8' codec can't decode"),
        (b"a = " + b"[" * 100_000, "not valid TOML"),
    ],
)
def test_what_is_no_document_is_one_message(content: bytes, what: str, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(OstooError, match=what) as caught:
        toml_file.load(path)
    assert caught.value.where == str(path)


def test_what_is_no_file_is_one_message(path: Path) -> None:
    for make, what in ((os.mkfifo, "can't read it"), (os.mkdir, "can't read it")):
        make(path)
        with pytest.raises(OstooError, match=what):
            toml_file.load(path)
        path.rmdir() if path.is_dir() else path.unlink()
    with pytest.raises(OstooError, match="no such file"):
        toml_file.load(path)
