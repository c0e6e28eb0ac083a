"""Puts one invocation together: toolchain, target, workspace, engine. Does not know what will be built."""

from __future__ import annotations

import contextlib
import os
import platform
import threading
import time
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from msgspec.structs import replace

from ostoo_build.base import byte_size, digest, home, layout, spelling, state_file, user_cache
from ostoo_build.base.content_memo import Answers
from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import PathMap
from ostoo_build.base.shared_lazy import shared_lazy
from ostoo_build.base.snapshot import Look
from ostoo_build.cache.action_cache import ActionCache
from ostoo_build.cache.disk_cache import DiskCache
from ostoo_build.execution.background import Compilations
from ostoo_build.execution.engine import Engine
from ostoo_build.execution.input_guard import Witness
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.execution.local import LocalRunner
from ostoo_build.execution.timeline import Timeline
from ostoo_build.invocation.invocation import Invocation
from ostoo_build.planning import cargo, discovery, std_crates
from ostoo_build.planning.cargo import NO_DUMPS, Cargo
from ostoo_build.planning.programs import Programs
from ostoo_build.planning.workspace import Rustc, Workspace
from ostoo_build.reapi.package_digest import TreeMemo
from ostoo_build.start import null_build
from ostoo_build.sysroot import providers as sysroot_providers
from ostoo_build.target import spec as target_spec
from ostoo_build.toolchain import digest as toolchain_digest
from ostoo_build.toolchain import provide as toolchain_provide

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.record import Output
    from ostoo_build.base.console import Report
    from ostoo_build.base.input import Input
    from ostoo_build.execution.sandbox import Sandbox
    from ostoo_build.planning.plan import Asked, PlannedUnit, Program
    from ostoo_build.planning.test_plan import Executable
    from ostoo_build.remote.executor import RemoteExecutor
    from ostoo_build.remote.store import RemoteStore
    from ostoo_build.sysroot.install import Provider
    from ostoo_build.toolchain.find import Toolchain


@dataclass(frozen=True)
class Wanted:
    """A program, the most that its file may hold in bytes, and the action that makes it of the sources as they are.

    `is_checked` says whether a loader has to take it.
    """

    program: Program
    size_budget: int | None
    action: Action
    is_checked: bool


@dataclass(frozen=True)
class Options:
    """What an invocation is asked to do: `variables` as in `configuration`, `jobs` at once.

    `watched` says that `./ostoo watch` asked for it.
    """

    variables: Mapping[str, str]
    jobs: int = 1
    all_outputs: bool = False
    watched: bool = False


