"""Finds which function calls which, and the stack in use at each call.

Each function is walked along its control flow, with the distance of the stack pointer from its value at the entry.
Where paths meet, the larger distance counts, so all numbers are upper bounds. Code behind a call to a function that
never returns is not walked, as it belongs to something else. Anything unknown is reported.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.binary import disassembly, symbol_table
from ostoo_build.stack import effects as stack_effects
from ostoo_build.stack import instruction_flow
from ostoo_build.stack import state as stack_state
from ostoo_build.stack.effects import EffectKind
from ostoo_build.stack.instruction_flow import Flow
from ostoo_build.stack.state import ENTRY, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ostoo_build.binary.elf import Elf
    from ostoo_build.binary.symbol_table import Function
    from ostoo_build.stack.instruction_flow import Step

_GROWTHS = 16
"""How often an instruction may be reached with a deeper stack until this counts as a loop without a known end."""

_PADDING = frozenset({"nop", "int3", "c.nop", "udf", "c.unimp", "unimp", ".byte"})
_ZEROS = ("add", "byte ptr [rax], al")
_POINTER = 8
_HALF_CALL = 4


class Call(Struct, frozen=True):
    """A call or tail call. `cost` is the caller's stack that is in use meanwhile, including the return address.

    `target` is a function's address, or None if it is only known at run time.
    """

    at: int
    target: int | None
    cost: int
    text: str


class FunctionStack(Struct, frozen=True):
    """The stack use of a function. `frame` is the maximum of its own use in bytes.

    `unknown` contains the reasons why its stack is not known; then `frame` and the costs are only a part. `remarks` are
    oddities that do not affect the result. `by_compiler` says that only the compiler's `.stack_sizes` gave the frame.
    """

    function: Function
    frame: int
    calls: tuple[Call, ...]
    unknown: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    by_compiler: bool = False


class FunctionCode(Struct, frozen=True):
    """A function's instructions in order."""

    function: Function
    steps: tuple[Step, ...]


def code_of(program: Elf, functions: tuple[Function, ...]) -> tuple[FunctionCode, ...]:
    """Decode each function from its first byte."""
    pieces = list(symbol_table.code_pieces(program))
    found = []
    at = 0
    for function in functions:
        while function.address >= pieces[at][0] + len(pieces[at][1]):
            at += 1
        start, contents = pieces[at]
        part = contents[function.address - start : function.end - start]
        decoded = disassembly.decode(part, program.machine, function.address)
        found.append(FunctionCode(function, tuple(instruction_flow.steps(decoded, program.machine))))
    return tuple(found)


def function_stacks(
    program: Elf, code: tuple[FunctionCode, ...], compilers_frames: Mapping[int, int]
) -> tuple[FunctionStack, ...]:
    """Return the stack use of all functions, in order. `compilers_frames` are bytes by a function's address."""
    walk = _Walk(program, code)
    walk.everything()
    return tuple(each.routine(walk.return_address, compilers_frames) for each in walk.places)


class _FunctionWalk:
    """The findings about one function so far."""

    def __init__(self, code: FunctionCode) -> None:
        self.function = code.function
        self.steps = {step.address: step for step in code.steps}
        self.seen: dict[int, State] = {}
        self.growths: dict[int, int] = {}
        self.frame = 0
        self.sites: dict[tuple[int, int | None], tuple[int | None, bool, str]] = {}
        self.lost: dict[str, None] = {}
        self.unreadable: dict[str, None] = {}
        self.remarks: dict[str, None] = {}
        self.tables: list[int | None] = []
        self.may_return = False
        self.net = 0
        self.is_strict = True
        self.waiting: list[tuple[_FunctionWalk, int | None, State]] = []

    def routine(self, return_address: int, compilers_frames: Mapping[int, int]) -> FunctionStack:
        told = compilers_frames.get(self.function.address)
        by_compiler = bool(self.lost) and told is not None
        frame = max(self.frame, told or 0)
        calls = tuple(
            Call(at, target, max((frame if depth is None or by_compiler else depth), 0) + pushes * return_address, text)
            for (at, target), (depth, pushes, text) in sorted(self.sites.items(), key=lambda item: item[0][0])
        )
        unknown = (*(() if by_compiler else self.lost), *self.unreadable)
        return FunctionStack(self.function, frame, calls, unknown, tuple(self.remarks), by_compiler)

    def padding_ends(self) -> None:
        """Remove the padding at the end."""
        for address in sorted(self.steps, reverse=True):
            if not _is_padding(self.steps[address]) or address in self.seen:
                return
            del self.steps[address]


