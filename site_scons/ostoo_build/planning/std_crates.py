"""Tells cargo where std's own dependencies are vendored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ostoo_build.base import toml_file
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from pathlib import Path

_REGISTRIES = ("registry+", "sparse+")


def vendor(rust_src: Path) -> Path | None:
    """The folder with std's crates, where the std source has one."""
    folder = rust_src / "vendor"
    return folder if folder.is_dir() else None


def redirect(folder: Path) -> tuple[str, ...]:
    """Flags that make cargo take std's crates from that folder, which then needs no network.

    They redirect all of the default registry, so they are only for a workspace that needs nothing from there. Without
    them cargo fetches std's crates and checks them by the sha256 in std's Cargo.lock. `--locked` has cargo refuse to
    lock anything meanwhile: it would take std's versions of crates, not the newest that fit.
    """
    return (
        "--locked",
        "--config",
        'source.crates-io.replace-with="std-vendor"',
        "--config",
        f"source.std-vendor.directory={json.dumps(str(folder), ensure_ascii=False)}",
    )


def uses_registry(lock_file: Path) -> bool:
    """Whether a workspace has crates of a registry locked. Raises `OstooError` where the lock is no valid TOML."""
    if not lock_file.is_file():
        return False
    packages = toml_file.load(lock_file).get("package", [])
    if not isinstance(packages, list) or not all(isinstance(package, dict) for package in packages):
        raise OstooError("the lock's packages are no list of tables", where=str(lock_file))
    return any(str(package.get("source", "")).startswith(_REGISTRIES) for package in packages)
