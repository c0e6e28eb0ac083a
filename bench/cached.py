"""Builders with a local cache and a server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import engines
import measure
from contenders import CARGO, OURS, SYSROOT, Cargo, Ours, checkout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contenders import Contender
    from measure import Run

SCCACHE = "sccache"
PROGRAMS = ("hello-rs", "hello-std")
_REQUIREMENTS = Path(__file__).with_name("sccache-requirements.txt")


@dataclass(frozen=True)
class Place:
    """Where results are cached: a user's folder, and the port of a server, 0 for none."""

    local: Path
    port: int = 0


@dataclass(frozen=True)
class Cached(ABC):
    """A builder; its checkouts are copies of `template`."""

    template: Contender
    scratch: Path

    @property
    @abstractmethod
    def name(self) -> str: ...

    @abstractmethod
    def serve(self, folder: Path) -> Iterator[int]:
        """Run its server with files in a folder, and yield the port."""

    @abstractmethod
    def build(self, root: Path, place: Place) -> Run:
        """Build the programs in a checkout with a cache. Raises `OstooError` if that fails."""

    @abstractmethod
    def checkout(self, root: Path) -> None:
        """Create a checkout without build results, with a sysroot if the builder can't make one."""

    @abstractmethod
    def add_sysroot(self, root: Path, place: Place) -> None:
        """Make the sysroot if it is missing, and cache what that needs."""

    @abstractmethod
    def program(self, root: Path, name: str) -> Path: ...


@dataclass(frozen=True)
class OursCached(Cached):
    """Our build. The cache folder contains all of a user's state, including toolchain digests and plans."""

    template: Ours

    @property
    def name(self) -> str:
        return OURS

    def serve(self, folder: Path) -> Iterator[int]:
        for server in engines.casd(folder):
            yield server.port

    def build(self, root: Path, place: Place) -> Run:
        return self._scons(root, place, *PROGRAMS)

    def checkout(self, root: Path) -> None:
        checkout(root)

    def add_sysroot(self, root: Path, place: Place) -> None:
        self._scons(root, place, "sysroot")

    def _scons(self, root: Path, place: Place, *targets: str) -> Run:
        command = [
            sys.executable,
            "-S",
            "-P",
            "site_scons/ostoo_scons/start.py",
            f"cache={place.local}",
            *self.template.variables,
        ]
        remote = [f"remote_cache=grpc://127.0.0.1:{place.port}", "remote_upload=on"] if place.port else []
        environment = {**self.template.environment, "XDG_CACHE_HOME": str(place.local.with_name("user"))}
        return measure.run([*command, *remote, *targets], root, environment)

    def program(self, root: Path, name: str) -> Path:
        return Ours(OURS, root, {}, (), root).program(name)


@dataclass(frozen=True)
class Sccache(Cached):
    """Cargo with sccache, which gets its own server process for each build."""

    template: Cargo

    @property
    def name(self) -> str:
        return SCCACHE

    def serve(self, folder: Path) -> Iterator[int]:
        folder.mkdir()
        port = engines.free_port()
        packages = {"PYTHONPATH": str(engines.provide(_REQUIREMENTS))}
        command = [
            sys.executable,
            "-m",
            "wsgidav.server.server_cli",
            "--host=127.0.0.1",
            f"--port={port}",
            f"--root={folder}",
        ]
        log = folder.with_suffix(".log")
        with engines.running([*command, "--auth=anonymous", "--no-config"], log, **packages):
            engines.wait_for_port(port)
            yield port

    def build(self, root: Path, place: Place) -> Run:
        with self._running(root, place) as environment:
            cargo = Cargo(CARGO, root, {**self.template.environment, **environment}, self.template.cargo)
            return cargo.build(PROGRAMS)

    @contextmanager
    def _running(self, root: Path, place: Place) -> Iterator[dict[str, str]]:
        program = engines.provide(_REQUIREMENTS) / "bin" / "sccache"
        remote = {"SCCACHE_WEBDAV_ENDPOINT": f"http://127.0.0.1:{place.port}"} if place.port else {}
        environment = {
            "RUSTC_WRAPPER": str(program),
            "CARGO_INCREMENTAL": "0",
            "SCCACHE_BASEDIRS": str(root),
            "SCCACHE_SERVER_PORT": str(engines.free_port()),
            "SCCACHE_DIR": str(place.local),
            "SCCACHE_CONF": os.devnull,
            **remote,
        }
        whole = {**self.template.environment, **environment}
        subprocess.run([program, "--start-server"], env=whole, check=True, capture_output=True)
        try:
            yield environment
        finally:
            subprocess.run([program, "--stop-server"], env=whole, check=True, capture_output=True)

    def checkout(self, root: Path) -> None:
        checkout(root)
        shutil.copytree(self.template.root / SYSROOT, root / SYSROOT)

    def add_sysroot(self, root: Path, place: Place) -> None:
        """Do nothing: the sysroot exists."""

    def program(self, root: Path, name: str) -> Path:
        return Cargo(CARGO, root, {}, ()).program(name)
