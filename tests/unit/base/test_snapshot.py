from __future__ import annotations

from ostoo_build.base.snapshot import Snapshot


def test_each_thing_is_looked_at_once() -> None:
    seen: list[str] = []

    def see() -> str:
        seen.append("seen")
        return "file"

    snapshot = Snapshot()
    assert [snapshot.get("a", see), snapshot.get("a", see), snapshot.get(("a", 1), see)] == ["file"] * 3
    assert len(seen) == 2
    assert list(snapshot) == ["a", ("a", 1)]


def test_what_is_not_there_is_remembered_too() -> None:
    snapshot = Snapshot()
    assert snapshot.get("a", lambda: None) is None
    assert snapshot.get("a", lambda: "appeared") is None


def test_another_snapshot_reads_again() -> None:
    assert Snapshot().get("a", lambda: 1) == 1
    assert Snapshot().get("a", lambda: 2) == 2


def test_what_could_not_be_read_is_read_again() -> None:
    snapshot = Snapshot()
    try:
        snapshot.get("a", lambda: 1 // 0)
    except ZeroDivisionError:
        assert list(snapshot) == []
    assert snapshot.get("a", lambda: 1) == 1
