from __future__ import annotations

import threading

import pytest

from ostoo_build.base.console import Console
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
    console.messages([RED])
    assert capsys.readouterr().err == f"\x1b[1;32m     Linking\x1b[0m a\n\x1b[1;33mwarning\x1b[0m: b\n{RED}\n"


def test_what_is_no_terminal_gets_none(capsys: pytest.CaptureFixture[str]) -> None:
    console = plain()
    console.status("Linking", "a")
    console.warn_once("b")
    console.messages([RED])
    assert capsys.readouterr().err == "     Linking a\nwarning: b\nerror: it broke\n"


def test_quiet_keeps_warnings_and_compilers_words(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(colour=False, quiet=True)
    console.status("Linking", "a")
    console.warn_once("b")
    console.messages(["c"])
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
    console.messages(["one\n", "two"])
    assert capsys.readouterr().err == "one\ntwo\n"


@pytest.mark.parametrize("nothing", [[], [""], ["", ""]])
def test_who_said_nothing_leaves_no_line(nothing: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    plain().messages(nothing)
    assert capsys.readouterr() == ("", "")
    plain().messages(["", "one", ""])
    assert capsys.readouterr().err == "one\n"


def test_an_error_that_stops_many_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(colour=False, quiet=True)
    for what in ("it went away", "it went away", "another"):
        console.error_once(OstooError(what))
    assert capsys.readouterr().err == "error: it went away\nerror: another\n"
