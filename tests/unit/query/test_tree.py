from __future__ import annotations

from ostoo_build.query import tree
from ostoo_build.query.graph import Graph, Node

NEEDS: dict[str, tuple[str, ...]] = {"p": ("a", "b"), "a": ("c",), "b": ("a", "c"), "c": ()}
GRAPH = Graph({label: Node(label, "library", ("x", "y") if label == "c" else ()) for label in NEEDS}, NEEDS, {})


def test_each_unit_is_shown_below_what_needs_it_and_its_own_needs_once() -> None:
    assert tree.show(GRAPH, "p").splitlines() == [
        "p",
        "├── a",
        "│   └── c (x, y)",
        "└── b",
        "    ├── a (*)",
        "    └── c (x, y)",
    ]
