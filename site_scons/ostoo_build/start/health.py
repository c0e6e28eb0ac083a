"""Checks what all other checks need: Python, this build's packages, SCons. Uses the standard library only."""

from __future__ import annotations

import filecmp
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import installed_packages, own_files, own_version, process
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.start.finding import Finding, State

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 60.0
"""Time limit in seconds for a start of Python."""

_OLDEST = (3, 11)
_PIN = lazy_pattern(r"(?m)^([A-Za-z0-9_.-]+)==([^\s\\]+)")
_NAME = lazy_pattern(r"[A-Za-z0-9_.-]+")
"""How a requirement begins (PEP 508)."""


def findings() -> Iterator[Finding]:
    """Make the checks, one after another."""
    for name, check in {"python": _python, "packages": _packages, "scons": _scons}.items():
        try:
            yield check()
        except Exception as error:  # noqa: BLE001 - one check that fails must not hide what others find
            yield Finding(name, State.ERROR, "", f"this can't be checked: {error!r}", "see what other checks find")


def _python() -> Finding:
    value = f"{'.'.join(map(str, sys.version_info[:3]))}, {sys.executable}"
    if sys.version_info < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        return Finding("python", State.ERROR, value, f"Python {oldest} or newer is needed", "install a newer python3")
    own = _own_environment()
    if own is not None and Path(sys.prefix) != own and os.path.lexists(own) and (why := _failure(own / "bin/python")):
        return Finding("python", State.ERROR, value, f"the project's own Python does not run: {why}", _renew())
    return Finding("python", State.OK, value)


def _packages() -> Finding:
    wanted, place = _wanted(), Path(sys.prefix)
    lacking = [f"{name} is missing" for name in wanted if _version(name) is None]
    others = [
        f"{name} is {found}, not {version}"
        for name, version in wanted.items()
        if (found := _version(name)) not in (None, version)
    ]
    damaged = installed_packages.damaged_in(place)
    problems = [*lacking, *others, *([f"a file is damaged: {damaged}"] if damaged else [])]
    value = f"{len(wanted) - len(lacking)} of {len(wanted)}, {place}"
    if not problems:
        return Finding("packages", State.OK, value)
    if _is_renewed_anyway():
        what = "the next start installs others: requirements.txt has changed"
        return Finding("packages", State.WARNING, value, "\n".join([*problems, what]))
    return Finding("packages", State.ERROR, value, "\n".join(problems), _renew())


def _scons() -> Finding:
    asked = (sys.executable, "-P", "-c", "import SCons.Script; print(SCons.__version__)")
    try:
        done = process.run(asked, cwd=Path.cwd(), env=os.environ, timeout=_PATIENCE)
    except OstooError as error:
        return Finding("scons", State.ERROR, "", error.what, _renew())
    if done.returncode:
        return Finding("scons", State.ERROR, "", _last(done.stderr), _renew())
    return Finding("scons", State.OK, done.stdout.decode(errors="replace").strip())


def _own_environment() -> Path | None:
    repository = own_files.repository()
    return repository and repository / ".venv"


def _is_renewed_anyway() -> bool:
    """Whether `venv.sh` finds that the environment is out of date."""
    own, wanted = _own_environment(), own_files.requirements()
    if own is None:
        return False
    copy = own / wanted.name
    return not (copy.is_file() and filecmp.cmp(copy, wanted, shallow=False))


def _wanted() -> dict[str, str]:
    """Return the packages that this build needs, each with its version. An installed build may lack optional ones."""
    pinned = dict(_PIN.findall(own_files.requirements().read_text(encoding="utf-8")))
    said = (metadata.requires(own_version.NAME) or ()) if own_files.is_installed() else ()
    optional = {match[0] for text in said if "extra ==" in text and (match := _NAME.match(text))}
    return {name: version for name, version in pinned.items() if name not in optional or _version(name)}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _renew() -> str:
    if own := _own_environment():
        return f"remove {own}: the next start creates it again"
    return "install them again: uv tool install --reinstall, or pip install --force-reinstall"


def _failure(python: Path) -> str:
    """Return why a Python does not start; empty if it does."""
    try:
        done = process.run([str(python), "-c", ""], cwd=Path.cwd(), env=os.environ, timeout=_PATIENCE)
    except OstooError as error:
        return error.what
    return _last(done.stderr) or f"exit code {done.returncode}" if done.returncode else ""


def _last(said: bytes) -> str:
    return (said.decode(errors="replace").strip().splitlines() or [""])[-1]
