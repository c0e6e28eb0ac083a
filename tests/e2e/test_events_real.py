"""`--events FILE`: what a build tells of itself, however it ends and whoever carries it out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from trees import ServedTree, Tree

from ostoo_build.base import events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.compiler

MAIN = "user-rs/hello-rs/src/main.rs"


def edit(tree: Tree, text: str = "") -> None:
    tree.write(MAIN, f"{(tree.root / MAIN).read_text()}\n{text} // {os.urandom(8).hex()}\n")


def told(file: Path) -> list[dict[str, Any]]:
    """The events of a file; each is one of the kinds that are documented, with all its fields."""
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for each in found:
        fields = {name: value for name, value in each.items() if name != "at"}
        kind = KINDS[each["event"]]
        assert json.loads(msgspec.json.encode(msgspec.convert(fields, kind))) == fields
    return found


KINDS = {str(kind.__struct_config__.tag): kind for kind in events.Event.__subclasses__()}


def assert_whole(found: list[dict[str, Any]], outcome: str) -> None:
    """It has a begin and an end, and so has each action."""
    assert [found[0]["event"], found[0]["format"]] == ["build-began", events.FORMAT]
    assert (found[-1]["event"], found[-1]["outcome"]) == ("build-ended", outcome)
    assert sum(each["event"] in ("build-began", "build-ended") for each in found) == 2


def of(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each for each in found if each["event"] == kind]


def test_a_build_tells_each_action_from_its_begin_to_its_end(tree: Tree, tmp_path: Path) -> None:
    file = tmp_path / "events"
    edit(tree, "fn unused() {}")
    tree.build("hello-rs", f"--events={file}")
    found = told(file)
    assert_whole(found, "succeeded")
    assert found[0]["root"] == str(tree.root)
    assert found[0]["words"][-2:] == ["hello-rs", f"--events={file}"]
    began = {each["action"]: each["subject"] for each in of(found, "action-began")}
    assert "hello-rs v0.1.0" in began.values()
    assert began.keys() == {each["action"] for each in of(found, "action-ended")}
    (compiled,) = (number for number, subject in began.items() if subject == "hello-rs v0.1.0")
    own = [each["event"] for each in found if each.get("action") == compiled]
    order = ("action-began", "action-decided", "action-started", "command-started", "action-ended")
    assert [own.index(kind) for kind in order] == sorted(map(own.index, order))
    (command, *_) = (each for each in of(found, "command-started") if each["action"] == compiled)
    assert command["argv"][1:3] == ["--crate-name", "hello_rs"]
    (warning,) = of(found, "diagnostic-shown")
    assert (warning["level"], warning["path"]) == ("warning", MAIN)
    assert of(found, "build-planned")[0]["actions"] >= len(began)
    tree.build("hello-rs", f"--events={file}")
    again = told(file)
    assert_whole(again, "succeeded")
    assert of(again, "action-began") == []
    assert len(of(again, "diagnostic-shown")) == 1, "it still holds"


@pytest.mark.parametrize("mistake", ["an error of the compiler", "no program", "no variable", "no SConscript"])
def test_a_failed_build_tells_why(mistake: str, tree: Tree) -> None:
    words = ["hello-rs"]
    if mistake == "an error of the compiler":
        edit(tree, "fn wrong() -> u8 { missing }")
    elif mistake == "no SConscript":
        tree.write("user-rs/hello-rs/SConscript", "nonsense()")
    else:
        words = ["helo-rs"] if mistake == "no program" else ["targt=x"]
    result = tree.scons(*words, "--events=told")
    assert result.code == 2
    found = told(tree.root / "told")
    assert_whole(found, "failed")
    errors = [each["text"] for each in of(found, "diagnostic-shown") if each["level"] == "error"]
    assert errors
    assert all(text in f"{result.stderr}\n" for text in errors)


def test_a_file_that_can_not_be_written_is_an_error_before_the_build(tree: Tree) -> None:
    edit(tree)
    result = tree.scons("hello-rs", "--events=missing/told")
    assert result.code == 2
    assert result.stderr == (
        f"error: can't write events to {tree.root}/missing/told: No such file or directory\n"
        "  help: name a file that can be written: --events FILE\n"
    )
    assert not (tree.root / "build/x86_64-ostoo-user").exists()


def test_a_file_is_named_from_where_the_user_is(tree: Tree, tmp_path: Path) -> None:
    words = ("-C", str(tree.root), "build", "hello-rs", "--events", "told")
    command = [sys.executable, "-P", "-m", "ostoo_build.cli", *words]
    environment = {**os.environ, "PYTHONPATH": str(tree.root / "site_scons")}
    subprocess.run([*command, f"cache={tree.cache}"], cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert_whole(told(tmp_path / "told"), "succeeded")


def slow(tree: Tree, seconds: int) -> None:
    script = f"fn main() {{ std::thread::sleep(std::time::Duration::from_secs({seconds})) }} // {os.urandom(8).hex()}"
    tree.write("user-rs/hello-rs/build.rs", script)


def stopped(tree: Tree, file: Path, number: int) -> list[dict[str, Any]]:
    """The events of a build that gets a signal while a build script runs."""
    slow(tree, 600)
    with tree.start("hello-rs", f"--events={file}") as process:
        end = time.monotonic() + 120
        while not (file.exists() and '"verb": "Running", "subject": "hello-rs' in file.read_text(encoding="utf-8")):
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        process.communicate()
    assert process.returncode in (-number, 128 + number)
    return told(file)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_stopped_says_so(number: signal.Signals, tree: Tree, tmp_path: Path) -> None:
    assert_whole(stopped(tree, tmp_path / "events", number), "stopped")


@pytest.fixture
def served(tree: Tree) -> Iterator[ServedTree]:
    found = ServedTree(tree.root, tree.cache)
    found.wait_for_server()
    yield found
    found.stop_server()


def test_a_server_writes_the_same_for_the_command_that_it_serves(served: ServedTree, tmp_path: Path) -> None:
    file = tmp_path / "events"
    asked = ["hello-rs", f"--events={file}"]
    edit(served)
    served.build(*asked)
    first = told(file)
    assert_whole(first, "succeeded")
    end = time.monotonic() + 60
    while "prepared: " not in served.status():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert told(file) == first, "a build that is prepared writes nothing"
    edit(served)
    builds = served.served()
    served.build(*asked)
    second = told(file)
    assert served.served() == builds + 1
    assert_whole(second, "succeeded")
    assert second[0]["time"] > first[0]["time"]
    assert next(each["subject"] for each in of(second, "action-began")) == "hello-rs v0.1.0"
    assert second[-1]["at"] < 60, "from when the command came"
    assert_whole(stopped(served, file, signal.SIGINT), "stopped")
