"""Defines the command line of `ostoo [-C DIR] VERB`: what its verbs are, and what each takes.

Help, completion and the man page are made of this parser. It loads little, as completion waits for it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ostoo_build.base import cargo_options, layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.spelling import nearest, one_of
from ostoo_build.cli import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PROGRAM, VARIABLE = "PROGRAM", "VARIABLE=VALUE"
"""How words are named in help."""

_LONGEST = 1_000_000
"""In seconds; the system supports at most some 2,000,000."""

_FORMS = ("text", "json", "label", "dot", "mermaid")


class Parser(argparse.ArgumentParser):
    """A parser that knows its parts, shows examples, and raises `OstooError` for a mistake.

    `verbs` are the parsers of the words that may follow, by the word; empty if none may.
    """

    def __init__(self, **settings: Any) -> None:
        form = argparse.RawDescriptionHelpFormatter
        super().__init__(allow_abbrev=False, formatter_class=form, **settings)
        self.verbs: Mapping[str, Parser] = {}

    def error(self, message: str) -> NoReturn:
        raise OstooError(message, remedy=self._help())

    def refusal(self, words: Sequence[str]) -> OstooError:
        """Return the error about words that this parser does not know."""
        options = [word.partition("=")[0] for word in words if word.startswith("-")]
        what = f"{self.prog} does not know {' '.join(words)}"
        if options and options[0] in cargo_options.INSTEAD:
            return OstooError(what, remedy=cargo_options.INSTEAD[options[0]])
        remedies = (nearest(options[0], self.options()) if options else "", self._help())
        return OstooError(what, remedy=" ".join(filter(None, remedies)))

    def _help(self) -> str:
        return f"{self.prog} --help shows what there is"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a value that is none of an action's choices, with a suggestion, which argparse has not."""
        if action.choices is not None and value not in action.choices:
            named = f"{action.option_strings[-1]} " if action.option_strings else ""
            remedy = one_of(value, [*action.choices])
            raise OstooError(f"{self.prog} {named}does not know {value}", remedy=remedy)

    def add_verbs(self, words: str) -> Verbs:
        """Let one of some words follow; `words` names them in help."""
        added = self.add_subparsers(metavar=words, required=True)
        self.verbs = added.choices
        return Verbs(added)

    def declared(self) -> Sequence[argparse.Action]:
        """Return the options and words that were added."""
        return tuple(self._actions)

    def options(self) -> dict[str, argparse.Action]:
        """Return the options by each of their names."""
        return {name: action for action in self._actions for name in action.option_strings}


class Verbs:
    """The words that may follow a parser's own."""

    def __init__(self, added: argparse._SubParsersAction[Parser]) -> None:
        self._added = added

    def add(self, name: str, what: str, perform: str = "") -> Parser:
        """Add a verb. `perform` names the function of `cli.verbs`, where that is not the verb's own name."""
        shown = examples.text(name)
        description = f"{what[0].upper()}{what[1:]}."
        parser = self._added.add_parser(name, help=what, description=description, epilog=shown)
        parser.set_defaults(perform=perform or name.replace("-", "_"))
        return parser


def parser() -> Parser:
    """Return the parser of all verbs."""
    what = "Creates, builds, runs and inspects the programs of this project."
    made = Parser(prog="ostoo", description=what, epilog="ostoo VERB --help shows options and examples of a verb.")
    made.add_argument(
        "-C",
        dest="start",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="look for the project in DIR and above, not in the working folder",
    )
    made.add_argument("--version", action="store_true", help="show version, commit and where this build is from")
    verbs = made.add_verbs("VERB")
    _add_builds(verbs)
    _add_beginnings(verbs)
    _add_why(verbs)
    _add_query(verbs)
    _add_ide(verbs)
    _add_checks(verbs)
    _add_repairs(verbs)
    _add_doc(verbs)
    _add_runs(verbs)
    _add_test(verbs)
    _add_reports(verbs)
    serving = verbs.add("server", "show or stop the build server, which keeps everything loaded between builds")
    serving.add_argument("verb", choices=("status", "stop"), metavar="status|stop", help="what to do with it")
    doctor = verbs.add("doctor", "check this machine and the project's set-up, and say how to mend what is broken")
    _add_variables(doctor)
    doctor.add_argument("--json", action="store_true", help="show the findings as JSON")
    config = verbs.add("config", "show each setting and where it is from")
    _add_words(config, "*", f"NAME|{VARIABLE}", "names (default: all); variables as for scons")
    config.add_argument("--json", action="store_true", help="show them as JSON")
    _add_cache(verbs.add("cache", "inspect and maintain the action cache"))
    shell = verbs.add("completion", "write a script that lets a shell complete this command")
    shell.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="bash|zsh|fish", help="the shell")
    verbs.add("man", "write this command's manual page")
    return made


