"""Parses the command line of `ostoo [-C DIR] VERB`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostoo_build.base import layout, streams
from ostoo_build.base.console import complain
from ostoo_build.base.errors import told
from ostoo_build.cli import build
from ostoo_build.cli import verbs as performed

if TYPE_CHECKING:
    from collections.abc import Sequence


FAILED = 2
"""The exit code of an error, as for builds; 1 could be the program's own."""

_LONGEST = 1_000_000
"""In seconds; the system supports at most some 2,000,000."""

INTERRUPTED = 130
"""Exit code of a program that Ctrl-C ended, as in shells."""


def main(arguments: list[str]) -> int:
    """Run a command line and return the exit code."""
    at = build.verb_at(arguments)
    first, words = arguments[:at], arguments[at:]
    parser = _parser()
    if words in ([], ["help"]):
        parser.print_help()
        return 0
    try:
        if words == ["--version"]:
            return _version()
        build.start(arguments)
        with performed.display():
            code = _perform(parser, first, words)
    except Exception as error:
        message = told(error)
        if message is None:
            raise
        if not streams.complaint():
            complain(message)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code or 0


def _perform(parser: argparse.ArgumentParser, first: Sequence[str], words: list[str]) -> int | None:
    own, behind = _split(words)
    # test executables without a harness get the arguments after `--` unchanged
    ours = [*own, *behind] if words[0] == "test" else own
    chosen, late = parser.parse_known_args([*first, *ours], argparse.Namespace(arguments=behind))
    unknown = [word for word in late if word.startswith("-")]
    if late and (words[0] != "test" or not set(unknown) <= set(behind)):
        parser.error(f"unrecognized arguments: {' '.join(late)}")
    chosen.late, chosen.unknown = [word for word in late if word not in unknown], unknown
    code: int | None = chosen.perform(chosen)
    return code


