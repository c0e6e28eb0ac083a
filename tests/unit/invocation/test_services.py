from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from planners import without_compiler

from ostoo_build.base import layout
from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import PathMap
from ostoo_build.execution import sandbox
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.execution.timeline import Timeline
from ostoo_build.invocation import services
from ostoo_build.invocation.checkout import Checkout
from ostoo_build.invocation.options import Options
from ostoo_build.planning.cargo import NO_DUMPS
from ostoo_build.project import variables as build_variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ostoo_build.execution.engine import Engine
    from ostoo_build.invocation.services import Services

SOURCE = Path(services.__file__).parents[1]
VARIABLES = {"cache": "off", "cache_size": "1 GiB", "sandbox": "off", "sysroot": "zig"}
REMOTE = dict.fromkeys(("remote_cache", "remote_executor"), "")


def started(root: Path, **changed: str) -> Services:
    options = Options({**VARIABLES, **REMOTE, **changed})
    checkout = Checkout(root, Console(colour=False, quiet=True))
    checkout.make_memos()
    return services.start(checkout, options, without_compiler(root), Jobserver(3), Timeline())


def test_all_that_job_threads_share_is_there_before_the_first_job(tmp_path: Path) -> None:
    """What is made when it is first asked for is made twice where two threads ask at once."""
    made = started(tmp_path)
    for name in made.__struct_fields__:
        assert getattr(made, name) is getattr(made, name)
    assert made.runner.jobserver.jobs == 3
    assert made.engine.timeline is made.timeline is made.runner.timeline


LAZY = {
    "actions.action.Action.encoded": "a job has its actions for itself",
    "base.paths.PathMap._innermost_first": "made when the value is made",
    "base.paths.PathMap._real": "likewise",
    "base.paths.PathMap.marks": "likewise",
    "execution.job.Job.decisive": "likewise",
    "binary.disassembly.Listing._kinds": "a job has the listings of the program that it checks for itself",
    "binary.source_lines.SourceLines._units": "of `./ostoo addr2line` alone",
    "loader.rule.Subject.code": "a job has the program that it checks for itself",
    "planning.cargo.Cargo._lock_own_crates": "made when the value is made",
    "planning.cargo.Cargo.configuration_digest": "part of what is asked before plans are made in the background",
    "planning.programs.Programs._named": "asked when the request is read",
    "query.facts.BuildFacts.services": "of `./ostoo query`, which has one thread",
    "query.reads.Reads._names": "likewise",
}
"""What is made when it is first asked for, though no lock is held, and why no two threads are the first."""


def test_what_is_made_late_has_a_reason_or_a_lock() -> None:
    lazy = {
        f"{path.relative_to(SOURCE).with_suffix('').as_posix().replace('/', '.')}.{kind.name}.{method.name}"
        for path in SOURCE.rglob("*.py")
        if path.relative_to(SOURCE).parts[0] not in ("boot", "cli", "doctor")  # no job of a build gets there
        for kind in ast.walk(ast.parse(path.read_text()))
        if isinstance(kind, ast.ClassDef)
        for method in kind.body
        if isinstance(method, ast.FunctionDef)
        if any(isinstance(each, ast.Name) and each.id == "cached_property" for each in method.decorator_list)
    }
    assert lazy == LAZY.keys()


def test_a_word_of_sysroot_that_nobody_needs_is_no_mistake(tmp_path: Path) -> None:
    sysroots = started(tmp_path, sysroot="no-such").sysroots
    with pytest.raises(OstooError, match="unknown sysroot provider 'no-such'"):
        assert sysroots.provider("x")


def test_without_a_linker_nothing_is_linked_for_the_host(tmp_path: Path) -> None:
    invocation = started(tmp_path).invocation
    with pytest.raises(OstooError, match="no C linker for build scripts was found"):
        assert invocation.host


def test_what_is_remembered_is_kept_at_the_end(tmp_path: Path) -> None:
    made = started(tmp_path)
    assert made.answers.get("0" * 64, lambda: True)
    made.close()
    assert started(tmp_path).answers.get("0" * 64, lambda: False)


def of_engine(root: Path, *, fetch_all: bool = False, words: Mapping[str, str] = REMOTE) -> Engine:
    options = Options({**VARIABLES, **words}, all_outputs=fetch_all)
    checkout = Checkout(root, Console(colour=False, quiet=True))
    return services.engine(checkout, options, without_compiler(root).tools, Timeline())


