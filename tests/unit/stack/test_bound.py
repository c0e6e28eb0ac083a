from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from hypothesis import given, settings
from hypothesis import strategies as st

from ostoo_build.stack.bound import ChainLink, Edge, Node, worst_case

Graph = dict[int, Node]


def brute_force(graph: Graph, at: int, path: frozenset[int] = frozenset()) -> int:
    """The deepest of all chains that enter no function twice, each of them followed."""
    path |= {at}
    ways = [edge.cost + brute_force(graph, edge.target, path) for edge in graph[at].edges if edge.target not in path]
    return max([graph[at].frame, *ways])


def reachable(graph: Graph, root: int) -> set[int]:
    seen, work = {root}, [root]
    while work:
        for edge in graph[work.pop()].edges:
            if edge.target not in seen:
                seen.add(edge.target)
                work.append(edge.target)
    return seen


def has_cycle(graph: Graph) -> bool:
    there = reachable(graph, 0)
    try:
        TopologicalSorter({at: [edge.target for edge in graph[at].edges] for at in there}).prepare()
    except CycleError:
        return True
    return False


@st.composite
def graphs(draw: st.DrawFn, *, is_acyclic: bool) -> Graph:
    count = draw(st.integers(1, 7))
    graph = {}
    for at in range(count):
        low = at + 1 if is_acyclic else 0
        targets = st.integers(low, count - 1) if low < count else st.nothing()
        edges = draw(st.lists(st.builds(Edge, targets, st.integers(0, 300)), max_size=4))
        graph[at] = Node(draw(st.integers(0, 300)), tuple(edges))
    return graph


@settings(deadline=None)
@given(graphs(is_acyclic=True))
def test_without_a_cycle_the_bound_is_that_of_all_chains(graph: Graph) -> None:
    found = worst_case(graph, 0)
    assert not found.cycles
    assert found.known == found.once == brute_force(graph, 0)


@settings(deadline=None)
@given(graphs(is_acyclic=False))
def test_a_cycle_is_never_missed(graph: Graph) -> None:
    assert bool(worst_case(graph, 0).cycles) == has_cycle(graph)


@settings(deadline=None)
@given(graphs(is_acyclic=False))
def test_what_no_chain_without_repetition_exceeds_is_never_below_one(graph: Graph) -> None:
    found = worst_case(graph, 0)
    assert found.known <= brute_force(graph, 0) <= found.once


@settings(deadline=None)
@given(graphs(is_acyclic=False))
def test_the_chain_is_one_of_the_graph_and_as_deep_as_told(graph: Graph) -> None:
    found = worst_case(graph, 0)
    assert sum(link.cost for link in found.chain) == found.known
    assert len({link.node for link in found.chain}) == len(found.chain)
    for link, following in zip(found.chain, found.chain[1:], strict=False):
        assert Edge(following.node, link.cost) in graph[link.node].edges
    assert found.chain[-1].cost == graph[found.chain[-1].node].frame
    assert found.reached == reachable(graph, 0)


def test_a_function_that_calls_itself_is_a_cycle() -> None:
    assert worst_case({0: Node(8, (Edge(0, 16),))}, 0).cycles == ((0,),)


def test_a_cycle_that_is_not_reached_does_not_count() -> None:
    assert worst_case({0: Node(8), 1: Node(8, (Edge(1, 16),))}, 0).cycles == ()


def test_ways_that_meet_again_are_followed_once() -> None:
    depth = 60  # 2 to the 60 chains
    graph = {at: Node(1, (Edge(at + 1, 1), Edge(at + 1, 2))) for at in range(depth)} | {depth: Node(5)}
    assert worst_case(graph, 0).known == 2 * depth + 5


def test_a_long_chain_needs_no_recursion() -> None:
    depth = 20_000
    graph = {at: Node(1, (Edge(at + 1, 1),)) for at in range(depth)} | {depth: Node(5)}
    found = worst_case(graph, 0)
    assert found.known == depth + 5
    assert found.chain[:2] == (ChainLink(0, 1), ChainLink(1, 1))
