"""Lets rustup install missing parts of the toolchain that rust-toolchain.toml names.

Rustup's toolchains belong to the user. The component `rust-src` is added to an existing one, which is not changed
otherwise. A toolchain is installed only if none with its name can exist, as rustup would update that one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ostoo_build.base import activity, home, process, user_cache
from ostoo_build.base.activity import Activity
from ostoo_build.base.errors import OstooError
from ostoo_build.toolchain import channel as named
from ostoo_build.toolchain import compiler
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_TIMEOUT = 600.0
"""Seconds. A toolchain is some 200 MB, and a network that drops packets must not block the build forever."""


def provide(root: Path, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Install the named channel with `rust-src`, or add `rust-src` to it, after a message about that.

    Raises `OstooError` if rustup can't, or if one of the user's toolchains would have to change otherwise.
    """
    if shutil.which("rustup", path=environ.get("PATH")) is None:
        raise OstooError("rustup is not installed")
    channel = named.read(root).name
    folder = home.rustup(environ)
    with _alone(folder, say):
        present = toolchain.rustup_sysroots(channel, environ)
        if any((sysroot / toolchain.SOURCE).exists() for sysroot in present):
            return  # another set-up was faster, or it is another's
        if present:
            _refuse_unfit(present[0], environ)
            what = f"the component rust-src for rustup's {present[0].name}"
            say(f"{what}: some 5 MB, 80 MB unpacked")
            arguments = ["component", "add", "rust-src", "--toolchain", present[0].name]
        else:
            _refuse_relatives(folder, channel)
            what = f"{channel} with rustup"
            say(f"{what}: some 200 MB, 1 GB unpacked")
            parts = ["--profile", "minimal", "--component", "rust-src", "--no-self-update"]
            arguments = ["toolchain", "install", channel, *parts]
        own = {"RUSTUP_HOME": str(folder), "CARGO_HOME": str(home.cargo(environ))}
        with activity.during(Activity("Fetching", what, activity.of_folder(folder / "downloads"))):
            _run(arguments, channel, root, {**environ, **own})


def _run(arguments: list[str], channel: str, root: Path, environ: Mapping[str, str]) -> None:
    env = {**environ, "RUST_BACKTRACE": "0", "RUSTUP_AUTO_INSTALL": "0"}
    completed = process.run(["rustup", *arguments], cwd=root, env=env, timeout=_TIMEOUT)
    if completed.returncode:
        said = completed.stderr.decode("utf-8", "replace").strip()
        raise OstooError(f"rustup can't provide {channel} with rust-src: {said}")


def _refuse_unfit(sysroot: Path, environ: Mapping[str, str]) -> None:
    """Raise `OstooError` for an unsuitable compiler: adding std's source would not help."""
    rustc = sysroot / "bin" / "rustc"
    try:
        toolchain.check_age(compiler.identify(rustc, user_cache.folder() / user_cache.COMPILERS, environ))
    except OstooError as error:
        raise OstooError(
            f"rustup's {sysroot.name} belongs to you and is not changed: {error.what};"
            f" to update it: rustup update {sysroot.name}"
        ) from error


def _refuse_relatives(folder: Path, channel: str) -> None:
    """Raise `OstooError` if a toolchain of this channel may already exist, as installing it would change that one."""
    try:
        names = [entry.name for entry in (folder / "toolchains").iterdir()]
    except FileNotFoundError:
        return
    except OSError as error:
        raise OstooError(f"can't list rustup's toolchains: {error.strerror} ({folder})") from error
    relatives = sorted(name for name in names if f"{name}-".startswith(f"{channel}-"))
    if relatives:
        raise OstooError(
            f"rustup has {', '.join(relatives)}, which belongs to you and is not changed; to install {channel}:"
            f" rustup toolchain install {channel} --component rust-src"
        )


@contextmanager
def _alone(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Lock out other processes of this user. The lock is on the parent of rustup's folder, and leaves no file."""
    place = next(parent for parent in folder.absolute().parents if parent.is_dir())
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise OstooError(f"can't lock out other processes: {error.strerror} ({place})") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("a toolchain: waiting for another process that installs one")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
