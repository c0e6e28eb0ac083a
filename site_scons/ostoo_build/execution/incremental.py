"""Verifies rustc's incremental state: rustc trusts it, so a modified state is removed before rustc runs.

The list of its contents is in the same folder, in which rustc reads subfolders of crates only.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ostoo_build.base import digest, stamps, state_file

_LIST = ".contents.json"


def take_away_altered(folder: Path) -> None:
    """Remove the folder unless each file is unchanged since `vouch`. Raises `OSError`."""
    known = _known(folder)
    try:
        is_whole = {name: sha256 for name, (_, sha256) in _seen(folder, known).items()} == {
            name: sha256 for name, (_, sha256) in known.items()
        }
    except OSError:
        is_whole = False
    if not is_whole:
        state_file.remove(folder)


def vouch(folder: Path) -> None:
    """Record the digest of each file that rustc left. Raises `OSError`."""
    if folder.is_dir():
        content = json.dumps(_seen(folder, _known(folder))).encode()
        state_file.write(folder / _LIST, state_file.sealed(content))


def _known(folder: Path) -> dict[str, list[Any]]:
    found = state_file.recall_json(folder / _LIST)
    return found if isinstance(found, dict) else {}


def _seen(folder: Path, known: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return stamp and digest of each file by name; a file is read only if its stamp changed."""
    found, top = {}, f"{folder}/"
    for place, _, names in os.walk(folder):
        for path in (f"{place}/{name}" for name in names if name != _LIST):
            name, stamp = path.removeprefix(top), stamps.of(path)
            before, sha256 = known.get(name, (None, ""))
            is_known = before == stamp and not os.path.islink(path)  # noqa: PTH114 - many of them, as rustc waits
            found[name] = [stamp, sha256 if is_known else digest.of_file(Path(path))]
    return found
