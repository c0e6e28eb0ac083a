"""Finds the Cargo workspaces of a checkout, and the targets of their programs.

`target=` applies to the workspace `user-rs`. Another folder at the top is a workspace too if its `.cargo/config.toml`
sets `build.target` to a target spec in `targets/`, for example for a kernel. Its programs are built for that target
only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostoo_build.base import layout, toml_tables
from ostoo_build.base.toml_file import load as load_toml

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "user-rs"
"""The folder of the workspace that every checkout has."""

_NOT_OTHERS = frozenset({USER, *layout.MADE})


def others(root: Path) -> dict[str, str]:
    """Map the folder of each workspace except `user-rs` to its target. Raises `OstooError` for invalid TOML."""
    return dict(_others(root))


def _others(root: Path) -> Iterator[tuple[str, str]]:
    known = {os.path.realpath(root / USER)}
    shown = (each for each in root.iterdir() if each.name not in _NOT_OTHERS and not each.name.startswith("."))
    for folder in sorted(shown, key=lambda each: (each.is_symlink(), each)):
        manifest, configuration = folder / "Cargo.toml", folder / ".cargo/config.toml"
        if not manifest.is_file():
            continue
        if os.path.realpath(folder) in known:
            continue  # one workspace, by two names
        known.add(os.path.realpath(folder))
        if configuration.is_file() and "workspace" in load_toml(manifest):
            target = _target(load_toml(configuration), folder)
            if target and target.parent == root / layout.TARGETS and target.is_file():
                yield folder.name, target.stem


def _target(configuration: dict[str, Any], folder: Path) -> Path | None:
    """Return the target spec that `build.target` names.

    Cargo resolves its path from the folder that contains `.cargo`.
    """
    named = toml_tables.table(configuration, "build", where=f"{folder}/.cargo/config.toml").get("target")
    if not isinstance(named, str) or not named.endswith(".json"):
        return None
    return Path(os.path.realpath(folder / named))
