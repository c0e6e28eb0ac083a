"""Evaluates queries on a graph."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import spelling
from ostoo_build.query.syntax import Call, Let, Names, Operation, Word, mistake, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ostoo_build.base.errors import OstooError
    from ostoo_build.query.graph import Graph
    from ostoo_build.query.syntax import Expression

Labels = dict[str, None]
"""A set of labels, in the order in which they were found."""


def evaluate(graph: Graph, query: str) -> Labels:
    """Return the labels that a query is about. Raises `OstooError` for a mistake in it, with its position."""
    return _Evaluation(graph, query).of(parse(query), {})


class _Evaluation(Struct, frozen=True):
    graph: Graph
    query: str

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
        if word.text == "all":
            return dict.fromkeys(self.graph.nodes)
        if word.text not in self.graph.names:
            what = f"there is no program or unit {word.text}"
            raise self._mistake(word, what, spelling.nearest(word.text, self.graph.names))
        return dict.fromkeys(self.graph.names[word.text])

    def _call(self, call: Call, variables: Mapping[str, Labels]) -> Labels:
        if call.name.text not in _FUNCTIONS:
            what = f"there is no function {call.name.text}"
            raise self._mistake(call.name, what, spelling.one_of(call.name.text, _FUNCTIONS))
        function = _FUNCTIONS[call.name.text]
        if len(call.arguments) not in function.counts:
            what = f"{call.name.text} is written {function.shown}"
            raise self._mistake(call.name, what)
        return function.perform(self, call, variables)

    def deps(self, call: Call, variables: Mapping[str, Labels]) -> Labels:
        first, *more = call.arguments
        return _reached(self.graph.needs, self.of(first, variables), self._depth(more))

    def rdeps(self, call: Call, variables: Mapping[str, Labels]) -> Labels:
        """With one argument everything is the universe."""
        *universes, of = call.arguments[: 2 if self._has_universe(call) else 1]
        known = [_reached(self.graph.needs, self.of(each, variables), None) for each in universes]
        universe = known[0] if known else dict.fromkeys(self.graph.nodes)
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

    def _has_universe(self, call: Call) -> bool:
        """Whether the first of two arguments is a universe, and the second no depth."""
        second = call.arguments[1] if len(call.arguments) > 1 else None
        return second is not None and not (isinstance(second, Word) and second.text.isdecimal())

    def _depth(self, arguments: tuple[Expression, ...] | list[Expression]) -> int | None:
        for each in arguments:
            if isinstance(each, Word) and each.text.isdecimal():
                return int(each.text)
            raise mistake(self.query, each.at if isinstance(each, Word) else 1, "a depth is not a number")
        return None

    def _mistake(self, word: Word, what: str, remedy: str = "") -> OstooError:
        return mistake(self.query, word.at, what, remedy)


class _Function(Struct, frozen=True):
    """A function: how it is written, its numbers of arguments, and what performs it."""

    shown: str
    counts: tuple[int, ...]
    perform: Callable[[_Evaluation, Call, Mapping[str, Labels]], Labels]


_FUNCTIONS = {
    "deps": _Function("deps(X) or deps(X, DEPTH)", (1, 2), _Evaluation.deps),
    "rdeps": _Function("rdeps(X), rdeps(UNIVERSE, X) or rdeps(UNIVERSE, X, DEPTH)", (1, 2, 3), _Evaluation.rdeps),
    "somepath": _Function("somepath(FROM, TO)", (2,), _Evaluation.somepath),
    "allpaths": _Function("allpaths(FROM, TO)", (2,), _Evaluation.allpaths),
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
