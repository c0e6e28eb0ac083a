"""Replaces this process by another program. Imports only what Python has loaded, for builds with nothing to do."""

from __future__ import annotations

import os
import sys

from ostoo_build.base.errors import OstooError

TYPE_CHECKING = False
if TYPE_CHECKING:  # loading `typing` takes a part of such a build
    from collections.abc import Sequence
    from pathlib import Path
    from typing import NoReturn


def exec_program(argv: Sequence[str], *, cwd: Path) -> NoReturn:
    """Replace this process by `argv` (exec), in the folder `cwd`. Raises `OstooError` if it can't be started."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.chdir(cwd)
        os.execv(argv[0], list(argv))  # noqa: S606 - that is what it is for; no shell sees it
    except OSError as error:
        raise OstooError(f"can't start {argv[0]}: {error.strerror}") from error
