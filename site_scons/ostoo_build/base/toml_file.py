"""Reads TOML files."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ostoo_build.base import digest, toml_entries
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from pathlib import Path


def load(path: Path) -> dict[str, Any]:
    """Parse a TOML file. Raises `OstooError` with the parser's line if it is not valid."""
    try:
        with digest.opened(path) as stream:
            return parse(stream.read())
    except FileNotFoundError as error:
        raise OstooError("no such file", where=str(path)) from error
    except OSError as error:
        raise OstooError(f"can't read it: {error.strerror}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise OstooError(f"not valid TOML: {error}", where=str(path)) from error


def lines(path: Path) -> dict[toml_entries.Key, int]:
    """Return the line of each key in a file that `load` has read. Raises `OSError`."""
    with digest.opened(path) as stream:
        text = stream.read().decode("utf-8-sig")
    return toml_entries.lines(text, lambda part: parse(part.encode()))


@lru_cache(maxsize=2048)
def parse(content: bytes) -> dict[str, Any]:
    """Parse a document as cargo does: in TOML 1.1, with or without a byte order mark.

    Cached: all members of a workspace read its manifest, and planning reads each one several times. Raises `ValueError`
    or `RecursionError` if it is not valid.
    """
    text = content.decode("utf-8-sig")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        found = _newer(text)
        if found is None:
            raise
        return found


def _newer(text: str) -> dict[str, Any] | None:
    """Parse what only TOML 1.1 permits; None if it is not valid there either. Python's own parser reads 1.0, fast."""
    import tomlkit  # noqa: PLC0415 - few documents need it
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415 - likewise

    try:
        return tomlkit.parse(text).unwrap()
    except TOMLKitError:
        return None
