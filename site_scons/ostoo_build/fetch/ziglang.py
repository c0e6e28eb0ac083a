"""Provides the pinned `ziglang` wheel in the project's `.toolchain/`, and verifies its files."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

from ostoo_build.base import activity, digest, locks, process, wheel_record
from ostoo_build.base.activity import Activity
from ostoo_build.base.console import fetching
from ostoo_build.base.errors import OstooError

REQUIREMENTS = Path(__file__).with_name("zig-requirements.txt")
"""The pin: a pip requirements file with a digest for each platform's wheel."""

_PACKAGE = "ziglang"


def provide(project: Path) -> Path:
    """Return the wheel's package folder (`zig`, `lib/`). It is downloaded if it is missing or damaged.

    The folder is complete or does not exist. Verifying it reads every file, which takes half a second. Raises
    `OstooError` if pip finds no wheel that matches the pin.
    """
    toolchain = project / ".toolchain"
    destination = toolchain / f"{_PACKAGE}-{_version(REQUIREMENTS)}"
    if _is_as_packed(destination):
        return destination
    toolchain.mkdir(exist_ok=True)
    with locks.of_file(toolchain / "lock"):
        if not _is_as_packed(destination):  # else another process was faster
            _fetch(REQUIREMENTS, destination)
    return destination


def _is_as_packed(folder: Path) -> bool:
    """Whether a folder contains exactly the files in its RECORD, with the same contents."""
    try:
        of_all = wheel_record.read(folder / wheel_record.NAME)
        own = f"{_PACKAGE}/"
        recorded = {name.removeprefix(own): sha256 for name, sha256 in of_all.items() if name.startswith(own)}
        found = {path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
        listed = {folder / name for name in (*recorded, wheel_record.NAME)}
    except (OSError, ValueError):
        return False
    return found == listed and wheel_record.altered(folder, recorded) is None


def _fetch(requirements: Path, destination: Path) -> None:
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=f".{_PACKAGE}.") as scratch:
        again = " again, as the one in .toolchain was modified" if destination.exists() else ""
        fetching(f"zig{again}: some 80 MB, 340 MB unpacked")
        with activity.during(Activity("Fetching", "zig", activity.of_folder(Path(scratch)))):
            _install(requirements, Path(scratch))
        package = Path(scratch, _PACKAGE)
        record = next(Path(scratch).glob(f"{_PACKAGE}-*.dist-info/{wheel_record.NAME}"), None)
        if record is None:
            raise OstooError("the zig wheel's RECORD lists no files", where=str(requirements))
        record.rename(package / wheel_record.NAME)
        if destination.exists():
            destination.rename(Path(scratch, "damaged"))
        package.rename(destination)


def _version(requirements: Path) -> str:
    match = re.search(r"^ziglang==(\S+)", digest.text_of(requirements), re.MULTILINE)
    if match is None:
        raise OstooError("no line pins ziglang==VERSION", where=str(requirements))
    return match[1]


def _install(requirements: Path, target: Path) -> None:
    """Let pip select this machine's wheel. It needs the environment for the user's index, proxy and certificates."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    wheels = ["--only-binary=:all:", "--no-deps", "--require-hashes", "--requirement", str(requirements)]
    folder = ["--no-compile", "--target", str(target)]
    downloads = target / "downloads"  # where its size is seen
    downloads.mkdir()
    done = process.run([*pip, "install", *wheels, *folder], cwd=target, env={**os.environ, "TMPDIR": str(downloads)})
    if done.returncode != 0:
        raise OstooError(
            f"pip could not fetch the zig compiler:\n{done.stderr.decode(errors='replace').strip()}",
            where=str(requirements),
            remedy="check the network, or choose another sysroot: sysroot=folder:PATH",
        )
