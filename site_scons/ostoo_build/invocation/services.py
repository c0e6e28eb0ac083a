"""Creates everything that carries actions out (cache, engine, processes) before the first job starts."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ostoo_build.base import byte_size, digest, layout, own_version, user_cache
from ostoo_build.base.content_memo import ContentMemo
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.cache.action_cache import ActionCache
from ostoo_build.cache.disk_cache import DiskCache
from ostoo_build.execution.background import Ahead, Background
from ostoo_build.execution.decided import Decisions
from ostoo_build.execution.engine import Engine
from ostoo_build.execution.local import LocalRunner
from ostoo_build.invocation import invocation as invocations
from ostoo_build.invocation.sysroots import Sysroots
from ostoo_build.planning.cargo import NO_DUMPS
from ostoo_build.reapi.package_digest import TreeMemo
from ostoo_build.toolchain import digest as toolchain_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ostoo_build.base.console import Console
    from ostoo_build.base.paths import PathMap
    from ostoo_build.execution.jobserver import Jobserver
    from ostoo_build.execution.sandbox import Sandbox
    from ostoo_build.execution.timeline import Timeline
    from ostoo_build.invocation.checkout import Checkout
    from ostoo_build.invocation.invocation import Invocation
    from ostoo_build.invocation.options import Options
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.tools import Tools
    from ostoo_build.remote.executor import RemoteExecutor
    from ostoo_build.remote.store import RemoteStore
    from ostoo_build.toolchain.find import Toolchain


class Services(Struct, frozen=True):
    """`snapshot` caches reads of this invocation; `trees` and `answers` are kept for later invocations."""

    console: Console
    timeline: Timeline
    engine: Engine
    runner: LocalRunner
    invocation: Invocation
    sysroots: Sysroots
    trees: TreeMemo
    answers: ContentMemo
    background: Background = field(default_factory=Background)
    ahead: Ahead = field(default_factory=Ahead)
    snapshot: Snapshot = field(default_factory=Snapshot)

    def save(self) -> None:
        """Save the state for the next invocation, and wait for the cache."""
        for memo in (self.trees, self.answers):
            with contextlib.suppress(OSError):  # it costs time only
                memo.save()
        self.engine.cache.flush()

    def close(self) -> None:
        """Save what is new since then, and leave the cache."""
        self.save()
        self.engine.cache.close()


def start(checkout: Checkout, options: Options, planner: Planner, jobserver: Jobserver, timeline: Timeline) -> Services:
    """Create everything that jobs share. Raises `OstooError` if a service or a sandbox is not available."""
    return Services(
        console=checkout.console,
        timeline=timeline,
        engine=engine(checkout, options, planner.tools, timeline),
        runner=_runner(options, planner.tools, jobserver, timeline),
        invocation=invocations.of(planner, options.lints, options.for_rustdoc),
        sysroots=sysroots_of(checkout.root, options, planner.tools.toolchain),
        trees=TreeMemo(checkout.root / layout.TREES),
        answers=ContentMemo(checkout.root / layout.ANSWERS),
    )


def sysroots_of(root: Path, options: Options, toolchain: Toolchain) -> Sysroots:
    return Sysroots(root, toolchain.rustlib, options.variables["sysroot"], options.described.sysroots)


def engine(checkout: Checkout, options: Options, tools: Tools, timeline: Timeline) -> Engine:
    """Create the engine."""
    variables, paths = options.variables, tools.paths
    word, size = variables["cache"], byte_size.parse(variables["cache_size"])
    disk = DiskCache(user_cache.chosen(word), size) if word != "off" else None
    root = digest.of_bytes(os.fsencode(paths.root))
    address, service = variables["remote_cache"], _remote_store(checkout, variables, variables["remote_executor"])
    # a server with both roles gets one connection and one circuit breaker
    is_one = address in ("", variables["remote_executor"])
    store = service if is_one else _remote_store(checkout, variables, address)
    cache = ActionCache(disk, root, checkout.console, store)
    executor = _executor(checkout, variables, tools, service, store) if service and store else None
    return Engine(
        paths=paths,
        cache=cache,
        console=checkout.console,
        decisions=Decisions(checkout.root / layout.ACTIONS, paths),
        input_guard=tools.input_guard,
        executor=executor,
        fetch_all=options.all_outputs,
        timeline=timeline,
    )


def without_remote(error: ModuleNotFoundError) -> OstooError:
    """Return the error about the package that an installation without the extra `remote` lacks."""
    return OstooError(
        f"remote_cache= and remote_executor= need the Python package {error.name}, which is not installed",
        remedy=f"uv tool install '{own_version.NAME}[remote]', or pip install '{own_version.NAME}[remote]'",
    )


def _remote_store(checkout: Checkout, variables: Mapping[str, str], address: str) -> RemoteStore | None:
    if not address:
        return None
    try:
        from ostoo_build.remote import options as remote_options  # noqa: PLC0415 - most have no team's cache
        from ostoo_build.remote import store as remote_store  # noqa: PLC0415 - likewise
    except ModuleNotFoundError as error:
        raise without_remote(error) from error
    options = remote_options.read(address, checkout.root, variables, os.environ)
    return remote_store.RemoteStore(options, checkout.console)


def _executor(
    checkout: Checkout, variables: Mapping[str, str], tools: Tools, service: RemoteStore, store: RemoteStore
) -> RemoteExecutor:
    from ostoo_build.remote import executor as remote_executor  # noqa: PLC0415 - most have none

    jobs = int(variables["remote_jobs"])
    files = partial(toolchain_digest.files, tools.toolchain)
    return remote_executor.RemoteExecutor(service, store, tools.paths, checkout.console, jobs, files)


def _runner(options: Options, tools: Tools, jobserver: Jobserver, timeline: Timeline) -> LocalRunner:
    """Create the runner. Processes get a small environment; other variables of the user must not matter."""
    # rustc logs an error for each library under a path with a space, which it can't hash; we hash those ourselves
    own = {"RUSTC_LOG": "off", **NO_DUMPS, **dict(tools.toolchain.env)}
    own.pop("RUSTC", None)  # this is for cargo; build scripts get it from their action
    is_shut_in = options.performs and options.variables["sandbox"] == "on"
    sandbox = _sandbox(tools.paths, {**os.environ, **own}) if is_shut_in else None
    return LocalRunner(tools.paths, jobserver, own, os.environ, sandbox, timeline)


def _sandbox(paths: PathMap, environment: Mapping[str, str]) -> Sandbox:
    from ostoo_build.execution import sandbox  # noqa: PLC0415 - most builds have none

    libraries = [Path(folder) for folder in environment.get("LD_LIBRARY_PATH", "").split(os.pathsep) if folder]
    places = (paths.expand(f"@{{{name}}}") for name in ("toolchain", "rust-src", "lld"))
    return sandbox.find(paths, (*map(Path, places), *libraries), environment)
