"""Builds that tests start by fork: nothing tells them from builds that are started by their command."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import forked
import pytest
from trees import Result, Tree, copy_cache, copy_tree, take_sysroot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def by_command(folder: Path, command: list[str]) -> Result:
    null = subprocess.DEVNULL
    done = subprocess.run(command, cwd=folder, stdin=null, capture_output=True, text=True, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def by_fork(folder: Path, arguments: list[str]) -> Result:
    process = forked.start(arguments, folder)
    stdout, stderr = process.communicate(timeout=60)
    return Result(process.returncode, stdout, stderr)


def without_addresses(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+|(?<=started )\d+", "", text)


def lines(result: Result) -> list[str]:
    assert (result.code, result.stderr) == (0, "")
    return without_addresses(result.stdout).splitlines()


SEES = """
import sys
print(sorted(name for name in sys.modules if name.split(".")[0] in ("ostoo_build", "ostoo_scons", "site")))
import gc, os, pathlib, random, readline, signal, tempfile, threading
print(sys.argv, sys.orig_argv[1:3], sys.path, sys.meta_path, sys.prefix, sys.flags, sys.warnoptions)
print(sorted((name, str(value)) for name, value in globals().items() if name.startswith("__")))
print(os.getcwd(), sorted(os.environ.items()), sorted(os.environb.items()), oct(os.umask(0)))
status = pathlib.Path("/proc/self/status").read_text().splitlines()
words = ("SigPnd", "SigBlk", "SigIgn", "SigCgt", "ShdPnd", "Cap", "NoNew", "Cpus_allowed")
print([line for line in status if line.startswith(words)])
print({number: str(signal.getsignal(number)) for number in signal.valid_signals()})
print(sorted(os.listdir("/proc/self/fd")), [os.get_inheritable(number) for number in range(3)])
print(os.readlink("/proc/self/fd/0"), os.getpgid(0), os.getsid(0), os.getpriority(os.PRIO_PROCESS, 0))
for stream in (sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__):
    print(stream, stream.errors, stream.newlines, stream.line_buffering, stream.write_through, stream.buffer)
