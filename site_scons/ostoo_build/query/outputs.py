"""Writes the answer of a query in each form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ostoo_build.query import tree as trees
from ostoo_build.query.graph import FEATURE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ostoo_build.query.affected import Causes
    from ostoo_build.query.evaluation import Labels
    from ostoo_build.query.graph import Graph

FORMAT = 1
"""The number of the form of the JSON document; docs/manual.md describes it."""


def _label(_graph: Graph, found: Labels) -> Iterator[str]:
    yield from found


def _text(graph: Graph, found: Labels) -> Iterator[str]:
    """Yield a line for each node, and for each feature a tree of who turned it on, as `cargo tree -e features -i`."""
    trees_of = {label for label in found if graph.nodes[label].kind == FEATURE}
    below = set(trees.reached(graph, trees_of)) - trees_of
    shown: set[str] = set()
    for node in (graph.nodes[label] for label in found):
        features = f", with {', '.join(node.features)}" if node.features else ""
        if node.kind == FEATURE:
            yield from trees.lines(graph, node.label, shown)
        elif node.label not in below:
            yield f"{node.kind} {node.label}{features}"


def _json(graph: Graph, found: Labels) -> Iterator[str]:
    nodes = [
        {**msgspec.to_builtins(graph.nodes[label]), "needs": [each for each in graph.needs[label] if each in found]}
        for label in found
    ]
    document = msgspec.json.encode({"format": FORMAT, "nodes": nodes})
    yield msgspec.json.format(document, indent=2).decode()


def _dot(graph: Graph, found: Labels) -> Iterator[str]:
    yield "digraph query {"
    yield from (f"  {_quoted(label)};" for label in found)
    yield from (f"  {_quoted(user)} -> {_quoted(other)};" for user, other in _edges(graph, found))
    yield "}"


def _mermaid(graph: Graph, found: Labels) -> Iterator[str]:
    numbers = {label: number for number, label in enumerate(found)}
    yield "graph TD"
    yield from (f'  n{number}["{label.replace(chr(34), "#quot;")}"]' for label, number in numbers.items())
    yield from (f"  n{numbers[user]} --> n{numbers[other]}" for user, other in _edges(graph, found))


def _edges(graph: Graph, found: Labels) -> Iterator[tuple[str, str]]:
    yield from ((user, other) for user in found for other in graph.needs[user] if other in found)


def _quoted(label: str) -> str:
    escaped = label.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


FORMS: dict[str, Callable[[Graph, Labels], Iterator[str]]] = {
    "text": _text,
    "label": _label,
    "json": _json,
    "dot": _dot,
    "mermaid": _mermaid,
}
"""What `--output` may name."""


def write(form: str, graph: Graph, found: Labels) -> str:
    """Return the answer with a newline at the end of each line."""
    return "".join(f"{line}\n" for line in FORMS[form](graph, found))


def write_affected(form: str, graph: Graph, causes: Causes) -> str:
    """Return what changes reach, in the form `text`, `label` or `json`, with a newline at the end of each line."""
    if form == "json":
        found = [
            {"label": each, "kind": graph.nodes[each].kind, "because": because} for each, because in causes.items()
        ]
        return msgspec.json.format(msgspec.json.encode({"format": FORMAT, "affected": found}), indent=2).decode() + "\n"
    if form == "label":
        return write(form, graph, dict.fromkeys(causes))
    return "".join(f"{graph.nodes[label].kind} {label}: {_because(because)}\n" for label, because in causes.items())


def _because(causes: Sequence[str]) -> str:
    more = f" and {len(causes) - 1} more" if len(causes) > 1 else ""
    return f"{causes[0]}{more}"
