"""Content digests: lower-case hexadecimal sha256, as in REAPI. Does not know what is hashed or why."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

Hash = str
"""64 lower-case hexadecimal digits of a sha256."""


def of_bytes(data: bytes) -> Hash:
    return hashlib.sha256(data).hexdigest()


def of_file(path: Path) -> Hash:
    """Hash a regular file's contents in chunks. Raises `OSError` where it can't be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def of_json(value: object) -> Hash:
    """Hash a JSON-like value (dict, list, tuple, str, int, bool, None) in its canonical form."""
    return of_bytes(canonical_json(value))


def canonical_json(value: object) -> bytes:
    """Sorted keys, no white space, UTF-8: equal values give equal bytes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")