def _version() -> int:
    from ostoo_build.base import own_version  # noqa: PLC0415 - each verb loads what it needs itself

    sys.stdout.write(own_version.text())
    return 0


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Split a verb's words at `--` into our own and the program's."""
    if words[0] not in ("clippy", "gdb", "run", "test", "watch") or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ostoo", description="Creates, builds, runs and inspects the programs of this project.", allow_abbrev=False
    )
    parser.add_argument(
        "-C",
        dest="start",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="look for the project in DIR and above, not in the working folder",
    )
    parser.add_argument("--version", action="store_true", help="show version, commit and where this build is from")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    verbs.add_parser("build", help="build all programs, or PROGRAM…; VARIABLE=VALUE and options as for scons")
    verbs.add_parser("clean", help="remove what was built, all of it or of PROGRAM…")
    init = verbs.add_parser(
        "init", help="describe the repository in a folder, or begin one in an empty folder", allow_abbrev=False
    )
    init.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="its top (default: here)")
    init.set_defaults(perform=performed.init)
    new = verbs.add_parser("new", help="create a program in a workspace's style", allow_abbrev=False)
    new.add_argument("name", help="the program's name, also used for its package and folder")
    kind = new.add_mutually_exclusive_group()
    kind.add_argument("--std", action="store_true", help="use all of std")
    kind.add_argument(
        "--no-std", action="store_false", dest="std", help="use core, alloc and the runtime only (the default)"
    )
    new.set_defaults(perform=performed.new)
    _add_why(verbs)
    _add_query(verbs)
    _add_ide(verbs)
    _add_checks(verbs)
    _add_repairs(verbs)
    _add_doc(verbs.add_parser("doc", help="document programs and the crates that they use", allow_abbrev=False))
    watching = verbs.add_parser("watch", help="rebuild programs after each change", allow_abbrev=False)
    watching.add_argument("words", nargs="+", metavar="PROGRAM|VARIABLE=VALUE", help="as for scons")
    watching.add_argument(
        "--run", action="store_true", help="run the program after each successful build, with the arguments after --"
    )
    watching.set_defaults(perform=performed.watch)
    run = verbs.add_parser("run", help="build a program and run it with the arguments after --", allow_abbrev=False)
    _add_program(run)
    run.add_argument(
        "--syscalls", action="store_true", help="list the system calls that it made, and those that the kernel lacks"
    )
    run.set_defaults(perform=performed.run)
    gdb = verbs.add_parser("gdb", help="debug a program in QEMU, with the arguments after --", allow_abbrev=False)
    _add_program(gdb)
    gdb.set_defaults(perform=performed.gdb)
    lines = verbs.add_parser("addr2line", help="show the source lines of a program's addresses")
    lines.add_argument("program", metavar="PROGRAM")
    lines.add_argument(
        "words", nargs="+", metavar="ADDRESS|VARIABLE=VALUE", help="hexadecimal address, or VARIABLE=VALUE as for scons"
    )
    lines.set_defaults(perform=performed.addr2line)
    boot = verbs.add_parser("boot", help="build programs and run them on a kernel in QEMU", allow_abbrev=False)
    boot.add_argument("words", nargs="+", metavar="PROGRAM|VARIABLE=VALUE", help="as for scons")
    boot.set_defaults(perform=performed.boot)
    _add_test(verbs.add_parser("test", help="build a program's tests and run them", allow_abbrev=False))
    _add_reports(verbs)
    serving = verbs.add_parser(
        "server", help="show or stop the build server, which keeps everything loaded between builds", allow_abbrev=False
    )
    serving.add_argument("verb", choices=("status", "stop"), metavar="status|stop")
    serving.set_defaults(perform=performed.server)
    _add_cache(verbs.add_parser("cache", help="inspect and maintain the action cache", allow_abbrev=False))
    return parser


def _add_query(verbs: Any) -> None:
    query = verbs.add_parser("query", help="answer a question about the graph of units", allow_abbrev=False)
    query.add_argument("query", metavar="QUERY", help="such as 'deps(hello-std)' or 'somepath(hello-std, libc)'")
    query.add_argument("words", nargs="*", type=_assignment, metavar="VARIABLE=VALUE", help="as for scons")
    forms = ("text", "json", "label", "dot", "mermaid")
    query.add_argument("--output", choices=forms, default="text", help="the form of the answer (default: text)")
    query.set_defaults(perform=performed.query)
    affected = verbs.add_parser(
        "affected", help="list the programs and tests that changes of files reach, for CI", allow_abbrev=False
    )
    what = "changed files, or a revision of git or range such as origin/main...HEAD; or VARIABLE=VALUE as for scons"
    affected.add_argument("words", nargs="+", metavar="REV|FILE|VARIABLE=VALUE", help=what)
    affected.add_argument("--output", choices=forms[:3], default="text", help="the form of the answer (default: text)")
    affected.set_defaults(perform=performed.affected)
    page = verbs.add_parser("graph", help="write a page about what programs are made of", allow_abbrev=False)
    page.add_argument("words", nargs="*", metavar="PROGRAM|VARIABLE=VALUE", help="as for scons; default: all programs")
    page.set_defaults(perform=performed.graph)
    tree = verbs.add_parser("tree", help="show the units that a program needs, std's included", allow_abbrev=False)
    _add_program(tree)
    tree.set_defaults(perform=performed.tree)


def _add_ide(verbs: Any) -> None:
    ide = verbs.add_parser("ide", help="describe programs, or all, for rust-analyzer", allow_abbrev=False)
    ide.add_argument("words", nargs="*", metavar="PROGRAM|VARIABLE=VALUE", help="as for scons")
    which = ide.add_mutually_exclusive_group()
    what = "answer rust-analyzer, which asks so if its workspace.discoverConfig says it; write {arg} there"
    which.add_argument("--discover", metavar="JSON", help=what)
    editors = ("vscode", "neovim", "helix", "zed", "emacs")
    which.add_argument("--settings", choices=editors, help="write an editor's settings for this project")
    ide.set_defaults(perform=performed.ide)


def _add_checks(verbs: Any) -> None:
    check = verbs.add_parser("check", help="check programs without making code, as cargo check", allow_abbrev=False)
    _add_check(check, layout.CHECK)
    clippy = verbs.add_parser(
        "clippy", help="check programs with clippy, which gets the words after --", allow_abbrev=False
    )
    _add_check(clippy, layout.CLIPPY)


def _add_programs(parser: argparse.ArgumentParser, what_is_done: str) -> None:
    parser.add_argument("words", nargs="*", metavar="PROGRAM|VARIABLE=VALUE", help="programs; variables as for scons")
    parser.add_argument("--all", action="store_true", help=f"{what_is_done} all programs")


def _add_doc(doc: argparse.ArgumentParser) -> None:
    _add_programs(doc, "document")
    doc.add_argument("--open", action="store_true", help="open the first one in a browser")
    doc.add_argument("--no-deps", action="store_true", help="document the programs' own packages only")
    doc.add_argument("--document-private-items", action="store_true", help="show private items of their libraries too")
    doc.set_defaults(perform=performed.doc)


def _add_repairs(verbs: Any) -> None:
    fix = verbs.add_parser(
        "fix", help="write what the compiler suggests into the sources, as cargo fix", allow_abbrev=False
    )
    _add_programs(fix, "fix")
    fix.add_argument("--allow-dirty", action="store_true", help="fix although there are changes, staged or not")
    fix.add_argument("--allow-staged", action="store_true", help="fix although there are staged changes")
    fix.add_argument("--allow-no-vcs", action="store_true", help="fix without git")
    fix.set_defaults(perform=performed.fix)
    fmt = verbs.add_parser("fmt", help="format the crates of all workspaces, as cargo fmt", allow_abbrev=False)
    fmt.add_argument("words", nargs="*", type=_assignment, metavar="VARIABLE=VALUE", help="as for scons")
    fmt.add_argument("--check", action="store_true", help="show what would change, and exit with 1 if anything would")
    fmt.set_defaults(perform=performed.fmt)


def _add_check(check: argparse.ArgumentParser, what: str) -> None:
    _add_programs(check, "check")
    check.add_argument(
        "-k", "--keep-going", action="store_true", help="go on after an error with what does not need it"
    )
    forms = ("human", "json", "github", "sarif")
    of_forms = "the form of the compiler's messages (default: human); json is cargo's"
    check.add_argument("--message-format", choices=forms, default="human", help=of_forms)
    check.set_defaults(perform=performed.check, what=what)


def _add_why(verbs: Any) -> None:
    why = verbs.add_parser(
        "why", help="show why a build made a program, unit or file's users, or did not", allow_abbrev=False
    )
    why.add_argument("asked", metavar="PROGRAM|UNIT|FILE", help="a unit: package, with version, or id")
    why.add_argument("words", nargs="*", type=_assignment, metavar="VARIABLE=VALUE", help="as for scons")
    why.add_argument("--json", action="store_true", help="show the whole answer as JSON")
    why.set_defaults(perform=performed.why)
    miss = verbs.add_parser(
        "why-miss", help="show why a build could not reuse another build's results", allow_abbrev=False
    )
    miss.add_argument("first", type=Path, metavar="A", help="a built checkout, or its folder build/.ostoo/actions")
    miss.add_argument("second", type=Path, metavar="B", help="another one")
    miss.set_defaults(perform=performed.why_miss)


def _add_program(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("program", metavar="PROGRAM")
    verb.add_argument("words", nargs="*", type=_assignment, metavar="VARIABLE=VALUE", help="as for scons")


def _add_test(test: argparse.ArgumentParser) -> None:
    test.add_argument("program", metavar="PROGRAM")
    test.add_argument(
        "words",
        nargs="*",
        metavar="FILTER|VARIABLE=VALUE",
        help="run tests whose names contain this, or VARIABLE=VALUE as for scons",
    )
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
    test.add_argument("--boot", action="store_true", help="run the tests on the kernel given by kernel=")
    test.add_argument("--junit", type=Path, metavar="FILE", help="also write the results to this file as JUnit XML")
    test.set_defaults(perform=performed.test)


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{word} is not a number of seconds between 0 and {_LONGEST}")
    return seconds


def _add_reports(verbs: Any) -> None:
    stack = verbs.add_parser("stack", help="show how much stack a program needs", allow_abbrev=False)
    _add_program(stack)
    stack.set_defaults(perform=performed.stack)
    size = verbs.add_parser("size", help="show what a program's size consists of", allow_abbrev=False)
    _add_program(size)
    size.add_argument("--all", action="store_true", help="list every function")
    size.add_argument(
        "--compare",
        nargs="?",
        const="",
        type=_file,
        metavar="FILE",
        help="show changes since the previous report, or since FILE: a report, or a program beside its NAME.debug",
    )
    size.set_defaults(perform=performed.size)


def _add_cache(cache: argparse.ArgumentParser) -> None:
    _add_cache_options(cache, None, "")
    verbs = cache.add_subparsers(metavar="stats|verify|gc|clear", required=True)
    for name, what in {
        "stats": "show its size and number of entries",
        "verify": "read every entry and remove damaged ones",
        "gc": "remove the least recently used entries",
        "clear": "remove everything",
    }.items():
        verb = verbs.add_parser(name, help=what, allow_abbrev=False)
        _add_cache_options(verb, argparse.SUPPRESS, argparse.SUPPRESS)  # the options may also follow the verb
        verb.set_defaults(perform=performed.cache, verb=name)


def _add_cache_options(parser: argparse.ArgumentParser, folder: str | None, size: str) -> None:
    what = "the cache folder, as in cache=DIR (default: the user's)"
    parser.add_argument("--cache", type=Path, metavar="DIR", default=folder, help=what)
    parser.add_argument("--size", default=size, help="maximum size after gc, as in cache_size=")


def _assignment(word: str) -> str:
    if "=" not in word:
        raise argparse.ArgumentTypeError(
            f"{word} is not of the form VARIABLE=VALUE; put the program's arguments after --"
        )
    return word


def _file(word: str) -> str:
    if "=" in word and not Path(word).exists():
        raise argparse.ArgumentTypeError(f"{word} is not a file; put variables before the option")
    return word
