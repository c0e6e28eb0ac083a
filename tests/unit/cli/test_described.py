from __future__ import annotations

from ostoo_build.cli import command_line, described

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
