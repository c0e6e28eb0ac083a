"""Reads TOML files."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from pathlib import Path


def load(path: Path) -> dict[str, Any]:
    """Parse a TOML file. Raises `OstooError` with the parser's line if it is not valid."""
    try:
        with digest.opened(path) as stream:
            return _parsed(stream.read())
    except FileNotFoundError as error:
        raise OstooError("no such file", where=str(path)) from error
    except OSError as error:
        raise OstooError(f"can't read it: {error.strerror}", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OstooError(f"not valid TOML: {error}", where=str(path)) from error


@lru_cache(maxsize=64)
def _parsed(content: bytes) -> dict[str, Any]:
    """Cached: all members of a workspace read its manifest."""
    return tomllib.loads(content.decode())
