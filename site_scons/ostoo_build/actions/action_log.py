"""Writes down what actions were asked for, and keeps what was asked before: what differs is why. Decides nothing."""

from __future__ import annotations

import os
from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ostoo_build.base import decoders, digest, state_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ostoo_build.actions.action import Action

_LONGEST = 200
"""Bytes of a file's name, which must not have more than 255 with all that is added."""


_FORMER = "former"
"""The folder, beside the actions, of those that were asked for before them."""


class Entry(Struct, frozen=True):
    """An action as its key sees it; `results` is the portable path of its outputs' folder, and names it.

    `decided` says in words how its outputs were to come about, and why in no cheaper way.
    """

    mnemonic: str
    results: str
    key: str
    tools: str
    version: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    inputs: dict[str, str]
    decided: str = ""


def begin(folder: Path, action: Action, results: str) -> None:
    """Put the last action with these results aside, which tells what has changed since."""
    name = _name(action, results)
    last = state_file.recall(folder / name)
    if last is not None:
        state_file.write(folder / _FORMER / name, last)


def write(folder: Path, action: Action, results: str, decided: str) -> None:
    """Keep an action in `folder`, in place of the last one with these results."""
    entry = _entry(action, results, decided)
    state_file.write(folder / _name(action, results), msgspec.json.encode(entry))


def _entry(action: Action, results: str, decided: str) -> Entry:
    return Entry(
        mnemonic=action.mnemonic,
        results=results,
        key=action.key,
        tools=action.tools.sha256 if action.tools else "",
        version=action.version,
        arguments=action.arguments,
        environment=dict(action.environment),
        inputs={each.path: each.sha256 for each in action.inputs},
        decided=decided,
    )


def _name(action: Action, results: str) -> str:
    name = f"{action.mnemonic}-{results.replace('/', '-')}"
    if len(os.fsencode(name)) > _LONGEST:
        name = f"{action.mnemonic}-{digest.of_bytes(os.fsencode(results))}"
    return f"{name}.json"


def read(folder: Path) -> dict[str, Entry]:
    """All actions of a folder by name. Raises `ValueError` for a file that is none."""
    return {path.stem: decoders.decode(state_file.read(path), Entry) for path in sorted(folder.glob("*.json"))}


def changes(folder: Path, action: Action, results: str) -> str:
    """Name what differs first between an action and the one with these results that was put aside; nothing for none."""
    content = state_file.recall(folder / _FORMER / _name(action, results))
    try:
        former = decoders.decode(content, Entry) if content is not None else None
    except ValueError:
        former = None
    if former is None:
        return ""
    first = next(differences(former, _entry(action, results, "")), None)
    return f"another {first.what}" if first else ""


class Difference(Struct, frozen=True):
    """What differs between two actions, with what each has there; an empty text for what one does not have."""

    what: str
    first: str
    second: str


def differences(a: Entry, b: Entry) -> Iterator[Difference]:
    """All that makes two actions different ones."""
    if a.tools != b.tools:
        yield Difference("rustc digest (the toolchain with std's source)", a.tools, b.tools)
    if a.version != b.version:
        yield Difference("digest of this build's own part", a.version, b.version)
    for number, (one, other) in enumerate(zip_longest(a.arguments, b.arguments, fillvalue="")):
        if one != other:
            yield Difference(f"argument {number}", one, other)
            break
    yield from _of_tables("env", a.environment, b.environment)
    yield from _of_tables("file", a.inputs, b.inputs)


def _of_tables(kind: str, a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted({*a, *b}):
        if a.get(name) != b.get(name):
            yield Difference(f"{kind} {name}", a.get(name, ""), b.get(name, ""))
