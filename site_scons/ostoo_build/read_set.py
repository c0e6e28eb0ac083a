"""Remembers which files an answer was made from, to tell whether it still holds. Does not know the answer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ostoo_build import digest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ostoo_build.look import Look


@dataclass(frozen=True)
class ReadSet:
    """Digests by path: of a file's contents, of a folder's names; an empty one for what is not there.

    Paths are relative to a folder, so that they mean the same in every checkout.
    """

    digests: dict[str, str]

    @staticmethod
    def of(paths: Iterable[Path], folder: Path, look: Look) -> ReadSet:
        """Observe files and folders, all of them in `folder` or near it."""
        places = {os.path.relpath(path, folder) for path in paths}
        return ReadSet({path: _seen(f"{folder}/{path}", look) for path in sorted(places)})

    def is_current(self, folder: Path, look: Look) -> bool:
        return all(_seen(f"{folder}/{path}", look) == known for path, known in self.digests.items())


def _seen(path: str, look: Look) -> str:
    return look.once(path, partial(_observe, path))


def _observe(path: str) -> str:
    try:
        if os.path.isdir(path):  # noqa: PTH112 - strings from a stored set; a Path for each costs more than the look
            return digest.of_json(sorted(os.listdir(path)))  # noqa: PTH208 - likewise
        with open(path, "rb") as stream:  # noqa: PTH123 - likewise
            return digest.of_bytes(stream.read())
    except OSError:
        return ""
