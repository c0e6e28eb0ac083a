"""Builders with a cache, here and on a server. Does not know what is measured."""

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
    """Where results are found and kept: a folder of this user, and the port of a server, 0 for none."""

    local: Path
    port: int = 0


@dataclass(frozen=True)
class Cached(ABC):
    """One builder; `template` is what its checkouts are made like."""

    template: Contender
    scratch: Path

    @property
    @abstractmethod
    def name(self) -> str: ...

    @abstractmethod
    def serve(self, folder: Path) -> Iterator[int]:
        """Run its server, with its files in a folder; the port."""

    @abstractmethod
    def build(self, root: Path, place: Place) -> Run:
        """Build the programs in a checkout, with what a place holds. Raises `OstooError` where that fails."""

    @abstractmethod
    def checkout(self, root: Path) -> None:
        """Make a checkout in which nothing was built yet, with a sysroot where the builder can't make it."""

    @abstractmethod
    def add_sysroot(self, root: Path, place: Place) -> None:
        """Make the sysroot where it is not there yet, with what it needs in a place."""

    @abstractmethod
    def program(self, root: Path, name: str) -> Path: ...


@dataclass(frozen=True)
class OursCached(Cached):
    """All that a user has, what is known of toolchains and plans too, is in the place."""

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
        command = [sys.executable, "-S", "-P", "site_scons/start.py", f"cache={place.local}", *self.template.variables]
        remote = [f"remote_cache=grpc://127.0.0.1:{place.port}", "remote_upload=on"] if place.port else []
        environment = {**self.template.environment, "XDG_CACHE_HOME": str(place.local.with_name("user"))}
        return measure.run([*command, *remote, *targets], root, environment)

    def program(self, root: Path, name: str) -> Path:
        return Ours(OURS, root, {}, (), root).program(name)


@dataclass(frozen=True)
class Sccache(Cached):
    """Cargo with sccache, which gets a server process of its own for each build."""

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
        """It is there."""

    def program(self, root: Path, name: str) -> Path:
        return Cargo(CARGO, root, {}, ()).program(name)
