"""Implements `ostoo completion`: writes a script for a shell, with the verbs and options of the command line.

The script starts no program: names of programs, targets and profiles are those of the records of the last builds.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.base import layout
from ostoo_build.cli.command_line import PROGRAM, VARIABLE
from ostoo_build.project.variables import VARIABLES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from ostoo_build.cli.command_line import Parser

_PROGRAMS, _VARIABLES, _FILES = "programs", "variables", "files"
_KINDS = {PROGRAM: _PROGRAMS, VARIABLE: _VARIABLES, "FILE": _FILES, "DIR": _FILES}
"""Kinds of words, by what they are named in help."""

_FACTS = {
    "@DESCRIPTION@": layout.DESCRIPTION,
    "@PROGRAMS@": layout.PROGRAMS,
    "@EXAMPLES@": layout.EXAMPLES,
    "@VARIABLES@": " ".join(VARIABLES),
}


class _Words(NamedTuple):
    """What may stand at one place of a verb: words, or kinds of words."""

    verb: str
    first: tuple[str, ...]
    rest: tuple[str, ...]


def script(shell: str, parser: Parser) -> str:
    """Return the script for `bash`, `zsh` or `fish`."""
    text = _SCRIPTS[shell](parser)
    for name, fact in _FACTS.items():
        text = text.replace(name, fact)
    return text


def _of_bash(parser: Parser) -> str:
    return f"# ostoo's completion for bash, made by `ostoo completion bash`\n{_common(parser)}\n{_part('bash')}"


def _of_zsh(parser: Parser) -> str:
    head = "#compdef ostoo\n# ostoo's completion for zsh, made by `ostoo completion zsh`\n"
    # a file of `fpath` is the function's own first call
    return f'{head}{_common(parser)}\n{_part("zsh")}[[ ${{funcstack[1]-}} == _ostoo ]] && _ostoo "$@"\n'


def _common(parser: Parser) -> str:
    takers = [(verb, action) for verb, action in _options(parser) if _takes_a_value(action)]
    values = (
        _case(" | ".join(_named(verb, action)), _kinds(action))
        for verb, action in _options(parser)
        if action.nargs != 0 and _kinds(action)
    )
    words = [line for each in _words(parser) for line in _of_words(each)]
    words += [_case(f'"{verb} options"', _listed(options)) for verb, options in parser.verbs.items()]
    tops = [*(f"{verb}\t{_what(parser, verb)}" for verb in parser.verbs), *_listed(parser)]
    filled = {
        "@VERBS@": shlex.quote("\n".join(tops)),
        "@TAKES_A_VALUE@": " | ".join(name for taker in takers for name in _named(*taker)),
        "@VALUES@": "\n".join(values),
        "@WORDS@": "\n".join(words),
    }
    text = _part("sh")
    for name, lines in filled.items():
        text = text.replace(name, lines)
    return text


def _of_words(words: _Words) -> Iterator[str]:
    for place, found in (("first", words.first), ("rest", words.rest)):
        if found:
            yield _case(f'"{words.verb} {place}"', found)


def _case(pattern: str, words: tuple[str, ...]) -> str:
    return f"            {pattern}) kinds={shlex.quote(chr(10).join(words))} ;;"


def _listed(parser: Parser) -> tuple[str, ...]:
    return tuple(f"{name}\t{action.help}" for name, action in parser.options().items())


def _of_fish(parser: Parser) -> str:
    lines = [_fish("__ostoo_has_no_verb", f"-a {verb}", _what(parser, verb)) for verb in parser.verbs]
    lines += [_fish("__ostoo_has_no_verb", _fish_option(action), action.help) for action in _actions(parser)]
    lines += [_fish(f"__ostoo_is {verb}", _fish_option(action), action.help) for verb, action in _options(parser)]
    for words in _words(parser):
        for place, found in (("first", words.first), ("rest", words.rest)):
            lines += [_fish(f"__ostoo_is_at {words.verb} {place}", _fish_kind(kind), "") for kind in found]
    return (
        "# ostoo's completion for fish, made by `ostoo completion fish`\n"
        f"{_part('fish').replace('@DECLARED@', chr(10).join(lines))}"
    )


def _fish(condition: str, what: str, description: str | None) -> str:
    told = f" -d {_fish_quoted(description)}" if description else ""
    return f"complete -c ostoo -n '{condition}' {what}{told}"


def _fish_option(action: argparse.Action) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in action.option_strings)
    if not _takes_a_value(action):
        return names
    values = _kinds(action)
    return f"{names} -r -F" if values == (_FILES,) else f"{names} -x -a {_fish_quoted(' '.join(values))}"


def _fish_kind(kind: str) -> str:
    named = {_PROGRAMS: "-a '(__ostoo_remembered programs)'", _VARIABLES: "-a '(__ostoo_variables)'", _FILES: "-F"}
    return named.get(kind, f"-a {kind}")


def _fish_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


_SCRIPTS: dict[str, Callable[[Parser], str]] = {"bash": _of_bash, "zsh": _of_zsh, "fish": _of_fish}


def _part(name: str) -> str:
    return Path(__file__).with_suffix(f".{name}.in").read_text(encoding="utf-8")


def _what(parser: Parser, verb: str) -> str:
    return (parser.verbs[verb].description or "").rstrip(".")


def _actions(parser: Parser) -> list[argparse.Action]:
    return [*dict.fromkeys(parser.options().values())]


def _options(parser: Parser) -> Iterator[tuple[str, argparse.Action]]:
    for verb, of_verb in parser.verbs.items():
        yield from ((verb, action) for action in _actions(of_verb))


def _named(verb: str, action: argparse.Action) -> Iterator[str]:
    return (f'"{verb} {name}"' for name in action.option_strings)


def _takes_a_value(action: argparse.Action) -> bool:
    """Whether the next word is an option's value in any case."""
    return bool(action.option_strings) and action.nargs is None


def _words(parser: Parser) -> Iterator[_Words]:
    for verb, of_verb in parser.verbs.items():
        places = [action for action in of_verb.declared() if not action.option_strings]
        if places:
            last = places[-1] if len(places) > 1 or places[-1].nargs in ("*", "+") else None
            yield _Words(verb, _kinds(places[0]), _kinds(last) if last else ())


def _kinds(action: argparse.Action) -> tuple[str, ...]:
    """Return words that an argument may be, or kinds of words."""
    if action.choices is not None:
        return tuple(map(str, action.choices))
    named = {kind: None for part in str(action.metavar).split("|") if (kind := _KINDS.get(part))}
    return tuple(named) or ((_FILES,) if action.type is Path else ())
