from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build import configuration
from ostoo_build.errors import OstooError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_command_line_goes_before_the_file_and_that_before_the_default(tmp_path: Path) -> None:
    assert configuration.read(tmp_path, {})["profile"] == "release"
    (tmp_path / "ostoo.toml").write_text('profile = "dev"\ncache = "off"\n')
    found = configuration.read(tmp_path, {"profile": "size"})
    assert (found["profile"], found["cache"], found["sysroot"]) == ("size", "off", "zig")


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("", {"cach": "x"}, "there is no variable cach"),
        ('cach = "x"', {}, "there is no variable cach"),
        ("cache = 1", {}, "cache is no text"),
        ("cache", {}, "not valid TOML"),
        ("", {"remote_upload": "yes"}, "remote_upload=yes is neither on nor off"),
    ],
)
def test_a_mistake_is_told(text: str, words: dict[str, str], message: str, tmp_path: Path) -> None:
    (tmp_path / "ostoo.toml").write_text(text)
    with pytest.raises(OstooError, match=message):
        configuration.read(tmp_path, words)


def test_a_mistake_in_the_file_is_placed_there(tmp_path: Path) -> None:
    (tmp_path / "ostoo.toml").write_text('cach = "x"')
    with pytest.raises(OstooError) as caught:
        configuration.read(tmp_path, {})
    assert caught.value.where == str(tmp_path / "ostoo.toml")
    assert "cache" in caught.value.remedy
