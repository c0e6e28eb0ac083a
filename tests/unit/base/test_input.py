from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import NOTHING, changed, is_executable, refuse_odd

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("mode", "executable"), [(0o755, True), (0o700, True), (0o100, True), (0o655, False)])
def test_a_file_is_executable_by_its_owners_word(mode: int, *, executable: bool, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    assert is_executable(path.stat()) == executable


def test_an_empty_folder_has_the_digest_of_an_empty_message() -> None:
    assert digest.of_bytes(b"") == NOTHING


def test_what_did_not_hold_still_is_named() -> None:
    assert str(changed("a/b.rs")) == "error: a/b.rs changed while it was being used\n  help: run the build again"


@pytest.mark.parametrize("name", ["a", "a b.rs", "ü.rs", "@", "{a}", "a@b"])
def test_a_name_may_be_odd(name: str) -> None:
    refuse_odd("folder", [name])


@pytest.mark.parametrize(
    ("name", "what", "where"),
    [
        ("@{root}", "a file name contains @{, which marks a placeholder in portable paths", "folder/@{root}"),
        ("a/b@{", "a file name contains @{, which marks a placeholder in portable paths", "folder/a/b@{"),
        (os.fsdecode(b"a\xff"), "a file name is not UTF-8: b'a\\xff'", "folder"),
    ],
)
def test_a_name_that_no_key_can_hold_is_refused(name: str, what: str, where: str) -> None:
    with pytest.raises(OstooError) as caught:
        refuse_odd("folder", ["good", name])
    assert (caught.value.what, caught.value.where, caught.value.remedy) == (what, where, "rename it")
