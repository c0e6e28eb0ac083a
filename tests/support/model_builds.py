"""The server of `model_checkout` as a test sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tied import TIED

if TYPE_CHECKING:
    from model_checkout import Request

HERE = Path(__file__).parent
SITE_SCONS = HERE.parents[1] / "site_scons"


class Builds:
    """The server that builds."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [*TIED, sys.executable, str(HERE / "model_checkout.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # each damage is told there
            text=True,
            env={**os.environ, "PYTHONPATH": f"{SITE_SCONS}{os.pathsep}{HERE}"},
        )

    def ask(self, *requests: Request) -> list[dict[str, Any]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([asdict(request) for request in requests]) + "\n")
        self.process.stdin.flush()
        answers: list[dict[str, Any]] = json.loads(self.process.stdout.readline())
        return answers

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)
