"""The known state of the stack at one instruction, and how an effect changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.stack.effects import Effect, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST_ALIGNMENT = 1 << 16


class State(NamedTuple):
    """`depth` bytes are in use since the entry, None where that is lost.

    `stacks` are the registers that hold a place in the stack, as a depth; `numbers` those that hold a number.
    """

    depth: int | None
    stacks: Mapping[str, int]
    numbers: Mapping[str, int]


ENTRY = State(0, {}, {})


def merged(known: State, new: State) -> State:
    """What holds where two ways meet: the larger depth, and what registers hold on both."""
    stacks = {name: value for name, value in known.stacks.items() if new.stacks.get(name) == value}
    numbers = {name: value for name, value in known.numbers.items() if new.numbers.get(name) == value}
    return State(None if known.depth is None or new.depth is None else max(known.depth, new.depth), stacks, numbers)


def kept(state: State, registers: frozenset[str]) -> State:
    """What is left of a state where only some registers keep their values."""
    stacks, numbers = (
        {name: all_[name] for name in all_ if name in registers} for all_ in (state.stacks, state.numbers)
    )
    return State(state.depth, stacks, numbers)


def after(state: State, effect: Effect) -> State:
    """The state behind an instruction that has this effect."""
    depth, stacks, numbers = state
    kind, register, number = effect
    match kind:
        case Kind.MOVE:
            return State(None if depth is None else depth + number, stacks, numbers)
        case Kind.RESTORE:
            known = stacks.get(register)
            return State(None if known is None else known + number, stacks, numbers)
        case Kind.MOVE_BY:
            by = numbers.get(register)
            return State(None if depth is None or by is None else depth + number * by, stacks, numbers)
        case Kind.ALIGN:
            sane = 0 < number <= _LARGEST_ALIGNMENT and depth is not None
            return State((depth or 0) + number - 1 if sane else None, stacks, numbers)
        case Kind.LOST:
            return State(None, stacks, numbers)
    others = {name: value for name, value in stacks.items() if name != register}
    values = {name: value for name, value in numbers.items() if name != register}
    if kind is Kind.NOTE and depth is not None:
        others[register] = depth + number
    elif kind is Kind.CONSTANT:
        values[register] = number
    elif kind is Kind.ADD and register in numbers:
        values[register] = numbers[register] + number
    return State(depth, others, values)
