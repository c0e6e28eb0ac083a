from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import events
from ostoo_build.base.console import Console
from ostoo_build.execution import verbose
from ostoo_build.execution.verbose import Verbose

if TYPE_CHECKING:
    from pathlib import Path

TOLD = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]))"
WORDS = ("a b", "it's", '"$HOME"', "", "*", '--cfg=feature="std"', "ü\n")
DECIDED = events.ActionDecided(1, "core", "run here: not in the cache", "another flag", "0123456789abcdef")


def started(folder: Path) -> events.CommandStarted:
    environment = {"PYTHONUTF8": "1", "ODD": "`id` ;'\"", "EMPTY": "", "LC_CTYPE": "C.UTF-8"}
    return events.CommandStarted(1, (sys.executable, "-c", TOLD, *WORDS), str(folder), environment)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_shell_starts_the_same_process(shell: str, tmp_path: Path) -> None:
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    event = started(folder)
    line = verbose.command(event)
    done = subprocess.run([shell], input=f"{line}\npwd", cwd=tmp_path, capture_output=True, text=True, check=True)
    shown, after = done.stdout.splitlines()
    assert json.loads(shown) == [list(WORDS), event.environment, str(folder)]
    assert after == os.path.realpath(tmp_path)


@pytest.mark.parametrize(("commands", "reasons"), [(False, False), (True, False), (False, True), (True, True)])
def test_what_is_shown_is_what_was_asked_for(
    commands: bool,  # noqa: FBT001 - pytest names them
    reasons: bool,  # noqa: FBT001 - likewise
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    listener = Verbose(Console(colour=False, quiet=False), commands, reasons)
    for event in (DECIDED, events.ActionStarted(1), started(tmp_path)):
        listener(0.0, event)
    said = capsys.readouterr().err
    explained = "   Explained core is run here: not in the cache (another flag); key 0123456789ab\n"
    assert said == explained * reasons + f"{verbose.command(started(tmp_path))}\n" * commands
