"""Says what to write instead of cargo's options, which differ from those of SCons and of this build's verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "write the program's name alone"
_FEATURES = "write `features` in its table [programs.NAME] of ostoo.toml"
_LOCKED = "write locked=on"

INSTEAD: Mapping[str, str] = {
    "--release": "profile=release is the default; the other one of cargo's is profile=dev",
    "--profile": "write profile=NAME",
    "--target": "write target=NAME",
    "--package": _NAME,
    "-p": _NAME,
    "--bin": _NAME,
    "--workspace": "leave it out: without names all programs are meant",
    "--all": "leave it out: without names all programs are meant",
    "--features": _FEATURES,
    "-F": _FEATURES,
    "--all-features": _FEATURES,
    "--no-default-features": "write `default-features = false` in its table [programs.NAME] of ostoo.toml",
    "--locked": _LOCKED,
    "--frozen": _LOCKED,
    "--manifest-path": "write ostoo -C DIR before the verb: DIR is the project's folder or one below",
    "--target-dir": "leave it out: programs are in build/TARGET/PROFILE",
    "--color": "set FORCE_COLOR=1 or NO_COLOR=1",
}
"""What has the same meaning here, for options that a build does not take."""