class _Walk:
    """Walks all functions at once. The code behind a call waits until the callee is known to return."""

    def __init__(self, program: Elf, code: tuple[FunctionCode, ...]) -> None:
        self.program = program
        self.machine = program.machine
        self.return_address = stack_effects.return_address_size(self.machine)
        self.kept = stack_effects.kept_by_calls(self.machine)
        self.places = [_FunctionWalk(each) for each in code]
        self.starts = [place.function.address for place in self.places]
        self.work: list[tuple[_FunctionWalk, int, State]] = []

    def everything(self) -> None:
        self.work = [(place, place.function.address, ENTRY) for place in self.places if place.function.names]
        self._run()
        for place in self.places:
            self._rest_of(place)

    def _rest_of(self, place: _FunctionWalk) -> None:
        """Walk code that was not reached directly: by jump tables, by unwinding, or not at all."""
        place.is_strict = False
        place.padding_ends()
        depths = place.tables or [place.frame if place.function.names else 0]
        depth = None if None in depths else max(each or 0 for each in depths)
        for address in sorted(place.steps):
            if address not in place.seen and not _is_padding(place.steps[address]):
                self.work.append((place, address, State(depth, {}, {})))
                self._run()

    def _run(self) -> None:
        while self.work:
            place, address, state = self.work.pop()
            following: tuple[int, State] | None = (address, state)
            while following:
                following = self._advance(place, *following)

    def _advance(self, place: _FunctionWalk, address: int, state: State) -> tuple[int, State] | None:
        """Process one instruction. Returns the next position, or None if that is already known or has to wait."""
        step = place.steps.get(address)
        if step is None:
            self._outside(place, address, state)
            return None
        known = place.seen.get(address)
        if known is not None:
            state = _merged(place, step, known, state)
            if state == known:
                return None
        place.seen[address] = state
        if step.flow is Flow.NEXT:
            return step.end, _applied(place, step, state, self.machine)
        return self._transfer(place, step, state)

    def _transfer(self, place: _FunctionWalk, step: Step, state: State) -> tuple[int, State] | None:
        match step.flow:
            case Flow.CALL:
                return self._call(place, step, state)
            case Flow.JUMP if step.target is None:
                self._indirect_jump(place, step, state)
            case Flow.JUMP | Flow.BRANCH if step.target is not None:
                self._jump(place, step, step.target, state)
            case Flow.RETURN:
                if self.return_address and step.operands:
                    place.lost[f"a return that removes arguments at {step.address:#x}"] = None
                self._returns(place, step.address, state.depth)
            case Flow.INVALID:
                place.unreadable[f"code that can't be decoded at {step.address:#x}"] = None
        if step.flow is Flow.BRANCH:
            if step.target is None:
                place.unreadable[f"a branch that can't be read at {step.address:#x}"] = None
            return step.end, state
        return None

    def _outside(self, place: _FunctionWalk, address: int, state: State) -> None:
        """Handle control that leaves a function's instructions: into the next function, or between instructions."""
        if place.function.address <= address < place.function.end:
            if place.is_strict:
                place.unreadable[f"a jump into the middle of an instruction, to {address:#x}"] = None
        else:
            self._tail(place, address, address, state, f"falls into {address:#x}")

    def _call(self, place: _FunctionWalk, step: Step, state: State) -> tuple[int, State] | None:
        behind = stack_state.kept(state, self.kept)
        if step.target is None:
            _note_site(place, step.address, None, state.depth, pushes=True, text=_text(step))
            return step.end, behind
        if self._is_nowhere(place, step):
            return (step.end, behind) if step.target == step.end else None
        callee = self._entered(place, step.address, step.target, state, pushes=True, text=_text(step))
        if callee is None:
            return step.end, behind
        if callee.may_return:
            return step.end, _behind(callee, behind)
        callee.waiting.append((place, step.end, behind))
        return None

    def _is_nowhere(self, place: _FunctionWalk, step: Step) -> bool:
        """Whether LLD generated the call for an undefined weak symbol; the code tests the symbol before the call.

        On x86-64 the target is address 0, on AArch64 the next instruction, on RISC-V the same two instructions again.
        """
        nowhere = {0}
        if step.flow is Flow.CALL and not self.return_address:
            around = (step.end, step.address - _HALF_CALL)
            nowhere |= {each for each in around if place.function.address < each < place.function.end}
        if step.target in nowhere:
            place.remarks[f"at {step.address:#x} a call of an undefined weak symbol"] = None
            return True
        return False

    def _jump(self, place: _FunctionWalk, step: Step, target: int, state: State) -> None:
        if self._is_nowhere(place, step):
            return
        if place.function.address <= target < place.function.end:
            self.work.append((place, target, state))
        else:
            self._tail(place, step.address, target, state, _text(step))

    def _tail(self, place: _FunctionWalk, at: int, target: int, state: State, text: str) -> None:
        callee = self._entered(place, at, target, state, pushes=False, text=text)
        if callee is None:
            self._returns(place, at, 0)
        elif callee.may_return:
            self._returns(place, at, _behind(callee, state).depth)
        else:
            callee.waiting.append((place, None, state))

    def _indirect_jump(self, place: _FunctionWalk, step: Step, state: State) -> None:
        """Handle an indirect jump.

        A jump table stays within the function; a tail call releases the whole frame before.
        """
        if step.is_table or self._is_table(place, step.table) or (state.depth or 0) > 0:
            place.tables.append(state.depth)
            return
        _note_site(place, step.address, None, state.depth, pushes=False, text=_text(step))
        self._returns(place, step.address, state.depth)

    def _is_table(self, place: _FunctionWalk, address: int | None) -> bool:
        if address is None:
            return False
        for segment in self.program.loads:
            at = address - segment.address
            if 0 <= at <= segment.file_size - _POINTER:
                start = segment.offset + at
                target = int.from_bytes(self.program.data[start : start + _POINTER], "little")
                return place.function.address <= target < place.function.end
        return False

    def _entered(
        self, place: _FunctionWalk, at: int, target: int, state: State, *, pushes: bool, text: str
    ) -> _FunctionWalk | None:
        """Record that control enters another function."""
        index = bisect_right(self.starts, target) - 1
        callee = self.places[index] if index >= 0 else None
        if callee is None or target >= callee.function.end:
            place.unreadable[f"a jump or call to {target:#x}, where there is no code, at {at:#x}"] = None
            return None
        _note_site(place, at, callee.function.address, state.depth, pushes=pushes, text=text)
        if target != callee.function.address:
            place.remarks[f"a jump or call into the middle of {callee.function.name} at {at:#x}"] = None
            self.work.append((callee, target, ENTRY))
        elif not callee.seen:
            self.work.append((callee, target, ENTRY))
        return callee

    def _returns(self, place: _FunctionWalk, at: int, depth: int | None) -> None:
        """Record that a function returns, and by how much its caller's stack grew: 0 except for outlined code."""
        net = depth or 0
        if place.is_strict and net and (self.return_address or (place.may_return and net != place.net)):
            place.lost[f"a return with {net} bytes more or less of stack than at the entry, {at:#x}"] = None
        if place.may_return:
            return
        place.may_return = True
        place.net = 0 if self.return_address else net
        waiting, place.waiting = place.waiting, []
        for other, address, state in waiting:
            behind = _behind(place, state)
            if address is None:
                self._returns(other, at, behind.depth)
            else:
                self.work.append((other, address, behind))


