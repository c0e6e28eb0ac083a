"""Lets rustup bring what is missing of the toolchain that rust-toolchain.toml names. Does not know where from."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ostoo_build import process, toolchain
from ostoo_build.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_TIMEOUT = 600.0
"""Seconds: a toolchain is some 200 MB, and a network that swallows packets must not stop the build for good."""


def provide(root: Path, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Install the named channel with `rust-src`, or add `rust-src` to it. Raises `OstooError` where rustup can't."""
    if shutil.which("rustup", path=environ.get("PATH")) is None:
        raise OstooError("rustup is not installed")
    channel = toolchain.named_channel(root)
    if toolchain.rustup_sysroots(channel, environ):
        arguments = ["component", "add", "rust-src", "--toolchain", channel]
    else:
        arguments = ["toolchain", "install", channel, "--profile", "minimal", "--component", "rust-src"]
    say(f"running rustup {' '.join(arguments)}")
    env = {**environ, "RUST_BACKTRACE": "0"}
    completed = process.run(["rustup", *arguments], cwd=root, env=env, timeout=_TIMEOUT)
    if completed.returncode:
        said = completed.stderr.decode("utf-8", "replace").strip()
        raise OstooError(f"rustup can't provide {channel} with rust-src: {said}")
