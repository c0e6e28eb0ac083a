"""Writes down what actions were asked for, for who wants to know why one was not found in a cache. Decides nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ostoo_build.base import decoders, digest, state_file

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.actions.action import Action

_LONGEST = 200
"""Bytes of a file's name, which must not have more than 255 with all that is added."""


class Entry(Struct, frozen=True):
    """An action as its key sees it; `results` is the portable path of its outputs' folder, and names it."""

    mnemonic: str
    results: str
    key: str
    tools: str
    version: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    inputs: dict[str, str]


def write(folder: Path, action: Action, results: str) -> None:
    """Keep an action in `folder`, in place of the last one with these results."""
    entry = Entry(
        mnemonic=action.mnemonic,
        results=results,
        key=action.key,
        tools=action.tools.sha256 if action.tools else "",
        version=action.version,
        arguments=action.arguments,
        environment=dict(action.environment),
        inputs={each.path: each.sha256 for each in action.inputs},
    )
    name = f"{action.mnemonic}-{results.replace('/', '-')}"
    if len(os.fsencode(name)) > _LONGEST:
        name = f"{action.mnemonic}-{digest.of_bytes(os.fsencode(results))}"
    state_file.write(folder / f"{name}.json", msgspec.json.encode(entry))


def read(folder: Path) -> dict[str, Entry]:
    """All actions of a folder by name. Raises `ValueError` for a file that is none."""
    return {path.stem: decoders.decode(state_file.read(path), Entry) for path in sorted(folder.glob("*.json"))}
