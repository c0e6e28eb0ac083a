from __future__ import annotations

import threading

import pytest

from ostoo_build.base.console import Console, complain, going_on
from ostoo_build.base.errors import OstooError

RED = "\x1b[1;31merror\x1b[0m: it broke"


def plain() -> Console:
    return Console(colour=False, quiet=False)


def test_a_status_is_aligned_as_cargos(capsys: pytest.CaptureFixture[str]) -> None:
    plain().status("Compiling", "core v0.0.0")
    assert capsys.readouterr() == ("", "   Compiling core v0.0.0\n")


def test_a_terminal_gets_colour(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(colour=True, quiet=False)
    console.status("Linking", "a")
    console.warn_once("b")
    console.messages(RED)
    assert capsys.readouterr().err == f"\x1b[1;32m     Linking\x1b[0m a\n\x1b[1;33mwarning\x1b[0m: b\n{RED}\n"


def test_what_is_no_terminal_gets_none(capsys: pytest.CaptureFixture[str]) -> None:
    console = plain()
    console.status("Linking", "a")
    console.warn_once("b")
    console.messages(RED)
    assert capsys.readouterr().err == "     Linking a\nwarning: b\nerror: it broke\n"


def test_quiet_keeps_warnings_and_compilers_words(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(colour=False, quiet=True)
    console.status("Linking", "a")
    console.warn_once("b")
    console.messages("c")
    assert capsys.readouterr().err == "warning: b\nc\n"


def test_a_warning_is_shown_once_however_many_threads_have_it(capsys: pytest.CaptureFixture[str]) -> None:
    console = plain()
    threads = [threading.Thread(target=console.warn_once, args=("the cache is off",)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    console.warn_once("another")
    assert capsys.readouterr().err == "warning: the cache is off\nwarning: another\n"


def test_messages_are_shown_as_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    console = plain()
    console.messages("one\n")
    console.messages("two")
    assert capsys.readouterr().err == "one\ntwo\n"
    assert console.said == ["one\n", "two"]


def test_who_said_nothing_leaves_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    plain().messages("")
    assert capsys.readouterr() == ("", "")


WARNING = "\x1b[1m\x1b[33mwarning\x1b[0m\x1b[1m: unused {}\x1b[0m\n  --> a.rs:1:1\n\n   = note: on by default\n\n"
EMITTED = "\x1b[1m\x1b[33mwarning\x1b[0m\x1b[1m: {} emitted\x1b[0m\n\n"
OF_SCRIPT = "warning: hello v0.1.0: a script says {}\n"


def test_what_was_shown_is_not_shown_again(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(colour=True, quiet=True)
    shared = WARNING.format("a") + WARNING.format("b") + EMITTED.format("2 warnings")
    own = OF_SCRIPT.format("this") + WARNING.format("c") + EMITTED.format("1 warning")
    console.messages(shared)
    assert capsys.readouterr().err == shared
    console.messages(shared + own)
    assert capsys.readouterr().err == own
    console.messages(own + shared)
    console.messages(shared)
    assert capsys.readouterr().err == ""
    other = OF_SCRIPT.format("that") + EMITTED.format("1 warning")
    console.messages(other)
    assert capsys.readouterr().err == other
    assert "".join(console.said) == shared + own + other


def test_two_crates_that_fail_alike_are_both_told_to_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    console, aborting = plain(), "error: aborting due to 1 previous error\n\nFor more information, ask.\n"
    console.error(OstooError("could not compile a"), ["error: a is missing\n\n" + aborting])
    console.error(OstooError("could not compile b"), ["error: b is missing\n\n" + aborting])
    console.error(OstooError("could not compile c"), ["error: b is missing\n\n" + aborting])
    assert capsys.readouterr().err == (
        f"error: a is missing\n\n{aborting}error: could not compile a\n"
        f"error: b is missing\n\n{aborting}error: could not compile b\n"
        "error: could not compile c\n"
    )


def test_an_error_has_the_compilers_colours(capsys: pytest.CaptureFixture[str]) -> None:
    error = OstooError("it broke\nin two lines", where="a.rs:1", remedy="mend it\nor else")
    Console(colour=True, quiet=False).error(error, [RED])
    told = (
        "\x1b[1;91merror:\x1b[0m it broke\n  in two lines\n\x1b[1;94m  -->\x1b[0m a.rs:1\n"
        "\x1b[1;96m  help:\x1b[0m mend it\n        or else\n"
    )
    assert capsys.readouterr().err == f"{RED}\n{told}"
    plain().error(error, [RED])
    assert capsys.readouterr().err == f"error: it broke\n{error}\n"


def test_who_has_no_console_complains_as_others(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    complain(OstooError("no"))
    monkeypatch.setenv("FORCE_COLOR", "0")
    complain(OstooError("no"))
    assert capsys.readouterr().err == "\x1b[1;91merror:\x1b[0m no\nerror: no\n"


@pytest.mark.parametrize("columns", range(1, 60))
def test_a_line_of_what_goes_on_keeps_its_progress(columns: int) -> None:
    line = going_on("Compiling", "a-crate-with-a-name v0.1.0", "34 s", columns, colour=False)
    whole = "   Compiling a-crate-with-a-name v0.1.0 (34 s)"
    assert len(line) < columns or columns == 1
    if columns > len(whole):
        assert line == whole
    elif columns > 21:
        assert line.endswith("… (34 s)")
        assert len(line) == columns - 1
    assert going_on("Compiling", "a", "1 s", 80, colour=True) == "\x1b[1;36m   Compiling\x1b[0m a (1 s)"


def test_an_error_that_stops_many_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(colour=False, quiet=True)
    for what in ("it went away", "it went away", "another"):
        console.error_once(OstooError(what))
    assert capsys.readouterr().err == "error: it went away\nerror: another\n"
