"""Rustup's toolchains are the user's. All is played: a home of its own, a rustup that notes what it is asked."""

from __future__ import annotations

import pwd
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.toolchain import provide as toolchain_provide
from ostoo_build.toolchain import rustup as toolchain_rustup

SITE_SCONS = Path(__file__).parents[3] / "site_scons"


class User:
    """Somebody whose rustup refuses everything, and notes it with the folder that it works on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.said: list[str] = []
        self.root = self.project("project")
        self.has_rustup("exit 1")

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}/bin:/usr/bin:/bin", "HOME": str(self.home)}

    def project(self, name: str) -> Path:
        return fake.write(self.folder / name / "rust-toolchain.toml", '[toolchain]\nchannel = "nightly"\n').parent

    def has_rustup(self, *lines: str) -> None:
        fake.script(self.folder / "bin/rustup", f"echo \"$RUSTUP_HOME: $*\" >> '{self.folder}/asked'", *lines)

    @property
    def asked(self) -> list[str]:
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def toolchain(self, name: str = f"nightly-{fake.HOST}") -> Path:
        return self.home / ".rustup/toolchains" / name

    def provide(self, environ: dict[str, str]) -> None:
        toolchain_rustup.provide(self.root, environ, self.said.append)


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> User:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    return User(tmp_path)


@pytest.mark.parametrize("own", [{}, {"HOME": ""}])
def test_without_home_the_users_toolchain_is_found(
    own: dict[str, str], user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_dir=str(user.home)))
    fake.sysroot(user.toolchain())
    environ = {"PATH": user.environ["PATH"], **own}
    found = toolchain_provide.find_or_provide(user.root, {}, environ, user.said.append)
    assert found.rustc == user.toolchain() / "bin/rustc"
    assert (user.asked, user.said) == ([], [])


def test_rustup_works_on_the_folder_that_was_looked_into(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_dir=str(user.home)))
    fake.sysroot(user.toolchain(), source=None)
    with pytest.raises(OstooError, match="rustup can't provide"):
        user.provide({"PATH": user.environ["PATH"]})
    assert user.asked == [f"{user.home}/.rustup: component add rust-src --toolchain nightly-{fake.HOST}"]


def test_a_toolchain_that_is_too_old_is_left_as_it_is(user: User) -> None:
    fake.sysroot(user.toolchain(), "1.80.0-nightly (0123abcde 2024-05-19)", source=None)
    with pytest.raises(OstooError) as caught:
        user.provide(user.environ)
    assert caught.value.what == (
        f"rustup's nightly-{fake.HOST} belongs to you and is not changed: rustc 1.80.0-nightly is too old, at least"
        f" 1.96 is required; to update it: rustup update nightly-{fake.HOST}"
    )
    assert (user.asked, user.said) == ([], [])


def test_a_toolchain_that_does_not_run_is_left_as_it_is(user: User) -> None:
    fake.sysroot(user.toolchain(), source=None)
    (user.toolchain() / "bin/rustc").unlink()
    with pytest.raises(OstooError, match="belongs to you and is not changed"):
        user.provide(user.environ)
    assert user.asked == []


def test_source_of_another_release_is_not_replaced(user: User) -> None:
    fake.sysroot(user.toolchain(), source="1.95.0")
    user.provide(user.environ)
    assert (user.asked, user.said) == ([], [])


@pytest.mark.parametrize(
    "name", ["nightly", "nightly-2026-05-19-x86_64-unknown-linux-gnu", "nightly-aarch64-unknown-linux-gnu", "nightly-x"]
)
def test_nothing_is_installed_where_a_toolchain_of_that_channel_may_be(name: str, user: User) -> None:
    fake.sysroot(user.toolchain(name))
    with pytest.raises(OstooError) as caught:
        user.provide(user.environ)
    assert caught.value.what == (
        f"rustup has {name}, which belongs to you and is not changed; to install nightly:"
        " rustup toolchain install nightly --component rust-src"
    )
    assert (user.asked, user.said) == ([], [])


def test_nothing_is_installed_where_the_toolchains_can_not_be_seen(user: User) -> None:
    fake.write(user.home / ".rustup/toolchains", "a file")
    with pytest.raises(OstooError, match="can't list rustup's toolchains"):
        user.provide(user.environ)
    assert user.asked == []


def test_other_channels_do_not_count(user: User) -> None:
    for name in ("stable", "1.96.0", "nightlyish"):
        fake.sysroot(user.toolchain(f"{name}-{fake.HOST}"))
    with pytest.raises(OstooError, match="rustup can't provide"):
        user.provide(user.environ)
    assert user.asked == [
        f"{user.home}/.rustup: toolchain install nightly --profile minimal --component rust-src --no-self-update"
    ]


_SET_UP = """
import os, pathlib, sys
from ostoo_build.toolchain import provide as toolchain_provide
pathlib.Path(os.environ["HOME"], f"ready-{os.getpid()}").touch()
found = toolchain_provide.find_or_provide(pathlib.Path(sys.argv[1]), {}, os.environ, print)
print(found.rustc)
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("has_compiler", [True, False])
def test_set_ups_of_several_checkouts_at_once_ask_rustup_once(user: User, *, has_compiler: bool) -> None:
    """The rustup here sees whether another one is at work."""
    whole = fake.sysroot(user.folder / "whole")
    fake.rustc(whole / "bin/rustc", sysroot=user.toolchain())
    if has_compiler:
        fake.sysroot(user.toolchain(), source=None)
    user.has_rustup(
        f"mkdir '{user.folder}/at-work' || {{ echo overlap >> '{user.folder}/asked'; exit 1; }}",
        f"mkdir -p '{user.toolchain()}'",
        f"until [ $(ls '{user.home}' | grep -c ready-) -eq 4 ]; do sleep 0.05; done",
        f"cp -r '{whole}/.' '{user.toolchain()}'",
        f"rmdir '{user.folder}/at-work'",
    )
    roots = [user.project(f"checkout-{number}") for number in range(4)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _SET_UP, str(root)],
            env={**user.environ, "PYTHONPATH": str(SITE_SCONS), "XDG_CACHE_HOME": f"{user.folder}/cache-{root.name}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for root in roots
    ]
    said = [process.communicate()[0] for process in started]
    assert [text.splitlines()[-1] for text in said] == [str(user.toolchain() / "bin/rustc")] * len(roots)
    assert len(user.asked) == 1
