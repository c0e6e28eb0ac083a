"""A worker of BuildGrid: leases actions by the Remote Workers API and has buildbox-run carry them out.

Run with BuildGrid's packages on the path: bot.py SERVER SLOTS BUILDBOX_RUN [ARGUMENT...]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from buildgrid._protos.build.bazel.remote.execution.v2 import remote_execution_pb2 as api
from buildgrid._protos.google.devtools.remoteworkers.v1test2 import bots_pb2, bots_pb2_grpc, worker_pb2

_READY = "takes actions"
"""What each slot says of itself before it asks: the server answers when it has work."""
_POLL = 60
"""Seconds that the server may wait for work to hand out."""


def main() -> None:
    server, slots, *command = sys.argv[1:]
    with grpc.insecure_channel(server) as channel, ThreadPoolExecutor(int(slots)) as pool:
        bots = bots_pb2_grpc.BotsStub(channel)
        for ended in [pool.submit(serve, bots, f"bot-{slot}", command) for slot in range(int(slots))]:
            ended.result()


def serve(bots: Any, name: str, command: list[str]) -> None:
    """Take one action after the other, until the server ends."""
    worker = worker_pb2.Worker(devices=[worker_pb2.Device(handle=name)])
    session = bots_pb2.BotSession(bot_id=name, status=bots_pb2.OK, worker=worker)
    sys.stdout.write(f"{_READY}\n")
    sys.stdout.flush()
    session = bots.CreateBotSession(bots_pb2.CreateBotSessionRequest(parent="", bot_session=session))
    while True:
        for lease in session.leases:
            lease.result.Pack(carry_out(lease, command))
            lease.state = bots_pb2.COMPLETED
        request = bots_pb2.UpdateBotSessionRequest(name=session.name, bot_session=session)
        session = bots.UpdateBotSession(request, timeout=_POLL)


def carry_out(lease: Any, command: list[str]) -> Any:
    action = api.Action()
    if not lease.payload.Unpack(action):
        raise TypeError(lease.payload.type_url)
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "action"), Path(folder, "result")
        given.write_bytes(action.SerializeToString())
        subprocess.run([*command, f"--action={given}", f"--action-result={made}"], check=True)
        return api.ActionResult.FromString(made.read_bytes())


if __name__ == "__main__":
    main()
