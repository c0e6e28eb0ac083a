"""Defines where files outside the checkout are placed in an action's input tree."""

from __future__ import annotations

TOOLCHAIN = ".ostoo/toolchain"
"""The toolchain's folder in the input tree of an action."""

TOOLS = {
    "rustc": "bin/rustc",
    "cargo": "bin/cargo",
    "lld": "lib/rustlib/lld/bin/rust-lld",
    "rust-src": "lib/rustlib/src/rust/library",
}
"""The paths of placeholders within that folder. rustc passes LLD its flavor, so one name is sufficient."""

ELSEWHERE = ".ostoo/elsewhere"
"""The place in an input tree of what only one machine has; no other one runs such an action."""

PLACES = {
    "toolchain": TOOLCHAIN,
    **{name: f"{TOOLCHAIN}/{path}" for name, path in TOOLS.items()},
    "cargo-home": ".ostoo/cargo-home",
    "ostoo-build": ".ostoo/ostoo-build",
}
"""The paths of placeholders in an input tree."""
