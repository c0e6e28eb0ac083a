"""Selects the provider of musl that `sysroot=` names, when a program first needs a sysroot."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ostoo_build.base.snapshot import Snapshot
from ostoo_build.sysroot import providers

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.sysroot.install import Provider


class Sysroots(Struct, frozen=True):
    """`word` is the value of `sysroot=`. It is validated only if a program needs a sysroot."""

    root: Path
    word: str
    _snapshot: Snapshot = field(default_factory=Snapshot)

    @property
    def provider(self) -> Provider:
        """Return the provider, the same for all callers. Raises `OstooError` for an invalid argument."""
        return self._snapshot.get("provider", partial(providers.choose, self.word, self.root))

    def anew(self) -> Provider:
        """Return a new provider without cached state."""
        return providers.choose(self.word, self.root)
