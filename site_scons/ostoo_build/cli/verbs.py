"""Performs the verbs of `ostoo`: each takes the parsed command line, and loads what it needs itself."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import live
from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.cli import build

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from ostoo_build.cli.run import Runner


def _sorted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate variables from other arguments."""
    return [word for word in words if "=" in word], [word for word in words if "=" not in word]


def init(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import init as init_verb  # noqa: PLC0415 - each verb loads what it needs itself

    init_verb.create((chosen.start / chosen.folder).resolve(), _console())


def new(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import new as new_verb  # noqa: PLC0415 - each verb loads what it needs itself

    request = new_verb.Request(chosen.name, chosen.std, chosen.start.resolve())
    new_verb.create(lambda: _runner(chosen, []).planner(), _console(), request)


def watch(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import project  # noqa: PLC0415 - each verb loads what it needs itself
    from ostoo_build.cli import watch as watch_verb  # noqa: PLC0415 - likewise
    from ostoo_build.rebuild import watched  # noqa: PLC0415 - likewise

    variables, _ = _sorted(chosen.words)
    made = watched.outputs(_runner(chosen, variables).options)
    describe = partial(_describe, chosen, variables)
    watch_verb.Watch(
        project.root(chosen.start), made, [*chosen.words, *_shown(chosen)], _command(chosen), _console(), describe
    ).forever()


def _describe(chosen: argparse.Namespace, variables: Sequence[str]) -> None:
    from ostoo_build.cli import ide as ide_verb  # noqa: PLC0415 - each verb loads what it needs itself

    ide_verb.describe(_runner(chosen, variables), ())


def _command(chosen: argparse.Namespace) -> list[str]:
    """Return the command line for `watch --run`. Raises `OstooError` if there is not exactly one program."""
    variables, programs = _sorted(chosen.words)
    if not chosen.run:
        return []
    if len(programs) != 1:
        raise OstooError("--run takes exactly one program", remedy="name one program, or remove --run")
    return [str(_runner(chosen, variables).path(programs[0])), *chosen.arguments]


def run(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import run as run_verb  # noqa: PLC0415 - each verb loads what it needs itself

    runner = _runner(chosen, chosen.words, [chosen.program])
    runner.build([chosen.program])
    if chosen.syscalls:
        run_verb.leave(runner.trace(chosen.program, chosen.arguments))
    runner.run(chosen.program, chosen.arguments)


def gdb(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import debug as debug_verbs  # noqa: PLC0415 - each verb loads what it needs itself

    runner = _runner(chosen, chosen.words, [chosen.program])
    runner.build([chosen.program])
    sys.exit(debug_verbs.gdb(runner, chosen.program, chosen.arguments, runner.toolchain().rust_src))


def addr2line(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import debug as debug_verbs  # noqa: PLC0415 - each verb loads what it needs itself

    variables, addresses = _sorted(chosen.words)
    sys.stdout.writelines(debug_verbs.addr2line(_runner(chosen, variables).path(chosen.program), addresses))


def boot(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import boot as boot_verb  # noqa: PLC0415 - each verb loads what it needs itself

    variables, programs = _sorted(chosen.words)
    if not programs:
        raise OstooError("no program to boot", remedy="name one or more programs")
    runner = _runner(chosen, variables, programs)
    sys.exit(boot_verb.BootCommand(runner).boot(list(dict.fromkeys(programs))))


def test(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import test as test_verb  # noqa: PLC0415 - likewise
    from ostoo_build.run import tests as run_tests  # noqa: PLC0415 - each verb loads what it needs itself

    variables, filters = _sorted([*chosen.words, *chosen.late])
    runs = {(True, False): run_tests.RunMode.IGNORED, (False, True): run_tests.RunMode.ALL}
    request = test_verb.Request(
        program=chosen.program,
        choice=run_tests.CaseFilter(
            filters=tuple(filters),
            is_exact=chosen.exact,
            runs=runs.get((chosen.ignored, chosen.include_ignored), run_tests.RunMode.NORMAL),
        ),
        arguments=tuple(chosen.arguments),
        unknown=tuple(chosen.unknown),
        limit=chosen.time_limit,
        lists=chosen.list,
        shows_output=chosen.no_capture,
        junit=chosen.junit,
        boots=chosen.boot,
    )
    sys.exit(test_verb.perform(request, _runner(chosen, variables, [chosen.program])))


def _shown(chosen: argparse.Namespace) -> tuple[str, ...]:
    """Return SCons' options for how much a verb's builds show; a verb that builds nothing has none."""
    return build.shown(quiet=getattr(chosen, "quiet", False), verbose=getattr(chosen, "verbose", 0))


def _runner(chosen: argparse.Namespace, variables: Sequence[str], programs: Sequence[str] = ()) -> Runner:
    """Create the runner. Raises `OstooError` for a name that is not a program."""
    from ostoo_build.cli import project  # noqa: PLC0415 - each verb loads what it needs itself
    from ostoo_build.cli import run as run_verb  # noqa: PLC0415 - likewise

    quiet, shown = getattr(chosen, "quiet", False), _shown(chosen)
    console = Console.of(os.environ, quiet=quiet)
    runner = run_verb.Runner(project.root(chosen.start), variables, os.environ, console, shown)
    if programs:
        runner.check(programs)
    return runner


def stack(chosen: argparse.Namespace) -> int:
    from ostoo_build.cli import reports as report_verbs  # noqa: PLC0415 - each verb loads what it needs itself

    return report_verbs.stack(_runner(chosen, chosen.words, [chosen.program]), chosen.program)


def size(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import reports as report_verbs  # noqa: PLC0415 - each verb loads what it needs itself

    runner = _runner(chosen, chosen.words, [chosen.program])
    if chosen.compare is None:
        report_verbs.size(runner, chosen.program, whole=chosen.all)
    else:
        report_verbs.compare(runner, chosen.program, chosen.compare, whole=chosen.all)


def server(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import project  # noqa: PLC0415 - likewise
    from ostoo_build.cli import server as server_verb  # noqa: PLC0415 - likewise

    server_verb.ask(project.root(chosen.start), chosen.verb, _console())


def cache(chosen: argparse.Namespace) -> None:
    from ostoo_build.base import byte_size, user_cache  # noqa: PLC0415 - likewise
    from ostoo_build.cli import cache as cache_verbs  # noqa: PLC0415 - each verb loads what it needs itself
    from ostoo_build.cli import project  # noqa: PLC0415 - likewise
    from ostoo_build.project import description  # noqa: PLC0415 - likewise
    from ostoo_build.project import variables as build_variables  # noqa: PLC0415 - likewise

    described = description.read(project.root(chosen.start))
    variables = build_variables.values(described.variables, {})
    folder = chosen.cache or user_cache.chosen(variables["cache"])
    size = byte_size.parse(chosen.size or variables["cache_size"])
    sys.stdout.write(cache_verbs.perform(chosen.verb, folder, size))


def doctor(chosen: argparse.Namespace) -> int:
    from ostoo_build.cli import doctor as doctor_verb  # noqa: PLC0415 - each verb loads what it needs itself

    return doctor_verb.perform(chosen.start, chosen.words, as_json=chosen.json)


def config(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import config as config_verb  # noqa: PLC0415 - each verb loads what it needs itself

    variables, names = _sorted(chosen.words)
    sys.stdout.write(config_verb.answer(_runner(chosen, variables), names, as_json=chosen.json))


def query(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import query as query_verb  # noqa: PLC0415 - each verb loads what it needs itself

    runner = _runner(chosen, chosen.words)
    query_verb.answer(runner, chosen.query, chosen.output, _places(chosen, runner))


def affected(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import query as query_verb  # noqa: PLC0415 - each verb loads what it needs itself

    variables, changed = _sorted(chosen.words)
    runner = _runner(chosen, variables)
    query_verb.affected(runner, changed, chosen.output, _places(chosen, runner))


def _places(chosen: argparse.Namespace, runner: Runner) -> tuple[Path, ...]:
    """Return the folders from which files are named; `./ostoo` names the top folder, from wherever it is called."""
    return Path.cwd(), chosen.start.resolve(), runner.root


def graph(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import query as query_verb  # noqa: PLC0415 - each verb loads what it needs itself

    variables, programs = _sorted(chosen.words)
    command = shlex.join(["ostoo", "graph", *chosen.words])
    query_verb.page(_runner(chosen, variables, programs), programs, command)


def tree(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import query as query_verb  # noqa: PLC0415 - each verb loads what it needs itself

    query_verb.tree(_runner(chosen, chosen.words, [chosen.program]), chosen.program)


def check(chosen: argparse.Namespace) -> int:
    from ostoo_build.cli import check as check_verb  # noqa: PLC0415 - each verb loads what it needs itself

    variables, names = _sorted(chosen.words)
    request = check_verb.Request(
        what=chosen.what,
        names=tuple(names),
        is_all=chosen.all,
        keeps_going=chosen.keep_going,
        form=chosen.message_format,
        lints=tuple(chosen.arguments),
    )
    return check_verb.perform(request, _runner(chosen, variables))


def build_with_messages(chosen: argparse.Namespace, words: Sequence[str]) -> int:
    from ostoo_build.cli import messages  # noqa: PLC0415 - each verb loads what it needs itself

    runner, form = _runner(chosen, []), chosen.message_format
    return runner.attempt(words) if form == "human" else messages.perform(words, form, runner)


def doc(chosen: argparse.Namespace) -> int:
    from ostoo_build.cli import doc as doc_verb  # noqa: PLC0415 - each verb loads what it needs itself

    variables, names = _sorted(chosen.words)
    options = {"--no-deps": chosen.no_deps, "--document-private-items": chosen.document_private_items}
    arguments = tuple(option for option, is_given in options.items() if is_given)
    return doc_verb.perform(
        doc_verb.Request(tuple(names), chosen.all, chosen.open, arguments), _runner(chosen, variables)
    )


def fix(chosen: argparse.Namespace) -> int:
    from ostoo_build.cli import fix as fix_verb  # noqa: PLC0415 - each verb loads what it needs itself

    variables, names = _sorted(chosen.words)
    allowed = fix_verb.Allowed(chosen.allow_dirty, chosen.allow_staged, chosen.allow_no_vcs)
    return fix_verb.perform(tuple(names), _runner(chosen, variables), allowed, is_all=chosen.all)


def fmt(chosen: argparse.Namespace) -> int:
    from ostoo_build.cli import fmt as fmt_verb  # noqa: PLC0415 - each verb loads what it needs itself

    return fmt_verb.perform(_runner(chosen, chosen.words), checks=chosen.check)


def ide(chosen: argparse.Namespace) -> int:
    from ostoo_build.cli import ide as ide_verb  # noqa: PLC0415 - each verb loads what it needs itself
    from ostoo_build.cli import project  # noqa: PLC0415 - likewise

    variables, programs = _sorted(chosen.words)
    if chosen.discover is not None:
        return ide_verb.discover(lambda: _runner(chosen, variables), chosen.discover)
    if chosen.settings is not None:
        ide_verb.write_settings(project.root(chosen.start), chosen.settings, _console())
        return 0
    ide_verb.describe(_runner(chosen, variables, programs), programs)
    return 0


def why(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import why as why_verb  # noqa: PLC0415 - each verb loads what it needs itself

    runner = _runner(chosen, chosen.words)
    why_verb.answer(runner, chosen.asked, _places(chosen, runner), as_json=chosen.json)


def why_miss(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import why_miss  # noqa: PLC0415 - each verb loads what it needs itself

    sys.stdout.write(why_miss.explain(chosen.first, chosen.second))


def completion(chosen: argparse.Namespace) -> None:
    from ostoo_build.cli import command_line  # noqa: PLC0415 - each verb loads what it needs itself
    from ostoo_build.cli import completion as completion_verb  # noqa: PLC0415 - likewise

    sys.stdout.write(completion_verb.script(chosen.shell, command_line.parser()))


def man(_chosen: argparse.Namespace) -> None:
    from ostoo_build.base import own_version  # noqa: PLC0415 - each verb loads what it needs itself
    from ostoo_build.cli import command_line, man_page  # noqa: PLC0415 - likewise

    sys.stdout.write(man_page.text(command_line.parser(), own_version.number()))


@contextmanager
def display() -> Iterator[None]:
    """Show what a verb waits for, such as a download; builds are processes of their own, and show themselves."""
    console = _console()
    with live.shown(live.SetUp(colour=console.colour), console, os.environ):
        yield


def _console() -> Console:
    return Console.of(os.environ)
