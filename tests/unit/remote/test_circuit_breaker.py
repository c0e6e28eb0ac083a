from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING

import grpc
import line
import pytest
from clocks import Clock
from fake_reapi import CHUNK, FakeServer, Hanging
from line import Line

from ostoo_build.actions.outcome import ChangedError
from ostoo_build.base import digest
from ostoo_build.base.console import Console
from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.remote import circuit_breaker
from ostoo_build.remote.channel import RemoteOptions
from ostoo_build.remote.store import Blob, RemoteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "ab" * 32
LARGE = 4_000_000
MBIT = 1e6 / 8
ZSTD = api.ServerCapabilities(cache_capabilities=api.CacheCapabilities(supported_compressors=[api.Compressor.ZSTD]))


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer()


@pytest.fixture
def port(fake: FakeServer) -> Iterator[int]:
    server, found = fake.start()
    yield found
    fake.closing.set()
    server.stop(None)


@pytest.fixture
def connect(port: int) -> Iterator[Callable[..., RemoteStore]]:
    """Makes a store; over a slow line if it is told its bytes a second."""
    stores = []

    def make(rate: float = 0.0, token: str = "") -> RemoteStore:
        place = line.connect(port, Line(rate), Line(rate)) if rate else port
        address = f"grpc://127.0.0.1:{place}"
        stores.append(
            RemoteStore(RemoteOptions(address, token=token, writable=True), Console(colour=False, quiet=False))
        )
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def in_memory(content: bytes) -> Blob:
    return Blob(digest.of_bytes(content), len(content), content=content)


def held(fake: FakeServer, folder: Path, *contents: bytes) -> list[Blob]:
    return [Blob(fake.add(content), len(content), folder / str(number)) for number, content in enumerate(contents)]


LINES = [*product([100 * MBIT, 20 * MBIT], [100_000, 900_000, 2_000_000])]


@pytest.mark.parametrize("line", LINES, ids=[f"{rate / MBIT:.0f} Mbit/s, {size} bytes" for rate, size in LINES])
def test_a_slow_line_is_no_fault(
    line: tuple[float, int],
    fake: FakeServer,
    connect: Callable[..., RemoteStore],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rate, size = line
    seconds = 2.5
    contents = [os.urandom(size) for _ in range(int(rate * seconds / size))]
    store = connect(rate)
    assert store.read(held(fake, tmp_path, *contents)) == []
    fake.blobs.clear()
    store.keep(KEY, 1, b"", [in_memory(content) for content in contents])
    assert KEY in fake.results
    assert capsys.readouterr().err == ""


def test_calls_that_begin_to_hang_one_after_another_end_at_once(
    fake: FakeServer, connect: Callable[..., RemoteStore], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hanging = Hanging(fake)
    fake.faults = {"GetActionResult": hanging, "Read": hanging}
    store = connect()
    (wanted,) = held(fake, tmp_path, os.urandom(LARGE))

    def work() -> None:
        store.result(KEY, 1)
        store.read([wanted])

    with ThreadPoolExecutor() as pool:
        first = pool.submit(work)
        assert hanging.begun.wait(60)
        for ended in (pool.submit(work), first):
            ended.result()
    assert hanging.over == []
    assert fake.calls.count("GetActionResult") == 2
    assert "Read" not in fake.calls, "it was given up before"
    assert capsys.readouterr().err.count("warning:") == 1


def test_a_server_that_thinks_before_each_file_is_given_up(
    fake: FakeServer,
    connect: Callable[..., RemoteStore],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock.of(circuit_breaker, monkeypatch)
    fake.faults["Read"] = lambda _: clock.advance(1.2)
    store = connect()
    for _ in range(6):
        store.read(held(fake, tmp_path, os.urandom(LARGE)))
    assert fake.calls.count("Read") == 3, "each costs it some 0.9 of 2 seconds"
    assert capsys.readouterr().err.count("warning:") == 1


def test_a_transfer_that_trickles_is_given_up(
    fake: FakeServer, connect: Callable[..., RemoteStore], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chunks = []

    def trickle(context: grpc.ServicerContext) -> None:
        chunks.append(context)
        time.sleep(0.2)

    fake.faults["chunk"] = trickle
    wanted = held(fake, tmp_path, os.urandom(LARGE))
    assert connect().read(wanted) == wanted
    assert 0 < len(chunks) < LARGE / CHUNK, "the rest was not waited for"
    assert capsys.readouterr().err.count("warning:") == 1
    assert not list(tmp_path.iterdir())


def test_a_server_that_tells_no_capabilities_serves(
    fake: FakeServer, connect: Callable[..., RemoteStore], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.faults["GetCapabilities"] = lambda context: context.abort(grpc.StatusCode.UNIMPLEMENTED, "")
    store = connect()
    store.keep(KEY, 1, b"", [in_memory(b"content")])
    assert store.read(held(fake, tmp_path, b"content")) == []
    assert fake.calls.count("GetCapabilities") == 1
    assert capsys.readouterr().err == ""


def test_a_file_in_several_frames_is_read(
    fake: FakeServer, connect: Callable[..., RemoteStore], tmp_path: Path
) -> None:
    fake.capabilities, fake.frames = ZSTD, 3
    content = os.urandom(LARGE)
    assert connect().read(held(fake, tmp_path, content)) == []
    assert (tmp_path / "0").read_bytes() == content


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_file_that_this_disk_does_not_take_is_missing(
    size: int,
    fake: FakeServer,
    connect: Callable[..., RemoteStore],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = connect()
    bad = held(fake, tmp_path / "no folder", b"x" * size)
    assert store.read(bad) == bad
    assert store.read(held(fake, tmp_path, b"x" * size)) == []
    assert capsys.readouterr().err == "", "the server did nothing wrong"


def test_a_file_that_vanished_is_not_sent(
    fake: FakeServer, connect: Callable[..., RemoteStore], tmp_path: Path
) -> None:
    with pytest.raises(ChangedError):
        connect().keep(KEY, 1, b"", [Blob("cd" * 32, 1, tmp_path / "gone")])
    assert not fake.results


def test_a_server_that_does_not_know_what_is_missing_is_sent_all(
    fake: FakeServer, connect: Callable[..., RemoteStore]
) -> None:
    fake.faults["FindMissingBlobs"] = lambda context: context.abort(grpc.StatusCode.NOT_FOUND, "")
    connect().keep(KEY, 1, b"", [in_memory(b"content")])
    assert list(fake.blobs.values()) == [b"content"]


def test_what_a_server_says_can_neither_steer_a_terminal_nor_show_the_token(
    fake: FakeServer, connect: Callable[..., RemoteStore], capsys: pytest.CaptureFixture[str]
) -> None:
    words = "\x1b[2Jno hunter2 here" + "!" * 1000
    fake.faults["GetActionResult"] = lambda context: context.abort(grpc.StatusCode.INTERNAL, words)
    connect(token="hunter2").result(KEY, 1)  # noqa: S106
    said = capsys.readouterr().err
    assert "no ... here" in said
    assert "\x1b" not in said
    assert len(said) < 500
