"""Evaluates queries on a graph."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from ostoo_build.base import layout, spelling
from ostoo_build.query import graph as graphs
from ostoo_build.query.syntax import Call, Let, Names, Operation, Word, calls, mistake, parse, words

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from ostoo_build.base.errors import OstooError
    from ostoo_build.query.graph import Graph
    from ostoo_build.query.syntax import Expression

Labels = dict[str, None]
"""A set of labels, in the order in which they were found."""


class TurnedOn(Struct, frozen=True):
    """Features, by label, and who turned each on; `by` has these too, and who turned them on in turn."""

    features: tuple[str, ...]
    by: dict[str, tuple[str, ...]]


class Facts(Protocol):
    """What is found out about nodes of a graph when a query asks for it."""

    def inputs(self, label: str) -> Iterable[str]:
        """Return the portable paths of the files that a node reads, besides outputs of others."""

    def outputs(self, label: str) -> Iterable[str]:
        """Return the portable paths of the files that are made for a node."""

    def features(self, labels: Iterable[str], package: str) -> TurnedOn:
        """Return the features of a package among nodes."""

    def affected(self, changed: Sequence[str]) -> Iterable[str]:
        """Return the programs and tests that changes of files, or those of a range of git's, reach."""


def may_find_tests(query: str) -> bool:
    """Whether a query may find tests, which nothing needs; to plan them all takes a while."""
    parsed = parse(query)
    above = (call for call in calls(parsed) if call.name.text in _UPWARDS)
    is_named = any(word.text == _ALL or layout.tests("") in word.text for word in words(parsed))
    return is_named or any(call.name.text != "rdeps" or not _has_universe(call) for call in above)


def evaluate(graph: Graph, query: str, facts: Facts) -> Labels:
    """Return the labels that a query is about, and add those of files and features to the graph.

    Raises `OstooError` for a mistake in the query, with its position.
    """
    return _Evaluation(graph, query, facts, dict.fromkeys(graph.nodes)).of(parse(query), {})


_ALL = "all"
_UPWARDS = ("rdeps", "tests", "affected")
"""Functions that find who needs something."""


class _Evaluation(Struct, frozen=True):
    graph: Graph
    query: str
    facts: Facts
    everything: Labels

    def of(self, expression: Expression, variables: Mapping[str, Labels]) -> Labels:
        match expression:
            case Word():
                return self._named(expression, variables)
            case Names():
                return {label: None for word in expression.words for label in self._named(word, variables)}
            case Let():
                value = self.of(expression.value, variables)
                return self.of(expression.body, {**variables, expression.name: value})
            case Operation():
                left, right = (self.of(each, variables) for each in (expression.left, expression.right))
                return _SETS[expression.name](left, right)
            case Call():
                return self._call(expression, variables)

    def _named(self, word: Word, variables: Mapping[str, Labels]) -> Labels:
        if word.text.startswith("$"):
            if word.text[1:] in variables:
                return variables[word.text[1:]]
            raise self._mistake(word, f"there is no variable {word.text}", spelling.nearest(word.text[1:], variables))
        if word.text == _ALL:
            return self.everything
        if word.text not in self.graph.names:
            what = f"there is no program, test or unit {word.text}"
            raise self._mistake(word, what, spelling.nearest(word.text, self.graph.names))
        return dict.fromkeys(self.graph.names[word.text])

    def _call(self, call: Call, variables: Mapping[str, Labels]) -> Labels:
        if call.name.text not in FUNCTIONS:
            what = f"there is no function {call.name.text}"
            raise self._mistake(call.name, what, spelling.one_of(call.name.text, FUNCTIONS))
        function = FUNCTIONS[call.name.text]
        if len(call.arguments) not in function.counts:
            what = f"{call.name.text} is written {function.shown}"
            raise self._mistake(call.name, what)
        return function.perform(self, call, variables)

    def deps(self, call: Call, variables: Mapping[str, Labels]) -> Labels:
        first, *more = call.arguments
        return _reached(self.graph.needs, self.of(first, variables), self._depth(more))

    def rdeps(self, call: Call, variables: Mapping[str, Labels]) -> Labels:
        """With one argument everything is the universe."""
        *universes, of = call.arguments[: 2 if _has_universe(call) else 1]
        known = [_reached(self.graph.needs, self.of(each, variables), None) for each in universes]
        universe = known[0] if known else self.everything
        users = _turned({label: self.graph.needs[label] for label in universe})
        first = {label: None for label in self.of(of, variables) if label in universe}
        return _reached(users, first, self._depth(call.arguments[1 + len(universes) :]))

    def somepath(self, call: Call, variables: Mapping[str, Labels]) -> Labels:
        start, goal = (self.of(each, variables) for each in call.arguments)
        before: dict[str, str | None] = dict.fromkeys(start)
        waiting = deque(start)
        while waiting:
            at = waiting.popleft()
            if at in goal:
                return _back(before, at)
            for other in self.graph.needs[at]:
                if other not in before:
                    before[other] = at
                    waiting.append(other)
        return {}

    def allpaths(self, call: Call, variables: Mapping[str, Labels]) -> Labels:
        start, goal = (self.of(each, variables) for each in call.arguments)
        below = _reached(self.graph.needs, start, None)
        above = _reached(_turned(self.graph.needs), goal, None)
        return _intersection(below, above)

    def affected(self, call: Call, _variables: Mapping[str, Labels]) -> Labels:
        if not all(isinstance(each, Word) for each in call.arguments):
            raise self._mistake(call.name, "an argument of affected is no file")
        return dict.fromkeys(self.facts.affected([word.text for word in words(call)]))

    def kind(self, call: Call, variables: Mapping[str, Labels]) -> Labels:
        pattern, of = call.arguments
        if not isinstance(pattern, Word):
            raise self._mistake(call.name, "the first argument of kind is not a regular expression")
        try:
            kinds = re.compile(pattern.text)
        except re.error as error:
            raise self._mistake(pattern, f"{pattern.text} is not a regular expression: {error}") from error
        found = self.of(of, variables)
        return {label: None for label in found if kinds.search(self.graph.nodes[label].kind)}

    def tests(self, call: Call, variables: Mapping[str, Labels]) -> Labels:
        found, programs = self.of(call.arguments[0], variables), self.graph.programs
        ids = {programs[label].id for label in found if label in programs}
        tests = {label: each for label, each in programs.items() if self.graph.nodes[label].kind == graphs.TEST}
        tested = {label: (each.tested, each.target) for label, each in tests.items()}
        return {label: None for label, of in tested.items() if label in found or of in ids}

    def inputs(self, call: Call, variables: Mapping[str, Labels]) -> Labels:
        return self._files(self.of(call.arguments[0], variables), self.facts.inputs)

    def outputs(self, call: Call, variables: Mapping[str, Labels]) -> Labels:
        return self._files(self.of(call.arguments[0], variables), self.facts.outputs)

    def _files(self, labels: Labels, find: Callable[[str], Iterable[str]]) -> Labels:
        found = {path: None for label in labels if label in self.everything for path in find(label)}
        self.graph.add(graphs.FILE, dict.fromkeys(found, ()))
        return found

    def features(self, call: Call, variables: Mapping[str, Labels]) -> Labels:
        of, package = call.arguments
        if not isinstance(package, Word):
            raise self._mistake(call.name, "the second argument of features is not the name of a package")
        found = self.facts.features(_reached(self.graph.needs, self.of(of, variables), None), package.text)
        self.graph.add(graphs.TURNED_ON_BY, found.by)
        self.graph.add(graphs.FEATURE, {label: found.by[label] for label in found.features})
        return dict.fromkeys(found.by)

    def _depth(self, arguments: tuple[Expression, ...] | list[Expression]) -> int | None:
        for each in arguments:
            if isinstance(each, Word) and each.text.isdecimal():
                return int(each.text)
            raise mistake(self.query, each.at if isinstance(each, Word) else 1, "a depth is not a number")
        return None

    def _mistake(self, word: Word, what: str, remedy: str = "") -> OstooError:
        return mistake(self.query, word.at, what, remedy)


