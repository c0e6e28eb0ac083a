from __future__ import annotations

from ostoo_build.base import cargo_options
from ostoo_build.cli import command_line


def test_no_verb_takes_an_option_that_it_is_said_not_to_take() -> None:
    parser = command_line.parser()
    taken = {(verb, name) for verb, each in parser.verbs.items() for name in each.options()}
    meant = {(verb, name) for verb, name in taken if name in cargo_options.INSTEAD}
    assert {name for _, name in meant} == {"--all"}
    assert ("build", "--all") not in meant
