from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError

PYTHON = sys.executable
ENV = {"PATH": os.environ["PATH"]}


def python(code: str, *arguments: str) -> list[str]:
    return [PYTHON, "-c", code, *arguments]


def test_all_that_a_process_leaves_is_returned(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    completed = process.run(python(code), cwd=tmp_path, env=ENV)
    assert completed == process.Completed(3, b"out\n", b"err\n")


def test_death_by_a_signal_is_a_negative_code(tmp_path: Path) -> None:
    assert process.run(python("import os; os.kill(os.getpid(), 9)"), cwd=tmp_path, env=ENV).returncode == -9


def test_arguments_reach_the_program_as_they_are(tmp_path: Path) -> None:
    odd = ["a b", "`id`", "$HOME", "-x", "'\"", "ü\n", "*"]
    completed = process.run(python("import sys; print(ascii(sys.argv[1:]))", *odd), cwd=tmp_path, env=ENV)
    assert completed.stdout.decode() == f"{odd!a}\n"


def test_environment_and_folder_are_what_was_asked_for(tmp_path: Path) -> None:
    code = "import os; print(os.getcwd(), os.environ.get('HOME'), os.environ['ONLY'])"
    completed = process.run(python(code), cwd=tmp_path, env={**ENV, "ONLY": "this"})
    assert completed.stdout.decode() == f"{tmp_path} None this\n"


def test_what_the_user_types_is_not_for_the_program(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, b"typed")
    os.close(write)
    saved = os.dup(0)
    os.dup2(read, 0)
    try:
        completed = process.run(python("import sys; print(repr(sys.stdin.read()))"), cwd=tmp_path, env=ENV)
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(read)
    assert completed.stdout == b"''\n"


def test_a_program_that_is_not_installed_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="no-such-program is not installed"):
        process.run(["no-such-program"], cwd=tmp_path, env={"PATH": str(tmp_path)})


def test_a_path_where_no_program_is_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="can't start"):
        process.run([str(tmp_path / "no-such-program")], cwd=tmp_path, env=ENV)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="can't start") as caught:
        process.run(python(""), cwd=tmp_path / "gone", env=ENV)
    assert caught.value.where == str(tmp_path / "gone")


def test_a_late_process_ends_with_its_children(tmp_path: Path) -> None:
    code = "import os, time; os.fork(); open(f'pid-{os.getpid()}', 'w'); time.sleep(60); open('pid-1', 'w')"
    with pytest.raises(OstooError, match=r"timed out after 2\.0 s"):
        process.run(python(code), cwd=tmp_path, env=ENV, timeout=2.0)
    started = [int(path.name.removeprefix("pid-")) for path in tmp_path.iterdir()]
    assert len(started) == 2
    assert 1 not in started, "none came to its end"
    assert not any(is_running(pid) for pid in started)


def test_what_a_late_process_wrote_is_not_lost(tmp_path: Path) -> None:
    code = "import sys, time; print('out', flush=True); print('err', file=sys.stderr, flush=True); time.sleep(600)"
    with pytest.raises(process.TimeOverError) as caught:
        process.run(python(code), cwd=tmp_path, env=ENV, timeout=2.0)
    assert caught.value.left == process.Completed(-9, b"out\n", b"err\n")


def is_running(pid: int) -> bool:
    """An orphan that was killed may be a zombie for a while, and longer where the machine has much to do."""
    for _ in range(3000):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
        time.sleep(0.02)
    return True


def test_descriptors_are_passed_only_where_asked(tmp_path: Path) -> None:
    read, write = os.pipe()
    code = "import os, sys; os.write(int(sys.argv[1]), b'x')"
    assert process.run(python(code, str(write)), cwd=tmp_path, env=ENV).returncode == 1
    assert process.run(python(code, str(write)), cwd=tmp_path, env=ENV, pass_fds=(write,)).returncode == 0
    assert os.read(read, 9) == b"x"
    os.close(read)
    os.close(write)


def test_call_returns_the_exit_code(tmp_path: Path) -> None:
    assert process.run_inherited(python("import sys; sys.exit(7)"), cwd=tmp_path, env=ENV, stdout=None) == 7


def test_output_is_copied(tmp_path: Path) -> None:
    sink = io.BytesIO()
    code = "import os; os.write(1, b'x' * 3_000_000)"
    process.copy_output(python(code), cwd=tmp_path, env=ENV, sink=sink, limit=3_000_000)
    assert sink.getvalue() == b"x" * 3_000_000


