from __future__ import annotations

import os
import select
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import process
from ostoo_build.execution.jobserver import Jobserver

if TYPE_CHECKING:
    from pathlib import Path


def free(jobserver: Jobserver) -> int:
    """The tokens that nobody holds; they are taken and given back."""
    read, write = jobserver.descriptors
    found = b""
    while select.select([read], [], [], 0)[0]:
        found += os.read(read, 1)
    os.write(write, found)
    return len(found)


def test_there_are_as_many_tokens_as_jobs() -> None:
    assert free(Jobserver(5)) == 5


def test_a_token_is_held_and_given_back() -> None:
    jobserver = Jobserver(3)
    with jobserver.token(), jobserver.token():
        assert free(jobserver) == 1
    assert free(jobserver) == 3


def test_a_failure_gives_its_token_back() -> None:
    jobserver = Jobserver(1)
    with pytest.raises(ZeroDivisionError), jobserver.token():
        raise ZeroDivisionError
    assert free(jobserver) == 1


def test_a_spare_token_is_held_if_there_is_one_and_given_back() -> None:
    jobserver = Jobserver(2)
    with jobserver.token(), jobserver.spare() as first, jobserver.spare() as second:
        assert (first, second, free(jobserver)) == (True, False, 0)
    assert free(jobserver) == 2


def test_who_waits_for_a_token_still_waits_after_a_look_for_a_spare_one() -> None:
    jobserver = Jobserver(1)
    with jobserver.token(), jobserver.spare():
        assert os.get_blocking(jobserver.descriptors[0])


def test_who_finds_no_token_waits() -> None:
    jobserver = Jobserver(1)
    done = threading.Event()

    def work() -> None:
        with jobserver.token():
            done.set()

    with jobserver.token():
        thread = threading.Thread(target=work)
        thread.start()
        assert not done.wait(0.1)
    assert done.wait(10)
    thread.join()
    assert free(jobserver) == 1


def test_a_child_can_take_part_as_it_is_told(tmp_path: Path) -> None:
    jobserver = Jobserver(2)
    code = (
        "import os, re\n"
        "read, write = re.search(r'--jobserver-auth=(\\d+),(\\d+)', os.environ['CARGO_MAKEFLAGS']).groups()\n"
        "os.write(int(write), os.read(int(read), 1))\n"
    )
    completed = process.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=jobserver.environment, pass_fds=jobserver.descriptors
    )
    assert completed == process.Completed(0, b"", b"")
    assert free(jobserver) == 2
