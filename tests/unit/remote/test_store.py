from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from clocks import Clock
from fake_reapi import FakeServer, Hanging

from ostoo_build.actions.outcome import ChangedError
from ostoo_build.base import digest
from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.remote import circuit_breaker
from ostoo_build.remote.channel import RemoteOptions
from ostoo_build.remote.store import Blob, RemoteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "ab" * 32
SMALL, LARGE = b"small", os.urandom(5_000_000)
RESULT = api.ActionResult(stderr_raw=b"warning: unused\n").SerializeToString()
ZSTD = api.ServerCapabilities(cache_capabilities=api.CacheCapabilities(supported_compressors=[api.Compressor.ZSTD]))


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    found = FakeServer()
    found.results[KEY] = RESULT
    yield found
    found.closing.set()


@pytest.fixture
def options(fake: FakeServer) -> Iterator[RemoteOptions]:
    server, port = fake.start()
    yield RemoteOptions(f"grpc://127.0.0.1:{port}", writable=True)
    fake.closing.set()
    server.stop(None)


@pytest.fixture
def store(options: RemoteOptions) -> Iterator[RemoteStore]:
    found = RemoteStore(options, Console(colour=False, quiet=False))
    yield found
    found.close()


def blob(content: bytes, path: Path | None = None) -> Blob:
    return Blob(digest.of_bytes(content), len(content), path)


def read(store: RemoteStore, folder: Path, *contents: bytes) -> list[bytes | None]:
    """Fetch files by their contents; None for one that could not be had."""
    wanted = [blob(content, folder / str(number)) for number, content in enumerate(contents)]
    lost = store.read(wanted)
    for each in wanted:
        assert each.path
        assert each.path.exists() is (each not in lost)
    return [None if each in lost else each.path.read_bytes() for each in wanted if each.path]


def aborts(code: grpc.StatusCode, details: str = "") -> Callable[[Any], None]:
    return lambda context: context.abort(code, details)


def test_a_result_is_looked_up(store: RemoteStore) -> None:
    assert store.result(KEY, 1) == RESULT
    assert store.result("cd" * 32, 1) is None


def test_files_of_any_size_come_whole(fake: FakeServer, store: RemoteStore, tmp_path: Path) -> None:
    contents = [SMALL, LARGE, b"", b"x" * 200_000, b"y" * 200_000]
    for content in contents:
        fake.add(content)
    assert read(store, tmp_path, *contents) == contents
    assert fake.calls.count("BatchReadBlobs") == 2, "one message holds 256 KiB at most"
    assert fake.calls.count("Read") == 1


def test_compressed_transfers_are_used_where_they_are_offered(
    fake: FakeServer, store: RemoteStore, tmp_path: Path
) -> None:
    fake.capabilities = ZSTD
    content = b"what rustc made " * 1_000_000
    store.keep(KEY, 1, RESULT, [Blob(digest.of_bytes(content), len(content), content=content)])
    assert read(store, tmp_path, content) == [content]
    assert len(fake.names) == 2
    assert all("/zstd/" in name for name in fake.names)


