"""A database for what SCons remembers of the last run, in the form that SCons wants: it remembers nothing.

What is up to date is for the engine to judge. A file of SCons' own would be a second judge, and a pickle at that.
"""

from __future__ import annotations


class _Forgetful(dict[str, bytes]):
    """What one run of SCons tells itself."""

    def sync(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is kept."""


def open(_name: str, _mode: str) -> _Forgetful:  # noqa: A001 - the interface's name
    return _Forgetful()
