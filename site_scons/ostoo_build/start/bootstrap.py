"""Creates `.venv` with the pinned packages, using the standard library only."""

from __future__ import annotations

import fcntl
import filecmp
import importlib.util
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import activity, live, process
from ostoo_build.base.activity import Activity
from ostoo_build.base.console import Console, complain
from ostoo_build.base.errors import OstooError, told
from ostoo_build.base.source_files import write_output
from ostoo_build.fetch.apt import Apt
from ostoo_build.start import needed_tools

if TYPE_CHECKING:
    from collections.abc import Sequence


_FOR_TESTS = "requirements-dev.txt"
_INTERRUPTED = 130
"""Shells' exit code of a process that SIGINT ended."""
_MEGA = 1_000_000
_TESTS_CAN_NOT_RUN = 2
"""Exit code of a build that fails here."""
_DEBIAN_WHEELS = "/usr/share/python-wheels"
_SIZES = {"requirements.txt": (20, 100), _FOR_TESTS: (30, 130), "requirements-docs.txt": (30, 120)}
"""Megabytes to download, and unpacked."""


def main(arguments: Sequence[str]) -> int:
    """Install requirements and return the exit code.

    `arguments` are the project's folder and the names of requirements files.

    Messages go to stderr.
    """
    code = _TESTS_CAN_NOT_RUN
    try:
        if _FOR_TESTS in arguments:
            needed_tools.require(os.environ)
        code = 2
        console = Console.of(os.environ)
        with live.shown(live.SetUp(colour=console.colour), console, os.environ):
            _make(Path(arguments[0]), arguments[1:], console)
    except (OstooError, OSError) as error:
        message = told(error)
        if message is None:
            raise
        complain(message)
        return code
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def _make(root: Path, files: Sequence[str], console: Console) -> None:
    """A requirements file is copied into `.venv` last: an interrupted start begins again."""
    venv = root / ".venv"
    base = root / files[0]
    for file in files:
        if not (root / file).is_file():
            raise OstooError(f"the file {file} is missing", where=str(root), remedy="restore it from the repository")
    with base.open("rb") as lock:
        # another first start may be running; the lock ends with its process
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (_runs(venv) and _installed(venv, base)):
            console.status("Creating", str(venv))
            with activity.during(Activity("Creating", venv.name)):
                _create(venv)
        for file in files:
            if not _installed(venv, root / file):
                _install(root / file, venv, console)


def _runs(venv: Path) -> bool:
    return os.access(venv / "bin" / "python", os.X_OK)


def _installed(venv: Path, requirements: Path) -> bool:
    copy = venv / requirements.name
    return copy.is_file() and filecmp.cmp(requirements, copy, shallow=False)


def _create(venv: Path) -> None:
    # by its own name (python3.11): it is gone when the system moves on, not silently another one without packages
    python = os.path.realpath(sys.executable)
    # venv would install the pip that comes with Python, which takes longer than all of SCons, and ours takes its place
    with_pip = _pip_of_python() is None and importlib.util.find_spec("ensurepip") is not None
    _run([python, "-m", "venv", "--clear", *([] if with_pip else ["--without-pip"]), str(venv)], venv.parent)


def _install(requirements: Path, venv: Path, console: Console) -> None:
    what = f"the packages of {requirements.name}"
    to_download, unpacked = _SIZES.get(requirements.name, (0, 0))
    sizes = f": some {to_download} MB to download, {unpacked} MB unpacked" if unpacked else ""
    console.status("Installing", f"{what}{sizes}")
    installing = Activity("Installing", what, activity.of_folder(venv), unpacked * _MEGA)
    with activity.during(installing), tempfile.TemporaryDirectory() as scratch:
        variables = {}
        if not _has_pip(venv):
            variables["PYTHONPATH"] = str(_pip_of_python() or _debian_pip(Path(scratch)))
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        wheels = ["--require-hashes", "--only-binary=:all:", "--requirement", str(requirements)]
        _run([*pip, *wheels], venv, **variables)
    copy = venv / requirements.name
    write_output(copy, requirements.read_bytes())


def _pip_of_python() -> Path | None:
    """The wheel that ensurepip installs from, which runs where it lies; systems may keep it elsewhere."""
    ensurepip = importlib.util.find_spec("ensurepip")
    bundled = Path(ensurepip.origin).with_name("_bundled") if ensurepip and ensurepip.origin else None
    places = (bundled, sysconfig.get_config_var("WHEEL_PKG_DIR"), _DEBIAN_WHEELS)
    return next((wheel for place in places if place for wheel in Path(place).glob("pip-*.whl")), None)


def _has_pip(venv: Path) -> bool:
    return any(venv.glob("lib/python*/site-packages/pip/__main__.py"))


def _debian_pip(scratch: Path) -> Path:
    """Download pip as a wheel with apt: Debian's python3 lacks pip, and the wheel runs without installation."""
    if shutil.which("apt-get") is None:
        raise OstooError("python3 has no pip", where=sys.executable, remedy="install Python's module ensurepip")
    package = "python3-pip-whl"
    apt = Apt(scratch, os.environ)
    apt.update()
    archives = apt.download({package: apt.closure([package])[package]})
    unpacked = scratch / "unpacked"
    apt.unpack(archives.values(), unpacked)
    return next(unpacked.glob(f"{_DEBIAN_WHEELS.lstrip('/')}/pip-*.whl"))


def _run(argv: list[str], folder: Path, **variables: str) -> None:
    completed = process.run(argv, cwd=folder, env={**os.environ, **variables})
    if completed.returncode:
        said = (completed.stdout + completed.stderr).decode("utf-8", "replace").strip()
        raise OstooError(f"can't create the project's Python environment:\n{said}", where=str(folder))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
