"""The builds that are compared, each in its own checkout.

They have the same compiler, std source, target spec and profile, and an existing sysroot: users of plain cargo take it
from a container image.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING

import measure
import mixed_tree
import ninja_graph
from trees import PROJECT, TARGET, copy_tree

from ostoo_build.planning import cargo, std_crates
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from measure import Run

OURS, ALONE, CARGO, TUNED, NINJA = "ours", "alone", "cargo", "tuned", "ninja"
NO_STD = ("cat-rs", "hello-rs", *mixed_tree.NO_STD)
STD = ("hello-std", *mixed_tree.STD)
CPUS = len(os.sched_getaffinity(0))
SYSROOT = Path("sysroot") / TARGET
_PATIENCE = 20.0
"""Seconds in which a server prepares a build."""

_PAUSE = 0.05


@dataclass(frozen=True)
class Contender(ABC):
    """One way to build. Its commands run in a folder of the checkout `root`."""

    name: str
    root: Path
    environment: Mapping[str, str]

    @abstractmethod
    def commands(self, programs: Sequence[str]) -> list[list[str]]:
        """Return the commands that a user types to build these programs."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """The working directory of the commands."""

    @abstractmethod
    def program(self, name: str) -> Path:
        """Return the path of a built program."""

    @abstractmethod
    def clean(self) -> None:
        """Remove all build results and state in the checkout, except the sysroot."""

    def settle(self) -> None:  # noqa: B027 - not abstract: most have nothing
        """Wait for what goes on between two builds of a user."""

    def forget(self) -> None:  # noqa: B027 - likewise
        """Remove state outside the checkout."""

    def build(self, programs: Sequence[str]) -> Run:
        """Build programs. Raises `OstooError` if that fails."""
        return reduce(add, (measure.run(each, self.folder, self.environment) for each in self.commands(programs)))


@dataclass(frozen=True)
class Ours(Contender):
    """Our build without the action cache, which would contain the results of the last round. `variables` are scons'."""

    variables: tuple[str, ...]
    remembered: Path

    def commands(self, programs: Sequence[str]) -> list[list[str]]:
        return [
            [sys.executable, "-S", "-P", "site_scons/ostoo_scons/start.py", "cache=off", *self.variables, *programs]
        ]

    @property
    def folder(self) -> Path:
        return self.root

    def program(self, name: str) -> Path:
        return self.root / "build" / TARGET / "release" / name

    def settle(self) -> None:
        """Wait until the server has prepared the next build, if there is one."""
        if self.name == OURS:
            end = time.monotonic() + _PATIENCE
            while "prepared: cache=off" not in self._server("status") and time.monotonic() < end:
                time.sleep(_PAUSE)

    def clean(self) -> None:
        self._server("stop")
        shutil.rmtree(self.root / "build", ignore_errors=True)

    def _server(self, verb: str) -> str:
        command = [sys.executable, "-P", "-m", "ostoo_build.cli", "server", verb]
        return measure.run(command, self.root, {**self.environment, "PYTHONPATH": str(self.root / "site_scons")}).said

    def forget(self) -> None:
        """Also remove what a user's checkouts share: plans, and the toolchain digest."""
        shutil.rmtree(self.remembered, ignore_errors=True)


@dataclass(frozen=True)
class Ninja(Contender):
    """Ninja with the graph of a copy of our checkout: the same commands, without checks."""

    ours: Ours

    def commands(self, programs: Sequence[str]) -> list[list[str]]:
        return [[str(ninja_graph.program()), "--quiet", *map(self._linked, programs)]]

    @property
    def folder(self) -> Path:
        return self.root

    def program(self, name: str) -> Path:
        return self.root / self._linked(name)

    def clean(self) -> None:
        raise NotImplementedError("nothing is measured from nothing")

    def build(self, programs: Sequence[str]) -> Run:
        """Build programs, and at first everything, as what ninja has not built is out of date."""
        if not self.root.exists():
            self.ours.build([*NO_STD, *STD, "server=off"])
            ninja_graph.copy(self.ours.root, self.root)
            ninja_graph.write(self.root)
            super().build([*NO_STD, *STD])
        return super().build(programs)

    def _linked(self, name: str) -> str:
        """Return a program with its symbols, as a portable path."""
        (found,) = self.root.glob(f"build/{TARGET}/release/units/{name.replace('-', '_')}-*")
        return f"{found.relative_to(self.root)}/{found.name}"


@dataclass(frozen=True)
class Cargo(Contender):
    """Cargo with the workspace's own configuration: one call for each feature set of the runtime crate."""

    cargo: tuple[str, ...]
    flags: tuple[str, ...] = ()
    no_std_flags: tuple[str, ...] = ()

    def commands(self, programs: Sequence[str]) -> list[list[str]]:
        groups = ((NO_STD, (*self.flags, *self.no_std_flags)), (STD, self.flags))
        return [
            [*self.cargo, "build", "--release", *flags, *(f"--package={name}" for name in group if name in programs)]
            for group, flags in groups
            if set(group) & set(programs)
        ]

    @property
    def folder(self) -> Path:
        return self.root / "user-rs"

    def program(self, name: str) -> Path:
        return self.folder / "target" / TARGET / "release" / name

    def clean(self) -> None:
        shutil.rmtree(self.folder / "target", ignore_errors=True)


def enter(scratch: Path, variables: Mapping[str, str]) -> tuple[str, tuple[Ours, Ours, Cargo, Cargo, Ninja]]:
    """Prepare a checkout for each contender in `scratch`. Returns a description of the toolchain, and the contenders.

    `variables` are RUSTC, CARGO, LLD and RUST_SRC, as for scons. Raises `OstooError` if no toolchain is suitable or the
    sysroot can't be made.
    """
    found = toolchain.find(PROJECT, variables, os.environ)
    words = tuple(f"{name}={value}" for name, value in variables.items())
    caches = scratch / "caches"
    remembering = {**os.environ, "XDG_CACHE_HOME": str(caches)}
    remembering.pop("CI", None)
    ours = Ours(OURS, checkout(scratch / OURS), remembering, words, caches / "ostoo-build")
    alone = Ours(ALONE, checkout(scratch / ALONE), {**remembering, "CI": "true"}, words, ours.remembered)
    ours.build(["sysroot", "server=off"])
    environment = {
        **cargo.environment(dict(found.env)),
        "RUSTC": str(found.rustc),
        f"CARGO_TARGET_{TARGET.upper().replace('-', '_')}_LINKER": str(found.lld),
    }
    vendor = std_crates.vendor(found.rust_src)
    command = (str(found.cargo), *(std_crates.redirect(vendor) if vendor else ()))
    threads = ("--config", f"target.{TARGET}.rustflags={json.dumps([f'-Zthreads={CPUS}'])}")
    plain = Cargo(CARGO, checkout(scratch / CARGO), environment, command)
    tuned = Cargo(TUNED, checkout(scratch / TUNED), environment, command, threads, ("-Zbuild-std=core,alloc",))
    for peer in (alone, plain, tuned):
        shutil.copytree(ours.root / SYSROOT, peer.root / SYSROOT)
    for peer in (plain, tuned):  # the added programs; our build does it itself
        measure.run([str(found.cargo), "update", "--workspace", "--quiet"], peer.folder, environment)
    return found.reason, (ours, alone, plain, tuned, Ninja(NINJA, scratch / NINJA, os.environ, ours))


def checkout(root: Path) -> Path:
    """Copy the project, and add programs to it."""
    tree = copy_tree(root, "off")
    mixed_tree.add(tree.root)
    return tree.root
