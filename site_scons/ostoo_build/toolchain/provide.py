"""Provides a toolchain if none is found, with rustup or from Debian's packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.fetch import places
from ostoo_build.toolchain import find as toolchain
from ostoo_build.toolchain.find import NoToolchainError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ostoo_build.toolchain.find import Toolchain


def find_or_provide(
    root: Path, variables: Mapping[str, str], environ: Mapping[str, str], say: Callable[[str], None]
) -> Toolchain:
    """Find a toolchain, or download one if there is none; `say` reports progress line by line.

    Raises `NoToolchainError` with all reasons, and `OstooError` if one that the user named is unsuitable.
    """
    try:
        return toolchain.find(root, variables, environ)
    except NoToolchainError:
        from ostoo_build.base import locks  # noqa: PLC0415 - most starts find a toolchain

        private = root / places.PRIVATE
        private.mkdir(exist_ok=True)
        # another build may be fetching it
        with locks.of_file(private / "lock"):
            return _provide(root, variables, environ, say)


def _provide(
    root: Path, variables: Mapping[str, str], environ: Mapping[str, str], say: Callable[[str], None]
) -> Toolchain:
    try:
        return toolchain.find(root, variables, environ)
    except NoToolchainError as error:
        missing = error
    from ostoo_build.toolchain import debian as toolchain_debian  # noqa: PLC0415 - most starts find a toolchain
    from ostoo_build.toolchain import rustup as toolchain_rustup  # noqa: PLC0415 - likewise

    failures = [missing.where] if missing.where else []
    for provide in (toolchain_rustup.provide, toolchain_debian.provide):
        try:
            provide(root, environ, say)
            return toolchain.find(root, variables, environ)
        except OstooError as error:
            failures.append(error.what)
    raise NoToolchainError(missing.what, where="\n".join(failures), remedy=missing.remedy)
