"""Parses queries: Bazel's grammar, without what only its packages and labels need. Knows no function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = lazy_pattern(r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<mark>[()=,+^]|-(?=\s))|(?P<word>[^\s()=,+^"']+))""")
SETS = {"+": "union", "union": "union", "^": "intersect", "intersect": "intersect", "-": "except", "except": "except"}


class Word(Struct, frozen=True):
    """A name or a number, at a position of the query that counts from 1."""

    text: str
    at: int


class Call(Struct, frozen=True):
    """A function with its arguments."""

    name: Word
    arguments: tuple[Expression, ...]


class Operation(Struct, frozen=True):
    """`union`, `intersect` or `except` of two sets."""

    name: str
    left: Expression
    right: Expression


class Let(Struct, frozen=True):
    """`let NAME = VALUE in BODY`; the body names the value `$NAME`."""

    name: str
    value: Expression
    body: Expression


class Names(Struct, frozen=True):
    """`set(A B …)`."""

    words: tuple[Word, ...]


Expression = Word | Call | Operation | Let | Names


def calls(expression: Expression) -> Iterator[Call]:
    """Yield all calls in an expression."""
    if isinstance(expression, Call):
        yield expression
    for part in _parts(expression):
        yield from calls(part)


def words(expression: Expression) -> Iterator[Word]:
    """Yield all names and numbers in an expression, without those of functions and variables."""
    if isinstance(expression, Word):
        yield expression
    for part in _parts(expression):
        yield from words(part)


def _parts(expression: Expression) -> tuple[Expression, ...]:
    match expression:
        case Call():
            return expression.arguments
        case Operation():
            return expression.left, expression.right
        case Let():
            return expression.value, expression.body
        case Names():
            return expression.words
        case Word():
            return ()


class _Token(Struct, frozen=True):
    text: str
    at: int
    is_quoted: bool = False


def parse(query: str) -> Expression:
    """Parse a query. Raises `OstooError` with the position of a mistake, and what is expected there."""
    reader = _Reader(query)
    found = reader.expression()
    reader.end()
    return found


class _Reader:
    """Reads one query from left to right. All operators have the same precedence, as in Bazel."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._tokens = list(_tokens(query))
        self._next = 0

    def expression(self) -> Expression:
        found = self._operand()
        while (token := self._tokens[self._next]).text in SETS and not token.is_quoted:
            self._next += 1
            found = Operation(SETS[token.text], found, self._operand())
        return found

    def end(self) -> None:
        token = self._tokens[self._next]
        if token.text:
            raise self._error(token, "an operator (+, -, ^) or the end")

    def _operand(self) -> Expression:
        token = self._take("a name, a function or (")
        if token.is_quoted:
            return Word(token.text, token.at)
        if token.text == "(":
            found = self.expression()
            self._mark(")")
            return found
        if token.text == "let" and self._tokens[self._next].text != "(":
            return self._let()
        if token.text in ")=,+^-":
            raise self._error(token, "a name, a function or (")
        if self._tokens[self._next].text != "(" or self._tokens[self._next].is_quoted:
            return Word(token.text, token.at)
        self._next += 1
        return self._set() if token.text == "set" else self._call(token)

    def _let(self) -> Let:
        name = self._take("the name of a variable")
        self._mark("=")
        value = self.expression()
        self._mark("in")
        return Let(name.text, value, self.expression())

    def _set(self) -> Names:
        words = []
        while (token := self._take("a name or )")).text != ")" or token.is_quoted:
            words.append(Word(token.text, token.at))
        return Names(tuple(words))

    def _call(self, name: _Token) -> Call:
        arguments = [self.expression()]
        while (token := self._take(", or )")).text == ",":
            arguments.append(self.expression())
        if token.text != ")":
            raise self._error(token, ", or )")
        return Call(Word(name.text, name.at), tuple(arguments))

    def _mark(self, text: str) -> None:
        token = self._take(text)
        if token.text != text or token.is_quoted:
            raise self._error(token, text)

    def _take(self, expected: str) -> _Token:
        token = self._tokens[self._next]
        if not token.text and not token.is_quoted:
            raise self._error(token, expected)
        self._next += 1
        return token

    def _error(self, token: _Token, expected: str) -> OstooError:
        found = f"there is {token.text}" if token.text else "the query ends"
        return mistake(self._query, token.at, f"{found}, and {expected} is expected")


def _tokens(query: str) -> list[_Token]:
    """Split a query; the last token is empty. Raises `OstooError` for a quote without its end."""
    found, at = [], 0
    while query[at:].strip():
        match = _TOKEN.match(query, at)
        if match is None:
            raise mistake(query, len(query) - len(query[at:].lstrip()) + 1, "a quote has no end")
        kind = match.lastgroup or ""
        text = match[kind]
        found.append(_Token(text[1:-1] if kind == "quoted" else text, match.start(kind) + 1, kind == "quoted"))
        at = match.end()
    return [*found, _Token("", len(query) + 1)]


def mistake(query: str, at: int, what: str, remedy: str = "") -> OstooError:
    """Create the error for a mistake at a position, which counts from 1."""
    return OstooError(f"{what}, at position {at} of the query", where=f"{query}\n{' ' * (at - 1)}^", remedy=remedy)
