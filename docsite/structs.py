"""Shows structs of msgspec as tables: what `ostoo.toml` may contain, and what an event has."""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

import page_parts
from ostoo_build.base import events
from ostoo_build.project import description

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OF_VARIABLES = "variables"
"""The field of a description that is no key: each variable is one."""


def of_description() -> Iterator[str]:
    """Yield the tables of `ostoo.toml`."""
    yield "The file at the top of a repository. The [manual](../manual.md#ostootoml) explains what it is for."
    for struct in _schemas(description.Description):
        text = inspect.cleandoc(struct["description"])
        named = re.search(r"`(\[.+?\])`", text)
        yield f"## {page_parts.code(named[1]) if named else 'At the top'}"
        yield page_parts.paragraphs(text)
        fields = {key: kind for key, kind in struct["properties"].items() if key != _OF_VARIABLES and _kind(kind)}
        rows = (
            (page_parts.code(key), _kind(kind), "needed" if key in struct["required"] else _default(kind))
            for key, kind in fields.items()
        )
        yield page_parts.table(("Key", "Value", "Default"), rows)


def of_events() -> Iterator[str]:
    """Yield the events of a build."""
    yield (
        "What a build tells while it runs. All that shows a build is made of these events, and `--events FILE` writes "
        f"them, each as a line of JSON with `at`, when it happened. `format` is {events.FORMAT}. Times are seconds "
        "since the build began."
    )
    for struct in _schemas(*events.Event.__subclasses__()):
        fields = dict(struct["properties"])
        (tag,) = fields.pop("event")["enum"]
        yield f"## {tag}"
        yield page_parts.paragraphs(inspect.cleandoc(struct["description"]))
        rows = ((page_parts.code(name), _kind(kind)) for name, kind in fields.items())
        yield page_parts.table(("Field", "Value"), rows)


def _schemas(*kinds: type[msgspec.Struct]) -> list[dict[str, Any]]:
    """Return the JSON schemas of structs, and of those that are in them."""
    (_, named) = msgspec.json.schema_components(kinds)
    return list(named.values())


def _default(kind: Mapping[str, Any]) -> str:
    """Return a default; empty if that is what a key without a value means."""
    return page_parts.code(json.dumps(kind["default"]) if kind.get("default") else "")


def _kind(kind: Mapping[str, Any]) -> str:
    """Return what a value has to be; empty for what has a table of its own, and for a value that is left out."""
    if "anyOf" in kind:
        return " or ".join(filter(None, map(_kind, kind["anyOf"])))
    if "enum" in kind:
        return ", ".join(map(page_parts.code, kind["enum"]))
    match kind.get("type", ""):
        case "array":
            each = _kind(kind["items"])
            return f"array of {each}s" if each else ""
        case "object":
            each = _kind(kind["additionalProperties"])
            return f"object of {each}s" if each else ""
        case "null":
            return ""
        case word:
            return str(word)
