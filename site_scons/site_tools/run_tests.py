"""Target `test`: the tests of this build itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError
from site_tools.scons_nodes import Perform


def run_tests(env: Any) -> None:
    """Declare `test`; it is never up to date."""
    root = Path(env.Dir("#").get_abspath())

    def say(line: str) -> None:
        env["OSTOO"].report.status("Providing", line)

    def perform() -> None:
        from ostoo_build.fetch.debian_packages import Project  # noqa: PLC0415 - likewise
        from ostoo_build.start import needed_tools, own_root, provided_tools  # noqa: PLC0415 - builds need none of it

        provided_tools.provide(needed_tools.require(os.environ), Project(root, os.environ, say))
        alone = own_root.prefix(os.environ) or ()
        if process.call([*alone, sys.executable, "-m", "pytest"], cwd=root, env=os.environ, stdout=None):
            raise OstooError("tests failed")

    env.AlwaysBuild(env.Alias("test", [], Perform("pytest", perform)))


def generate(env: Any) -> None:
    env.AddMethod(run_tests, "RunTests")


def exists(_env: Any) -> bool:
    return True
