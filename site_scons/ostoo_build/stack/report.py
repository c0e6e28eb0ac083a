"""Reports how much stack a program needs, and which part of that is unknown."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import byte_size, numbered
from ostoo_build.base.errors import OstooError
from ostoo_build.binary import symbol_table
from ostoo_build.binary.demangle import demangle
from ostoo_build.binary.disassembly import MACHINES
from ostoo_build.binary.elf import DamagedElfError
from ostoo_build.loader.contract import Stack  # noqa: TC001 - msgspec looks at it when it reads a report
from ostoo_build.stack import address_taken, call_graph
from ostoo_build.stack import effects as stack_effects
from ostoo_build.stack.bound import Edge, Node, worst_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ostoo_build.binary.elf import Elf
    from ostoo_build.stack.call_graph import FunctionStack

_ANY = -1
"""The node of all functions that an indirect call may reach."""

_LIBC_START, _MAIN = "__libc_start_main", "main"
"""The C library calls main through a pointer that it is given: that much is known of its indirect calls."""

_SHOWN = 12


class Row(Struct, frozen=True):
    """A function in the deepest chain; `used` are the bytes of its frame and of the return address above it."""

    function: str
    used: int


class IndirectCaller(Struct, frozen=True):
    """A reachable function with indirect calls, and their addresses."""

    function: str
    places: tuple[str, ...]


class AssumedBound(Struct, frozen=True):
    """The stack that is needed if indirect calls reach the functions whose address is taken, and no others.

    `bound` is None if there is recursion, through `recursive` functions, or if the stack of `unknown` ones is not
    known. `once` is the bound without the latter, for runs in which no function is entered again before it returns.
    """

    taken: int
    bound: int | None
    recursive: int
    unknown: int
    once: int


class StackReport(Struct, frozen=True):
    """The stack use of a program. All sizes are in bytes.

    `bound` is None without a bound, `known` is the deepest known chain.

    `given` is the stack that the loader provides, None if unknown. `cycles` are groups of functions that call each
    other. `unknown` lists, for reachable functions, why their stack is not known. `remarks` are oddities that do not
    matter.
    """

    program: str
    bound: int | None
    known: int
    red_zone: int
    given: Stack | None
    chain: tuple[Row, ...]
    cycles: tuple[tuple[str, ...], ...]
    indirect: tuple[IndirectCaller, ...]
    unknown: tuple[str, ...]
    remarks: tuple[str, ...]
    supposed: AssumedBound

    @property
    def fits(self) -> bool:
        """Whether the known part fits into the stack."""
        return self.given is None or self.known <= self.given.size

    def to_json(self) -> str:
        """Return the report for tools and for `read`. Equal reports give equal text."""
        return json.dumps(numbered.to_builtins(self), indent=2) + "\n"


def read(path: Path) -> StackReport:
    """Read a report that `to_json` wrote. Raises `OstooError`."""
    try:
        return numbered.from_json(path.read_bytes(), StackReport)
    except (OSError, ValueError, RecursionError) as error:
        raise OstooError(f"can't read the report: {error}", where=str(path), remedy="build it again") from error


def analyse(path: Path, name: str, given: Stack | None) -> StackReport:
    """Compute a program's worst case; `path` is the program with symbols. Raises `OstooError` if it can't be read."""
    program = symbol_table.read_program(path)
    if program.machine not in MACHINES:
        raise OstooError(f"can't analyse code for {program.machine}", where=str(path))
    try:
        known = symbol_table.symbols(program)
        frames = symbol_table.frame_sizes(program)
    except DamagedElfError as error:
        raise OstooError(f"damaged ELF file: {error}", where=str(path), remedy="build it again") from error
    if not known:
        raise OstooError("it has no symbols", where=str(path), remedy=f"use {name}.debug beside the program")
    code = call_graph.code_of(program, symbol_table.functions(program, known))
    routines = call_graph.function_stacks(program, code, frames)
    by_address = {each.function.address: each for each in routines}
    if program.entry not in by_address:
        raise OstooError(f"its entry point {program.entry:#x} is not a function", where=str(path))
    return _report(program, name, by_address, address_taken.taken(program, code), given)


def _report(
    program: Elf, name: str, routines: Mapping[int, FunctionStack], taken: frozenset[int], given: Stack | None
) -> StackReport:
    red_zone = stack_effects.red_zone(program.machine)
    direct = worst_case(_nodes(routines, None), program.entry)
    supposed = worst_case(_nodes(routines, taken), program.entry)
    reached = [routines[each] for each in sorted(direct.reached)]
    indirect = tuple(_indirect(reached))
    unknown = tuple(f"{_name(each)}: {why}" for each in reached for why in each.unknown)
    known = direct.known + red_zone
    in_all = [routines[each] for each in supposed.reached if each != _ANY]
    unsure = sum(bool(each.unknown) for each in in_all)
    recursive = sum(len(cycle) - (_ANY in cycle) for cycle in supposed.cycles)
    return StackReport(
        program=name,
        bound=None if direct.cycles or indirect or unknown else known,
        known=known,
        red_zone=red_zone,
        given=given,
        chain=tuple(Row(_name(routines[link.node]), link.cost) for link in direct.chain),
        cycles=tuple(tuple(sorted(_name(routines[each]) for each in cycle)) for cycle in direct.cycles),
        indirect=indirect,
        unknown=unknown,
        remarks=tuple(_remarks(reached)),
        supposed=AssumedBound(
            taken=len(taken),
            bound=None if unsure or supposed.cycles else supposed.known + red_zone,
            recursive=recursive,
            unknown=unsure,
            once=supposed.once + red_zone,
        ),
    )


def _nodes(routines: Mapping[int, FunctionStack], taken: frozenset[int] | None) -> dict[int, Node]:
    """Return the graph of direct calls. If `taken` is given, each indirect call leads to all of these."""
    main = next((address for address, each in routines.items() if _MAIN in each.function.names), None)
    nodes = {address: Node(each.frame, tuple(_edges(each, main, taken))) for address, each in routines.items()}
    if taken is not None:
        nodes[_ANY] = Node(0, tuple(Edge(address, 0) for address in sorted(taken)))
    return nodes


def _edges(routine: FunctionStack, main: int | None, taken: frozenset[int] | None) -> Iterator[Edge]:
    for call in routine.calls:
        if call.target is not None:
            yield Edge(call.target, call.cost)
            continue
        if main is not None and _LIBC_START in routine.function.names:
            yield Edge(main, call.cost)
        if taken is not None:
            yield Edge(_ANY, call.cost)


def _name(routine: FunctionStack) -> str:
    return demangle(routine.function.name).text


def _indirect(reached: list[FunctionStack]) -> Iterator[IndirectCaller]:
    for each in reached:
        places = tuple(f"{call.at:#x}: {call.text}" for call in each.calls if call.target is None)
        if places:
            yield IndirectCaller(_name(each), places)


def _remarks(reached: list[FunctionStack]) -> Iterator[str]:
    for each in reached:
        yield from (f"{_name(each)}: {remark}" for remark in each.remarks)
        if _LIBC_START in each.function.names:
            yield f"{_LIBC_START} is assumed to call {_MAIN} through a pointer"
        if each.by_compiler:
            yield f"{_name(each)}: its frame size is the compiler's, as its code does not show it"


def table(report: StackReport) -> str:
    """Return the report as text: the deepest chain, what is unknown, and the verdict at the end."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: StackReport) -> Iterator[str]:
    yield f"{report.program}: the deepest known chain of calls"
    yield ""
    yield f"{'bytes':>8} {'in all':>8}  function"
    total = 0
    for row in report.chain:
        total += row.used
        yield f"{row.used:>8} {total:>8}  {row.function}"
    if report.red_zone:
        yield f"{report.red_zone:>8} {total + report.red_zone:>8}  (the red zone below the last one)"
    yield ""
    for number, cycle in enumerate(report.cycles, 1):
        yield f"recursion {number}: {_some(list(cycle), ', ')}"
    if report.indirect:
        calls = Counter({each.function: len(each.places) for each in report.indirect})
        where = f"{_plural(calls.total(), 'place')} in {_plural(len(calls), 'function')}"
        yield f"indirect calls: {where} that can be reached"
        for function, count in calls.most_common(_SHOWN):
            yield f"{count:>8}           {function}"
        if len(calls) > _SHOWN:
            yield f"{'':>8}           and {len(calls) - _SHOWN} more"
    for what in report.unknown:
        yield f"not known: {what}"
    for remark in report.remarks:
        yield f"remark: {remark}"
    yield from _verdict(report)


