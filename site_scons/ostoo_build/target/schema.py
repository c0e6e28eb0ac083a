"""Validates a target spec against a JSON schema, and describes what was expected."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import json_schema, spelling
from ostoo_build.target.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jsonschema.exceptions import ValidationError

    from ostoo_build.base.json_positions import Pointer

_DRIFT: dict[Pointer, str] = {
    ("target-pointer-width",): "compilers up to mid-2025 expect a string here, later ones a number",
    ("target-c-int-width",): "compilers up to mid-2025 expect a string here, later ones a number",
}
"""Keys whose type changed between releases of rustc (rust-lang/rust pull requests 144443 and 144218)."""

_UNKNOWN_KEY = "compilers before 1.95 ignore unknown keys; remove it if it was meant for another release"


def violations(document: Any, schema: Mapping[str, Any]) -> list[Finding]:
    """Return all violations of a schema of draft 2020-12, in the schema's order.

    A `$comment` beside a violated keyword is the reason that is shown. References to other files are not followed: such
    a schema raises `OstooError`.
    """
    found = [finding for problem in json_schema.problems(document, schema) for finding in _findings(problem)]
    return list(dict.fromkeys(found))


class _Violation(Struct, frozen=True):
    """A keyword that a value violates; `rule` is the schema that contains the keyword."""

    path: Pointer
    instance: Any
    keyword: str
    demanded: Any
    rule: Mapping[str, Any]

    def finding(self, what: str, *remedies: str) -> Finding:
        return Finding(self.path, what, _lines(self.rule.get("$comment", ""), *remedies))


def _findings(problem: ValidationError) -> Iterator[Finding]:
    nearest = _nearest(problem)
    describe = _DESCRIBED.get(nearest[0].keyword, _other)
    return describe(nearest)


def _nearest(problem: ValidationError) -> Sequence[_Violation]:
    """Of failed alternatives, return the one that failed at the deepest position: it is probably the intended one."""
    leaves = list(_leaves(problem))
    depth = max(len(leaf.path) for leaf in leaves)
    deepest = [leaf for leaf in leaves if len(leaf.path) == depth]
    choices = [leaf for leaf in deepest if leaf.keyword in _CHOICES]
    return choices or deepest


def _leaves(problem: ValidationError) -> Iterator[_Violation]:
    if not problem.context:
        rule: Any = problem.schema if isinstance(problem.schema, dict) else {}
        path = tuple(problem.absolute_path)
        yield _Violation(path, problem.instance, str(problem.validator or ""), problem.validator_value, rule)
    for inner in problem.context or ():
        yield from _leaves(inner)


def _choice(broken: Sequence[_Violation]) -> Iterator[Finding]:
    """Report a value that is none of the allowed values. Several `const` side by side are alternatives too."""
    first = broken[0]
    allowed = [_shown(value) for each in broken for value in _CHOICES[each.keyword](each.demanded)]
    found = _shown(first.instance)
    what = f"expected {_listed(allowed)}, found {found}" if allowed else f"{found} is not allowed here"
    yield first.finding(what, spelling.nearest(found, allowed))


def _type(broken: Sequence[_Violation]) -> Iterator[Finding]:
    first = broken[0]
    names = [name for each in broken for name in _TYPES[type(each.demanded)](each.demanded) if name != "null"]
    drift = _DRIFT.get(first.path, "")
    what = f"expected {_listed(names) or 'null'}, found {_shown(first.instance)}"
    yield first.finding(what, _unquoted(first.instance, names), drift)


def _unquoted(value: Any, types: Sequence[str]) -> str:
    is_word = value in ("true", "false") and "boolean" in types
    is_number = isinstance(value, str) and value.isdecimal() and "integer" in types
    return f"write {value} without quotes" if is_word or is_number else ""


def _unknown_names(broken: Sequence[_Violation]) -> Iterator[Finding]:
    first = broken[0]
    known, patterns = first.rule.get("properties", {}), first.rule.get("patternProperties", {})
    matched = {name for name in first.instance if any(re.search(pattern, name) for pattern in patterns)}
    for name in (name for name in first.instance if name not in known and name not in matched):
        remedy = spelling.nearest(name, known) or _UNKNOWN_KEY
        yield Finding((*first.path, name), "there is no such key", remedy, in_name=True)


def _missing_names(broken: Sequence[_Violation]) -> Iterator[Finding]:
    first = broken[0]
    for name in (name for name in first.demanded if name not in first.instance):
        described = first.rule.get("properties", {}).get(name)
        rule = described if isinstance(described, dict) else {}
        allowed = [_shown(value) for keyword in _CHOICES.keys() & rule for value in _CHOICES[keyword](rule[keyword])]
        expected = f"expected {_listed(allowed)}" if allowed else ""
        yield Finding((*first.path, name), "this key is missing", _lines(expected, rule.get("$comment", "")))


def _other(broken: Sequence[_Violation]) -> Iterator[Finding]:
    first = broken[0]
    message = f"{_shown(first.instance)} breaks {first.keyword} {_shown(first.demanded)}"
    tells = first.keyword and "$comment" not in first.rule
    yield first.finding(message if tells else f"{_shown(first.instance)} is not allowed here")


def _lines(*texts: str) -> str:
    return "\n".join(filter(None, texts))


def _listed(words: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _shown(value: Any) -> str:
    """Return a value as JSON, without control characters, and shortened."""
    text = json.dumps(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


_LONGEST = 100

_CHOICES: dict[str, Callable[[Any], Sequence[Any]]] = {"enum": list, "const": lambda value: [value]}

_TYPES: dict[type, Callable[[Any], Sequence[str]]] = {str: lambda name: [name], list: list}

_DESCRIBED: dict[str, Callable[[Sequence[_Violation]], Iterator[Finding]]] = {
    "enum": _choice,
    "const": _choice,
    "type": _type,
    "additionalProperties": _unknown_names,
    "required": _missing_names,
}
