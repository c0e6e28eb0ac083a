"""A server whose builds are any Python, and commands that it serves: each is a process of its own."""

from __future__ import annotations

import contextlib
import os
import pty
import resource
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ostoo_build.base import layout
from ostoo_build.server import client, launching, wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SITE_SCONS = Path(__file__).parents[3] / "site_scons"
SERVER = """
import os, socket, sys, time
from ostoo_build.server import memory, serving
from ostoo_build.server.code_state import CodeState
if os.environ.get("SHORT"):
    memory.is_short = lambda: os.path.exists("short")
    serving._LOOK = 0.1
if os.environ.get("STRANGERS"):
    serving.wire.peer = lambda line: (os.getpid(), os.geteuid() + 1)
if os.environ.get("LATE"):
    begin = serving.Handover.begin
    def late(*words):
        while not os.path.exists("goes"):
            time.sleep(0.01)
        begin(*words)
    serving.Handover.begin = late
serving._GRACE = 0.3
listener = socket.socket(fileno=int(sys.argv[1]))
handover = serving.Server(listener, sys.argv[2], CodeState(), *map(int, sys.argv[3:])).serve()
if handover:
    if handover.waits and os.path.exists("fails"):
        print("nobody sees it", file=sys.stderr)
        while not os.path.exists("goes"):
            time.sleep(0.01)
        handover.tell_ended(2)
        os._exit(2)
    print("reads", file=sys.stderr)
    handover.tell_read()
    if handover.waits and not handover.wait():
        os._exit(75)
    exec(handover.request.words[0])
"""
COMMAND = """
import os, sys, time
from ostoo_build.base import streams
from ostoo_build.server import client, request
if os.environ.get("STRANGERS"):
    client.wire.peer = lambda line: (os.getpid(), os.geteuid() + 1)
streams.take()
done = client.build("socket", request.captured(sys.argv[1:], None, time.time_ns()))
if done is None:
    sys.exit("not served")
client.leave(done[0])
"""
PATIENCE = 60


def python(code: str, *words: str) -> list[str]:
    return [sys.executable, "-P", "-c", code, *words]


