"""The table of sysroot providers, by the word before the colon in `sysroot=`."""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING

from ostoo_build.base import spelling
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ostoo_build.sysroot.install import Provider

PROVIDERS: Mapping[str, str] = {
    "zig": "ostoo_build.sysroot.zig:factory",
    "debian": "ostoo_build.sysroot.debian:factory",
    "folder": "ostoo_build.sysroot.folder:factory",
    "container": "ostoo_build.sysroot.image.provider:archive",
    "docker": "ostoo_build.sysroot.image.provider:docker",
    "podman": "ostoo_build.sysroot.image.provider:podman",
    "rustup": "ostoo_build.sysroot.rustup:factory",
}
"""The factories by name. Each takes the text behind the colon, or "", and a folder.

That is the project's, for `rustup` the toolchain's with std's libraries by target (`lib/rustlib`).

A factory raises `OstooError` for an argument that it can't use. It is imported on demand: importing all takes 0.02 s.
"""


def choose(text: str, project: Path, rustlib: Path) -> Provider:
    """Return the provider that `sysroot=TEXT` names: `zig`, `debian`, `container:PATH`, ...

    Raises `OstooError` for an unknown provider, or an argument that it can't use.
    """
    kind, _, argument = text.partition(":")
    if kind not in PROVIDERS:
        remedy = spelling.nearest(kind, PROVIDERS) or f"valid names: {', '.join(PROVIDERS)}"
        raise OstooError(f"unknown sysroot provider {kind!r}", where=f"sysroot={text}", remedy=remedy)
    factory: Callable[[str, Path], Provider] = pkgutil.resolve_name(PROVIDERS[kind])
    return factory(argument, rustlib if kind == "rustup" else project)


_FOR_STD: Mapping[str, str] = {"zig": "ostoo_build.sysroot.zig:for_std"}
"""Factories for only what std may need, of providers that make it sooner than the whole."""


def choose_for_std(text: str, project: Path) -> Provider | None:
    """Return the provider of only what std may need, without headers; None if the one of `sysroot=TEXT` has none."""
    kind = text.partition(":")[0]
    if kind not in _FOR_STD:
        return None
    factory: Callable[[Path], Provider] = pkgutil.resolve_name(_FOR_STD[kind])
    return factory(project)
