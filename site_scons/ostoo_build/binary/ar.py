"""Reads and writes static libraries in the GNU `ar` format."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MAGIC = b"!<arch>\n"
_HEADER_SIZE = 60
_SHORT_NAME = 15
_INDEXES = frozenset({"/", "/SYM64/"})


class Member(Struct, frozen=True):
    """One file in an archive. `name` is as the writer stored it: usually a base name, sometimes a path."""

    name: str
    data: bytes


class IndexedMember(Struct, frozen=True):
    """A member to write, with the symbols that the archive's index lists for it."""

    member: Member
    symbols: tuple[str, ...]


def read(data: bytes, where: str) -> tuple[Member, ...]:
    """Parse a GNU archive without its index. Raises `OstooError`, which names `where`, for any other file."""
    if not data.startswith(_MAGIC):
        raise OstooError("not a static library: the ar signature is missing", where=where)
    try:
        return tuple(_members(data))
    except (ValueError, IndexError) as error:
        raise OstooError(f"damaged static library: {error}", where=where) from error


def _members(data: bytes) -> Iterator[Member]:
    long_names = b""
    position = len(_MAGIC)
    while position < len(data):
        header = data[position : position + _HEADER_SIZE]
        if len(header) < _HEADER_SIZE or not header.endswith(b"`\n"):
            raise ValueError(f"no member header at byte {position}")
        name = header[:16].decode("ascii").rstrip()
        start = position + _HEADER_SIZE
        end = start + int(header[48:58])
        if not start <= end <= len(data):
            raise ValueError(f"the member at byte {position} ends beyond the end of the file")
        if name == "//":
            long_names = data[start:end]
        elif name not in _INDEXES:
            yield Member(_full_name(name, long_names), data[start:end])
        position = end + end % 2


def _full_name(name: str, long_names: bytes) -> str:
    if not name.startswith("/"):
        return name.removesuffix("/")
    start = int(name[1:])
    return long_names[start : long_names.index(b"/\n", start)].decode()


def write(entries: Sequence[IndexedMember]) -> bytes:
    """Return a GNU archive with an index. It contains no time, owner or path, so equal entries give equal bytes."""
    long_names, names = _name_table([entry.member.name for entry in entries])
    symbols = [symbol for entry in entries for symbol in entry.symbols]
    strings = b"".join(symbol.encode() + b"\0" for symbol in symbols)
    index_size = 4 + 4 * len(symbols) + len(strings)
    head = _block("//", long_names) if long_names else b""
    position = len(_MAGIC) + _HEADER_SIZE + index_size + index_size % 2 + len(head)
    offsets: list[int] = []
    blocks: list[bytes] = []
    for entry, name in zip(entries, names, strict=True):
        offsets += [position] * len(entry.symbols)
        blocks.append(_block(name, entry.member.data))
        position += len(blocks[-1])
    index = struct.pack(f">{len(symbols) + 1}I", len(symbols), *offsets) + strings
    return b"".join([_MAGIC, _block("/", index), head, *blocks])


def _name_table(names: Sequence[str]) -> tuple[bytes, list[str]]:
    table = b""
    fields = []
    for name in names:
        if len(name) <= _SHORT_NAME:
            fields.append(f"{name}/")
        else:
            fields.append(f"/{len(table)}")
            table += f"{name}/\n".encode()
    return table, fields


def _block(name: str, data: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(data):<10}`\n".encode("ascii")
    return header + data + b"\n" * (len(data) % 2)
