"""Each command of the README, the tutorial, the manual and the guides, as it is printed.

A command that can't be run here has its reason in this file.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import documented
import pytest
from trees import PROJECT, Tree, copy_tree, take_sysroot

if TYPE_CHECKING:
    from pathlib import Path

    from documented import Command

pytestmark = [pytest.mark.compiler, pytest.mark.network, pytest.mark.long]

WHEEL = "it installs a package for the user: tests/e2e/test_package.py does so in an environment of its own"
ADOPTS = "it makes a project of another folder: tests/e2e/test_own_os_doc.py runs the page about that"
NOT_RUN: dict[str, str] = {
    "uv tool install ostoo-build": WHEEL,
    "ostoo init": ADOPTS,
    "ostoo build hello": ADOPTS,
    "ostoo man | man -l -": "man is not on each machine: tests/unit/cli/test_man_page.py looks at the page",
    "buildbox-casd --bind": "it is a server for others: tests/e2e/grid.py starts it with paths of this machine",
    "./ostoo boot hello-rs kernel=ostoo:": "nobody has that image",
    "./sconsw kernel hello-std": "there is no kernel: tests/e2e/test_kernel_real.py has one",
}
"""How commands begin, each with the reason."""

FIRST = "./sconsw hello-std"
"""What the README shows of it is a first build: here the cache has everything."""

_EDIT = 'echo "// $(date +%s%N)" >> user-rs/rt/src'
"""Each time another one: what was edited before is in the cache."""

_COMMIT = "git -c user.name=us -c user.email=us@localhost commit -q -a -m Edited"
BEFORE = {
    "./ostoo why hello-rs": f"{_EDIT}/bump.rs && ./sconsw && {_EDIT}/bump.rs && {_COMMIT} && "
    "./sconsw hello-rs cat-rs hello-std",
    "./ostoo affected origin/main...HEAD": f"git diff --quiet origin/main || exit 0; {_EDIT}/bump.rs && {_COMMIT}",
    "./ostoo size hello-std --compare": "sed -i 's/Hello from/Hello again from/' user-rs/hello-std/src/main.rs",
    "./ostoo why-miss ../other-clone .": f"cp -r . ../other-clone && {_EDIT}/io.rs && ./sconsw hello-rs && "
    f"cd ../other-clone && {_EDIT}/io.rs && ./sconsw hello-rs",
}
"""What the reader of a page has done before, by command."""

GUIDES = sorted(str(path.relative_to(PROJECT)) for path in (PROJECT / "docs/guides").glob("*.md"))
PAGES = ("README.md", "docs/tutorial.md", "docs/manual.md", "docs/caching.md", *GUIDES)
UNTIL = {"./ostoo watch": "Watching"}
"""What commands that go on for ever say before they get Ctrl-C."""

PRIVATE = ("~/", "ostoo cache ", "ostoo completion ")
"""Parts of commands that write to a user's folders, and compile nothing."""

PATIENCE = 300


@pytest.fixture
def checkout(tmp_path: Path, first: Tree) -> Path:
    """A clone, with a branch of others, in which everything is installed."""
    tree = take_sysroot(copy_tree(tmp_path / "checkout", first.cache), first)
    (tree.root / ".venv").symlink_to(PROJECT / ".venv")
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        ("-c", "user.name=us", "-c", "user.email=us@localhost", "commit", "-q", "-m", "All"),
        ("update-ref", "refs/remotes/origin/main", "HEAD"),
    ):
        subprocess.run(["git", *words], cwd=tree.root, check=True)
    return tree.root


@pytest.fixture
def environment(user_environment: dict[str, str]) -> dict[str, str]:
    """A user whose browser opens nothing."""
    return {**user_environment, "BROWSER": "true"}


def performed(command: Command, folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a command; return its exit code, and what it said, in one text."""
    until = next((text for start, text in UNTIL.items() if command.line.startswith(start)), "")
    with subprocess.Popen(
        ["sh", "-c", command.line],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        said, over = "", threading.Timer(PATIENCE, os.killpg, (process.pid, signal.SIGKILL))
        over.start()
        for line in process.stdout:
            said += line
            if until and until in line:
                os.killpg(process.pid, signal.SIGINT)
        code = process.wait()
        over.cancel()
    return 0 if until and code in (-signal.SIGINT, 130) else code, said


@pytest.mark.parametrize("page", PAGES)
def test_each_command_of_a_page_works_as_printed(
    page: str, checkout: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    private = {**environment, "HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home/.cache")}
    for command in documented.steps(page):
        if isinstance(command, documented.File):
            (checkout / command.path).write_text(command.text, encoding="utf-8")
            continue
        if command.line.startswith(tuple(NOT_RUN)):
            continue
        if command.line in BEFORE:
            subprocess.run(["sh", "-ec", BEFORE[command.line]], cwd=checkout, env=environment, check=True)
        user = private if any(part in command.line for part in PRIVATE) else environment
        began = time.monotonic()
        code, said = performed(command, checkout, user)
        sys.stderr.write(f"{time.monotonic() - began:.1f} s {command.line}\n{said}\n")
        assert code == 0, f"{command.line}\n{said}"
        shown = () if (page, command.line) == ("README.md", FIRST) else command.shown
        assert documented.missing(shown, said) == [], f"{command.line}\n{said}"


def test_each_exception_is_a_command_of_a_page() -> None:
    every = {command.line for page in PAGES for command in documented.commands(page)}
    assert {start for start in NOT_RUN if not any(line.startswith(start) for line in every)} == set()
