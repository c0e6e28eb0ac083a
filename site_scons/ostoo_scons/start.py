"""Builds the project in the working folder: starts SCons, unless a note proves that there is nothing to do.

It runs without the `site` module, whose import takes as long as the check of all files.
"""

from __future__ import annotations

import os
import sys
import time

STARTED = time.time_ns()
# the folder with both packages; pathlib takes longer
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120

from ostoo_build.base import streams, terminal  # noqa: E402 - found only by the path that is set above
from ostoo_build.server import address  # noqa: E402 - likewise
from ostoo_build.start import null_build  # noqa: E402 - likewise


def main() -> None:
    streams.take()
    asked = null_build.ask(sys.argv[1:])
    found = null_build.proof(os.getcwd(), asked)  # noqa: PTH109 - likewise
    if found is not None:
        _warn(found.said)
        if null_build.QUIET.isdisjoint(sys.argv):
            _say("".join(f"scons: `{name}' is up to date.\n" for name in found.targets))  # SCons' message
        _remember(asked)
        return
    if address.is_wanted(sys.argv[1:]):
        _ask_server(asked)
    import site  # noqa: PLC0415 - only where there may be work

    site.main()
    from ostoo_build.base import deferred  # noqa: PLC0415 - likewise
    from ostoo_build.rebuild.process_start import ProcessStart  # noqa: PLC0415 - likewise
    from ostoo_scons import whole_run  # noqa: PLC0415 - likewise

    code = whole_run.perform(ProcessStart(STARTED, asked), sys.argv[1:])
    deferred.run_afterwards()
    sys.exit(code)


def _remember(asked: null_build.Question) -> None:
    try:  # noqa: SIM105 - contextlib takes long to be loaded
        null_build.remember(os.getcwd(), asked, STARTED)  # noqa: PTH109 - likewise
    except OSError:  # it explains only
        pass


def _ask_server(asked: null_build.Question) -> None:
    """Let a server build, if there is one, and end as it did."""
    try:
        path = address.path(os.getcwd())  # noqa: PTH109 - pathlib takes longer
        if not os.path.lexists(path):
            return
        from ostoo_build.server import client, request  # noqa: PLC0415 - only where there is a server

        done = client.build(path, request.captured(sys.argv[1:], asked, STARTED))
    except OSError:  # the system says too little about processes
        return
    if done is not None:
        client.leave(done[0])


def _warn(said: str) -> None:
    """Show what the compilers said about the programs, as cargo does."""
    if said and "GITHUB_ACTIONS" in os.environ:
        from ostoo_build.base.console import Console  # noqa: PLC0415 - it takes longer than all the rest

        Console.of(os.environ).messages(said)
    elif said:
        plain = said if terminal.takes_colours(sys.stderr, os.environ) else terminal.without_colours(said)
        print(plain, end="", file=sys.stderr, flush=True)  # noqa: T201 - likewise


def _say(text: str) -> None:
    try:  # noqa: SIM105 - contextlib takes long to be loaded
        print(text, end="")  # noqa: T201 - a program's border
    except OSError:
        pass
    said = streams.complaint()
    if said:
        print(said, end="", file=sys.stderr, flush=True)  # noqa: T201 - likewise
        os._exit(2)  # Python would flush it again


main()
