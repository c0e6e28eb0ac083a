"""Provides SCons with a signature database that stores nothing.

The engine decides what is up to date. SCons' own database would decide a second time, and it is a pickle, which can
run code.
"""

from __future__ import annotations


class _Forgetful(dict[str, bytes]):
    """The signatures of one run."""

    def sync(self) -> None:
        """Store nothing."""

    def close(self) -> None:
        """Store nothing."""


def open(_name: str, _mode: str) -> _Forgetful:  # noqa: A001 - the interface's name
    return _Forgetful()
