"""What a user sees of whole builds: each test compares screens of a terminal emulator, or a whole log."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest
from screens import terminal
from test_faults import FAILS, SLEEPS, running
from trees import ServedTree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from screens import Terminal
    from trees import Tree

pytestmark = pytest.mark.compiler

OF_COLOURS = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "TERM")
ESCAPE = "\x1b"


def environment(tree: Tree, **variables: str) -> Mapping[str, str]:
    """With `CI` no server is used, nor started."""
    left_out = (*OF_COLOURS, "CI") if isinstance(tree, ServedTree) else OF_COLOURS
    return {name: value for name, value in os.environ.items() if name not in left_out} | variables


def on_terminal(
    tree: Tree, *arguments: str, columns: int = 80, variables: Mapping[str, str] | None = None
) -> AbstractContextManager[Terminal]:
    shown = environment(tree, **{"TERM": "xterm-256color", **(variables or {})})
    return terminal(tree.command(*arguments), cwd=tree.root, environ=shown, columns=columns)


def in_log(tree: Tree, *arguments: str, **variables: str) -> str:
    done = subprocess.run(
        tree.command(*arguments),
        cwd=tree.root,
        env=environment(tree, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    return done.stdout


def without_numbers(rows: list[str]) -> list[str]:
    """Seconds, and what the cache had, differ from run to run; so do the lines before the first action."""
    shown = [re.sub(r"\(\d+ s\)|, \d+ cached", "(N s)", row).replace("(N s) (N s)", "(N s)") for row in rows]
    return [row for row in shown if "Using Rust" not in row and not row.startswith(" by rust-toolchain")]


def sleeping(tree: Tree, text: str) -> None:
    """Give hello-rs a build script that no cache has."""
    tree.write("user-rs/hello-rs/build.rs", f"//! {uuid.uuid4()}\n{text}")


STEPS = [
    "   Compiling hello-rs v0.1.0 (build script)",
    "     Running hello-rs v0.1.0 (build script)",
]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_build_is_seen_while_it_runs_and_leaves_what_a_log_has(tree: Tree, columns: int) -> None:
    sleeping(tree, SLEEPS % 3)
    with on_terminal(tree, "hello-rs", columns=columns) as shown:
        running = shown.until(lambda rows: len(rows) > 1 and rows[-1].startswith("     Running") and "s)" in rows[-1])
        end = shown.to_the_end()
    above, (plan, action) = running[:-2], running[-2:]
    assert re.fullmatch(r"    Building \d+/\d+(, \d+ cached)? \(\d+ s\)", plan)
    assert re.fullmatch(r"     Running hello-rs v0.1.0 \(b.* \(\d+ s\)", action)
    assert len(action) < columns
    assert end[: len(above)] == above, "what stands above stays"
    assert "".join(STEPS).replace(" ", "") in "".join(end).replace(" ", ""), "long lines go on in the next row"
    assert not any("Building" in row for row in end)
    assert shown.process.returncode == 0


def test_another_size_in_the_middle_leaves_no_trace(tree: Tree) -> None:
    sleeping(tree, SLEEPS % 4)
    with on_terminal(tree, "hello-rs", columns=100) as shown:
        shown.until(lambda rows: any("Building" in row for row in rows))
        shown.resize(40, 24)
        shown.until(lambda rows: any("Building" in row for row in rows))
        shown.resize(120, 24)
        end = shown.to_the_end()
    assert not any("Building" in row for row in end)
    assert sum("Running hello-rs" in row for row in end) == 1


def test_a_plain_terminal_gets_the_same_lines(tree: Tree) -> None:
    source = "user-rs/hello-rs/src/main.rs"
    expected = [*STEPS, "   Compiling hello-rs v0.1.0", "     Linking hello-rs"]
    settings: tuple[dict[str, str], ...] = ({"TERM": "dumb"}, {"NO_COLOR": "1"}, {})
    for number, variables in enumerate(settings):
        sleeping(tree, SLEEPS % 1)
        tree.replace(source, "Heap", f"Heap {number}")
        with on_terminal(tree, "hello-rs", variables=variables) as shown:
            end = without_numbers(shown.to_the_end())
        assert [row for row in end if row in expected] == expected
        moves = ESCAPE in shown.raw.decode()
        assert moves == (variables.get("TERM") != "dumb"), variables
        coloured = f"{ESCAPE}[1;32m" in shown.raw.decode()
        assert coloured == (not variables), variables


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_a_log_is_plain_unless_colours_are_asked_for(
    tree: Tree, variables: Mapping[str, str], *, coloured: bool
) -> None:
    tree.replace("user-rs/hello-rs/src/main.rs", "extern crate", f"fn unused() {{}} // {uuid.uuid4()}\nextern crate")
    log = in_log(tree, "hello-rs", **variables)
    assert (f"{ESCAPE}[1;32m   Compiling{ESCAPE}[0m hello-rs v0.1.0" in log) == coloured
    assert (ESCAPE in log) == coloured
    assert not re.search(r"\x1b\[[0-9]*[AJK]", log), "nothing moves the cursor of a log"
    assert "function `unused` is never used" in re.sub(r"\x1b\[[0-9;]*m", "", log)


def test_who_waits_after_a_failure_is_told_for_what(tree: Tree) -> None:
    tree.write("user-rs/rt/build.rs", SLEEPS % 10)
    tree.write("user-rs/hello-rs/build.rs", FAILS % 6)
    with on_terminal(tree, "hello-rs") as shown:
        waiting = shown.until(lambda rows: any("Finishing" in row for row in rows))
        end = shown.to_the_end()
    at = next(number for number, row in enumerate(waiting) if "Finishing" in row)
    assert re.fullmatch(r"   Finishing \d+/\d+(, \d+ cached)? \(\d+ s\)", waiting[at])
    assert re.fullmatch(r"     Waiting for ostoo-rt v0.1.0 \(build script\) \(\d+ s\)", waiting[at + 1])
    assert end[-1].endswith("press Ctrl-C to end it") or "Waiting" in "".join(end)
    assert not any("Finishing" in row for row in end)


def test_ctrl_c_leaves_no_block(tree: Tree) -> None:
    sleeping(tree, SLEEPS % 600)
    with on_terminal(tree, "hello-rs") as shown:
        before = shown.until(lambda rows: len(rows) > 1 and "Running" in rows[-1] and "s)" in rows[-1])
        shown.type("\x03")
        end = shown.to_the_end()
    assert shown.process.returncode == -2
    assert without_numbers(end)[: len(before) - 2] == without_numbers(before[:-2])
    assert not any("Building" in row for row in end)


def test_a_server_shows_the_same_on_each_commands_own_terminal(tree: Tree) -> None:
    served = ServedTree(tree.root, tree.cache)
    served.wait_for_server()
    try:
        for columns, count in ((40, 1), (100, 2)):  # the second one finds a build that waits
            sleeping(served, SLEEPS % 3)
            with on_terminal(served, "hello-rs", columns=columns) as shown:
                seen = shown.until(lambda rows: len(rows) > 1 and "Running" in rows[-1] and "s)" in rows[-1])
                end = shown.to_the_end()
            assert served.served() == count
            assert re.fullmatch(r"    Building \d+/\d+(, \d+ cached)? \(\d+ s\)", seen[-2])
            assert len(seen[-1]) < columns
            assert not any("Building" in row for row in end)
            assert f"{ESCAPE}[1;32m" in shown.raw.decode()
        sleeping(served, SLEEPS % 600)
        with on_terminal(served, "hello-rs") as shown:
            shown.until(lambda rows: len(rows) > 1 and "Running" in rows[-1] and "s)" in rows[-1])
            shown.type("\x03")
            end = shown.to_the_end()
        assert shown.process.returncode == -2
        assert not any("Building" in row for row in end)
        assert not running(served.root, "build-script-build")
    finally:
        served.stop_server()


IMPATIENT = """
import runpy, sys
sys.path.insert(0, "site_scons")
from ostoo_build.base import live
live._SILENCE = 1.0
sys.argv = ["site_scons/ostoo_scons/start.py", *sys.argv[1:]]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_a_log_in_ci_says_that_something_runs(tree: Tree) -> None:
    sleeping(tree, SLEEPS % 5)
    python, *options, _, cache, program = tree.command("hello-rs")
    done = subprocess.run(
        [python, *options, "-c", IMPATIENT, cache, program],
        cwd=tree.root,
        env=environment(tree, CI="true"),
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stderr.splitlines()
    at = lines.index(STEPS[1])
    assert re.fullmatch(r"     Waiting for hello-rs v0.1.0 \(build script\) \(\d s\)", lines[at + 1])
    assert [line for line in without_numbers(lines) if "Waiting" not in line][:2] == STEPS
    assert ESCAPE not in done.stderr
