"""Looks into TOML documents in which anything may stand. Does not know what they are about.

What cargo reads itself it has judged before; the rest is for us to refuse: a value of another type is dropped nowhere.
"""

from __future__ import annotations

from typing import Any

from ostoo_build.base.errors import OstooError


def table(document: Any, *keys: str, where: str) -> dict[str, Any]:
    """The table that keys lead to, empty where it is not there. Raises `OstooError` where something else stands."""
    found: Any = document
    for count in range(len(keys) + 1):
        if not isinstance(found, dict):
            raise OstooError(f"{'.'.join(keys[:count]) or 'the document'} is no table", where=where)
        if count < len(keys):
            found = found.get(keys[count], {})
    tables: dict[str, Any] = found
    return tables


def tables(document: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    """The tables of a key, none where it is not there. Raises `OstooError` where something else stands."""
    found = document.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise OstooError(f"{key} is no list of tables", where=where, remedy=f"write [[{key}]] above each")
    return found


def text(document: dict[str, Any], key: str, where: str) -> str:
    """The text of a key. Raises `OstooError` where it is not there, or something else stands."""
    found = document.get(key)
    if not isinstance(found, str):
        raise OstooError(f"{key} is {'missing' if found is None else 'no text'}", where=where)
    return found


def texts(document: dict[str, Any], key: str, where: str) -> list[str]:
    """The list of texts of a key, empty where it is not there. Raises `OstooError` where something else stands."""
    found = document.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise OstooError(f"{key} is no list of texts", where=where, remedy=f'write {key} = ["…"]')
    return found
