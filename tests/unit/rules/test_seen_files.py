from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import planned_trees as trees
import pytest
from msgspec import structs

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Finished, Outcome
from ostoo_build.base.input import Input
from ostoo_build.base.paths import PathMap
from ostoo_build.execution import opened
from ostoo_build.planning.planned_unit import RunBuildScript
from ostoo_build.rules import actions as rule_actions
from ostoo_build.rules import seen_files
from ostoo_build.rust import build_script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.invocation.invocation import Inputs

NAMES = ("build.rs", "data.txt", "list/one", "src/main.rs")


@pytest.fixture
def paths(tmp_path: Path) -> PathMap:
    for name in NAMES:
        trees.write(tmp_path / "checkout/p" / name, "")
    return PathMap((("root", tmp_path / "checkout"),))


@pytest.fixture
def own() -> Inputs:
    return tuple(Input(f"p/{name}", f"{number}" * 64, 1) for number, name in enumerate(NAMES))


@pytest.fixture
def run(tmp_path: Path) -> RunBuildScript:
    units = trees.planned(tmp_path, "hello-std").units
    return structs.replace(next(unit for unit in units if isinstance(unit, RunBuildScript)), package="p")


def watched(own: Inputs, paths: PathMap, said: str) -> Outcome:
    """What is told of a process that opens `data.txt`."""

    def start() -> Finished:
        Path(paths.root, "p/data.txt").read_text()
        return Finished(0, said, "", (), lambda _: b"", paths)

    return seen_files.judged(own, paths, start, lambda done: Outcome((), stdout=paths.portable_text(done.stdout)))


def seen(run: RunBuildScript, own: Inputs, paths: PathMap, said: str) -> tuple[str, ...] | None:
    """What a script can have read that says so."""
    outcome = watched(own, paths, said)
    return seen_files.with_named(outcome, run, build_script.parse(outcome.stdout, "p/build.rs"), paths).learned.seen


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("cargo::rerun-if-changed=build.rs", ["p/build.rs"]),
        ("cargo:rerun-if-changed=list\ncargo::rerun-if-changed={root}/p/../beside", ["beside", "p/list"]),
        ("cargo::rerun-if-env-changed=CC", []),
    ],
)
def test_a_script_has_seen_what_it_opened_and_what_it_names(
    said: str, named: list[str], own: Inputs, paths: PathMap, run: RunBuildScript
) -> None:
    assert seen(run, own, paths, said.replace("{root}", paths.root)) == tuple(sorted(["p/data.txt", *named]))


def test_of_a_script_that_names_nothing_nothing_is_known(own: Inputs, paths: PathMap, run: RunBuildScript) -> None:
    assert seen(run, own, paths, "cargo::rustc-cfg=a") is None


def test_a_compilation_has_seen_what_rustc_opened(own: Inputs, paths: PathMap) -> None:
    assert watched(own, paths, "").learned.seen == ("p/data.txt",)


def test_only_what_was_seen_and_which_files_there_are_makes_another_key(own: Inputs) -> None:
    others = (Input("q/x", "8" * 64, 1), Input("p2/x", "9" * 64, 1))

    def key(own: Inputs, seen: tuple[str, ...] = ("p/data.txt", "p/list")) -> str:
        action = Action("BuildScriptRun", ("run",), (), (*own, *others), ("out/",))
        return rule_actions.seeing(action, own, seen).key

    def edited(name: str) -> Inputs:
        return tuple(entry._replace(sha256="a" * 64) if entry.path == name else entry for entry in own)

    first = key(own)
    assert [name for name in NAMES if key(edited(f"p/{name}")) != first] == ["data.txt", "list/one"]
    assert key((*own, Input("p/more", "7" * 64, 1))) != first
    assert key(own[:-1]) != first
    assert key((*own[:-1], own[-1]._replace(executable=True))) != first
    assert key(own, ("p/data.txt",)) != first
    assert key(edited("p/src/main.rs"), (".",)) != key(own, (".",)), "the whole checkout"


def test_where_it_is_not_known_what_was_opened_nothing_is_told(
    own: Inputs, paths: PathMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole package is an input then: fewer files would be a guess."""

    @contextlib.contextmanager
    def watched_in_vain(_files: object) -> Iterator[opened.OpenedFiles]:
        yield opened.OpenedFiles(set(), is_known=False)

    monkeypatch.setattr(opened, "watched", watched_in_vain)
    made = Outcome(("a",))
    assert seen_files.judged(own, paths, lambda: Finished(0, "", "", (), lambda _: b"", paths), lambda _: made) == made


def test_of_what_was_opened_the_packages_own_files_are_told_in_order(
    own: Inputs, paths: PathMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(paths.root)

    @contextlib.contextmanager
    def watched_all(_files: object) -> Iterator[opened.OpenedFiles]:
        yield opened.OpenedFiles({root / "p/src/main.rs", root / "p/build.rs", root / "other.txt"}, is_known=True)

    monkeypatch.setattr(opened, "watched", watched_all)
    start = Finished(0, "", "", (), lambda _: b"", paths)
    assert seen_files.judged(own, paths, lambda: start, lambda _: Outcome(())).learned.seen == (
        "p/build.rs",
        "p/src/main.rs",
    )
