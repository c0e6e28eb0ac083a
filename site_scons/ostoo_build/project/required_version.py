"""Checks that this build has the version that a project wants: `version` in its ostoo.toml."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from ostoo_build.base import own_version
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "version"

_CLAUSE = lazy_pattern(r"\s*(==|!=|<=|>=|<|>|~=|)\s*(\d+(?:\.\d+)*)(\.\*)?\s*")
_LENGTH = 4
"""Number of parts to which release numbers are filled up with zeros, so that 1.0 equals 1."""

_COMPARISONS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def check(wanted: object, where: str) -> None:
    """Raise `OstooError` unless the running version is `wanted`.

    `wanted` is a beginning of its number, such as "0.2", or a specifier of PEP 440 for release numbers, such as
    ">=0.2,<0.4".
    """
    running = own_version.number()
    if not isinstance(wanted, str):
        raise _not_a_version(wanted, running, where)
    held = [_holds(clause, running, where) for clause in wanted.split(",")]  # each is read, whatever the first says
    if all(held):
        return
    specifier = _specifier(wanted)
    raise OstooError(
        f"this project wants {own_version.NAME} {wanted}, and this is {running}",
        where=where,
        remedy=f"uv tool install '{own_version.NAME}{specifier}', or pip install '{own_version.NAME}{specifier}'",
    )


def _holds(clause: str, running: str, where: str) -> bool:
    match = _CLAUSE.fullmatch(clause)
    if match is None or (match[3] and match[1] not in ("", "==", "!=")):
        raise _not_a_version(clause.strip(), running, where)
    comparison, wanted, is_now = match[1], _release(match[2]), _release(running)
    if comparison in _COMPARISONS:
        return _COMPARISONS[comparison](_filled(is_now), _filled(wanted))
    if comparison == "~=":
        return _filled(is_now) >= _filled(wanted) and _filled(is_now)[: len(wanted) - 1] == wanted[:-1]
    is_prefix = not comparison or bool(match[3])
    is_equal = _filled(is_now)[: len(wanted)] == wanted if is_prefix else _filled(is_now) == _filled(wanted)
    return is_equal != (comparison == "!=")


def _not_a_version(wanted: object, running: str, where: str) -> OstooError:
    return OstooError(
        f"{KEY} = {wanted!r} is not a version",
        where=where,
        remedy=f'write {KEY} = "{running}", or a specifier such as ">={running}"',
    )


def _release(number: str) -> tuple[int, ...]:
    return tuple(map(int, number.split(".")))


def _filled(release: tuple[int, ...]) -> tuple[int, ...]:
    return (*release, *[0] * (_LENGTH - len(release)))


def _specifier(wanted: str) -> str:
    """Return `wanted` as pip reads it: a beginning of a number becomes `==BEGINNING.*`."""
    return wanted.replace(" ", "") if wanted.strip()[:1] in "<>=!~" else f"=={wanted.strip()}.*"
