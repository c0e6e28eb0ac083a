from __future__ import annotations

import pytest

from ostoo_build.planning.features import Selection

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
