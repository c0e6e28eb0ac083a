from __future__ import annotations

import re
import shlex

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.cli import build, command_line, examples, verbs

PARSER = command_line.parser()
EXAMPLES = [(verb, words) for verb, shown in examples.OF_VERBS.items() for words in shown]


def test_each_verb_has_examples_and_nothing_else_has() -> None:
    assert set(examples.OF_VERBS) == set(PARSER.verbs)
    assert all(examples.OF_VERBS.values())


@pytest.mark.parametrize(("verb", "words"), EXAMPLES)
def test_an_example_is_a_command_line_of_its_verb(verb: str, words: str) -> None:
    """All but SCons' own options, which `build` hands on, and what a shell or a program gets."""
    own = [word for word in shlex.split(re.split(" (?:--|>|[|]) ", words)[0]) if word != "-H"]
    chosen = PARSER.parse_args(own)
    assert own[0] == verb
    assert chosen.perform.replace("_", "-") == ("check" if verb == "clippy" else verb)


@pytest.mark.parametrize("verb", PARSER.verbs)
def test_help_shows_what_a_verb_is_for_and_its_examples(verb: str) -> None:
    shown = PARSER.verbs[verb].format_help()
    assert shown.startswith(f"usage: ostoo {verb} [-h]")
    assert examples.text(verb) in shown
    assert all(f"  ostoo {words} " in shown for words in examples.OF_VERBS[verb])


def test_each_verb_is_performed_or_is_a_build() -> None:
    named = {name: parser.get_default("perform") for name, parser in PARSER.verbs.items()}
    missing = {verb for verb, perform in named.items() if not callable(getattr(verbs, perform, None))}
    assert missing == set(build.VERBS)


def test_every_word_and_option_says_what_it_is_for() -> None:
    parsers = [PARSER, *PARSER.verbs.values(), *PARSER.verbs["cache"].verbs.values()]
    declared = [(parser.prog, action) for parser in parsers for action in parser.declared() if not parser.verbs]
    assert len(declared) > 100
    assert [(prog, action.dest) for prog, action in declared if not action.help] == []


@pytest.mark.parametrize("words", ["run hello-rs other", "gdb hello-rs other", "size hello-rs other", "doctor other"])
def test_a_word_too_many_is_refused_with_a_hint_where_a_program_gets_arguments(words: str) -> None:
    with pytest.raises(OstooError, match="other is not of the form VARIABLE=VALUE") as caught:
        PARSER.parse_args(words.split())
    assert caught.value.what.endswith("; put the program's arguments after --") == words.startswith(("run", "gdb"))
