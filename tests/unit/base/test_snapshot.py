from __future__ import annotations

from ostoo_build.base.snapshot import Look


def test_each_thing_is_looked_at_once() -> None:
    seen: list[str] = []

    def see() -> str:
        seen.append("seen")
        return "file"

    look = Look()
    assert [look.once("a", see), look.once("a", see), look.once(("a", 1), see)] == ["file"] * 3
    assert len(seen) == 2
    assert look.seen() == ["a", ("a", 1)]


def test_what_is_not_there_is_remembered_too() -> None:
    look = Look()
    assert look.once("a", lambda: None) is None
    assert look.once("a", lambda: "appeared") is None


def test_another_look_looks_again() -> None:
    assert Look().once("a", lambda: 1) == 1
    assert Look().once("a", lambda: 2) == 2


def test_what_could_not_be_seen_is_looked_at_again() -> None:
    look = Look()
    try:
        look.once("a", lambda: 1 // 0)
    except ZeroDivisionError:
        assert look.seen() == []
    assert look.once("a", lambda: 1) == 1
