"""The provider of musl that `sysroot=` names, found when a program wants a sysroot. Provides none."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ostoo_build.base.snapshot import Look
from ostoo_build.sysroot import providers

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.sysroot.install import Provider


class Sysroots(Struct, frozen=True):
    """`word` is that of `sysroot=`. Most programs want no sysroot, and a word that nobody needs is no mistake."""

    root: Path
    word: str
    _look: Look = field(default_factory=Look)

    @property
    def provider(self) -> Provider:
        """The same one for all who ask. Raises `OstooError` for an argument that it can't use."""
        return self._look.once("provider", partial(providers.choose, self.word, self.root))

    def anew(self) -> Provider:
        """One that remembers nothing."""
        return providers.choose(self.word, self.root)
