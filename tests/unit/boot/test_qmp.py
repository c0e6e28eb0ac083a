import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.boot import qmp


class Server:
    """Answers as QEMU does: greets, then `answers` one line for each command."""

    def __init__(self, answers: list[list[dict[str, Any]]]) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.heard: list[dict[str, Any]] = []
        self.answers = answers
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        with self.theirs, self.theirs.makefile("rwb") as stream:
            self._say(stream, {"QMP": {"version": {}}})
            for answers in [[{"return": {}}], *self.answers]:
                self.heard.append(json.loads(stream.readline()))
                for answer in answers:
                    self._say(stream, answer)

    def _say(self, stream: Any, message: dict[str, Any]) -> None:
        stream.write(json.dumps(message).encode() + b"\n")
        stream.flush()

    def monitor(self) -> qmp.Monitor:
        return qmp.Monitor(self.ours)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    made = Server(request.param)
    yield made
    made.thread.join(5)
    made.ours.close()


@pytest.mark.parametrize("server", [[[{"event": "RESUME"}, {"return": {"status": "running"}}]]], indirect=True)
def test_events_are_passed_over(server: Server) -> None:
    assert server.monitor().command("query-status") == {"status": "running"}
    assert [message["execute"] for message in server.heard] == ["qmp_capabilities", "query-status"]


@pytest.mark.parametrize("server", [[[{"error": {"class": "GenericError", "desc": "no such file"}}]]], indirect=True)
def test_a_refusal_is_told(server: Server) -> None:
    with pytest.raises(OstooError, match="QEMU refuses pmemsave: no such file"):
        server.monitor().command("pmemsave", val=0, size=1, filename="x")


@pytest.mark.parametrize("server", [[]], indirect=True)
def test_a_qemu_that_is_gone_is_told(server: Server) -> None:
    monitor = server.monitor()
    server.thread.join(5)
    with pytest.raises(OstooError, match=r"lost the connection to QEMU|no longer answers"):
        monitor.command("query-status")


@pytest.mark.parametrize("server", [[[{"return": {}}]] * 3], indirect=True)
def test_text_is_typed_key_by_key(server: Server) -> None:
    server.monitor().type("a_\n")
    pressed = [[key["data"] for key in message["arguments"]["keys"]] for message in server.heard[1:]]
    assert pressed == [["a"], ["shift", "minus"], ["ret"]]


def test_all_that_a_programs_name_may_hold_can_be_typed() -> None:
    assert qmp.keys_of("Q") == ("shift", "q")
    assert len({qmp.keys_of(each) for each in "abcXYZ0189-_./: \n"}) == len("abcXYZ0189-_./: \n")


def test_a_character_without_a_key_is_told() -> None:
    with pytest.raises(OstooError, match="there is no key for '\u00fc'"):
        qmp.keys_of("\u00fc")
