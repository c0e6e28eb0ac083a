"""rust-analyzer from Debian's packages, unpacked for this project only, and what it says of a checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.fetch import debian_packages
from ostoo_build.fetch.debian_packages import PackageSet, Project

if TYPE_CHECKING:
    from ostoo_build.fetch.apt import Apt, Versions

PROJECT = Path(__file__).parents[2]
_NAMES = ("rust-web-analyzer", "rust-analyzer")
"""Its package of the newest Rust in Debian stable, and the ordinary one."""

_BESIDE = re.compile(r"rust-(web-)?analyzer|libstd-rust-.+(?<!-dev)|libllvm\d+")
_FINDING = re.compile(r"file (\S+): Error (.*)")


def _versions(apt: Apt) -> Versions:
    installed = apt.installed()
    for name in _NAMES:
        try:
            needed = apt.closure([name])
        except OstooError:
            continue
        lacking = (each for each in needed if each.startswith("lib") and each not in installed)
        return {each: needed[each] for each in needed if _BESIDE.fullmatch(each) or each in {*lacking}}
    return {}


_PARCEL = PackageSet("rust-analyzer", "rust-analyzer for tests", _versions)


def command() -> list[str]:
    """The command that starts rust-analyzer. What it starts keeps its environment."""
    folder = debian_packages.ensure(_PARCEL, Project(PROJECT, os.environ, _say), _found)
    assert folder is not None, "Debian's packages lack rust-analyzer"
    libraries = sorted({str(path.parent) for path in folder.rglob("*.so*")})
    loader = next(Path("/").glob("lib*/ld-linux-*.so.*"))
    return [str(loader), "--library-path", ":".join(libraries), str(folder / "usr/bin/rust-analyzer")]


def errors(root: Path) -> list[str]:
    """The errors in the files of a checkout, as `rust-analyzer diagnostics` tells them."""
    done = subprocess.run([*command(), "diagnostics", "."], cwd=root, capture_output=True, text=True, check=False)
    assert "diagnostic scan complete" in done.stdout, done.stderr
    return [f"{path}: {what}" for path, what in _FINDING.findall(done.stdout)]


def _found() -> Path | None:
    folder = _PARCEL.folder(PROJECT)
    return folder if (folder / "usr/bin/rust-analyzer").is_file() else None


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