def test_the_engine_does_what_the_command_line_asks_for(tmp_path: Path) -> None:
    plain = of_engine(tmp_path)
    assert (plain.fetch_all, plain.executor) == (False, None)
    assert of_engine(tmp_path, fetch_all=True).fetch_all
    assert plain.decisions.log == tmp_path / layout.ACTIONS


def test_results_are_kept_where_the_variable_says(tmp_path: Path) -> None:
    assert of_engine(tmp_path).cache.disk is None
    words = {**REMOTE, "cache": str(tmp_path / "cache"), "cache_size": "3 MiB"}
    disk = of_engine(tmp_path, words=words).cache.disk
    assert disk is not None
    assert (disk.folder, disk.limit) == (tmp_path / "cache", 3 << 20)


ONE, OTHER = "grpc://127.0.0.1:1", "grpc://127.0.0.1:2"


@pytest.mark.parametrize(
    ("cache", "executor", "has_store", "has_executor"),
    [
        ("", "", False, False),
        (ONE, "", True, False),
        ("", ONE, True, True),
        (ONE, ONE, True, True),
        (ONE, OTHER, True, True),
    ],
)
def test_a_server_is_for_what_names_it(
    cache: str, executor: str, *, has_store: bool, has_executor: bool, tmp_path: Path
) -> None:
    """One that is both is one connection, and given up once."""
    words = build_variables.values({}, {"remote_cache": cache, "remote_executor": executor, "remote_jobs": "7"})
    found = of_engine(tmp_path, words={**words, "cache": "off"})
    assert (found.cache.remote is not None, found.executor is not None) == (has_store, has_executor)
    if found.executor is not None:
        assert (found.executor.service is found.cache.remote) is (cache in ("", executor))
        assert found.executor.store is found.cache.remote
        assert found.executor.jobs == 7
    found.cache.close()


def test_processes_get_what_the_toolchain_needs_and_no_compiler_of_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "1")
    planner = without_compiler(tmp_path)
    toolchain = replace(planner.tools.toolchain, env=(("LD_LIBRARY_PATH", "/lib/rust"), ("RUSTC", "/rustc")))
    planner = replace(planner, tools=replace(planner.tools, toolchain=toolchain))
    checkout = Checkout(tmp_path, Console(colour=False, quiet=True))
    options = Options({**VARIABLES, **REMOTE})
    runner = services.start(checkout, options, planner, Jobserver(1), Timeline()).runner
    assert runner.environment == {"RUSTC_LOG": "off", **NO_DUMPS, "LD_LIBRARY_PATH": "/lib/rust"}
    assert runner.users["MINE"] == "1"
    assert runner.sandbox is None


PARTS = (("toolchain", Path("/t")), ("rust-src", Path("/s")), ("lld", Path("/l")))


def test_only_what_is_performed_is_shut_in_with_the_toolchains_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[tuple[str, ...], str]] = []

    def find(_paths: PathMap, places: Iterable[Path], environment: Mapping[str, str]) -> None:
        asked.append((tuple(map(str, places)), environment["RUSTC_LOG"]))

    monkeypatch.setattr(sandbox, "find", find)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/a::/b")
    monkeypatch.setenv("RUSTC_LOG", "debug")
    planner = without_compiler(tmp_path, paths=PathMap((("root", tmp_path), *PARTS)))
    checkout = Checkout(tmp_path, Console(colour=False, quiet=True))
    for performs in (False, True):
        options = Options({**VARIABLES, **REMOTE, "sandbox": "on"}, performs=performs)
        services.start(checkout, options, planner, Jobserver(1), Timeline())
    assert asked == [(("/t", "/s", "/l", "/a", "/b"), "off")]


def test_all_that_is_remembered_is_kept_though_one_part_can_not_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def refuse(*_: object) -> None:
        done.append("trees")
        raise OSError

    made = started(tmp_path)
    monkeypatch.setattr(type(made.trees), "save", refuse)
    monkeypatch.setattr(type(made.answers), "save", lambda _: done.append("answers"))
    monkeypatch.setattr(type(made.engine.cache), "close", lambda _: done.append("cache"))
    made.close()
    assert done == ["trees", "answers", "cache"]
