"""Fetches the pinned `ziglang` wheel into the project's `.toolchain/`. Does not know what it is used for."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

from ostoo_build import digest, locks, process
from ostoo_build.errors import OstooError
from ostoo_build.report import fetching

REQUIREMENTS = "sysroot/zig-requirements.txt"
"""The pin, below the project's folder: a pip requirements file with a digest for each platform's wheel."""


def provide(project: Path) -> Path:
    """Return the wheel's package folder (`zig`, `lib/`), fetched at the first call.

    The folder is whole or not there. Raises `OstooError` where pip finds no wheel that the pin allows.
    """
    toolchain = project / ".toolchain"
    destination = toolchain / f"ziglang-{_version(project / REQUIREMENTS)}"
    if destination.is_dir():
        return destination
    toolchain.mkdir(exist_ok=True)
    with locks.of_file(toolchain / "lock"):
        if destination.is_dir():  # another process was faster
            return destination
        with tempfile.TemporaryDirectory(dir=toolchain, prefix=".ziglang.") as scratch:
            fetching("zig: some 80 MB, 340 MB unpacked")
            _install(project / REQUIREMENTS, Path(scratch))
            Path(scratch).joinpath("ziglang").rename(destination)
    return destination


def _version(requirements: Path) -> str:
    match = re.search(r"^ziglang==(\S+)", digest.text_of(requirements), re.MULTILINE)
    if match is None:
        raise OstooError("no line pins ziglang==VERSION", where=str(requirements))
    return match[1]


def _install(requirements: Path, target: Path) -> None:
    """Let pip choose this machine's wheel. It obeys the user's index, proxy and certificates: hence the environment."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    wheels = ["--only-binary=:all:", "--no-deps", "--require-hashes", "--requirement", str(requirements)]
    folder = ["--no-compile", "--target", str(target)]
    done = process.run([*pip, "install", *wheels, *folder], cwd=target, env=os.environ)
    if done.returncode != 0:
        raise OstooError(
            f"pip could not fetch the zig compiler:\n{done.stderr.decode(errors='replace').strip()}",
            where=str(requirements),
            remedy="check the network, or choose another sysroot: sysroot=folder:PATH",
        )
