"""Parses QEMU's log of a program's system calls."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ostoo_build.loader.contract import LoaderContract

_CALL = lazy_pattern(r"^\d+ (?:Unknown syscall (?P<number>\d+)|(?P<name>[a-z_]\w*)\()", re.MULTILINE)
_DEFINED = lazy_pattern(r"^#define __NR_(\w+)\s+(\d+)", re.MULTILINE)


def numbers(header: str) -> dict[str, int]:
    """Return the numbers of system calls by name, from musl's `bits/syscall.h`."""
    return {name: int(number) for name, number in _DEFINED.findall(header)}


def count(log: str) -> Counter[str]:
    """Count the calls in a log of `-strace` by name, or by number if QEMU does not know the name."""
    return Counter(match["name"] or match["number"] for match in _CALL.finditer(log))


def table(calls: Mapping[str, int], known: Mapping[str, int], contract: LoaderContract | None) -> str:
    """Return a line for each call, sorted so that those missing in the target's kernel are last."""
    rows = sorted((_verdict(_number(name, known), contract), name) for name in calls)
    width = max((len(name) for name in calls), default=0)
    lines = (
        f"{calls[name]:>6}  {name:<{width}}  {'' if (number := _number(name, known)) is None else number:>4}  {verdict}"
        for (_, verdict), name in rows
    )
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _number(name: str, known: Mapping[str, int]) -> int | None:
    return int(name) if name.isdecimal() else known.get(name)


def _verdict(number: int | None, contract: LoaderContract | None) -> tuple[int, str]:
    """Return the severity of a call, and a text."""
    if contract is None or "syscall-numbers" not in contract.reasons:
        return 0, ""
    if number is None:
        return 1, "not known by number"
    if number in contract.syscalls.served:
        return 0, ""
    if number in contract.syscalls.limited:
        return 1, f"in {contract.kernel} {contract.syscalls.limited[number]}"
    if number in contract.syscalls.tolerated:
        return 1, f"{contract.kernel} lacks it: {contract.syscalls.tolerated[number]}"
    return 2, f"{contract.kernel} lacks it"
