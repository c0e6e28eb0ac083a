from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from fake_reapi import FakeServer

from ostoo_build.base.console import Console
from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.remote import operations
from ostoo_build.remote.channel import RemoteOptions
from ostoo_build.remote.circuit_breaker import UnavailableError
from ostoo_build.remote.operations import Operations, StuckError
from ostoo_build.remote.store import RemoteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    import grpc

QUEUED, EXECUTING, UNKNOWN = (
    api.ExecutionStage.QUEUED,
    api.ExecutionStage.EXECUTING,
    api.ExecutionStage.UNKNOWN,
)
REQUEST = api.ExecuteRequest()


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer()


@pytest.fixture
def followed(fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operations]:
    monkeypatch.setattr(operations, "_SILENCE", 0.05)
    monkeypatch.setattr(operations, "QUEUED", 0.5)
    server, port = fake.start()
    store = RemoteStore(RemoteOptions(f"grpc://127.0.0.1:{port}"), Console(colour=False, quiet=False))
    yield Operations(store)
    fake.closing.set()
    store.close()
    server.stop(None)


def cut(context: grpc.ServicerContext) -> None:
    context.cancel()


def finished(followed: Operations) -> bool:
    return followed.follow(REQUEST).done


@pytest.mark.parametrize("stage", [EXECUTING, UNKNOWN])
def test_what_is_under_way_may_take_its_time(
    fake: FakeServer, followed: Operations, stage: api.ExecutionStage.Value
) -> None:
    fake.course = [(QUEUED, 0.1), (stage, 1.5)]
    assert finished(followed)
    assert not followed.is_stuck
    assert "GetCapabilities" in fake.calls, "it is asked whether it is there"


def test_what_is_never_started_is_given_up_and_so_is_the_service(fake: FakeServer, followed: Operations) -> None:
    fake.course = [(QUEUED, 30)]
    with pytest.raises(StuckError):
        followed.follow(REQUEST)
    assert followed.is_stuck
    assert not followed.service.circuit.is_off, "its store is as good as before"


def test_a_queue_may_be_long_while_the_service_works(fake: FakeServer, followed: Operations) -> None:
    fake.course = [(EXECUTING, 2.0)]
    busy = threading.Thread(target=finished, args=[followed])
    busy.start()
    while not fake.calls:
        threading.Event().wait(0.01)
    threading.Event().wait(0.2)
    fake.course = [(QUEUED, 1.2)]
    assert finished(followed)
    busy.join()
    assert not followed.is_stuck


def test_a_pause_between_two_actions_is_not_the_services(fake: FakeServer, followed: Operations) -> None:
    fake.course = [(QUEUED, 0.1)]
    assert finished(followed)
    threading.Event().wait(0.7)
    assert finished(followed)
    assert not followed.is_stuck


def test_a_service_that_ends_without_an_answer_is_given_up(fake: FakeServer, followed: Operations) -> None:
    fake.faults["Execute"] = cut
    with pytest.raises(UnavailableError):
        followed.follow(REQUEST)
