"""The build server: loads SCons and forks each build. Usage: python serve.py LISTENER PATH [OWNER].

LISTENER is the descriptor of a socket that listens at PATH. It ends when it is idle, when the code or Python changed,
when memory is short, or when the socket is gone; with OWNER, a descriptor of a pipe, also when nobody can write to it.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from ostoo_build.server.code_state import CodeState

CODE = CodeState()

import capstone  # type: ignore[import-untyped]  # noqa: E402, F401 - each build that does anything needs it, as the rest
import jsonschema  # noqa: E402, F401
import SCons.Environment  # noqa: E402
import SCons.Platform.posix  # noqa: E402
import SCons.Script.Main  # noqa: E402, F401

from ostoo_build.base import deferred, lazy_pattern  # noqa: E402 - `CODE` comes first
from ostoo_build.binary import strip  # noqa: E402, F401 - as capstone
from ostoo_build.loader import check, syscalls  # noqa: E402, F401 - as capstone
from ostoo_build.rebuild.process_start import ProcessStart  # noqa: E402 - likewise
from ostoo_build.rebuild.standby import Standby  # noqa: E402 - likewise
from ostoo_build.server import client  # noqa: E402 - likewise
from ostoo_build.server.handover import STALE  # noqa: E402 - likewise
from ostoo_build.server.serving import Server  # noqa: E402 - likewise
from ostoo_build.sysroot import zig  # noqa: E402, F401 - as capstone
from ostoo_scons import whole_run  # noqa: E402 - likewise


def main() -> None:
    listener = socket.socket(fileno=int(sys.argv[1]))
    syscalls.prepare()
    lazy_pattern.compile_all()
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a watch and its builds have this terminal too, and end by themselves
    try:
        handover = Server(listener, sys.argv[2], CODE, *map(int, sys.argv[3:])).serve()
    except KeyboardInterrupt:  # in a forked build: it came before that began
        client.end_by(signal.SIGINT)
    if handover is None:
        return
    standby, request = Standby(handover), handover.request
    started = time.time_ns() if handover.waits else request.started
    sys.argv = ["scons"]
    code = whole_run.perform(ProcessStart(started, request.asked, standby), request.words)
    if not standby.holds():
        sys.exit(STALE)
    handover.tell_ended(code)
    deferred.run_afterwards()
    os._exit(code)  # nobody needs what Python would take apart


main()
