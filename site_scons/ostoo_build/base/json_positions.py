"""Parses JSON strictly and records the position of each value in the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from msgspec import Struct

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES = 256 * 1024
"""rustc's longest built-in target spec has 4 KiB."""
MAX_DEPTH = 64

Pointer = tuple[str | int, ...]
"""The names and indices from the document's root to a value, as in RFC 6901."""


class JsonSource(Struct, frozen=True):
    """A document and the positions of its parts: offsets into `text` of each value and of each member's name."""

    path: Path
    text: str
    value: Any
    values: Mapping[Pointer, int]
    names: Mapping[Pointer, int]

    def position(self, pointer: Pointer) -> tuple[int, int]:
        """Return line and column, from 1, of the value at `pointer`, or of the nearest enclosing value."""
        while pointer not in self.values:
            pointer = pointer[:-1]
        return _position(self.text, self.values[pointer])

    def name_position(self, pointer: Pointer) -> tuple[int, int]:
        """Return line and column, from 1, of the name of the member at `pointer`."""
        return _position(self.text, self.names[pointer])


def escaped(pointer: Pointer) -> str:
    """Format a pointer as in RFC 6901: "" is the whole document, "/os" its member os."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in pointer)


def read(path: Path) -> JsonSource:
    """Parse a file more strictly than `json.load`: unique names, no NaN, UTF-8 without a byte order mark.

    Raises `OstooError` with line and column.
    """
    text = _decode(path, _read(path))
    scanner = _Scanner(path, text)
    return JsonSource(path, text, scanner.document(), scanner.values, scanner.names)


def _read(path: Path) -> bytes:
    try:
        with digest.opened(path) as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise OstooError(f"can't read it: {error.strerror}", where=str(path)) from error
    if len(data) > MAX_BYTES:
        raise OstooError(f"the file has more than {MAX_BYTES // 1024} KiB", where=str(path))
    return data


def _decode(path: Path, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise OstooError("the file is not UTF-8", where=f"{path}:{line}", remedy="save it as UTF-8") from error
    if text.startswith("\ufeff"):
        raise OstooError(
            "the file begins with a byte order mark",
            where=f"{path}:1:1",
            remedy="save it as UTF-8 without a byte order mark",
        )
    return text


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON has no {name}")


_SPACE = lazy_pattern(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(parse_constant=_no_constant)


class _Scanner:
    """Parses objects and arrays itself, and leaves strings, numbers and literals to the standard library."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        self.values: dict[Pointer, int] = {}
        self.names: dict[Pointer, int] = {}

    def document(self) -> Any:
        start = self._space(0)
        if start == len(self.text):
            raise OstooError("the file is empty", where=str(self.path))
        value, end = self._value(start, ())
        if self._space(end) != len(self.text):
            self._fail(self._space(end), "unexpected text after the end of the document")
        return value

    def _value(self, at: int, pointer: Pointer) -> tuple[Any, int]:
        if len(pointer) > MAX_DEPTH:
            self._fail(at, f"the document is nested more than {MAX_DEPTH} levels deep")
        self.values[pointer] = at
        if self.text.startswith("{", at):
            return self._object(at, pointer)
        if self.text.startswith("[", at):
            return self._array(at, pointer)
        return self._scalar(at)

    def _object(self, at: int, pointer: Pointer) -> tuple[dict[str, Any], int]:
        members: dict[str, Any] = {}
        at = self._space(at + 1)
        while not self.text.startswith("}", at):
            name_at = self._after(",", at) if members else at
            if not self.text.startswith('"', name_at):
                self._fail(name_at, "expected a name in double quotes")
            name, end = self._scalar(name_at)
            if name in members:
                self._fail(name_at, f"{json.dumps(name)} occurs twice")
            member = (*pointer, name)
            self.names[member] = name_at
            members[name], end = self._value(self._after(":", end), member)
            at = self._space(end)
        return members, at + 1

    def _array(self, at: int, pointer: Pointer) -> tuple[list[Any], int]:
        items: list[Any] = []
        at = self._space(at + 1)
        while not self.text.startswith("]", at):
            item, end = self._value(self._after(",", at) if items else at, (*pointer, len(items)))
            items.append(item)
            at = self._space(end)
        return items, at + 1

    def _scalar(self, at: int) -> tuple[Any, int]:
        try:
            value, end = _DECODER.raw_decode(self.text, at)
            if isinstance(value, str):
                value.encode()
        except json.JSONDecodeError as error:
            self._fail(error.pos, error.msg[0].lower() + error.msg[1:])
        except UnicodeEncodeError:
            self._fail(at, "invalid string: half of a surrogate pair is missing")
        except ValueError as error:  # a constant, or more digits than Python's int takes
            self._fail(at, str(error))
        return value, end

    def _after(self, sign: str, at: int) -> int:
        at = self._space(at)
        if not self.text.startswith(sign, at):
            self._fail(at, f"expected {sign!r}")
        return self._space(at + 1)

    def _space(self, at: int) -> int:
        return at + len(_SPACE.match(self.text, at)[0])  # type: ignore[index] # it matches the empty string, too

    def _fail(self, at: int, what: str) -> NoReturn:
        line, column = _position(self.text, at)
        end = ", but the file ends here" if at >= len(self.text) else ""
        raise OstooError(f"not valid JSON: {what}{end}", where=f"{self.path}:{line}:{column}")
