from __future__ import annotations

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import features
from ostoo_build.planning.features import Enabled, Selection

DECLARED = {
    "default": ("a", "dep:low"),
    "a": ("b", "low/x"),
    "b": ("a",),
    "c": ("maybe?/x", "unknown"),
    "low": ("dep:low",),
    "maybe": ("dep:maybe",),
}


@pytest.mark.parametrize(
    ("selection", "words", "enabled"),
    [
        (Selection(), [], {"default", "a", "b", "low"}),
        (Selection(("c",)), ["--features", "c"], {"default", "a", "b", "c", "low"}),
        (Selection((), default=False), ["--no-default-features"], set()),
        (Selection(("c", "b"), default=False), ["--no-default-features", "--features", "c,b"], {"a", "b", "c", "low"}),
    ],
)
def test_a_selection_is_cargos_options_and_enables_what_they_do(
    selection: Selection, words: list[str], enabled: set[str]
) -> None:
    assert [*selection.words] == words
    assert selection.enabled(DECLARED) == enabled


def test_a_word_may_have_several_names_as_for_cargo() -> None:
    assert Selection.of(["a, b", "b", "c a", ""], default=False) == Selection(("a", "b", "c"), default=False)


def test_a_name_that_is_no_feature_is_told_where_it_stands() -> None:
    Selection(("a", "default", "low/any", "maybe")).check(DECLARED, "here")
    with pytest.raises(OstooError) as caught:
        Selection(("a", "mybe")).check(DECLARED, "here")
    told = caught.value
    assert (told.what, told.where, told.remedy) == ("there is no feature mybe", "here", "did you mean maybe?")


@pytest.mark.parametrize(
    ("asked", "names", "crates", "handed"),
    [
        (("a",), {"a", "b", "low"}, {"low"}, {("low", "x")}),
        (("c",), {"c"}, set(), {("maybe", "x")}),
        (("maybe", "c"), {"c", "maybe"}, {"maybe"}, {("maybe", "x")}),
        (("unknown",), set(), set(), set()),
    ],
)
def test_features_enable_others_crates_and_features_of_these(
    asked: tuple[str, ...], names: set[str], crates: set[str], handed: set[tuple[str, str]]
) -> None:
    assert features.enable(DECLARED, asked) == Enabled(frozenset(names), frozenset(crates), frozenset(handed))


def test_a_required_crate_does_not_enable_the_feature_of_its_name() -> None:
    assert features.enable(DECLARED, ["a"], ["low"]).names == {"a", "b"}
