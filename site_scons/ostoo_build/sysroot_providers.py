"""The table of sysroot providers, by the word before the colon in `sysroot=`. Does not know what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ostoo_build.sysroot import Provider

Factory = "Callable[[str, Path], Provider]"
"""Takes what follows the colon ("" where nothing does) and the project's folder. Raises `OstooError` for a wrong argument."""

PROVIDERS: Mapping[str, Callable[[str, Path], Provider]] = {}