def eventually(says: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not says():
        assert time.monotonic() < end
        time.sleep(0.01)


@dataclass
class Serving:
    """A server in a folder; `environment` is that of commands."""

    folder: Path
    process: subprocess.Popen[bytes]
    environment: dict[str, str] = field(default_factory=lambda: {"PYTHONPATH": str(SITE_SCONS)})

    def start(self, code: str, **more: Any) -> subprocess.Popen[str]:
        """Start a command whose build is `code`."""
        options = {"env": self.environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen(python(COMMAND, code), cwd=self.folder, text=True, **options)

    def run(self, code: str, **more: Any) -> tuple[int, str, str]:
        with self.start(code, **more) as command:
            said, complained = command.communicate(timeout=PATIENCE)
            return command.returncode, said, complained

    def status(self) -> str:
        with contextlib.chdir(self.folder):
            return (client.ask("socket", wire.STATUS) or b"").decode()

    def prepared(self) -> None:
        """Wait until a build is prepared."""
        eventually(lambda: self.status() and not self.status().endswith("nothing"))


def started(folder: Path, *owner: int, **environment: str) -> Serving:
    with contextlib.chdir(folder):
        listener = launching.listening("socket")
    descriptor = str(listener.fileno())
    command = python(SERVER, descriptor, "socket", *map(str, owner))
    kept = [listener.fileno(), *owner]
    own = {"PYTHONPATH": str(SITE_SCONS), **environment}
    process = subprocess.Popen(command, cwd=folder, env=own, pass_fds=kept, start_new_session=True)
    listener.close()
    return Serving(folder, process)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Serving]:
    found = started(tmp_path)
    yield found
    found.process.kill()
    found.process.wait()


def test_a_build_has_the_streams_and_the_exit_code_of_its_command(server: Serving) -> None:
    code = "print('out', input()); print('err', file=sys.stderr); sys.exit(3)"
    with server.start(code, stdin=subprocess.PIPE) as command:
        assert command.communicate("in\n", timeout=PATIENCE) == ("out in\n", "reads\nerr\n")
    assert command.returncode == 3


@pytest.mark.parametrize("is_prepared", [False, True])
def test_a_build_inherits_what_its_command_did(is_prepared: bool, server: Serving) -> None:  # noqa: FBT001 - a parameter
    code = (
        "import resource, signal\n"
        "umask = os.umask(0)\n"
        "print(oct(umask), resource.getrlimit(resource.RLIMIT_NOFILE), os.getpriority(os.PRIO_PROCESS, 0))\n"
        "print(os.sched_getaffinity(0), os.environ['ASKED'], os.getenv('PYTHONPATH') is not None, os.getcwd())\n"
        "print(signal.getsignal(signal.SIGHUP), signal.getsignal(2).__name__, os.getppid() == os.getsid(0))\n"
        "print([os.isatty(each) for each in range(3)], sorted(os.listdir('/proc/self/fd'))[:3])"
    )
    server.environment["ASKED"] = "for"
    processors = {min(os.sched_getaffinity(0))}

    def inherit() -> None:
        os.umask(0o27)
        resource.setrlimit(resource.RLIMIT_NOFILE, (123, 124))
        os.nice(3)
        os.sched_setaffinity(0, processors)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    for _ in range(1 + is_prepared):
        status, said, complained = server.run(code, preexec_fn=inherit, stdin=subprocess.DEVNULL)
        assert (status, complained) == (0, "reads\n")
        assert said.splitlines() == [
            f"0o27 (123, 124) {os.getpriority(os.PRIO_PROCESS, 0) + 3}",
            f"{processors} for True {server.folder}",
            f"{signal.Handlers.SIG_IGN} default_int_handler True",
            "[False, False, False] ['0', '1', '2']",
        ]
        server.prepared()


def test_a_prepared_build_serves_the_same_command_and_no_other(server: Serving) -> None:
    count = "print(os.getppid(), os.getpid(), handover.waits)"
    first = server.run(count)[1].split()
    server.prepared()
    assert server.run(count)[1].split()[2] == "True"
    assert first[2] == "False"
    server.prepared()
    assert "reads\nother\n" in server.run("print('other', file=sys.stderr)")[2]
    server.prepared()
    server.environment["NEW"] = "value"
    assert server.run(count)[1].split()[2] == "False"
    server.prepared()
    server.environment["SHLVL"] = "9"  # as every shell sets it
    assert server.run(count)[1].split()[2] == "True"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_goes_on_to_the_build_and_ends_both(number: signal.Signals, server: Serving) -> None:
    code = f"import signal, time; signal.signal({number}, signal.SIG_DFL); print('runs', flush=True); time.sleep(60)"
    limit = (resource.RLIMIT_CORE, (0, 0))
    with server.start(code, preexec_fn=lambda: resource.setrlimit(*limit)) as command:
        assert command.stdout
        assert command.stdout.readline() == "runs\n"
        command.send_signal(number)
        assert command.wait(PATIENCE) == -number
    assert server.run("print(1)")[1] == "1\n"


def test_a_build_that_has_not_begun_ends_by_ctrl_c_when_it_does(tmp_path: Path) -> None:
    served = started(tmp_path, LATE="yes")
    try:
        with served.start("import time; time.sleep(60)") as command:
            eventually(lambda: builds_of(served))
            (build,) = builds_of(served)
            command.send_signal(signal.SIGINT)
            eventually(lambda: has_pending(build, signal.SIGINT))
            (tmp_path / "goes").touch()
            assert command.wait(PATIENCE) == -signal.SIGINT
    finally:
        served.process.kill()
        served.process.wait()


def builds_of(served: Serving) -> list[int]:
    children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def has_pending(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd:", "ShdPnd:"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


TOGETHER = """
import os, select, signal
from ostoo_build.server import client

class Poll:
    register = lambda *_: None
    poll = lambda *_: [(line, select.POLLIN)]

line, other = os.pipe()
signals = client._Signals()
signals.catch()
os.kill(os.getpid(), signal.SIGINT)
client.select.poll = Poll
signals.wait_for(line, None)
print(signals.is_received)
signals.pidfd = os.pidfd_open(os.getppid())
client._Signals._send = lambda _, number: print(number)
os.kill(os.getpid(), signal.SIGTERM)
signals._kept.clear()
signals.restore()
"""


def test_a_signal_that_comes_together_with_an_answer_is_heard() -> None:
    """The kernel may tell `poll` of the answer alone."""
    environment = {"PYTHONPATH": str(SITE_SCONS)}
    done = subprocess.run(python(TOGETHER), env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"True\n{signal.SIGTERM:d}\n", "also one that comes after the last answer"


def test_a_build_may_end_well_in_spite_of_a_signal(server: Serving) -> None:
    code = (
        "import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: (print('ends'), sys.exit(7)))\n"
        "print('runs', flush=True)\ntime.sleep(60)"
    )
    with server.start(code) as command:
        assert command.stdout
        assert command.stdout.readline() == "runs\n"
        command.terminate()
        assert command.communicate(timeout=PATIENCE)[0] == "ends\n"
    assert command.returncode == 7


def test_a_build_of_a_command_that_was_killed_ends(server: Serving) -> None:
    code = "import time, signal; signal.signal(15, signal.SIG_IGN); print(os.getpid(), flush=True); time.sleep(60)"
    with server.start(code) as command:
        assert command.stdout
        pid = int(command.stdout.readline())
        command.kill()
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    assert server.run("print(1)")[1] == "1\n"


def test_a_stopped_command_stops_its_build(server: Serving) -> None:
    code = (
        "import time\nprint(os.getpid(), flush=True)\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('done')"
    )
    with server.start(code, process_group=0) as command:  # a system stops no group without a shell
        assert command.stdout
        pid = int(command.stdout.readline())

        def state(process: int) -> str:
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]

        command.send_signal(signal.SIGTSTP)
        eventually(lambda: state(pid) == state(command.pid) == "T")
        command.send_signal(signal.SIGCONT)
        eventually(lambda: state(pid) != "T")
        (server.folder / "go").touch()
        assert command.communicate(timeout=PATIENCE)[0] == "done\n"


def test_a_build_that_is_killed_is_reported_as_one(server: Serving) -> None:
    assert server.run("os.kill(os.getpid(), 9)")[0] == -9
    assert server.run("print(1)")[1] == "1\n"


def test_a_prepared_build_that_is_killed_is_replaced(server: Serving) -> None:
    """As by a system that lacks memory, before a command comes, or while it works."""
    once = "if handover.waits: os.kill(os.getpid(), 9)\nprint('built')"
    assert server.run(once)[1] == "built\n"
    server.prepared()
    assert server.run(once)[:2] == (0, "built\n")


def test_a_build_that_fails_while_it_is_prepared_is_made_anew_so_that_its_command_sees_why(server: Serving) -> None:
    (server.folder / "fails").touch()
    assert server.run("print('built')")[1] == "built\n"
    server.prepared()
    with server.start("print('built')") as command:
        eventually(lambda: "1 running" in server.status())
        (server.folder / "goes").touch()
        said, complained = command.communicate(timeout=PATIENCE)
    assert (said, complained, command.returncode) == ("built\n", "reads\n", 0)


def test_a_build_goes_on_without_its_server_and_the_command_is_told(server: Serving) -> None:
    code = "import time\nprint('runs', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('done')"
    with server.start(code) as command:
        assert command.stdout
        assert command.stdout.readline() == "runs\n"
        server.process.kill()
        server.process.wait()
        (server.folder / "go").touch()
        said, complained = command.communicate(timeout=PATIENCE)
    assert (said, complained, command.returncode) == ("done\n", "reads\nnot served\n", 1)


def test_a_command_does_not_wait_for_work_that_is_for_the_next_one(server: Serving) -> None:
    code = (
        "import time\nprint('done', flush=True)\nhandover.tell_ended(5)\nprint('nobody sees it', flush=True)\n"
        "while not os.path.exists('go'): time.sleep(0.01)\nopen('late', 'w')"
    )
    assert server.run(code) == (5, "done\n", "reads\n")
    assert not (server.folder / "late").exists()
    (server.folder / "go").touch()
    eventually((server.folder / "late").exists)
    server.prepared()
    assert server.run(code)[0] == 5


def test_two_commands_are_served_at_once(server: Serving) -> None:
    meet = "import time\nopen('{0}', 'w')\nwhile not os.path.exists('{1}'): time.sleep(0.01)\nprint('met')"
    with server.start(meet.format("a", "b")) as first, server.start(meet.format("b", "a")) as second:
        assert first.communicate(timeout=PATIENCE)[0] == second.communicate(timeout=PATIENCE)[0] == "met\n"


def test_a_terminal_is_the_builds(server: Serving) -> None:
    ours, theirs = pty.openpty()
    code = "print(os.isatty(1), os.get_terminal_size(1).columns, sys.stdout.line_buffering)"
    for _ in range(2):
        with server.start(code, stdout=theirs, stderr=theirs) as command:
            assert command.wait(PATIENCE) == 0
        said = os.read(ours, 1000).decode().split()
        assert said == ["reads", "True", "0", "True"]
        server.prepared()
    os.close(theirs)
    os.close(ours)


def test_a_command_without_stdout_is_told(server: Serving) -> None:
    code = "from ostoo_build.base import streams\ntry: print('x')\nexcept OSError: pass\nsys.exit(streams.complaint())"
    command = python(COMMAND, code)
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command],
        cwd=server.folder,
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "reads\nerror: can't write to stdout: Bad file descriptor\n\n"


def test_a_server_ends_when_it_is_asked_but_finishes_its_builds(server: Serving) -> None:
    code = "import time\nprint('runs', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('done')"
    with server.start(code) as command:
        assert command.stdout
        assert command.stdout.readline() == "runs\n"
        with contextlib.chdir(server.folder):
            assert client.ask("socket", wire.STOP)
        assert not (server.folder / "socket").exists()
        (server.folder / "go").touch()
        assert command.communicate(timeout=PATIENCE)[0] == "done\n"
    assert server.process.wait(PATIENCE) == 0


def test_the_socket_is_its_users_alone(server: Serving) -> None:
    assert (server.folder / "socket").stat().st_mode & 0o777 == 0o600
    assert (server.folder / layout.SERVERS).stat().st_mode & 0o777 == 0o700


def test_another_user_is_not_served(tmp_path: Path) -> None:
    server = started(tmp_path, STRANGERS="yes")
    assert server.run("print(1)")[2] == "not served\n"
    assert server.process.poll() is None
    server.process.kill()
    server.process.wait()


def test_a_server_of_another_user_is_not_asked(server: Serving) -> None:
    server.environment["STRANGERS"] = "yes"
    assert server.run("print(1)")[2] == "not served\n"


@pytest.mark.parametrize("cause", ["memory", "socket", "folder"])
def test_a_server_ends_by_itself(cause: str, tmp_path: Path) -> None:
    folder = tmp_path / "os"
    folder.mkdir()
    server = started(folder, SHORT="yes")
    assert server.run("print(1)")[1] == "1\n"
    if cause == "memory":
        (folder / "short").touch()
    elif cause == "socket":
        (folder / "socket").rename(folder / "other")
        (folder / "socket").touch()
    else:
        folder.rename(tmp_path / "elsewhere")
        (tmp_path / "elsewhere/socket").unlink()
    assert server.process.wait(PATIENCE) == 0


def test_a_server_ends_with_its_owner(tmp_path: Path) -> None:
    owned, owner = os.pipe()
    server = started(tmp_path, owned)
    os.close(owned)
    assert server.run("print(1)")[1] == "1\n"
    assert server.process.poll() is None
    os.close(owner)
    assert server.process.wait(PATIENCE) == 0


def test_nonsense_is_no_command(server: Serving) -> None:
    for said in (b"", b"x", b"b", b"b" + wire.number(3) + b"abc", b"b" + wire.number(1 << 40)):
        with contextlib.chdir(server.folder), socket.socket(socket.AF_UNIX) as line:
            line.connect("socket")
            line.sendall(said)
    assert server.run("print(1)")[1] == "1\n"
