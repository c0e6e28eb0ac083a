from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.remote import bytestream

if TYPE_CHECKING:
    from ostoo_build.remote.circuit_breaker import TrackedCall


@dataclass
class Counted:
    """Stands for a watch: how many bytes it saw."""

    moved: list[int] = field(default_factory=list)

    def progress(self, size: int) -> None:
        self.moved.append(size)


def read(chunks: list[bytes], *, compressed: bool) -> tuple[bytes, int]:
    watch = Counted()
    responses = [api.ReadResponse(data=chunk) for chunk in chunks]
    found = b"".join(bytestream.contents(responses, cast("TrackedCall", watch), compressed=compressed))
    return found, sum(watch.moved)


@given(st.lists(st.binary(max_size=5), max_size=5))
def test_chunks_are_a_files_bytes(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    assert read(chunks, compressed=False) == (whole, len(whole))


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=3), st.integers(1, 9))
def test_a_compressed_file_may_come_in_frames_and_in_any_pieces(frames: list[bytes], size: int) -> None:
    packed = b"".join(zstandard.ZstdCompressor().compress(frame) for frame in frames)
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    with_empty = [each for piece in pieces for each in (piece, b"")]
    assert read(with_empty, compressed=True) == (b"".join(frames), len(packed))


def test_what_is_not_compressed_is_no_compressed_file() -> None:
    with pytest.raises(zstandard.ZstdError):
        read([b"plain text, and no zstd at all"], compressed=True)


@pytest.mark.parametrize("size", [1, bytestream.MESSAGE - 1, bytestream.MESSAGE, bytestream.MESSAGE + 1])
def test_a_file_is_sent_in_messages_of_which_the_last_says_so(size: int) -> None:
    watch, data = Counted(), bytes(index % 251 for index in range(size))
    sent = list(bytestream.messages("uploads/a", data, cast("TrackedCall", watch)))
    assert b"".join(each.data for each in sent) == data
    assert [each.finish_write for each in sent] == [False] * (len(sent) - 1) + [True]
    assert [each.write_offset for each in sent] == [bytestream.MESSAGE * number for number in range(len(sent))]
    assert {each.resource_name for each in sent} == {"uploads/a"}
    assert all(len(each.data) <= bytestream.MESSAGE for each in sent)
    assert watch.moved == [len(each.data) for each in sent]
