from ostoo_build.boot import initramfs
from ostoo_build.boot.initramfs import Entry


def fields(archive: bytes, at: int) -> tuple[list[int], str, bytes, int]:
    """Read one entry as the kernel's documentation has it: fields, name, data, and where the next one begins."""
    assert archive[at : at + 6] == b"070701"
    numbers = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
    size, name_size = numbers[6], numbers[11]
    name = archive[at + 110 : at + 110 + name_size - 1].decode()
    start = (at + 110 + name_size + 3) // 4 * 4
    return numbers, name, archive[start : start + size], (start + size + 3) // 4 * 4


def entries(archive: bytes) -> dict[str, tuple[int, bytes]]:
    found, at = {}, 0
    while at < len(archive):
        numbers, name, data, at = fields(archive, at)
        found[name] = (numbers[1], data)
    return found


def test_programs_are_there_in_their_order() -> None:
    files = {"programs/zebra": b"Z" * 5, "programs/ant": b"", "a/b/c": b"C"}
    archive = initramfs.make(["#!/bin/busybox sh", "echo"], b"BB", files, ["zebra", "ant"])
    found = entries(archive)
    assert found["order"] == (0o100644, b"zebra\nant\n")
    assert found["init"] == (0o100755, b"#!/bin/busybox sh\necho\n")
    assert found["bin/busybox"] == (0o100755, b"BB")
    assert found["programs/zebra"] == (0o100755, b"ZZZZZ")
    assert found["programs/ant"] == (0o100755, b"")
    assert found["dev"] == (0o040755, b"")
    assert found["a/b/c"] == (0o100755, b"C")
    assert list(found).index("a") < list(found).index("a/b") < list(found).index("a/b/c")
    assert list(found)[-1] == "TRAILER!!!"


def test_equal_contents_give_equal_bytes() -> None:
    assert initramfs.make(["x"], b"b", {"a": b"1"}, ["a"]) == initramfs.make(["x"], b"b", {"a": b"1"}, ["a"])


def test_every_entry_has_its_own_inode_and_begins_at_four_bytes() -> None:
    archive = initramfs.cpio([Entry("a", 0o100644, b"x"), Entry("bc", 0o100644, b"yz")])
    assert len(archive) % 4 == 0
    first, _, _, at = fields(archive, 0)
    second, name, data, _ = fields(archive, at)
    assert (name, data) == ("bc", b"yz")
    assert first[0] != second[0]
