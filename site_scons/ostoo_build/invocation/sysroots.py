"""Selects the provider of musl that `sysroot=` or a target's table names, when a program first needs a sysroot."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ostoo_build.base.snapshot import Snapshot
from ostoo_build.sysroot import providers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ostoo_build.planning.plan import ProgramId
    from ostoo_build.sysroot.install import Provider


class Sysroots(Struct, frozen=True):
    """`default` is the value of `sysroot=`, `own` those of targets. One is validated only if a program needs it.

    `rustlib` is the toolchain's folder with std's libraries by target.
    """

    root: Path
    rustlib: Path
    default: str
    own: Mapping[str, str] = field(default_factory=dict)
    wanting: set[ProgramId] = field(default_factory=set)
    """Programs that need more of the C library than std may."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while a sysroot is made."""
    _snapshot: Snapshot = field(default_factory=Snapshot)
    _choices: Snapshot = field(default_factory=Snapshot)

    def word(self, target: str) -> str:
        """Return the value that applies to a target."""
        return self.own.get(target, self.default)

    def provider(self, target: str) -> Provider:
        """Return a target's provider, the same for all callers. Raises `OstooError` for an invalid argument."""
        word = self.word(target)
        return self._snapshot.get(word, partial(providers.choose, word, self.root, self.rustlib))

    def for_std(self, target: str) -> Provider | None:
        """Return the provider of only what std may need for a target, if there is one."""
        word = self.word(target)
        return self._snapshot.get(("for std", word), partial(providers.choose_for_std, word, self.root))

    def choice(self, target: str, choose: Callable[[], bool]) -> bool:
        """Return what is chosen for a target, the same for all callers."""
        return self._choices.get(target, choose)

    def anew(self, target: str) -> Provider:
        """Return a new provider without cached state."""
        return providers.choose(self.word(target), self.root, self.rustlib)
