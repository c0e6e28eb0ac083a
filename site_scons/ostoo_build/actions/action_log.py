"""The action log: the last two actions requested for each output folder, so that their difference can be shown."""

from __future__ import annotations

import contextlib
import os
from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field

from ostoo_build.base import digest, numbered, state_file
from ostoo_build.base.paths import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ostoo_build.actions.action import Action
    from ostoo_build.base.input import Input

_LONGEST = 200
"""Maximum length in bytes; a file name with its suffixes may have 255."""


_FORMER = "former"
"""The folder, beside the log, of the previous actions."""


class Entry(Struct, frozen=True):
    """An action as its key sees it; `results`, the portable path of its output folder, identifies it.

    `environment` has a digest of each value, `shown` those values that are not in the user's environment: others may be
    secrets. `decided` says how its outputs were to be made, and why no cheaper way was possible.
    """

    mnemonic: str
    results: str
    key: str
    tools: str
    version: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    shown: dict[str, str]
    inputs: dict[str, str]
    salt: dict[str, str] = field(default_factory=dict)
    directory: str = ""
    outputs: tuple[str, ...] = ()
    decided: str = ""


def begin(folder: Path, action: Action, results: str) -> None:
    """Move the entry of the last action with these results aside, so that `changes` can compare with it."""
    name = _name(action, results)
    last = state_file.recall(folder / name)
    if last is not None:
        state_file.write(folder / _FORMER / name, last)


def write(folder: Path, action: Action, results: str, decided: str) -> None:
    """Store an action in `folder`, replacing the last one with these results."""
    entry = _entry(action, results, decided)
    state_file.write(folder / _name(action, results), msgspec.json.encode(numbered.to_builtins(entry)))


def _entry(action: Action, results: str, decided: str) -> Entry:
    return Entry(
        mnemonic=action.mnemonic,
        results=results,
        key=action.key,
        tools=action.tools.sha256 if action.tools else "",
        version=action.version,
        arguments=action.arguments,
        environment={name: digest.of_bytes(value.encode()) for name, value in action.environment},
        shown={name: value for name, value in action.environment if value != quote(os.environ.get(name, "\0"))},
        salt=dict(action.salt),
        directory=action.directory,
        outputs=action.outputs,
        inputs={each.path: _described(each) for each in action.inputs},
        decided=decided,
    )


def _described(entry: Input) -> str:
    kind = " (folder)" if entry.is_folder else " (executable)" if entry.executable else ""
    return f"{entry.sha256}{kind}"


def _name(action: Action, results: str) -> str:
    name = f"{action.mnemonic}-{results.replace('/', '-')}"
    if len(os.fsencode(name)) > _LONGEST:
        name = f"{action.mnemonic}-{digest.of_bytes(os.fsencode(results))}"
    return f"{name}.json"


def read(folder: Path) -> dict[str, Entry]:
    """Return all entries of a folder by name, without those of other versions.

    Raises `ValueError` for a file that is not an entry.
    """
    found = {}
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(numbered.OtherFormatError):
            found[path.stem] = numbered.from_json(state_file.read(path), Entry)
    return found


def changes(folder: Path, action: Action, results: str) -> str:
    """Describe the first difference from the previous action with these results; empty if there is none."""
    content = state_file.recall(folder / _FORMER / _name(action, results))
    try:
        former = numbered.from_json(content, Entry) if content is not None else None
    except ValueError:
        former = None
    if former is None:
        return ""
    first = next(differences(former, _entry(action, results, "")), None)
    return f"another {first.what}" if first else ""


class Difference(Struct, frozen=True):
    """A difference between two actions, with the text on each side; empty where an action lacks it."""

    what: str
    first: str
    second: str


def differences(a: Entry, b: Entry) -> Iterator[Difference]:
    """Yield everything that makes two actions differ."""
    if a.tools != b.tools:
        yield Difference("rustc digest (the toolchain with std's source)", a.tools, b.tools)
    if a.version != b.version:
        yield Difference("digest of this build's own source code", a.version, b.version)
    for number, (one, other) in enumerate(zip_longest(a.arguments, b.arguments, fillvalue="")):
        if one != other:
            yield Difference(f"argument {number}", one, other)
            break
    if a.directory != b.directory:
        yield Difference("working directory", a.directory, b.directory)
    for name, first, second in _differing(a.environment, b.environment):
        yield Difference(f"env {name}", a.shown.get(name, first), b.shown.get(name, second))
    yield from _of_tables("salt", a.salt, b.salt)
    yield from _of_tables("file", a.inputs, b.inputs)
    if a.outputs != b.outputs:
        yield Difference("outputs", " ".join(a.outputs), " ".join(b.outputs))


def _of_tables(kind: str, a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[Difference]:
    for name, first, second in _differing(a, b):
        yield Difference(f"{kind} {name}", first, second)


def _differing(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted({*a, *b}):
        if a.get(name) != b.get(name):
            yield name, a.get(name, ""), b.get(name, "")
