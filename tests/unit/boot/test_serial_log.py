import re
from pathlib import Path

from ostoo_build.boot.serial_log import GuestLog

EXIT = re.compile(rb"exited with code (\d+)")


def log_of(folder: Path, text: bytes) -> GuestLog:
    (folder / "log").write_bytes(text)
    log = GuestLog(folder / "log")
    log.read()
    return log


def append(log: GuestLog, text: bytes) -> None:
    with log.path.open("ab") as stream:
        stream.write(text)
    log.read()


def test_a_line_is_found_with_what_came_before_it(tmp_path: Path) -> None:
    log = log_of(tmp_path, b"one\nno end[exited with code 3]\ntwo\nexited with code 4\n")
    before, match = log.find(EXIT) or (b"", None)
    assert (before, match and match[1]) == (b"one\nno end[", b"3")
    before, match = log.find(EXIT) or (b"", None)
    assert (before, match and match[1]) == (b"two\n", b"4")
    assert log.find(EXIT) is None


def test_half_a_line_is_waited_for(tmp_path: Path) -> None:
    log = log_of(tmp_path, b"x exited with code 1")
    assert log.find(EXIT) is None
    append(log, b"27\n")
    found = log.find(EXIT)
    assert found
    assert found[1][1] == b"127"


def test_a_line_that_comes_in_pieces_is_found_behind_much_output(tmp_path: Path) -> None:
    log = log_of(tmp_path, b"output\n" * 10_000 + b"exited wi")
    assert log.find(EXIT) is None
    append(log, b"th code 9\n")
    found = log.find(EXIT)
    assert found
    assert (len(found[0]), found[1][1]) == (70_000, b"9")


def test_the_rest_is_taken_once(tmp_path: Path) -> None:
    log = log_of(tmp_path, b"exited with code 0\nso far")
    log.find(EXIT)
    assert log.rest() == b"so far"
    assert log.rest() == b""


def test_a_file_that_is_not_there_yet_has_nothing(tmp_path: Path) -> None:
    log = GuestLog(tmp_path / "none")
    log.read()
    assert log.find(EXIT) is None
    assert log.rest() == b""
