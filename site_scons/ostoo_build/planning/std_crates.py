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
    """Return the folder with std's dependencies, if the std source contains one."""
    folder = rust_src / "vendor"
    return folder if folder.is_dir() else None


def redirect(folder: Path) -> tuple[str, ...]:
    """Return flags that make cargo read std's dependencies from a folder, without network access.

    The flags redirect the whole default registry, so they suit only a workspace that needs nothing from it. Without
    them cargo downloads the crates and verifies them by the sha256 in std's Cargo.lock. `--locked` keeps cargo from
    changing the workspace's lock at the same time: it would lock std's versions of crates instead of the newest ones
    that fit.
    """
    return (
        "--locked",
        "--config",
        'source.crates-io.replace-with="std-vendor"',
        "--config",
        f"source.std-vendor.directory={json.dumps(str(folder), ensure_ascii=False)}",
    )


def vendored(source: Path, registry: Path, folder: Path) -> Path:
    """Return a source of std's dependencies as it is in `folder`, if that has it, and cargo took it from `registry`.

    Otherwise std would be other units, and be compiled again, as soon as a workspace needs a registry itself. The
    packages are the same: std's Cargo.lock has the sha256 of each.
    """
    if source.is_relative_to(registry):
        _, *inside = source.relative_to(registry).parts  # the first one is the registry's name
        if folder.joinpath(*inside).is_file():
            return folder.joinpath(*inside)
    return source


def uses_registry(lock_file: Path) -> bool:
    """Whether a workspace's lock contains crates from a registry. Raises `OstooError` if the lock is invalid."""
    if not lock_file.is_file():
        return False
    packages = toml_file.load(lock_file).get("package", [])
    if not isinstance(packages, list) or not all(isinstance(package, dict) for package in packages):
        raise OstooError("`package` in the lock is not a list of tables", where=str(lock_file))
    return any(str(package.get("source", "")).startswith(_REGISTRIES) for package in packages)
