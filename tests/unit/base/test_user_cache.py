from __future__ import annotations

from pathlib import Path

import pytest

from ostoo_build.base import home, user_cache
from ostoo_build.base.errors import OstooError
from ostoo_build.base.home import Place


@pytest.mark.parametrize(
    ("variables", "expected", "decided_by"),
    [
        ({"HOME": "/home/a"}, "/home/a/.cache/ostoo-build", "HOME"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "/var/a"}, "/var/a/ostoo-build", "XDG_CACHE_HOME"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "relative"}, "/home/a/.cache/ostoo-build", "HOME"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": ""}, "/home/a/.cache/ostoo-build", "HOME"),
        ({"HOME": "", "XDG_CACHE_HOME": "/var/a"}, "/var/a/ostoo-build", "XDG_CACHE_HOME"),
    ],
)
def test_the_folder_is_where_the_user_says(
    variables: dict[str, str], expected: str, decided_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert user_cache.place() == (Path(expected), decided_by)
    assert user_cache.folder() == Path(expected)


def test_without_home_it_is_in_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(home, "place", lambda _environ: Place(Path("/home/of/passwd"), "passwd"))
    assert user_cache.folder() == Path("/home/of/passwd/.cache/ostoo-build")


def test_an_action_cache_is_the_users_or_the_named_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/a")
    assert {user_cache.chosen(word) for word in ("", "on", "off")} == {Path("/var/a/ostoo-build")}
    assert user_cache.chosen("/elsewhere") == Path("/elsewhere")


def test_a_note_is_for_its_user_only(tmp_path: Path) -> None:
    user_cache.note(tmp_path / "folder/note", b"text")
    assert (tmp_path / "folder/note").read_bytes() == b"text"
    assert (tmp_path / "folder/note").stat().st_mode & 0o777 == 0o600


def test_a_note_that_can_not_be_written_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    user_cache.note(tmp_path / "file/note", b"text")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_error_about_the_home_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_environ: object) -> Path:
        raise OstooError("there is no home folder")

    monkeypatch.setenv("HOME", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(home, "place", none)
    with pytest.raises(OstooError, match="there is no home folder"):
        user_cache.folder()
