from __future__ import annotations

from ostoo_build.query import locked

LOCK = b"""version = 4
[[package]]
name = "one"
version = "0.1.0"
dependencies = ["shared 1.0.0"]
[[package]]
name = "two"
version = "0.1.0"
dependencies = ["shared 2.0.0", "alone"]
[[package]]
name = "shared"
version = "1.0.0"
checksum = "a"
[[package]]
name = "shared"
version = "2.0.0"
checksum = "b"
[[package]]
name = "alone"
version = "1.0.0"
"""


def same(before: bytes, after: bytes) -> list[str]:
    first, second = locked.read(before), locked.read(after)
    return [name for name in ("one", "two") if locked.is_same_for(name, first, second)]


def test_only_what_a_package_may_need_makes_a_difference() -> None:
    assert same(LOCK, LOCK) == ["one", "two"]
    assert same(LOCK.replace(b'"a"', b'"c"'), LOCK) == ["two"]
    assert same(LOCK, LOCK.replace(b'"b"', b'"c"')) == ["one"]
    assert same(LOCK, LOCK.replace(b'name = "alone"\nversion = "1.0.0"', b'name = "alone"\nversion = "1.0.1"')) == [
        "one"
    ]
    assert same(LOCK, LOCK + b'[[package]]\nname = "new"\nversion = "1.0.0"\n') == ["one", "two"]


def test_a_lock_that_is_missing_or_damaged_says_nothing() -> None:
    assert locked.read(None) == {}
    assert locked.read(b"[[package") == {}
    assert locked.read(b"package = 1") == {}
    assert same(b"", LOCK) == []
    assert same(LOCK, b"") == []
