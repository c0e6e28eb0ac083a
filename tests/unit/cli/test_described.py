from __future__ import annotations

import re

from ostoo_build.cli import command_line, described
from ostoo_build.query import evaluation, syntax

VERBS = command_line.parser().verbs


def test_words_and_options_are_shown_as_they_are_typed_but_not_help() -> None:
    taken = dict(described.taken(VERBS["size"]))
    assert list(taken) == ["PROGRAM", "VARIABLE=VALUE", "-q, --quiet", "-v, --verbose", "--all", "--compare [FILE]"]
    assert taken["--all"] == "list every function"


def test_an_option_shows_all_of_its_names_and_its_choices() -> None:
    assert "--no-capture, --nocapture" in dict(described.taken(VERBS["test"]))
    assert "--output text|json|label" in dict(described.taken(VERBS["affected"]))


def test_usage_is_one_line() -> None:
    assert described.usage(VERBS["why-miss"]) == "ostoo why-miss [-h] A B"
    assert "\n" not in described.usage(VERBS["test"])


def test_help_names_all_that_a_query_may_be_made_of() -> None:
    said = dict(described.taken(VERBS["query"]))["QUERY"]
    assert [name for name in evaluation.FUNCTIONS if not re.search(rf"\b{name}\b", said)] == []
    assert [sign for sign in syntax.SETS if not sign.isalpha() and f" {sign}" not in said] == []