def _verdict(report: StackReport) -> Iterator[str]:
    if report.bound is not None:
        yield f"bounded: {report.program} needs at most {_size(report.bound)} of stack"
    else:
        causes = (
            (len(report.cycles), "recursion"),
            (sum(len(each.places) for each in report.indirect), "indirect call"),
            (len(report.unknown), "unknown frame"),
        )
        why = ", ".join(_plural(count, what) for count, what in causes if count)
        yield f"not bounded, because of {why}: the known part needs {_size(report.known)}"
        yield from _supposition(report)
    if report.given is None:
        yield "no loader contract says how large the stack is"
        return
    size = f"the loader's stack of {_size(report.given.size)}, which argv shares"
    if not report.fits:
        yield f"too much for {size}: {report.given.reason}"
    elif report.bound is not None:
        yield f"it fits into {size}"
    else:
        yield f"the known part fits into {size}; whether all does is not known"


def _supposition(report: StackReport) -> Iterator[str]:
    supposed = report.supposed
    start = f"if each indirect call may reach any of {_plural(supposed.taken, 'function')} whose address is taken"
    if supposed.bound is not None:
        yield f"{start}: at most {_size(supposed.bound)}"
        return
    through = f", {_plural(supposed.recursive, 'function')} may call each other" if supposed.recursive else ""
    unsure = f", {_plural(supposed.unknown, 'function')} of unknown frames left out" if supposed.unknown else ""
    yield f"{start}{through}; while none is entered again before it returns: at most {_size(supposed.once)}{unsure}"


def _size(size: int) -> str:
    return f"{size} bytes" if size < 1 << 10 else f"{size} bytes ({byte_size.show(size)})"


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _some(names: list[str], between: str) -> str:
    more = [f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return between.join([*names[:_SHOWN], *more])
