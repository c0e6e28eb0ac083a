"""Defines where files outside the checkout are placed in an action's input tree."""

from __future__ import annotations

TOOLCHAIN = ".ostoo/toolchain"
"""Where the input tree of an action has the toolchain."""

TOOLS = {
    "rustc": "bin/rustc",
    "cargo": "bin/cargo",
    "lld": "lib/rustlib/lld/bin/rust-lld",
    "rust-src": "lib/rustlib/src/rust/library",
}
"""Where that folder has what a placeholder stands for. rustc tells LLD its flavor, so one name serves for all."""

PLACES = {
    "toolchain": TOOLCHAIN,
    **{name: f"{TOOLCHAIN}/{path}" for name, path in TOOLS.items()},
    "cargo-home": ".ostoo/cargo-home",
}
"""Where an input tree has what a placeholder stands for."""