def test_what_is_kept_is_there_and_sent_once(fake: FakeServer, store: RemoteStore, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(LARGE)
    blobs = [Blob(digest.of_bytes(SMALL), len(SMALL), content=SMALL), blob(LARGE, tmp_path / "large")]
    file = api.OutputFile(path="a", digest=blobs[1].digest)
    result = api.ActionResult(output_files=[file]).SerializeToString()
    for key in ("cd" * 32, "ef" * 32):
        store.keep(key, 1, result, blobs)
        assert fake.results[key] == result
    assert fake.blobs == {digest.of_bytes(content): content for content in (SMALL, LARGE)}
    assert (fake.calls.count("Write"), fake.calls.count("BatchUpdateBlobs")) == (1, 1)


def test_an_instance_has_its_name_everywhere(options: RemoteOptions, fake: FakeServer, tmp_path: Path) -> None:
    store = RemoteStore(replace(options, instance="team/main"), Console(colour=False, quiet=False))
    store.keep(KEY, 1, RESULT, [Blob(digest.of_bytes(LARGE), len(LARGE), content=LARGE)])
    assert read(store, tmp_path, LARGE) == [LARGE]
    assert [name.split("/")[:3] for name in fake.names] == [["team", "main", "uploads"], ["team", "main", "blobs"]]
    store.close()


def test_who_may_only_read_sends_nothing(options: RemoteOptions, fake: FakeServer) -> None:
    store = RemoteStore(replace(options, writable=False), Console(colour=False, quiet=False))
    store.keep("cd" * 32, 1, RESULT, [Blob(digest.of_bytes(SMALL), len(SMALL), content=SMALL)])
    assert fake.calls == []
    store.close()


def test_a_file_that_changed_is_not_sent(fake: FakeServer, store: RemoteStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"edited")
    with pytest.raises(ChangedError):
        store.keep("cd" * 32, 1, RESULT, [blob(SMALL, tmp_path / "file")])
    assert "cd" * 32 not in fake.results


def test_a_file_that_is_not_there_is_missing_and_no_fault(
    fake: FakeServer, store: RemoteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.add(SMALL)
    for _ in range(5):
        assert read(store, tmp_path, b"other", LARGE, SMALL) == [None, None, SMALL]
        (tmp_path / "2").unlink()
    assert capsys.readouterr().err == ""


DISTORTIONS: list[Callable[[bytes], bytes]] = [
    lambda data: data[:-1],
    lambda data: data + b"x",
    lambda data: b"X" + data[1:],
    lambda _: b"",
]


@pytest.mark.parametrize("damage", [*product(DISTORTIONS, [api.ServerCapabilities(), ZSTD])])
def test_a_damaged_file_is_missing_and_a_lying_server_is_given_up(
    damage: tuple[Callable[[bytes], bytes], api.ServerCapabilities],
    fake: FakeServer,
    store: RemoteStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake.distort, fake.capabilities = damage
    fake.add(SMALL)
    fake.add(LARGE)
    assert read(store, tmp_path, LARGE) == read(store, tmp_path, SMALL) == [None]
    assert capsys.readouterr().err == "", "one may be bad luck"
    assert read(store, tmp_path, SMALL) == [None]
    assert capsys.readouterr().err.count("it sent damaged data") == 1
    fake.calls.clear()
    assert store.result(KEY, 1) is None
    assert fake.calls == []


METHODS = ["GetCapabilities", "GetActionResult", "FindMissingBlobs", "BatchReadBlobs", "BatchUpdateBlobs"]
BROKEN = [
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.INVALID_ARGUMENT,
]
FAILURES = [*product([*METHODS, "Read", "Write"], BROKEN)]
FAILURES.remove(("GetCapabilities", grpc.StatusCode.UNIMPLEMENTED))  # it is an older server's right


def use(store: RemoteStore, folder: Path) -> None:
    """Everything that a build asks of a store, from several threads, as builds do."""
    contents = [SMALL, LARGE, b"not there"]

    def work(number: int) -> None:
        own = folder / str(number)
        own.mkdir(exist_ok=True)
        store.result(KEY, 1)
        store.read([blob(content, own / str(index)) for index, content in enumerate(contents)])
        store.keep("cd" * 32, 1, RESULT, [Blob(digest.of_bytes(b"new"), 3, content=b"new")])
        store.keep("ef" * 32, 1, RESULT, [Blob(digest.of_bytes(LARGE[1:]), len(LARGE) - 1, content=LARGE[1:])])

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(work, number) for number in range(4)]:
            future.result()


def test_what_threads_ask_of_a_fresh_store_is_asked_of_the_server_once(
    fake: FakeServer, store: RemoteStore, tmp_path: Path
) -> None:
    fake.add(SMALL)
    begin = threading.Barrier(32)

    def work(number: int) -> list[Blob]:
        begin.wait()
        return store.read([blob(SMALL, tmp_path / str(number))])

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(work, range(32))) == [[]] * 32
    assert fake.calls.count("GetCapabilities") == 1


@pytest.mark.parametrize("method", [*METHODS, "Read", "Write", "chunk"])
def test_a_server_that_hangs_costs_a_moment_once_and_one_warning(
    method: str, fake: FakeServer, store: RemoteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.add(SMALL)
    fake.add(LARGE)
    fake.faults[method] = hanging = Hanging(fake)
    use(store, tmp_path)
    use(store, tmp_path)
    assert hanging.over == [], "nobody waits for it"
    assert capsys.readouterr().err.count("warning:") == 1


@pytest.mark.parametrize("failure", FAILURES)
def test_a_server_that_fails_is_given_up_with_one_warning(
    failure: tuple[str, grpc.StatusCode],
    fake: FakeServer,
    store: RemoteStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    method, code = failure
    fake.add(SMALL)
    fake.add(LARGE)
    fake.faults[method] = aborts(code, "no\nstack trace")
    use(store, tmp_path)
    use(store, tmp_path)
    said = capsys.readouterr().err
    assert said.count("warning:") == said.count("\n") == 1
    assert store.options.address in said


@pytest.mark.parametrize("method", [*METHODS, "Read", "Write", "chunk"])
def test_a_passing_failure_is_tried_again(
    method: str, fake: FakeServer, store: RemoteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.add(SMALL)
    fake.add(LARGE)
    failures = [1, 2]

    def fail(context: Any) -> None:
        if failures:
            failures.pop()
            context.abort(grpc.StatusCode.UNAVAILABLE, "restarting")

    fake.faults[method] = fail
    use(store, tmp_path)
    assert not failures
    assert capsys.readouterr().err == ""
    assert {path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == {SMALL, LARGE}
    assert digest.of_bytes(LARGE[1:]) in fake.blobs


def test_a_server_that_is_slow_each_time_is_given_up(
    fake: FakeServer, store: RemoteStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock.of(circuit_breaker, monkeypatch)
    fake.faults["GetActionResult"] = lambda _: clock.advance(0.9)
    for _ in range(20):
        store.result(KEY, 1)
    assert capsys.readouterr().err.count("warning:") == 1
    assert fake.calls.count("GetActionResult") == 4, "each costs it 0.65 of 2 seconds"


def test_nobody_there_costs_a_moment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = RemoteStore(RemoteOptions("grpc://127.0.0.1:1", writable=True), Console(colour=False, quiet=False))
    use(store, tmp_path)
    store.close()
    assert store.circuit.is_off
    assert capsys.readouterr().err.count("warning:") == 1


@pytest.mark.parametrize("code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED])
def test_who_may_not_write_reads_on(
    code: grpc.StatusCode,
    fake: FakeServer,
    store: RemoteStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake.faults["UpdateActionResult"] = aborts(code)
    use(store, tmp_path)
    assert store.result(KEY, 1) == RESULT
    said = capsys.readouterr().err
    assert "nothing is stored in the remote cache" in said
    assert said.count("\n") == 1


def test_a_server_that_says_it_takes_nothing_is_not_sent_anything(
    fake: FakeServer, store: RemoteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.capabilities = api.ServerCapabilities(
        cache_capabilities=api.CacheCapabilities(
            action_cache_update_capabilities=api.ActionCacheUpdateCapabilities(update_enabled=False)
        )
    )
    use(store, tmp_path)
    assert not {"BatchUpdateBlobs", "Write", "UpdateActionResult"} & set(fake.calls)
    assert store.result(KEY, 1) == RESULT
    assert "it allows reading only" in capsys.readouterr().err


def test_a_user_that_the_server_does_not_know_is_told_what_to_look_at(
    fake: FakeServer, options: RemoteOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.faults["GetActionResult"] = aborts(grpc.StatusCode.UNAUTHENTICATED, "who is secret-token?")
    store = RemoteStore(replace(options, token="secret-token"), Console(colour=False, quiet=False))  # noqa: S106
    assert store.result(KEY, 1) is None
    said = capsys.readouterr().err
    assert "check the token or the client certificate" in said
    assert "secret-token" not in said
    assert fake.metadata["authorization"] == "Bearer secret-token"
    assert "secret-token" not in repr(store.options)
    store.close()


def test_a_server_without_sha256_is_of_no_use(
    fake: FakeServer, store: RemoteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.capabilities = api.ServerCapabilities(
        cache_capabilities=api.CacheCapabilities(digest_functions=[api.DigestFunction.UNKNOWN])
    )
    assert read(store, tmp_path, SMALL) == [None]
    assert "it does not support sha256" in capsys.readouterr().err


@pytest.mark.parametrize(
    "address", ["localhost:80", "http://localhost:80", "grpc://localhost", "grpcs://", "grpc://a:b"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(OstooError, match="is not a valid address of a remote cache") as caught:
        RemoteOptions(address)
    assert "grpcs://HOST:PORT" in caught.value.remedy


def test_a_token_does_not_travel_unencrypted() -> None:
    with pytest.raises(OstooError, match="must not be sent unencrypted"):
        RemoteOptions("grpc://cache.example:80", token="t")  # noqa: S106
    for address in ("grpc://localhost:80", "grpc://127.0.0.1:80", "grpc://[::1]:80", "grpcs://cache.example:80"):
        RemoteOptions(address, token="t")  # noqa: S106