def test_too_much_output_is_an_error_and_ends_the_program(tmp_path: Path) -> None:
    sink = io.BytesIO()
    code = "import os, time; os.write(1, b'x' * 11); os.close(1); time.sleep(60); open('end', 'w')"
    with pytest.raises(OstooError, match="writes more output than allowed"):
        process.copy_output(python(code), cwd=tmp_path, env=ENV, sink=sink, limit=10)
    assert sink.getvalue() == b""
    assert not (tmp_path / "end").exists(), "it was not waited for"


def test_a_failing_program_is_told_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="no such image"):
        process.copy_output(python("exit('no such image')"), cwd=tmp_path, env=ENV, sink=io.BytesIO(), limit=1)


def test_lines_are_heeded_while_the_program_runs(tmp_path: Path) -> None:
    wait = "while not os.path.exists('go'): time.sleep(.01)"
    code = f"import os, sys, time\nprint('begun', file=sys.stderr, flush=True)\n{wait}"
    seen = []

    def on_line(line: bytes) -> None:
        seen.append(line)
        Path(tmp_path, "go").touch()

    completed = process.run_streaming(python(code), on_line, cwd=tmp_path, env=ENV, pass_fds=())
    assert seen == [b"begun\n"]
    assert completed == process.Completed(0, b"", b"begun\n")


def test_a_program_that_is_followed_may_write_as_much_as_it_likes(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.write('x' * 300_000); sys.stderr.write('y' * 300_000); sys.exit(4)"
    completed = process.run_streaming(python(code), lambda _line: None, cwd=tmp_path, env=ENV, pass_fds=())
    assert (completed.returncode, len(completed.stdout), len(completed.stderr)) == (4, 300_000, 300_000)


def test_a_program_that_is_followed_dies_with_its_follower(tmp_path: Path) -> None:
    code = "import os, sys, time\nprint(os.getpid(), file=sys.stderr, flush=True)\ntime.sleep(100)"

    def on_line(line: bytes) -> None:
        raise RuntimeError(int(line))

    with pytest.raises(RuntimeError) as caught:
        process.run_streaming(python(code), on_line, cwd=tmp_path, env=ENV, pass_fds=())
    with pytest.raises(ProcessLookupError):
        os.kill(caught.value.args[0], 0)


STOPPED = """
import os, sys, threading, time
from pathlib import Path
from ostoo_build.base import process
from ostoo_build.base.errors import OstooError

here, env = Path.cwd(), {"PATH": os.environ["PATH"]}
sleeps = ["sh", "-c", "sleep 600 & sleep 600"]
said = []

def wait(start):
    try:
        start()
    except process.StoppedError as error:
        said.append(str(error.what))

ways = (
    lambda: process.run(sleeps, cwd=here, env=env),
    lambda: process.run_streaming(sleeps, print, cwd=here, env=env, pass_fds=()),
    lambda: process.copy_output(sleeps, cwd=here, env=env, sink=open("sink", "wb"), limit=1),
)
threads = [threading.Thread(target=wait, args=(way,)) for way in ways]
for thread in threads:
    thread.start()
while len(process._all.running) < len(ways):
    time.sleep(0.01)
process.stop_all()
for thread in threads:
    thread.join()
for way in ways:
    wait(way)
print(said, process._all.running)
"""


def test_who_waits_for_a_program_is_told_that_all_are_stopped(tmp_path: Path) -> None:
    completed = process.run(
        python(STOPPED), cwd=tmp_path, env={**ENV, "PYTHONPATH": os.pathsep.join(sys.path)}, timeout=60
    )
    assert completed.stdout.decode() == f"{['sh was interrupted'] * 6} set()\n", completed.stderr.decode()


def test_a_batch_is_ended_alone(tmp_path: Path) -> None:
    batch, ended = process.Batch(), threading.Event()

    def work() -> None:
        with batch, pytest.raises(process.StoppedError, match="sh was interrupted"):
            process.run(["sh", "-c", "sleep 600 & sleep 600"], cwd=tmp_path, env=ENV)
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not batch.running:
        time.sleep(0.01)
    batch.stop()
    assert ended.wait(30)
    thread.join()
    assert not batch.running
    assert process.run(python("pass"), cwd=tmp_path, env=ENV).returncode == 0


def test_a_stopped_batch_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outer, inner = process.Batch(), process.Batch()
    inner.stop()
    started: list[list[str]] = []
    popen = subprocess.Popen

    def start(argv: list[str], **others: Any) -> subprocess.Popen[bytes]:
        started.append(argv)
        return popen(argv, **others)

    monkeypatch.setattr(subprocess, "Popen", start)
    with outer:
        with inner, pytest.raises(process.StoppedError):
            process.run(python("open('made', 'w')"), cwd=tmp_path, env=ENV)
        process.run(python("open('other', 'w')"), cwd=tmp_path, env=ENV)
    assert len(started) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
