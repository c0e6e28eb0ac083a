"""Computes the worst case over a call graph: exact without cycles, else of the known part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Edge(Struct, frozen=True):
    """A call: while the function `target` runs, its caller occupies `cost` bytes."""

    target: int
    cost: int


class Node(Struct, frozen=True):
    """A function whose own frame is at most `frame` bytes."""

    frame: int
    edges: tuple[Edge, ...] = ()

    @property
    def most(self) -> int:
        """The maximum that the function itself uses at any time."""
        return max([self.frame, *(edge.cost for edge in self.edges)])


class ChainLink(Struct, frozen=True):
    """A function in a chain of calls, and what it occupies while the next one runs; for the last one, its frame."""

    node: int
    cost: int


class WorstCase(Struct, frozen=True):
    """The deepest chain of calls.

    `known` is the size in bytes of the deepest chain that was found in which no function occurs twice. If `cycles`,
    which are groups of functions that call each other, is empty, it is the exact bound. `once` is a bound for runs in
    which no function is entered again before it returns.
    """

    known: int
    chain: tuple[ChainLink, ...]
    cycles: tuple[tuple[int, ...], ...]
    once: int
    reached: frozenset[int]


def worst_case(nodes: Mapping[int, Node], root: int) -> WorstCase:
    """Search everything that can be reached from `root`. Time and memory are linear in the number of edges."""
    finished, back = _depth_first(nodes, root)
    deepest: dict[int, tuple[int, Edge | None]] = {}
    for node in finished:
        deepest[node] = _deepest(nodes[node], node, deepest, back)
    groups = list(_groups(nodes, root))
    cycles = tuple(group for group in groups if len(group) > 1 or _calls_itself(nodes, group[0]))
    return WorstCase(
        deepest[root][0], tuple(_chain(nodes, root, deepest)), cycles, _once(nodes, groups), frozenset(finished)
    )


def _depth_first(nodes: Mapping[int, Node], root: int) -> tuple[list[int], set[tuple[int, int]]]:
    """Return nodes in the order of completion, and the edges that lead back to an unfinished node."""
    finished: list[int] = []
    back: set[tuple[int, int]] = set()
    active = {root}
    seen = {root}
    path = [(root, iter(nodes[root].edges))]
    while path:
        node, edges = path[-1]
        edge = next(edges, None)
        if edge is None:
            path.pop()
            active.discard(node)
            finished.append(node)
        elif edge.target in active:
            back.add((node, edge.target))
        elif edge.target not in seen:
            seen.add(edge.target)
            active.add(edge.target)
            path.append((edge.target, iter(nodes[edge.target].edges)))
    return finished, back


def _deepest(
    node: Node, name: int, deepest: Mapping[int, tuple[int, Edge | None]], back: set[tuple[int, int]]
) -> tuple[int, Edge | None]:
    best: tuple[int, Edge | None] = (node.frame, None)
    for edge in node.edges:
        if (name, edge.target) not in back and (depth := edge.cost + deepest[edge.target][0]) > best[0]:
            best = (depth, edge)
    return best


def _chain(nodes: Mapping[int, Node], root: int, deepest: Mapping[int, tuple[int, Edge | None]]) -> Iterator[ChainLink]:
    at: int | None = root
    while at is not None:
        edge = deepest[at][1]
        yield ChainLink(at, edge.cost if edge else nodes[at].frame)
        at = edge.target if edge else None


def _calls_itself(nodes: Mapping[int, Node], node: int) -> bool:
    return any(edge.target == node for edge in nodes[node].edges)


def _once(nodes: Mapping[int, Node], groups: list[tuple[int, ...]]) -> int:
    """Return the bound if each function of a cycle is on the stack at most once.

    The groups are in order, callees first.
    """
    above: dict[int, int] = {}
    total = 0
    for group in groups:
        members = set(group)
        if len(group) == 1 and not _calls_itself(nodes, group[0]):
            node = nodes[group[0]]
            total = max([node.frame, *(edge.cost + above[edge.target] for edge in node.edges)])
        else:
            leaving = (above[edge.target] for each in group for edge in nodes[each].edges if edge.target not in members)
            total = sum(nodes[each].most for each in group) + max(leaving, default=0)
        above |= dict.fromkeys(group, total)
    return total


def _groups(nodes: Mapping[int, Node], root: int) -> Iterator[tuple[int, ...]]:
    """Yield the strongly connected components, callees first (Tarjan 1972, without recursion)."""
    number: dict[int, int] = {root: 0}
    low: dict[int, int] = {root: 0}
    stack = [root]
    on_stack = {root}
    path = [(root, iter(nodes[root].edges))]
    while path:
        node, edges = path[-1]
        edge = next(edges, None)
        if edge is None:
            path.pop()
            if path:
                low[path[-1][0]] = min(low[path[-1][0]], low[node])
            if low[node] == number[node]:
                group = [stack.pop()]
                while group[-1] != node:
                    group.append(stack.pop())
                on_stack -= set(group)
                yield tuple(group)
        elif edge.target not in number:
            number[edge.target] = low[edge.target] = len(number)
            stack.append(edge.target)
            on_stack.add(edge.target)
            path.append((edge.target, iter(nodes[edge.target].edges)))
        elif edge.target in on_stack:
            low[node] = min(low[node], number[edge.target])
