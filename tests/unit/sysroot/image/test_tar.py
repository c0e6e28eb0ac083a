import io
import tarfile
from pathlib import Path

import pytest
from container_images import entry, file, folder, hardlink, symlink, tar
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostoo_build.base.errors import OstooError
from ostoo_build.sysroot.image import tar as tar_members
from ostoo_build.sysroot.image.tar import Member, MemberKind


class Raw(io.RawIOBase):
    """A raw file in memory."""

    def __init__(self, data: bytes) -> None:
        self.inner = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self.inner.seek(offset, whence)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # typeshed: any buffer
        return self.inner.readinto(buffer)


def members(data: bytes) -> list[Member]:
    return list(tar_members.members(Raw(data), "layer"))


def complaint(data: bytes) -> str:
    with pytest.raises(OstooError) as caught:
        members(data)
    assert caught.value.where == "layer"
    return caught.value.what


def test_each_kind_of_member_is_told_apart() -> None:
    fifo = entry("f", tarfile.FIFOTYPE)
    data = tar(file("./a/b", b"x"), folder("c/"), symlink("d", "a"), hardlink("e", "a/b"), fifo)
    assert [(m.path, m.kind, m.target) for m in members(data)] == [
        (("a", "b"), MemberKind.FILE, ""),
        (("c",), MemberKind.FOLDER, ""),
        (("d",), MemberKind.SYMLINK, "a"),
        (("e",), MemberKind.HARDLINK, "a/b"),
        (("f",), MemberKind.OTHER, ""),
    ]


def test_contents_are_read_from_their_place() -> None:
    raw = Raw(tar(file("a", b"first"), file("b", b"second")))
    assert [tar_members.read(raw, member) for member in tar_members.members(raw, "layer")] == [b"first", b"second"]


def test_a_sparse_file_is_special() -> None:
    info, data = file("sparse", b"")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.map": "0,0",
        "GNU.sparse.size": "9",
    }
    assert [member.kind for member in members(tar((info, data)))] == [MemberKind.OTHER]


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"])
def test_devices_and_unknown_types_are_special(kind: bytes) -> None:
    assert [member.kind for member in members(tar(entry("x", kind)))] == [MemberKind.OTHER]


@pytest.mark.parametrize("name", ["../x", "a/../../x", "a/..", "/etc/passwd", "//x", "a" * 5000])
def test_a_path_that_leads_elsewhere_is_refused(name: str) -> None:
    assert "is not allowed in an image" in complaint(tar(file(name)))


def test_a_pax_path_with_a_nul_is_refused() -> None:
    info, data = file("a")
    info.pax_headers = {"path": "a\0b"}
    assert "is not allowed in an image" in complaint(tar((info, data)))


def test_an_empty_layer_has_no_members() -> None:
    assert members(tar()) == []


def test_data_that_ends_early_is_refused() -> None:
    whole = tar(file("a", b"x" * 2000))
    assert "unexpected end of data" in complaint(whole[:1500])


def test_a_damaged_header_in_the_middle_is_not_taken_for_the_end() -> None:
    damaged = bytearray(tar(file("a", b"x"), file("b", b"y")))
    damaged[1024 + 10] ^= 1
    assert complaint(bytes(damaged)) == "invalid tar file: no header at byte 1024"


def test_a_header_that_is_cut_off_is_not_taken_for_the_end() -> None:
    assert complaint(tar(file("a", b"x"), file("b", b"y"))[:1100]) == "invalid tar file: no header at byte 1024"


def test_a_missing_end_mark_is_accepted() -> None:
    assert len(members(tar(file("a", b"x"))[:1024])) == 1


@pytest.mark.parametrize(
    "size", [-512, -1024, -1536], ids=["the same header again", "zeros, an end mark", "the first header again"]
)
def test_a_negative_size_is_refused_instead_of_read_for_ever(size: int) -> None:
    info, _ = file("b")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = (2**96 + size).to_bytes(12, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    first = tar(file("a", bytes(512)))[:1024]
    complaints = ("a member that ends before it begins", "no header at byte 1024")  # of newer and of older Pythons
    assert complaint(first + header + bytes(1024)) in [f"invalid tar file: {each}" for each in complaints]


def test_a_size_that_leads_behind_the_end_is_refused() -> None:
    info, _ = file("a", b"")
    info.size = 1 << 40
    assert "unexpected end of data" in complaint(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


def test_a_huge_extended_header_is_not_read() -> None:
    info, data = file("a")
    info.pax_headers = {"comment": "x" * (1 << 18)}
    assert "a header of" in complaint(tar((info, data)))


def test_a_chain_of_extended_headers_does_not_exhaust_the_stack() -> None:
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type = tarfile.GNUTYPE_LONGNAME
    long_name.size = 1
    assert complaint((long_name.tobuf(tarfile.GNU_FORMAT) + b"a".ljust(512, b"\0")) * 5000).startswith(
        "invalid tar file"
    )


def test_the_number_of_members_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_members, "MAX_MEMBERS", 2)
    assert complaint(tar(file("a"), file("b"), file("c"))) == "invalid tar file: more than 2 members"


def test_the_stream_stays_open(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar(file("a", b"x")))
    with (tmp_path / "a.tar").open("rb", buffering=0) as stream:
        (member,) = tar_members.members(stream, "layer")
        assert tar_members.read(stream, member) == b"x"


SOUND = tar(file("a", b"x" * 700), symlink("b", "a"), hardlink("c", "a"), folder("d"), file("é" * 60, b"y"))


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_damage_anywhere_is_refused_or_harmless(edits: list[tuple[int, int]]) -> None:
    data = bytearray(SOUND)
    for position, value in edits:
        data[position] = value
    try:
        found = members(bytes(data))
    except OstooError:
        return
    for member in found:
        assert ".." not in member.path
        assert member.offset + (member.size if member.kind is MemberKind.FILE else 0) <= len(data)
