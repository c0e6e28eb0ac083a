"""Shows what a program needs as a tree, as cargo does, but with std."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ostoo_build.query.graph import Graph


def show(graph: Graph, top: str) -> str:
    """Return the tree below a label. What was shown before is marked (*), and not shown again."""
    return "".join(f"{line}\n" for line in lines(graph, top, set()))


def reached(graph: Graph, tops: Collection[str]) -> set[str]:
    """Return all labels in the trees of some labels."""
    found, waiting = set(tops), list(tops)
    while waiting:
        new = [label for label in graph.needs[waiting.pop()] if label not in found]
        found.update(new)
        waiting += new
    return found


def lines(graph: Graph, top: str, shown: set[str]) -> Iterator[str]:
    """Yield the lines of the tree below a label, and add to those that were shown before."""
    return _lines(graph, top, "", "", shown)


def _lines(graph: Graph, label: str, first: str, rest: str, shown: set[str]) -> Iterator[str]:
    """Yield the lines of a subtree; `first` is before its top, `rest` before all below it."""
    needs = graph.needs[label]
    features = graph.nodes[label].features
    told = f" ({', '.join(features)})" if features else ""
    is_known = label in shown and bool(needs)
    yield f"{first}{label}{told}{' (*)' if is_known else ''}"
    if is_known:
        return
    shown.add(label)
    for number, other in enumerate(needs, 1):
        is_last = number == len(needs)
        yield from _lines(
            graph, other, f"{rest}{'└── ' if is_last else '├── '}", f"{rest}{'    ' if is_last else '│   '}", shown
        )
