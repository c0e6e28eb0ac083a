"""Makes the pages of the reference from the code: each fact is in the module that its page names, and only there."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import page_parts
import structs
from ostoo_build.base import environment, events, own_files
from ostoo_build.cli import command_line, described, examples
from ostoo_build.invocation import request
from ostoo_build.loader import check, contract
from ostoo_build.project import description, variables
from ostoo_scons import sconstruct, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    from ostoo_build.cli.command_line import Parser

_USERS_CONTRACT = "x86_64-ostoo-user.loader.json"


def pages() -> dict[str, str]:
    """Return the text of each page in Markdown, by the page's name."""
    return {
        "verbs": _page("Verbs", command_line, _verbs()),
        "targets": _page("Targets", request, _targets()),
        "variables": _page("Variables", variables, _variables()),
        "ostoo_toml": _page("ostoo.toml", description, structs.of_description()),
        "events": _page("Events", events, structs.of_events()),
        "sconscript": _page("SConstruct and SConscript", tool, _functions()),
        "loader_rules": _page("Loader rules", check, _rules()),
        "environment": _page("Environment variables", environment, _environment()),
        "exit_codes": _page("Exit codes and files", described, _exit_codes()),
    }


def _page(title: str, module: ModuleType, parts: Iterable[str]) -> str:
    name = module.__name__.removeprefix("ostoo_build.")
    source = f"*Made from `{name}` when this site was built.*"
    return "\n\n".join(filter(None, [f"# {title}", source, *parts])) + "\n"


def _verbs() -> Iterator[str]:
    parser = command_line.parser()
    yield f"{page_parts.plain(parser.description or '')} The [manual](../manual.md) explains the verbs."
    yield page_parts.block(described.usage(parser))
    yield _taken(parser)
    for name, verb in parser.verbs.items():
        yield f"## {name}"
        yield page_parts.plain(verb.description or "")
        yield page_parts.block(described.usage(verb))
        yield _taken(verb)
        for word, below in verb.verbs.items():
            yield f"### {name} {word}"
            yield page_parts.plain(below.description or "")
            yield page_parts.block(described.usage(below))
        shown = examples.OF_VERBS.get(name, {})
        yield page_parts.block("\n".join(f"# {what}\nostoo {words}" for words, what in shown.items()), "sh")


def _taken(parser: Parser) -> str:
    rows = ((page_parts.code(name), page_parts.plain(what)) for name, what in described.taken(parser))
    return page_parts.table(("Word or option", "Meaning"), rows)


def _targets() -> Iterator[str]:
    yield "What may follow `./sconsw`, or `ostoo build` in a project of your own."
    rows = ((page_parts.code(word) or "nothing", page_parts.plain(what)) for word, what in request.TARGETS.items())
    yield page_parts.table(("Target", "Effect"), rows)


def _variables() -> Iterator[str]:
    yield (
        'Write `NAME=VALUE` behind a verb or target, or `NAME = "VALUE"` in [ostoo.toml](ostoo_toml.md) for all users.'
    )
    rows = (
        (page_parts.code(name), page_parts.plain(what), page_parts.code(default))
        for name, (what, default) in variables.VARIABLES.items()
    )
    yield page_parts.table(("Variable", "Meaning", "Default"), rows)


def _functions() -> Iterator[str]:
    yield "## ostoo_scons.build()"
    yield "What a project's `SConstruct` consists of, after `import ostoo_scons`."
    yield page_parts.plain(inspect.getdoc(sconstruct.build) or "")
    for name, method in tool.METHODS.items():
        yield f"## env.{name}"
        yield page_parts.block(f"env.{name}({_arguments(method)})", "python")
        yield page_parts.paragraphs(inspect.getdoc(method) or "")


def _arguments(method: Callable[..., Any]) -> str:
    """Return a method's arguments without `env` and without the one that takes what is refused."""
    (_, *taken) = inspect.signature(method).parameters.values()
    named = (each.replace(annotation=inspect.Parameter.empty) for each in taken if each.kind is not each.VAR_KEYWORD)
    return ", ".join(map(str, named))


def _rules() -> Iterator[str]:
    described_by = contract.load(own_files.starter() / "targets" / _USERS_CONTRACT)
    yield (
        "A rule holds for a target whose loader contract has a reason for it. The "
        "[manual](../manual.md#what-the-loader-demands) says what each rule checks."
    )
    names = dict.fromkeys([*check.RULES, *described_by.reasons])
    rows = (
        (
            page_parts.code(name),
            page_parts.plain(check.RULES[name].remedy if name in check.RULES else ""),
            page_parts.plain(described_by.reasons.get(name, "")),
        )
        for name in names
    )
    yield page_parts.table(("Rule", "What to change", f"Why {described_by.kernel} demands it"), rows)


def _environment() -> Iterator[str]:
    yield (
        "The environment variables that the build itself reads. What compilers and build scripts see is in the "
        "[manual](../manual.md#what-processes-see-of-your-environment). `ostoo config` shows the values."
    )
    rows = [(page_parts.code(name), page_parts.plain(what)) for name, what in environment.NAMES.items()]
    rows += [(page_parts.code(f"{name}…"), "given to cargo, for its network") for name in environment.CARGOS]
    yield page_parts.table(("Variable", "Effect"), rows)


def _exit_codes() -> Iterator[str]:
    for heads, facts in (("Exit code", "Meaning"), described.CODES), (("File", "Meaning"), described.FILES):
        yield page_parts.table(heads, ((page_parts.code(name), page_parts.plain(what)) for name, what in facts.items()))
