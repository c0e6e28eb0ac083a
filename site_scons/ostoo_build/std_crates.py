"""Tells cargo where the crates are that std itself depends on. Does not know which of them a build needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ostoo_build import manifest

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.toolchain import Toolchain


def cargo_flags(toolchain: Toolchain, lock_file: Path) -> tuple[str, ...]:
    """Flags that make cargo take std's crates from the std source, which then needs no network.

    They redirect all of the default registry: only for a workspace whose own `lock_file` needs nothing from there.
    Without them cargo fetches std's crates and checks them by the sha256 in std's Cargo.lock. Raises `OstooError` where
    `lock_file` is no valid TOML.
    """
    vendor = toolchain.rust_src / "vendor"
    if not (vendor.is_dir() and lock_file.is_file()) or _uses_registry(lock_file):
        return ()
    return (
        "--config",
        'source.crates-io.replace-with="std-vendor"',
        "--config",
        f"source.std-vendor.directory={json.dumps(str(vendor), ensure_ascii=False)}",
    )


def _uses_registry(lock_file: Path) -> bool:
    packages = manifest.load_toml(lock_file).get("package", [])
    return any(package.get("source", "").startswith(("registry+", "sparse+")) for package in packages)
