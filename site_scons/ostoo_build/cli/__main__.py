"""Entry point of `ostoo`."""

from __future__ import annotations

import os
import sys

from ostoo_build.base import streams
from ostoo_build.cli.main import FAILED, main


def run() -> None:
    """Run the command line of this process. Ends with `SystemExit`."""
    streams.take()
    try:
        sys.exit(main(sys.argv[1:]))
    finally:
        complaint = streams.complaint()
        if complaint:
            sys.stderr.write(complaint)
            sys.stderr.flush()
            os._exit(FAILED)  # Python would flush it again


if __name__ == "__main__":
    run()