class Session:
    """One invocation in one checkout. What it offers is made when it is first asked for, once for all threads."""

    def __init__(self, root: Path, options: Options, report: Report) -> None:
        self.root = root
        self.options = options
        self.variables = options.variables
        self.report = report
        self.memos = root / layout.STATE
        self.units: dict[str, PlannedUnit] = {}
        self.current: dict[Asked, dict[Path, Output]] = {}
        """Programs that are what their sources give: which files, and what is in them."""
        self.wanted: dict[Asked, Wanted] = {}
        """Programs that are being built."""
        self.lock_owner = root / layout.LOCK_OWNER
        self._since = time.time_ns()
        self.timeline = Timeline(time.monotonic() - (self._since - null_build.STARTED) / 1e9)
        self.look = Look()
        self.making = threading.RLock()
        self._lock = FileLock(root / layout.LOCK)
        self._links: dict[str, threading.Lock] = {}

    def make_memos(self) -> None:
        """Make the folder of what invocations remember. Raises `OstooError` where something else lies there."""
        try:
            str(self.root).encode()
        except UnicodeEncodeError as error:
            name = os.fsencode(self.root)
            raise OstooError(f"the checkout's path is not UTF-8: {name!r}", remedy="rename the folder") from error
        if "\n" in str(self.root):
            raise OstooError(
                "the checkout's path has a line break in it", where=repr(str(self.root)), remedy="rename the folder"
            )
        for folder in (self.memos.parent, self.memos):
            if os.path.lexists(folder) and not folder.is_dir():
                raise OstooError("this is no folder", where=str(folder), remedy="take it away: builds make it again")
            folder.mkdir(exist_ok=True)

    @shared_lazy
    def toolchain(self) -> Toolchain:
        return toolchain_provide.find_or_provide(
            self.root, self._toolchain_words, os.environ, lambda line: self.report.status("Providing", line)
        )

    @shared_lazy
    def tools_folder(self) -> Input:
        """The toolchain as an input; says which toolchain it is when that is not the last invocation's."""
        self.witness  # noqa: B018 - has to be there before the toolchain is hashed
        found = toolchain_digest.of(self.toolchain, user_cache.folder() / "toolchains")
        chosen = self.root / layout.TOOLCHAIN
        line = self.toolchain.reason
        if state_file.recall(chosen) != os.fsencode(line):
            self.report.status("Using", line)
            user_cache.note(chosen, os.fsencode(line))
        return found

    @shared_lazy
    def witness(self) -> Witness:
        """The toolchain's libraries change with their folder."""
        chosen = self.toolchain
        tools = (chosen.rustc, chosen.cargo, chosen.lld, chosen.rust_src, *{each.parent for each in chosen.libraries})
        return Witness(self.paths, self._since, tools)

    @property
    def executes_remotely(self) -> bool:
        return bool(self.variables["remote_executor"])

    @property
    def _toolchain_words(self) -> dict[str, str]:
        return {name: self.variables[name] for name in ("RUSTC", "CARGO", "LLD", "RUST_SRC")}

    @property
    def tools(self) -> digest.Hash:
        """The toolchain's digest."""
        return self.tools_folder.sha256

    @shared_lazy
    def targets_by_folder(self) -> dict[str, tuple[str, ...]]:
        """Which targets a workspace's programs are for, by its folder: those of `user-rs` are what `target=` names."""
        asked = tuple(dict.fromkeys(self.variables["target"].split(",")))
        others = {folder: (target,) for folder, target in discovery.others(self.root).items()}
        return {discovery.USER: asked, **others}

    @shared_lazy
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(chain.from_iterable(self.targets_by_folder.values())))

    def named(self, subject: str, target: str) -> str:
        """What the user reads of a step: its target too, where there are several."""
        return f"{subject} for {target}" if target and len(self.targets) > 1 else subject

    def spec_file(self, target: str) -> Path:
        """A target spec's file. Raises `OstooError` where there is none of that name."""
        path = self.root / layout.spec(target)
        if "/" in target or not target or not os.path.isfile(path):  # noqa: PTH113 - it takes a name of any length
            known = [spec.stem for spec in path.parent.glob("*.json") if "." not in spec.stem]
            remedy = spelling.one_of(target, known)
            raise OstooError(f"there is no target {target}", where=str(path.parent), remedy=remedy)
        return path

    def spec(self, target: str) -> target_spec.TargetSpec:
        return self.look.once(("spec", target), partial(target_spec.load, self.spec_file(target)))

    @shared_lazy
    def paths(self) -> PathMap:
        chosen = self.toolchain
        found = PathMap(
            (
                ("root", self.root),
                ("toolchain", chosen.rustc.parent.parent),
                ("rust-src", chosen.rust_src),
                ("cargo-home", home.cargo(os.environ)),
                ("rustc", chosen.rustc),
                ("cargo", chosen.cargo),
                ("lld", chosen.lld),
            )
        )
        places = [place for _, place in toolchain_digest.places(chosen)]
        of_tools = (f"{found.portable(place)}{'/' if place.is_dir() else ''}" for place in places)
        return replace(found, of_tools=tuple(of_tools))

    @shared_lazy
    def cargo_environment(self) -> dict[str, str]:
        """What cargo, and rustc where it is asked a question, may see of the user's environment."""
        for name in cargo.ignored_variables():
            self.report.warn_once(f"{name} is ignored: write what it says into .cargo/config.toml of the workspace")
        return {**cargo.environment(dict(self.toolchain.env)), "RUSTC": str(self.toolchain.rustc)}

    def _workspace(self, folder: str, target: str) -> Workspace:
        place, environment = self.root / folder, self.cargo_environment
        return Workspace(
            Cargo(self.toolchain.cargo, place, environment, std_crates.vendor(self.toolchain.rust_src)),
            Rustc(self.toolchain.rustc, environment, self.toolchain.host, self.tools),
            self.spec_file(target),
            self.spec(target).digest,
            self.paths,
            user_cache.folder() / "plans",
            Look(),
        )

    @shared_lazy
    def engine(self) -> Engine:
        word, size = self.variables["cache"], byte_size.parse(self.variables["cache_size"])
        disk = DiskCache(user_cache.chosen(word), size) if word != "off" else None
        root = digest.of_bytes(os.fsencode(self.paths.root))
        address, service = self.variables["remote_cache"], self._remote_store(self.variables["remote_executor"])
        # a server that is both is one connection, and given up once
        store = service if address in ("", self.variables["remote_executor"]) else self._remote_store(address)
        cache = ActionCache(disk, root, self.report, store)
        executor = self._executor(service, store) if service and store else None
        log = self.root / layout.ACTIONS
        fetch_all = self.options.all_outputs
        return Engine(self.paths, cache, self.report, log, self.witness, executor, fetch_all, self.timeline)

    def _remote_store(self, address: str) -> RemoteStore | None:
        if not address:
            return None
        from ostoo_build.remote import options as remote_options  # noqa: PLC0415 - most have no team's cache
        from ostoo_build.remote import store as remote_store  # noqa: PLC0415 - likewise

        options = remote_options.read(address, self.root, self.variables, os.environ)
        return remote_store.RemoteStore(options, self.report)

    def _executor(self, service: RemoteStore, store: RemoteStore) -> RemoteExecutor:
        from ostoo_build.remote import executor as remote_executor  # noqa: PLC0415 - most have none

        jobs = int(self.variables["remote_jobs"])
        files = partial(toolchain_digest.files, self.toolchain)
        return remote_executor.RemoteExecutor(service, store, self.paths, self.report, jobs, files)

    @shared_lazy
    def runner(self) -> LocalRunner:
        """Processes get a small environment of their own; what the user's holds besides must not matter."""
        # rustc logs an error for each library behind a path with a space that it can't hash; we hash those ourselves
        tools = {"RUSTC_LOG": "off", **NO_DUMPS, **dict(self.toolchain.env)}
        tools.pop("RUSTC", None)  # that is for cargo; build scripts are told by their action
        sandbox = self._sandbox({**os.environ, **tools})
        return LocalRunner(self.paths, self.jobserver, tools, os.environ, sandbox, self.timeline)

    @shared_lazy
    def jobserver(self) -> Jobserver:
        return Jobserver(self.options.jobs)

    def _sandbox(self, environment: Mapping[str, str]) -> Sandbox | None:
        if self.variables["sandbox"] == "off":
            return None
        from ostoo_build.execution import sandbox  # noqa: PLC0415 - most builds have none

        libraries = [Path(folder) for folder in environment.get("LD_LIBRARY_PATH", "").split(os.pathsep) if folder]
        places = (self.paths.expand(f"@{{{name}}}") for name in ("toolchain", "rust-src", "lld"))
        return sandbox.find(self.paths, (*map(Path, places), *libraries), environment)

    @shared_lazy
    def compilations(self) -> Compilations:
        return Compilations()

    @shared_lazy
    def invocation(self) -> Invocation:
        linker = self.toolchain.host_linker
        if linker is None:
            raise OstooError("there is no C linker for build scripts", remedy="install a C compiler that is called cc")
        kept = tuple(pair for pair in self.toolchain.env if pair[0] == "RUSTC_BOOTSTRAP")
        host = f"{self.toolchain.host} {platform.libc_ver()[1]} {digest.of_file(linker)}"
        specs = {target: self.paths.input(self.spec_file(target)) for target in self.targets}
        return Invocation(specs, self.tools_folder, kept, host, self.units)

    @shared_lazy
    def trees(self) -> TreeMemo:
        return TreeMemo(self.root / layout.TREES)

    @shared_lazy
    def answers(self) -> Answers:
        return Answers(self.root / layout.ANSWERS)

    @shared_lazy
    def sysroot(self) -> Provider:
        return sysroot_providers.choose(self.variables["sysroot"], self.root)

    @shared_lazy
    def programs(self) -> Programs:
        return Programs(self.targets_by_folder, self._workspace, self.variables["profile"], self.options.jobs)

    def plan(self, name: str, target: str) -> Program:
        """The plan of a program; its units are known from now on."""
        program = self.programs.plan(name, target)
        self.units.update({unit.id: unit for unit in program.units})
        return program

    def plan_tests(self, name: str, target: str) -> tuple[Executable, ...]:
        """The plans of a program's test executables; their units are known from now on."""
        found = self.programs.plan_tests(name, target)
        self.units.update({unit.id: unit for executable in found for unit in executable.program.units})
        return found

    def linking(self, unit: str) -> threading.Lock:
        """What a link of that program holds: rustc takes its objects away meanwhile."""
        return self._links.setdefault(unit, threading.Lock())

    def lock(self) -> bool:
        """Keep other builds out of this checkout until `close`; wait for one that is at work, and say for whom.

        Returns whether another one was here since this process had the lock.
        """
        self.make_memos()
        state_file.make_way(self.root / layout.LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            other = state_file.recall(self.lock_owner)
            name = f"process {other.decode(errors='replace')}" if other else "another process"
            self.report.status("Blocking", f"waiting for the build that {name} does here")
            self._lock.acquire()
        own = str(os.getpid()).encode()
        was_elsewhere = state_file.recall(self.lock_owner) != own
        state_file.write(self.lock_owner, own)
        return was_elsewhere

    def unlock(self) -> None:
        """Let other builds in."""
        self._lock.release()

    def close(self) -> None:
        """Write down what the next invocation wants to know, and wait for the cache."""
        for name in ("trees", "answers"):
            if name in self.__dict__:
                with contextlib.suppress(OSError):  # it costs time only
                    getattr(self, name).save()
        if state_file.damaged:
            first, *more = state_file.damaged
            others = f" and {len(more)} more" if more else ""
            self.report.warn_once(f"what was remembered in {first}{others} was damaged: it is made again")
            state_file.damaged.clear()
        if "engine" in self.__dict__:
            self.engine.cache.close()
        self.unlock()
