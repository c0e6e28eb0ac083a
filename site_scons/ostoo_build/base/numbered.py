"""Reads and writes structs as JSON with the number of their form, so that no version of this build misreads another's.

State that is `state_file.sealed` has the number in its seal, and records have it in their key.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct

from ostoo_build.base import decoders
from ostoo_build.base.state_file import FORMAT

T = TypeVar("T", bound=Struct)


class _Numbered(Struct):
    """The number of a document; one without it is from a version that numbered nothing."""

    format: int = 0


class OtherFormatError(ValueError):
    """The document is from another version of this build."""

    def __init__(self) -> None:
        super().__init__("it was written by another version of ostoo-build")


def to_builtins(value: Struct) -> dict[str, object]:
    return {"format": FORMAT, **msgspec.to_builtins(value)}


def from_json(content: bytes, kind: type[T]) -> T:
    """Parse a JSON document of `to_builtins`. Raises `OtherFormatError`, and `ValueError` if it is not a document."""
    try:
        if decoders.decode(content, _Numbered).format != FORMAT:
            raise OtherFormatError
        found: T = decoders.decode(content, kind)
    except RecursionError as error:
        raise ValueError("the data is nested too deeply") from error
    return found
