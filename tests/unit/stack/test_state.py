from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.stack.effects import Effect, EffectKind
from ostoo_build.stack.state import ENTRY, State, after, kept, merged

NOTED = State(40, {"rbp": 16}, {"x9": 3})

CASES = [
    (Effect(EffectKind.MOVE, number=8), State(48, NOTED.stacks, NOTED.numbers)),
    (Effect(EffectKind.MOVE, number=-8), State(32, NOTED.stacks, NOTED.numbers)),
    (Effect(EffectKind.MOVE_BY, "x9", 2), State(46, NOTED.stacks, NOTED.numbers)),
    (Effect(EffectKind.MOVE_BY, "x1", 2), State(None, NOTED.stacks, NOTED.numbers)),
    (Effect(EffectKind.RESTORE, "rbp", -8), State(8, NOTED.stacks, NOTED.numbers)),
    (Effect(EffectKind.RESTORE, "rbx"), State(None, NOTED.stacks, NOTED.numbers)),
    (Effect(EffectKind.ALIGN, number=64), State(103, NOTED.stacks, NOTED.numbers)),
    (Effect(EffectKind.ALIGN, number=1 << 20), State(None, NOTED.stacks, NOTED.numbers)),
    (Effect(EffectKind.ALIGN, number=0), State(None, NOTED.stacks, NOTED.numbers)),
    (Effect(EffectKind.LOST), State(None, NOTED.stacks, NOTED.numbers)),
    (Effect(EffectKind.NOTE, "rbx", 8), State(40, {"rbp": 16, "rbx": 48}, {"x9": 3})),
    (Effect(EffectKind.NOTE, "x9"), State(40, {"rbp": 16, "x9": 40}, {})),
    (Effect(EffectKind.CONSTANT, "rbp", 5), State(40, {}, {"x9": 3, "rbp": 5})),
    (Effect(EffectKind.ADD, "x9", 4), State(40, {"rbp": 16}, {"x9": 7})),
    (Effect(EffectKind.ADD, "x1", 4), NOTED),
    (Effect(EffectKind.FORGET, "rbp"), State(40, {}, {"x9": 3})),
]


@pytest.mark.parametrize(("effect", "expected"), CASES)
def test_an_effect_makes_another_state(effect: Effect, expected: State) -> None:
    assert after(NOTED, effect) == expected


def test_each_kind_of_effect_is_tried() -> None:
    assert {effect.kind for effect, _ in CASES} == set(EffectKind)


def test_what_is_lost_comes_back_by_a_noted_place_only() -> None:
    lost = after(NOTED, Effect(EffectKind.LOST))
    assert after(lost, Effect(EffectKind.MOVE, number=8)).depth is None
    assert after(lost, Effect(EffectKind.NOTE, "rbx")).stacks == {"rbp": 16}
    assert after(lost, Effect(EffectKind.RESTORE, "rbp")).depth == 16


REGISTERS = st.sampled_from(["a", "b"])
STATES = st.builds(
    State,
    st.none() | st.integers(0, 3),
    st.dictionaries(REGISTERS, st.integers(0, 2)),
    st.dictionaries(REGISTERS, st.integers(0, 2)),
)


@given(STATES, STATES)
def test_where_ways_meet_nothing_is_known_that_one_of_them_denies(one: State, other: State) -> None:
    both = merged(one, other)
    assert both == merged(other, one)
    assert merged(both, one) == both or one.depth is None
    for state in (one, other):
        assert both.stacks.items() <= state.stacks.items()
        assert both.numbers.items() <= state.numbers.items()
        assert both.depth is None or (state.depth is not None and both.depth >= state.depth)


def test_a_call_leaves_what_its_convention_keeps() -> None:
    assert kept(NOTED, frozenset({"rbp"})) == State(40, {"rbp": 16}, {})
    assert kept(NOTED, frozenset()) == State(40, {}, {})
    assert kept(ENTRY, frozenset({"rbp"})) == ENTRY
