"""The known state of the stack at one instruction, and how an effect changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.stack.effects import Effect, EffectKind

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST_ALIGNMENT = 1 << 16


class State(NamedTuple):
    """The state before an instruction. `depth` bytes of stack are in use since the function's entry, None if unknown.

    `stacks` maps registers that point into the stack to a depth, `numbers` those with a known number.
    """

    depth: int | None
    stacks: Mapping[str, int]
    numbers: Mapping[str, int]


ENTRY = State(0, {}, {})


def merged(known: State, new: State) -> State:
    """Return the common state of two paths: the larger depth, and the registers that agree."""
    stacks = {name: value for name, value in known.stacks.items() if new.stacks.get(name) == value}
    numbers = {name: value for name, value in known.numbers.items() if new.numbers.get(name) == value}
    return State(None if known.depth is None or new.depth is None else max(known.depth, new.depth), stacks, numbers)


def kept(state: State, registers: frozenset[str]) -> State:
    """Return a state in which only the given registers keep their values."""
    stacks, numbers = (
        {name: all_[name] for name in all_ if name in registers} for all_ in (state.stacks, state.numbers)
    )
    return State(state.depth, stacks, numbers)


def after(state: State, effect: Effect) -> State:
    """Return the state after an effect."""
    depth, stacks, numbers = state
    kind, register, number = effect
    match kind:
        case EffectKind.MOVE:
            return State(None if depth is None else depth + number, stacks, numbers)
        case EffectKind.RESTORE:
            known = stacks.get(register)
            return State(None if known is None else known + number, stacks, numbers)
        case EffectKind.MOVE_BY:
            by = numbers.get(register)
            return State(None if depth is None or by is None else depth + number * by, stacks, numbers)
        case EffectKind.ALIGN:
            sane = 0 < number <= _LARGEST_ALIGNMENT and depth is not None
            return State((depth or 0) + number - 1 if sane else None, stacks, numbers)
        case EffectKind.LOST:
            return State(None, stacks, numbers)
    others = {name: value for name, value in stacks.items() if name != register}
    values = {name: value for name, value in numbers.items() if name != register}
    if kind is EffectKind.NOTE and depth is not None:
        others[register] = depth + number
    elif kind is EffectKind.CONSTANT:
        values[register] = number
    elif kind is EffectKind.ADD and register in numbers:
        values[register] = numbers[register] + number
    return State(depth, others, values)
