"""Entry point of `ostoo`."""

from __future__ import annotations

import contextlib
import os
import sys

from ostoo_build.base import streams
from ostoo_build.base.errors import OstooError
from ostoo_build.cli import build


def run() -> None:
    """Run the command line of this process. Ends with `SystemExit`."""
    streams.take()
    try:
        sys.exit(_perform(sys.argv[1:]))
    finally:
        complaint = streams.complaint()
        if complaint:
            sys.stderr.write(complaint)
            sys.stderr.flush()
            from ostoo_build.cli.main import FAILED  # noqa: PLC0415 - likewise

            os._exit(FAILED)  # Python would flush it again


def _perform(arguments: list[str]) -> int:
    with contextlib.suppress(OstooError, OSError):  # `main` meets it again, and tells it
        build.start(arguments)
    from ostoo_build.cli.main import main  # noqa: PLC0415 - a build with nothing to do would wait for it

    return main(arguments)


if __name__ == "__main__":
    run()
