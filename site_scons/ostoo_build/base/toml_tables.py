"""Reads values from TOML documents and checks their types.

Cargo has already validated the keys that it knows. A value of the wrong type in another key is an error here, never
ignored.
"""

from __future__ import annotations

from typing import Any

from ostoo_build.base.errors import OstooError


def table(document: Any, *keys: str, where: str) -> dict[str, Any]:
    """Return the table at `keys`, empty if it is missing. Raises `OstooError` for another type."""
    found: Any = document
    for count in range(len(keys) + 1):
        if not isinstance(found, dict):
            raise OstooError(f"{'.'.join(keys[:count]) or 'the document'} is not a table", where=where)
        if count < len(keys):
            found = found.get(keys[count], {})
    tables: dict[str, Any] = found
    return tables


def tables(document: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    """Return the array of tables at `key`, empty if it is missing. Raises `OstooError` for another type."""
    found = document.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise OstooError(f"{key} is not an array of tables", where=where, remedy=f"write [[{key}]] above each table")
    return found


def text(document: dict[str, Any], key: str, where: str) -> str:
    """Return the string at `key`. Raises `OstooError` if it is missing or has another type."""
    found = document.get(key)
    if not isinstance(found, str):
        raise OstooError(f"{key} is {'missing' if found is None else 'not a string'}", where=where)
    return found


def texts(document: dict[str, Any], key: str, where: str) -> list[str]:
    """Return the array of strings at `key`, empty if it is missing. Raises `OstooError` for another type."""
    found = document.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise OstooError(f"{key} is not an array of strings", where=where, remedy=f'write {key} = ["…"]')
    return found
