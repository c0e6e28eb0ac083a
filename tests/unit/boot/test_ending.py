import pytest

from ostoo_build.boot.ending import Ending


@pytest.mark.parametrize(
    ("ending", "code", "told"),
    [
        (Ending.exited(0), 0, "exit code 0"),
        (Ending.exited(101), 101, "exit code 101"),
        (Ending.exited(-1), 255, "exit code -1"),
        (Ending.exited(256), 1, "exit code 256"),
        (Ending.signalled(11), 139, "signal 11 (SIGSEGV)"),
        (Ending.signalled(99), 227, "signal 99"),
    ],
)
def test_an_ending_has_a_shells_exit_code(ending: Ending, code: int, told: str) -> None:
    assert (ending.code, ending.text, ending.is_own) == (code, told, True)


def test_what_did_not_end_by_itself_is_worse_than_most_codes() -> None:
    assert [Ending.late("x").code, Ending.died("x").code] == [124, 125]
    assert not Ending.died("x").is_own
    assert Ending.not_started().code == 1
