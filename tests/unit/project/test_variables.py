from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.project import description
from ostoo_build.project import variables as build_variables
from ostoo_build.project.variables import Source

if TYPE_CHECKING:
    from pathlib import Path


def read(root: Path, words: dict[str, str]) -> dict[str, str]:
    return build_variables.values(description.read(root).variables, words)


def test_the_command_line_goes_before_the_file_and_that_before_the_default(tmp_path: Path) -> None:
    assert read(tmp_path, {})["profile"] == "release"
    (tmp_path / "ostoo.toml").write_text('profile = "dev"\ncache = "off"\n')
    found = read(tmp_path, {"profile": "size"})
    assert (found["profile"], found["cache"], found["sysroot"]) == ("size", "off", "zig")


def test_each_value_has_a_source(tmp_path: Path) -> None:
    text = '# two lines\n\nprofile = "dev"\n"cache" = """\noff"""\n[boot]\nshare = "user-rs"\n'
    (tmp_path / "ostoo.toml").write_text(text)
    found = build_variables.settings(description.read(tmp_path).variables, {"profile": "size"})
    assert found["profile"] == ("size", Source.COMMAND_LINE)
    assert found["cache"] == ("off", Source.FILE)
    assert found["sysroot"] == ("zig", Source.DEFAULT)
    assert description.written(tmp_path) == {
        ("profile",): ("dev", 3),
        ("cache",): ("off", 4),
        ("boot", "share"): ("user-rs", 7),
    }


def test_without_a_file_nothing_has_a_line(tmp_path: Path) -> None:
    assert description.written(tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("", {"cach": "x"}, "unknown variable cach"),
        ('cach = "x"', {}, "unknown key or variable cach"),
        ("cache = 1", {}, "cache is not a string"),
        ("cache", {}, "not valid TOML"),
        ("", {"remote_upload": "yes"}, "remote_upload=yes is neither on nor off"),
    ],
)
def test_a_mistake_is_told(text: str, words: dict[str, str], message: str, tmp_path: Path) -> None:
    (tmp_path / "ostoo.toml").write_text(text)
    with pytest.raises(OstooError, match=message):
        read(tmp_path, words)


def test_a_mistake_in_the_file_is_placed_there(tmp_path: Path) -> None:
    (tmp_path / "ostoo.toml").write_text('cach = "x"')
    with pytest.raises(OstooError) as caught:
        read(tmp_path, {})
    assert caught.value.where == f"{tmp_path}/ostoo.toml:1"
    assert "cache" in caught.value.remedy


@pytest.mark.parametrize("value", ["0", "-1", "9" * 5000, "1e3", "", " 5", "٣", "10000"])
def test_how_many_run_at_once_is_a_small_number(value: str, tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="remote_jobs="):
        read(tmp_path, {"remote_jobs": value})


@pytest.mark.parametrize("name", ["target", "profile", "sysroot", "cache_size", "kernel", "DEPLOY_DIR"])
@pytest.mark.parametrize("value", ["", "  "])
def test_a_variable_that_means_something_is_not_empty(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(OstooError, match=f"{name}= is empty"):
        read(tmp_path, {name: value})
    assert read(tmp_path, {"cache": "", "CARGO": ""})["CARGO"] == ""