print(gc.isenabled(), gc.get_threshold(), gc.get_debug(), sys.getrecursionlimit(), sys.getswitchinterval())
print(threading.enumerate(), threading.main_thread().ident == threading.get_ident(), threading.stack_size())
print(tempfile.tempdir, sys.stdin.read() == "", sys.excepthook is sys.__excepthook__, sys.dont_write_bytecode)
import site
site.main()
print(sys.path, sys.meta_path, sys.prefix, sys.exec_prefix)
import msgspec, SCons
print(msgspec.__file__, SCons.__file__)
"""


def test_a_program_sees_what_it_sees_when_it_is_started_by_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sees.py").write_text(SEES)
    monkeypatch.setenv("WORD", "a\udcff = b")
    monkeypatch.delenv("HOME")
    old = os.umask(0o037)
    try:
        right = by_command(tmp_path, [sys.executable, "-S", "-P", "sees.py", "a b", ""])
        assert lines(by_fork(tmp_path, ["sees.py", "a b", ""])) == lines(right)
    finally:
        os.umask(old)


@pytest.mark.parametrize(("name", "value"), [("LC_ALL", "C"), ("PYTHONIOENCODING", "latin-1"), ("PYTHONUTF8", "1")])
def test_what_python_reads_when_it_starts_is_heeded(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sees.py").write_text(SEES)
    by_fork(tmp_path, ["sees.py"])
    monkeypatch.setenv(name, value)
    right = by_command(tmp_path, [sys.executable, "-S", "-P", "sees.py"])
    assert lines(by_fork(tmp_path, ["sees.py"])) == lines(right)


def test_two_in_a_row_have_different_hashes(tmp_path: Path) -> None:
    (tmp_path / "hash.py").write_text("print(hash('a'))")
    assert len({by_fork(tmp_path, ["hash.py"]).stdout for _ in range(4)}) == 2


ENDS = {
    "falls off": "print('a')",
    "a code": "import sys\nprint('a', end='')\nsys.exit(3)",
    "a large code": "import sys\nsys.exit(259)",
    "a truth": "import sys\nsys.exit(True)",
    "no code": "import sys\nsys.exit()",
    "a text": "import sys\nsys.exit('text')",
    "an error": "def f():\n    raise ValueError('a')\nf()",
    "an error in an error": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise OSError(1, 'b')",
    "no Python": "a b",
    "at exit": "import atexit\natexit.register(print, 'at exit')\nprint('a')\n1 / 0",
    "an error at exit": "import atexit\natexit.register(lambda: 1 / 0)\nprint('a')",
    "at once": "import os\nos._exit(4)",
    "a signal": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
    "a hang-up": "import os, signal\nos.kill(os.getpid(), signal.SIGHUP)",
    "a thread": "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.2), print('b'))).start()",
    "a daemon": "import threading, time\nthreading.Thread(target=time.sleep, args=[100], daemon=True).start()",
    "no stdout": "import os\nprint('a')\nos.close(1)",
    "stdout of its own": "import sys\nsys.stdout = None\nsys.stderr.write('a')",
    "many lines": "import sys\nfor number in range(50000):\n    print(number)\n    print(number, file=sys.stderr)",
}


@pytest.mark.parametrize("text", ENDS.values(), ids=ENDS)
def test_a_program_ends_as_it_does_when_it_is_started_by_its_command(text: str, tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text(text)
    right = by_command(tmp_path, [sys.executable, "-S", "-P", "ends.py"])
    forked_one = by_fork(tmp_path, ["ends.py"])
    assert (forked_one.code, forked_one.stdout) == (right.code, right.stdout)
    assert without_addresses(forked_one.stderr) == without_addresses(right.stderr)


def test_an_interrupt_that_nobody_handles_is_how_it_ends(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    result = by_fork(tmp_path, ["ends.py"])
    assert result.code == -signal.SIGINT
    assert result.stderr.endswith("\nKeyboardInterrupt\n")


WAITS = "import time\nprint('here', flush=True)\ntime.sleep(1000)\n"


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "waits.py").write_text(WAITS)
    with forked.start(["waits.py"], tmp_path) as process:
        yield process
        process.kill()


def test_it_is_asked_and_killed_as_a_process_of_ones_own(waiting: subprocess.Popen[str]) -> None:
    assert waiting.stdout
    assert next(waiting.stdout) == "here\n"
    assert waiting.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(0.01)
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.communicate(timeout=0.01)
    os.kill(waiting.pid, 0)
    threading.Timer(0.1, waiting.terminate).start()
    assert waiting.wait() == waiting.poll() == waiting.returncode == -signal.SIGTERM
    assert waiting.communicate() == ("", "")
    waiting.kill()  # it has ended: nothing happens
    with pytest.raises(ProcessLookupError):
        os.kill(waiting.pid, 0)


def test_it_ends_with_what_made_it(waiting: subprocess.Popen[str]) -> None:
    with contextlib.suppress(IndexError):
        forked.stop()
    assert waiting.wait(60) == -signal.SIGKILL


@pytest.mark.compiler
def test_a_build_does_the_same_both_ways(first: Tree, tmp_path: Path) -> None:
    """The same edits and builds in two checkouts, each with a cache of its own."""

    def told(tree: Tree, result: Result) -> Result:
        """What was said, in any order: SCons says some of it by its sets' order, which the command changes as well."""

        def in_order(text: str) -> str:
            text = re.sub(r"\d+\.\d s", "1 s", text.replace(str(tree.root), "ROOT"))
            return "\n".join(sorted(text.splitlines()))

        return Result(result.code, in_order(result.stdout), in_order(result.stderr))

    made = []
    for way in ("command", "fork"):
        (tmp_path / way).mkdir()
        copy_cache(first.cache, tmp_path / way / "cache")
        tree = take_sysroot(copy_tree(tmp_path / way / "checkout", str(tmp_path / way / "cache")), first)
        results: list[Result] = []

        def build(*arguments: str, tree: Tree = tree, results: list[Result] = results, way: str = way) -> None:
            done = by_command(tree.root, tree.command(*arguments)) if way == "command" else tree.scons(*arguments)
            results.append(told(tree, done))

        build("-j1", "hello-rs")
        build("-j1", "hello-rs")
        build("no-such-program")
        tree.replace("user-rs/hello-rs/src/main.rs", "Heap works", "Heap still works")
        build("-n", "hello-rs")
        build("-j1", "hello-rs")
        program = tree.program("hello-rs").read_bytes()
        tree.write("user-rs/hello-rs/src/main.rs", "broken")
        build("hello-rs")
        build("-c", "hello-rs")
        made.append((results, program))
    assert [result.code for result in made[0][0]] == [0, 0, 2, 0, 0, 2, 0]
    by_commands, by_forks = made
    for one, other in zip(by_commands[0], by_forks[0], strict=True):
        assert one == other
    assert by_commands[1] == by_forks[1]
