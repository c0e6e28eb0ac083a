"""The action log: the last two actions requested for each output folder, so that their difference can be shown."""

from __future__ import annotations

import contextlib
import os
from enum import Enum
from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field

from ostoo_build.actions.learned import Learned
from ostoo_build.base import digest, numbered, state_file
from ostoo_build.base.paths import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ostoo_build.actions.action import Action
    from ostoo_build.base.input import Input

_LONGEST = 200
"""Maximum length in bytes; a file name with its suffixes may have 255."""


NOTHING_LEARNED = Learned()
"""What runs told of an action that tells nothing, or never ran."""

_FORMER = "former"
"""The folder, beside the log, of the previous actions."""


class Entry(Struct, frozen=True):
    """An action as its key sees it; `results`, the portable path of its output folder, identifies it.

    `environment` has a digest of each value, `shown` those values that are not in the user's environment: others may be
    secrets. `decided` says how its outputs were to be made, and why no cheaper way was possible. `unread` are files of
    its package that were there and are not in the key. `parts` are what a digest in the key consists of, by name.
    `learned` is what runs told of the inputs, `unsure` are those of which no run has told whether it reads them.
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
    unread: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    learned: Learned = NOTHING_LEARNED
    unsure: tuple[str, ...] = ()

    def reads(self, path: str) -> bool:
        """Whether it is known that a file is read."""
        return path in self.inputs and path not in self.unsure

    def states(self, path: str) -> str:
        """Describe a file as it was, read or not; empty if there was none."""
        return self.inputs.get(path) or self.unread.get(path, "")


def begin(folder: Path, entry: Entry) -> Entry | None:
    """Move the entry of the last action with these results aside, and return it; None if there is none."""
    name = _name(entry)
    last = state_file.recall(folder / name)
    if last is None:
        return None
    state_file.write(folder / _FORMER / name, last)
    try:
        return numbered.from_json(last, Entry)
    except ValueError:
        return None


def last(folder: Path, mnemonic: str, results: str) -> Entry | None:
    """Return the last entry with these results; None if there is none, or it is of another version or damaged."""
    content = state_file.recall(folder / _file_name(mnemonic, results))
    with contextlib.suppress(ValueError):
        return numbered.from_json(content, Entry) if content is not None else None
    return None


def write(folder: Path, entry: Entry) -> None:
    """Store an entry in `folder`, replacing the last one with these results."""
    state_file.write(folder / _name(entry), msgspec.json.encode(numbered.to_builtins(entry)))


def entry(action: Action, results: str, decided: str = "") -> Entry:
    """Describe an action."""
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
        inputs={each.path: described(each) for each in action.inputs},
        decided=decided,
    )


def described(entry: Input) -> str:
    """Describe an input as an entry has it: its digest and what else is in the key."""
    kind = " (folder)" if entry.is_folder else " (executable)" if entry.executable else ""
    return f"{entry.sha256}{kind}"


def _name(entry: Entry) -> str:
    return _file_name(entry.mnemonic, entry.results)


def _file_name(mnemonic: str, results: str) -> str:
    name = f"{mnemonic}-{results.replace('/', '-')}"
    if len(os.fsencode(name)) > _LONGEST:
        name = f"{mnemonic}-{digest.of_bytes(os.fsencode(results))}"
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


class Part(Enum):
    """A part of a key."""

    TOOLCHAIN = "toolchain"
    CODE = "code"
    ARGUMENT = "argument"
    DIRECTORY = "directory"
    VARIABLE = "variable"
    SALT = "salt"
    PLAN = "plan"
    FILE = "file"
    OUTPUTS = "outputs"


_TOLD = {
    Part.TOOLCHAIN: "rustc digest (the toolchain with std's source)",
    Part.CODE: "digest of this build's own source code",
    Part.DIRECTORY: "working directory",
    Part.VARIABLE: "env",
    Part.PLAN: "",
}
"""How users read of a part, where that is not its own word."""


class Difference(Struct, frozen=True):
    """A difference between two actions in a part of the key, with the text on each side; empty where one lacks it."""

    part: Part
    name: str
    first: str
    second: str

    @property
    def what(self) -> str:
        """The part and the name, for users."""
        return f"{_TOLD.get(self.part, self.part.value)} {self.name}".strip()


def differences(a: Entry, b: Entry) -> Iterator[Difference]:
    """Yield everything that makes two actions differ."""
    if a.tools != b.tools:
        yield Difference(Part.TOOLCHAIN, "", a.tools, b.tools)
    if a.version != b.version:
        yield Difference(Part.CODE, "", a.version, b.version)
    for number, (one, other) in enumerate(zip_longest(a.arguments, b.arguments, fillvalue="")):
        if one != other:
            yield Difference(Part.ARGUMENT, str(number), one, other)
            break
    if a.directory != b.directory:
        yield Difference(Part.DIRECTORY, "", a.directory, b.directory)
    for name, first, second in _differing(a.environment, b.environment):
        yield Difference(Part.VARIABLE, name, a.shown.get(name, first), b.shown.get(name, second))
    yield from _of_tables(Part.SALT, a.salt, b.salt)
    yield from _of_tables(Part.PLAN, a.parts, b.parts)
    yield from _of_tables(Part.FILE, a.inputs, b.inputs)
    if a.outputs != b.outputs:
        yield Difference(Part.OUTPUTS, "", " ".join(a.outputs), " ".join(b.outputs))


def _of_tables(part: Part, a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[Difference]:
    for name, first, second in _differing(a, b):
        yield Difference(part, name, first, second)


def _differing(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted({*a, *b}):
        if a.get(name) != b.get(name):
            yield name, a.get(name, ""), b.get(name, "")