def _has_universe(call: Call) -> bool:
    """Whether the first of two arguments is a universe, and the second no depth."""
    second = call.arguments[1] if len(call.arguments) > 1 else None
    return second is not None and not (isinstance(second, Word) and second.text.isdecimal())


class _Function(Struct, frozen=True):
    """A function: how it is written, its numbers of arguments, and what performs it."""

    shown: str
    counts: Container[int]
    perform: Callable[[_Evaluation, Call, Mapping[str, Labels]], Labels]


FUNCTIONS = {
    "deps": _Function("deps(X) or deps(X, DEPTH)", (1, 2), _Evaluation.deps),
    "rdeps": _Function("rdeps(X), rdeps(UNIVERSE, X) or rdeps(UNIVERSE, X, DEPTH)", (1, 2, 3), _Evaluation.rdeps),
    "somepath": _Function("somepath(FROM, TO)", (2,), _Evaluation.somepath),
    "allpaths": _Function("allpaths(FROM, TO)", (2,), _Evaluation.allpaths),
    "tests": _Function("tests(X)", (1,), _Evaluation.tests),
    "inputs": _Function("inputs(X)", (1,), _Evaluation.inputs),
    "outputs": _Function("outputs(X)", (1,), _Evaluation.outputs),
    "features": _Function("features(X, PACKAGE)", (2,), _Evaluation.features),
    "affected": _Function("affected(FILE, …)", range(1, 1_000_000), _Evaluation.affected),
    "kind": _Function('kind("REGEX", X)', (2,), _Evaluation.kind),
}


def _union(left: Labels, right: Labels) -> Labels:
    return {**left, **right}


def _intersection(left: Labels, right: Labels) -> Labels:
    return {label: None for label in left if label in right}


def _difference(left: Labels, right: Labels) -> Labels:
    return {label: None for label in left if label not in right}


_SETS = {"union": _union, "intersect": _intersection, "except": _difference}


def _reached(needs: Mapping[str, tuple[str, ...]], start: Labels, depth: int | None) -> Labels:
    """Return what is reached in at most so many steps, the start included."""
    found, last = dict(start), list(start)
    while last and depth != 0:
        last = list(dict.fromkeys(other for at in last for other in needs.get(at, ()) if other not in found))
        found |= dict.fromkeys(last)
        depth = None if depth is None else depth - 1
    return found


def _turned(needs: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for user, others in needs.items():
        for other in others:
            found.setdefault(other, []).append(user)
    return {label: tuple(users) for label, users in found.items()}


def _back(before: Mapping[str, str | None], end: str) -> Labels:
    """Return a path in the order from its start."""
    path, at = [], end
    while True:
        path.append(at)
        former = before[at]
        if former is None:
            return dict.fromkeys(reversed(path))
        at = former