def _behind(callee: _FunctionWalk, state: State) -> State:
    """Return the state behind a call."""
    if not callee.net:
        return state
    return State(None if state.depth is None else state.depth + callee.net, {}, {})


def _text(step: Step) -> str:
    return f"{step.mnemonic} {step.operands}"


def _note_site(
    place: _FunctionWalk, at: int, target: int | None, depth: int | None, *, pushes: bool, text: str
) -> None:
    known = place.sites.get((at, target))
    if known is not None:
        depth = None if depth is None or known[0] is None else max(depth, known[0])
    place.sites[at, target] = (depth, pushes, text)


def _merged(place: _FunctionWalk, step: Step, known: State, new: State) -> State:
    both = stack_state.merged(known, new)
    if both.depth is not None and known.depth is not None and both.depth > known.depth:
        place.growths[step.address] = place.growths.get(step.address, 0) + 1
        if place.growths[step.address] > _GROWTHS:
            place.lost[f"stack that grows in a loop at {step.address:#x}"] = None
            return both._replace(depth=None)
    return both


def _applied(place: _FunctionWalk, step: Step, state: State, machine: str) -> State:
    changes = stack_effects.effects(step, machine)
    for effect in changes:
        state = stack_state.after(state, effect)
        if state.depth is not None:
            place.frame = max(place.frame, state.depth)
        elif effect.kind in (EffectKind.LOST, EffectKind.RESTORE, EffectKind.MOVE_BY, EffectKind.ALIGN):
            place.lost[f"a stack pointer that can't be followed at {step.address:#x}: {_text(step)}"] = None
    return state


def _is_padding(step: Step) -> bool:
    return step.mnemonic.rpartition(" ")[2] in _PADDING or (step.mnemonic, step.operands) == _ZEROS