def _add_builds(verbs: Verbs) -> None:
    build = verbs.add("build", "build all programs, or those that are named")
    _add_words(build, "*", f"{PROGRAM}|{VARIABLE}", "a target or variable; scons' other options work too")
    build.add_argument("-j", dest="jobs", metavar="N", help="number of cores to use (default: all)")
    _add_keep_going(build)
    build.add_argument("-n", "--dry-run", action="store_true", help="show what would be done")
    build.add_argument(
        "--timings", action="store_true", help=f"write a page about the time of each action to {layout.TIMINGS}"
    )
    build.add_argument("--debug", choices=("explain",), help="say why each action is performed")
    build.add_argument(
        "--all-outputs", action="store_true", help="fetch all outputs from the action cache, not only programs"
    )
    _add_display(build)
    _add_form(build)
    what = "write what happens to a file, each event as a line of JSON; the last one says how the build ended"
    build.add_argument("--events", type=Path, metavar="FILE", help=what)
    clean = verbs.add("clean", "remove what was built, all of it or of the programs that are named")
    _add_words(clean, "*", f"{PROGRAM}|{VARIABLE}", "a target or variable")


def _add_beginnings(verbs: Verbs) -> None:
    init = verbs.add("init", "describe the repository in a folder, or begin one in an empty folder")
    init.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="its top (default: here)")
    new = verbs.add("new", "create a program in this folder's workspace and in its style")
    new.add_argument("name", metavar="NAME", help="the program's name, also used for its package and folder")
    kind = new.add_mutually_exclusive_group()
    kind.add_argument("--std", action="store_true", help="use all of std")
    kind.add_argument(
        "--no-std", action="store_false", dest="std", help="use core, alloc and the runtime only (the default)"
    )


def _add_query(verbs: Verbs) -> None:
    query = verbs.add("query", "answer a question about the graph of units")
    what = (
        "such as 'deps(hello-std)'; functions are deps, rdeps, somepath, allpaths, tests, inputs, outputs, features, "
        "affected and kind, operators +, ^ and -"
    )
    query.add_argument("query", metavar="QUERY", help=what)
    _add_variables(query)
    query.add_argument("--output", choices=_FORMS, default="text", help="the form of the answer (default: text)")
    affected = verbs.add("affected", "list the programs and tests that changes of files reach, for CI")
    what = "changed files, or a revision of git or range such as origin/main...HEAD; or VARIABLE=VALUE as for scons"
    _add_words(affected, "+", f"REV|FILE|{VARIABLE}", what)
    affected.add_argument("--output", choices=_FORMS[:3], default="text", help="the form of the answer (default: text)")
    page = verbs.add("graph", "write a page about what programs are made of")
    _add_words(page, "*", f"{PROGRAM}|{VARIABLE}", "as for scons; default: all programs")
    _add_program(verbs.add("tree", "show the units that a program needs, std's included"))


def _add_ide(verbs: Verbs) -> None:
    ide = verbs.add("ide", "describe programs, or all, for rust-analyzer")
    _add_words(ide, "*", f"{PROGRAM}|{VARIABLE}", "as for scons")
    which = ide.add_mutually_exclusive_group()
    what = "answer rust-analyzer, which asks so if its workspace.discoverConfig says it; write {arg} there"
    which.add_argument("--discover", metavar="JSON", help=what)
    editors = ("vscode", "neovim", "helix", "zed", "emacs")
    which.add_argument("--settings", choices=editors, help="write an editor's settings for this project")


