"""Unpacks Debian's Rust packages into the project, without root.

`toolchain.lock` pins the packages of the compiler. Shared libraries that the machine lacks are added in the version of
the machine's own release.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from msgspec import Struct, to_builtins

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.base.source_files import write_atomically
from ostoo_build.fetch import debian_packages, places
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ostoo_build.base.digest import Hash
    from ostoo_build.fetch.apt import Apt, Versions

_FAMILIES = (("rustc-web", "cargo-web", "rust-web-src"), ("rustc", "cargo", "rust-src"))
"""The packages of compiler, cargo and std source: those for the browsers of Debian stable, then the ordinary ones."""

_COMPILER = lazy_pattern(r"(rustc|cargo|rust)(-web)?(-src)?|libstd-rust-.+|libllvm\d+|lld-\d+")
_LIBRARY = lazy_pattern(r"lib.+(?<!-dev)")


class LockedPackage(Struct, frozen=True):
    """A package in `toolchain.lock`; the sha256 is that of the .deb file."""

    version: str
    sha256: Hash


def provide(root: Path, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Unpack the locked packages to `.toolchain/debian`.

    If they are no longer available, use newer ones and report that.

    If there is no lock for this architecture, the selected packages are added to it. Raises `OstooError` if this is not
    a Debian machine, apt can't provide the packages, or a package differs from the lock.
    """
    say("Debian's package lists")
    debian_packages.with_lists(root, environ, lambda apt: _fetch(root, apt, say))


def _fetch(root: Path, apt: Apt, say: Callable[[str], None]) -> None:
    architecture = apt.architecture()
    lock = read_lock(root)
    locked = lock.get(architecture, {})
    needed = _locked_closure(apt, locked, say) or _newest_closure(apt)
    installed = apt.installed()
    wanted = {name: version for name, version in needed.items() if _is_wanted(name, installed)}
    say(f"Rust for this project only: {len(wanted)} Debian packages, some 150 MB, 900 MB unpacked")
    archives = apt.download(wanted)
    taken = {
        name: LockedPackage(wanted[name], digest.of_file(path))
        for name, path in archives.items()
        if _COMPILER.fullmatch(name)
    }
    _check(taken, locked)
    apt.unpack(archives.values(), root / places.DEBIAN)
    if not locked:
        _write_lock(root, {**lock, architecture: taken})


def read_lock(root: Path) -> dict[str, dict[str, LockedPackage]]:
    """Return the locked packages by architecture and name. Raises `OstooError` if the file is damaged."""
    path = root / "toolchain.lock"
    try:
        document = json.loads(digest.text_of(path))
        return {
            architecture: {name: LockedPackage(**fields) for name, fields in packages.items()}
            for architecture, packages in document.items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise OstooError(f"toolchain.lock is damaged: {error}", where=str(path)) from error


def _write_lock(root: Path, lock: dict[str, dict[str, LockedPackage]]) -> None:
    document = {
        architecture: {name: to_builtins(locked) for name, locked in packages.items()}
        for architecture, packages in lock.items()
    }
    content = json.dumps(document, indent=2, sort_keys=True) + "\n"
    write_atomically(root / "toolchain.lock", content.encode())


def _locked_closure(apt: Apt, locked: Mapping[str, LockedPackage], say: Callable[[str], None]) -> Versions:
    """Return what the locked packages need, or nothing if none are locked or apt no longer has them."""
    try:
        return apt.closure([f"{name}={package.version}" for name, package in locked.items()]) if locked else {}
    except OstooError as error:
        say(f"newer packages, verified by apt, as those in toolchain.lock are gone ({error.what})")
        return {}


def _newest_closure(apt: Apt) -> Versions:
    """Return what the newest suitable compiler needs, with the LLD of its LLVM."""
    refused: list[str] = []
    for family in _FAMILIES:
        try:
            needed = apt.closure(family)
        except OstooError as error:
            refused.append(error.what)
            continue
        if toolchain.release(needed[family[0]]) >= toolchain.OLDEST:
            llvm = next(name for name in needed if re.fullmatch(r"libllvm\d+", name))
            return apt.closure([*family, llvm.replace("libllvm", "lld-")])
        refused.append(f"{family[0]} {needed[family[0]]} is too old")
    raise OstooError(
        "Debian has no suitable Rust: " + "; ".join(refused),
        remedy="on Debian stable, the security suite has one: add it to apt's sources",
    )


def _is_wanted(name: str, installed: frozenset[str]) -> bool:
    """Whether to unpack a package: the compiler's always, of others only shared libraries that the machine lacks."""
    return bool(_COMPILER.fullmatch(name) or (_LIBRARY.fullmatch(name) and name not in installed))


def _check(taken: Mapping[str, LockedPackage], locked: Mapping[str, LockedPackage]) -> None:
    for name, package in taken.items():
        recorded = locked.get(name)
        if recorded and recorded.version == package.version and recorded.sha256 != package.sha256:
            raise OstooError(
                f"the package {name} {package.version} differs from toolchain.lock",
                where=f"toolchain.lock: sha256 {recorded.sha256}\nfetched:        sha256 {package.sha256}",
            )
