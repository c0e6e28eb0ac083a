import pytest

from ostoo_build.base.errors import OstooError, told


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OstooError("it broke"), "error: it broke"),
        (OstooError("it broke", where="a.rs:3"), "error: it broke\n  --> a.rs:3"),
        (OstooError("it broke", remedy="mend it"), "error: it broke\n  help: mend it"),
        (
            OstooError("it broke\ntwice", where="a.rs\nb.rs", remedy="mend it:\nnow"),
            "error: it broke\n  twice\n  --> a.rs\n      b.rs\n  help: mend it:\n        now",
        ),
    ],
)
def test_an_error_is_one_message_whose_lines_hang_together(error: OstooError, shown: str) -> None:
    assert str(error) == shown


def test_a_long_line_is_cut_in_its_middle() -> None:
    said = str(OstooError(f"there is no {'x' * 100_000}", where="y" * 1000, remedy="short"))
    first, where, remedy = said.split("\n")
    assert len(first) < 1100
    assert first.startswith("error: there is no xxx")
    assert "characters left out" in first
    assert len(where) < 1100
    assert remedy == "  help: short"


def test_what_can_not_be_shown_is_escaped() -> None:
    assert str(OstooError("a\udcffb")) == "error: a\\udcffb"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OstooError("what", where="where"), "error: what\n  --> where"),
        (
            OSError(28, "No space left on device", "/a"),
            "error: No space left on device\n  --> /a\n  help: free some space, and start again: nothing is lost",
        ),
        (OSError(30, "Read-only", "/a"), "error: Read-only\n  --> /a\n  help: work in a folder that can be written"),
        (IsADirectoryError(21, "Is a directory", "/a", None, "/b"), "error: Is a directory\n  --> /b"),
        (OSError(5, "Input/output error", b"/a\xff"), "error: Input/output error\n  --> /a\\udcff"),
        (OSError("text"), "error: text"),
        (RecursionError("deep"), "error: the data is nested too deeply"),
        (MemoryError(), "error: not enough memory\n  help: raise the limit: ulimit -v"),
        (
            RuntimeError("can't start new thread"),
            "error: can't start another thread\n  help: raise the limits: ulimit -u, ulimit -v",
        ),
        (RuntimeError("Symlink loop from '/a'"), "error: symbolic links form a loop"),
        (ValueError("embedded null byte"), "error: a name contains a NUL character\n  help: remove the character"),
    ],
)
def test_what_the_machine_refuses_is_a_message(error: Exception, message: str) -> None:
    assert str(told(error)) == message


def test_a_name_that_is_not_utf_8_is_a_message() -> None:
    with pytest.raises(UnicodeEncodeError) as caught:
        "a\udcff".encode()
    assert str(told(caught.value)).startswith("error: a name is not UTF-8: b'a\\xff'")


def test_a_mistake_of_ours_is_none() -> None:
    for error in (KeyError("a"), ValueError("a"), RuntimeError("a")):
        assert told(error) is None