def _add_checks(verbs: Verbs) -> None:
    _add_check(verbs.add("check", "check programs without making code, as cargo check"), layout.CHECK)
    clippy = verbs.add("clippy", "check programs with clippy, which gets the words after --", perform="check")
    _add_check(clippy, layout.CLIPPY)


def _add_check(check: Parser, what: str) -> None:
    _add_programs(check, "check")
    _add_keep_going(check)
    _add_form(check)
    check.set_defaults(what=what)


def _add_doc(verbs: Verbs) -> None:
    doc = verbs.add("doc", "document programs and the crates that they use")
    _add_programs(doc, "document")
    doc.add_argument("--open", action="store_true", help="open the first one in a browser")
    doc.add_argument("--no-deps", action="store_true", help="document the programs' own packages only")
    doc.add_argument("--document-private-items", action="store_true", help="show private items of their libraries too")


def _add_repairs(verbs: Verbs) -> None:
    fix = verbs.add("fix", "write what the compiler suggests into the sources, as cargo fix")
    _add_programs(fix, "fix")
    fix.add_argument("--allow-dirty", action="store_true", help="fix although there are changes, staged or not")
    fix.add_argument("--allow-staged", action="store_true", help="fix although there are staged changes")
    fix.add_argument("--allow-no-vcs", action="store_true", help="fix without git")
    fmt = verbs.add("fmt", "format the crates of all workspaces, as cargo fmt")
    _add_variables(fmt)
    fmt.add_argument("--check", action="store_true", help="show what would change, and exit with 1 if anything would")


def _add_why(verbs: Verbs) -> None:
    why = verbs.add("why", "show why a build made a program, unit or file's users, or did not")
    why.add_argument("asked", metavar=f"{PROGRAM}|UNIT|FILE", help="a unit: package, with version, or id")
    _add_variables(why)
    why.add_argument("--json", action="store_true", help="show the whole answer as JSON")
    miss = verbs.add("why-miss", "show why a build could not reuse another build's results")
    miss.add_argument("first", type=Path, metavar="A", help="a built checkout, or its folder build/.ostoo/actions")
    miss.add_argument("second", type=Path, metavar="B", help="another one")


def _add_runs(verbs: Verbs) -> None:
    watching = verbs.add("watch", "rebuild programs after each change")
    _add_words(watching, "+", f"{PROGRAM}|{VARIABLE}", "as for scons")
    _add_display(watching)
    watching.add_argument(
        "--run", action="store_true", help="run the program after each successful build, with the arguments after --"
    )
    run = verbs.add("run", "build a program and run it with the arguments after --")
    _add_program(run, _assignment_before_arguments)
    _add_display(run)
    run.add_argument(
        "--syscalls", action="store_true", help="list the system calls that it made, and those that the kernel lacks"
    )
    gdb = verbs.add("gdb", "debug a program in QEMU, with the arguments after --")
    _add_program(gdb, _assignment_before_arguments)
    _add_display(gdb)
    lines = verbs.add("addr2line", "show the source lines of a program's addresses")
    lines.add_argument("program", metavar=PROGRAM, help="a program that was built")
    _add_words(lines, "+", f"ADDRESS|{VARIABLE}", f"hexadecimal address, or {VARIABLE} as for scons")
    boot = verbs.add("boot", "build programs and run them on a kernel in QEMU")
    _add_display(boot)
    _add_words(boot, "+", f"{PROGRAM}|{VARIABLE}", "as for scons")


def _add_test(verbs: Verbs) -> None:
    test = verbs.add("test", "build a program's tests and run them")
    test.add_argument("program", metavar=PROGRAM, help="whose tests")
    what = f"run tests whose names contain this, or {VARIABLE} as for scons"
    _add_words(test, "*", f"FILTER|{VARIABLE}", what)
    which = test.add_mutually_exclusive_group()
    which.add_argument("--ignored", action="store_true", help="run only tests with #[ignore]")
    which.add_argument("--include-ignored", action="store_true", help="also run tests with #[ignore]")
    test.add_argument("--exact", action="store_true", help="a filter must be the whole name of a test")
    test.add_argument("--list", action="store_true", help="list the tests without running them")
    test.add_argument(
        *("--no-capture", "--nocapture"),
        action="store_true",
        help="show the output of tests, and run them one after another",
    )
    test.add_argument(
        "--time-limit", type=_seconds, default=60.0, metavar="SECONDS", help="time limit for each test (default: 60)"
    )
    _add_display(test)
    test.add_argument("--boot", action="store_true", help="run the tests on the kernel given by kernel=")
    test.add_argument("--junit", type=Path, metavar="FILE", help="also write the results to this file as JUnit XML")


