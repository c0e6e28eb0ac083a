from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import grpc
import pytest
from clocks import Clock
from fake_reapi import FakeServer, Hanging

from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.remote import probe
from ostoo_build.remote.channel import RemoteOptions
from ostoo_build.remote.probe import BrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator


TOKEN = "s3cret"  # noqa: S105 - no server asks for it


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    found = FakeServer()
    yield found
    found.closing.set()


@pytest.fixture
def options(fake: FakeServer) -> Iterator[RemoteOptions]:
    server, port = fake.start()
    yield RemoteOptions(f"grpc://127.0.0.1:{port}", instance="ours", token=TOKEN)
    fake.closing.set()
    server.stop(None)


def test_a_new_file_is_stored_and_read(fake: FakeServer, options: RemoteOptions) -> None:
    for _ in range(2):
        assert probe.round_trip(options, stores=True).is_stored
    assert fake.calls == ["GetCapabilities", "BatchUpdateBlobs", "BatchReadBlobs"] * 2
    assert len(fake.blobs) == 2, "the second one was not new"
    assert fake.metadata["authorization"] == "Bearer s3cret"


def test_who_only_reads_stores_nothing(fake: FakeServer, options: RemoteOptions) -> None:
    trip = probe.round_trip(options, stores=False)
    assert fake.calls == ["GetCapabilities"]
    assert str(trip._replace(seconds=0.25)) == "it answers, and nothing was stored in 250 ms"


def refused(options: RemoteOptions) -> BrokenError:
    with pytest.raises(BrokenError) as caught:
        probe.round_trip(options, stores=True)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("method", ["GetCapabilities", "BatchUpdateBlobs", "BatchReadBlobs"])
def test_an_error_is_told_with_the_call_and_without_the_token(
    method: str, fake: FakeServer, options: RemoteOptions
) -> None:
    fake.faults[method] = lambda context: context.abort(grpc.StatusCode.PERMISSION_DENIED, "not for s3cret\x07")
    found = refused(options)
    assert found.what == f"{method} failed: permission denied (not for ...)"
    assert "permit" in found.remedy


def test_each_file_may_be_refused(fake: FakeServer, options: RemoteOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = api.BatchUpdateBlobsResponse.Response(status=api.Status(code=8, message="full, s3cret"))
    answer = api.BatchUpdateBlobsResponse(responses=[refusal])
    monkeypatch.setattr(fake, "BatchUpdateBlobs", lambda *_: answer, raising=False)
    assert refused(options).what == "it does not store a file: full, ..."


def test_other_data_is_told(fake: FakeServer, options: RemoteOptions) -> None:
    fake.distort = lambda data: data + b"more"
    assert refused(options).what == "a file that was stored does not come back as it was"


def test_what_a_server_says_that_it_can_not_do_is_told(fake: FakeServer, options: RemoteOptions) -> None:
    known = fake.capabilities.cache_capabilities
    known.action_cache_update_capabilities.update_enabled = False
    assert refused(options).what == "it allows reading only"
    known.digest_functions.append(api.DigestFunction.UNKNOWN)
    assert refused(options).what == "it does not support sha256"


def test_nobody_there_and_nobody_who_answers_are_told_in_time(
    fake: FakeServer, options: RemoteOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "_PATIENCE", 0.2)
    fake.faults["GetCapabilities"] = Hanging(fake)
    assert refused(options).what.startswith("GetCapabilities failed: deadline exceeded")
    assert refused(replace(options, address="grpc://127.0.0.1:9")).what.startswith(
        "GetCapabilities failed: unavailable"
    )


def test_the_time_of_the_calls_is_told(options: RemoteOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    Clock.of(probe, monkeypatch)
    assert probe.round_trip(options, stores=True).seconds == 0.0
