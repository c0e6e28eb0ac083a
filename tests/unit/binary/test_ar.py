import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.binary import ar

MEMBERS = (
    ar.Member("short.o", b"odd"),
    ar.Member("a_name_longer_than_fifteen.o", b"even"),
    ar.Member("another_name_that_is_long.o", b""),
)


def archive() -> bytes:
    return ar.write([ar.IndexedMember(member, (f"symbol_{number}",)) for number, member in enumerate(MEMBERS)])


def test_what_is_written_is_read_again_in_order() -> None:
    assert ar.read(archive(), "x.a") == MEMBERS


def test_the_index_points_at_the_member_that_defines_the_symbol() -> None:
    data = archive()
    count = int.from_bytes(data[68:72], "big")
    offsets = [int.from_bytes(data[72 + 4 * n : 76 + 4 * n], "big") for n in range(count)]
    assert [data[offset : offset + 16].rstrip() for offset in offsets] == [b"short.o/", b"/0", b"/30"]


def test_every_member_starts_at_an_even_offset() -> None:
    data = archive()
    assert data.index(b"a_name_longer") % 2 == 0
    assert len(data) % 2 == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x7fELF",
        b"!<thin>\n",
        archive()[:-3],
        archive()[:-70],
        archive().replace(b"/30", b"/99"),
        archive().replace(b"3         `\n", b"-60       `\n"),
        archive().replace(b"3         `\n", b"x         `\n"),
    ],
)
def test_a_damaged_archive_is_one_error_that_names_the_file(data: bytes) -> None:
    with pytest.raises(OstooError) as caught:
        ar.read(data, "libx.a")
    assert caught.value.where == "libx.a"
