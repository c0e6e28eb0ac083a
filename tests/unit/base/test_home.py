from __future__ import annotations

import pwd
from pathlib import Path
from types import SimpleNamespace

import pytest

from ostoo_build.base import home, user_cache
from ostoo_build.base.errors import OstooError


def passwd_says(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_dir=folder))


def nobody(_: int) -> None:
    raise KeyError("uid not found")


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}])
def test_the_passwd_home_is_taken_where_home_says_nothing(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    passwd_says(monkeypatch, "/home/ann")
    assert home.folder(environ) == Path("/home/ann")
    assert home.rustup(environ) == Path("/home/ann/.rustup")
    assert home.cargo({**environ, "CARGO_HOME": ""}) == Path("/home/ann/.cargo")


def test_what_the_environment_says_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    passwd_says(monkeypatch, "/home/ann")
    assert home.folder({"HOME": "/h"}) == Path("/h")
    assert home.rustup({"HOME": "/h", "RUSTUP_HOME": "/r"}) == Path("/r")
    assert home.cargo({"HOME": "/h", "CARGO_HOME": "/c"}) == Path("/c")


def test_what_decides_a_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    passwd_says(monkeypatch, "/home/ann")
    assert home.place({}) == (Path("/home/ann"), home.OF_USER)
    assert home.rustup_place({"HOME": "/h"}) == (Path("/h/.rustup"), "HOME")
    assert home.rustup_place({"HOME": "/h", "RUSTUP_HOME": "/r"}) == (Path("/r"), "RUSTUP_HOME")
    assert home.cargo_place({"CARGO_HOME": "/c"}) == (Path("/c"), "CARGO_HOME")


def test_a_user_without_a_home_is_told_and_not_needed_one_where_all_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert home.rustup({"RUSTUP_HOME": "/r"}) == Path("/r")
    with pytest.raises(OstooError, match="has no home folder") as caught:
        home.cargo({})
    assert caught.value.remedy == "set HOME"


@pytest.mark.parametrize("cache", [None, "", "relative"])
@pytest.mark.parametrize("own", [None, ""])
def test_the_users_cache_lies_in_the_passwd_home_where_home_says_nothing(
    own: str | None, cache: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwd_says(monkeypatch, "/home/ann")
    for name, value in (("HOME", own), ("XDG_CACHE_HOME", cache)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert user_cache.folder() == Path("/home/ann/.cache/ostoo-build")


def test_a_named_cache_folder_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/ann")
    assert user_cache.folder() == Path("/var/cache/ann/ostoo-build")
    monkeypatch.setenv("HOME", "")
    assert user_cache.folder() == Path("/var/cache/ann/ostoo-build")