def _add_reports(verbs: Verbs) -> None:
    stack = verbs.add("stack", "show how much stack a program needs")
    _add_program(stack)
    _add_display(stack)
    size = verbs.add("size", "show what a program's size consists of")
    _add_program(size)
    _add_display(size)
    size.add_argument("--all", action="store_true", help="list every function")
    size.add_argument(
        "--compare",
        nargs="?",
        const="",
        type=_file,
        metavar="FILE",
        help="show changes since the previous report, or since FILE: a report, or a program beside its NAME.debug",
    )


def _add_cache(cache: Parser) -> None:
    _add_cache_options(cache, None, "")
    verbs = cache.add_verbs("stats|verify|gc|clear")
    for name, what in {
        "stats": "show its size and number of entries",
        "verify": "read every entry and remove damaged ones",
        "gc": "remove the least recently used entries",
        "clear": "remove everything",
    }.items():
        verb = verbs.add(name, what, perform="cache")
        _add_cache_options(verb, argparse.SUPPRESS, argparse.SUPPRESS)  # the options may also follow the verb
        verb.set_defaults(verb=name)


def _add_cache_options(parser: Parser, folder: str | None, size: str) -> None:
    what = "the cache folder, as in cache=DIR (default: the user's)"
    parser.add_argument("--cache", type=Path, metavar="DIR", default=folder, help=what)
    parser.add_argument("--size", default=size, help="maximum size after gc, as in cache_size=")


def _add_words(parser: Parser, number: str, named: str, what: str) -> None:
    parser.add_argument("words", nargs=number, default=[], metavar=named, help=what)


def _add_form(parser: Parser) -> None:
    forms = ("human", "json", "github", "sarif")
    what = "the form of the compiler's messages (default: human); json is cargo's"
    parser.add_argument("--message-format", choices=forms, default="human", help=what)


def _add_keep_going(parser: Parser) -> None:
    what = "go on after an error with what does not need it"
    parser.add_argument("-k", "--keep-going", action="store_true", help=what)


def _add_display(parser: Parser) -> None:
    """Let a verb that builds say how much its build shows."""
    parser.add_argument("-q", "--quiet", action="store_true", help="show only warnings and errors of builds")
    what = "show the commands that builds run, so that a shell runs them; -vv: and why, with keys"
    parser.add_argument("-v", "--verbose", action="count", default=0, help=what)


def _add_programs(parser: Parser, what_is_done: str) -> None:
    what = "programs, default: those that a build makes; variables as for scons"
    _add_words(parser, "*", f"{PROGRAM}|{VARIABLE}", what)
    parser.add_argument("--all", action="store_true", help=f"{what_is_done} all programs")
    _add_display(parser)


def _assignment(word: str) -> str:
    if "=" not in word:
        raise argparse.ArgumentTypeError(f"{word} is not of the form {VARIABLE}")
    return word


def _assignment_before_arguments(word: str) -> str:
    if "=" not in word:
        raise argparse.ArgumentTypeError(f"{word} is not of the form {VARIABLE}; put the program's arguments after --")
    return word


def _add_program(parser: Parser, variable: Callable[[str], str] = _assignment) -> None:
    parser.add_argument("program", metavar=PROGRAM, help="a program of this project")
    _add_variables(parser, variable)


def _add_variables(parser: Parser, variable: Callable[[str], str] = _assignment) -> None:
    parser.add_argument("words", nargs="*", default=[], type=variable, metavar=VARIABLE, help="as for scons")


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{word} is not a number of seconds between 0 and {_LONGEST}")
    return seconds


def _file(word: str) -> str:
    if "=" in word and not Path(word).exists():
        raise argparse.ArgumentTypeError(f"{word} is not a file; put variables before the option")
    return word
