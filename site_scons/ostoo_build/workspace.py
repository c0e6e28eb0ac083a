"""The Cargo workspace as the build sees it: its programs and their plans, remembered. Does not build them.

An answer is kept in the memo folder together with what it was made from, and made again when any of that has changed.
All checkouts of a user share the memos: they hold contents, and paths within the checkout.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from ostoo_build import crate_root, decoders, digest, flag_rules, process, target_spec, user_cache
from ostoo_build.cargo import Binary, Cargo
from ostoo_build.crate_root import View  # noqa: TC001 - msgspec reads the field's type
from ostoo_build.errors import OstooError
from ostoo_build.own_code import own_digest
from ostoo_build.paths import is_local
from ostoo_build.plan import Program, Setting, cfgs_of, plan_program
from ostoo_build.read_set import ReadSet
from ostoo_build.script_environment import Machine, Told
from ostoo_build.suite_plan import Executable, plan_executable
from ostoo_build.target_spec import CheckRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ostoo_build.cargo_config import Configuration
    from ostoo_build.look import Look
    from ostoo_build.paths import PathMap
    from ostoo_build.unit_graph import UnitGraph

_ALL_KINDS = ("--crate-type=bin", "--crate-type=rlib", "--crate-type=proc-macro")
"""Cargo asks for all kinds of crates at once; of no one kind alone is then what rustc says."""

Answer = TypeVar("Answer")
Memo = TypeVar("Memo")


@dataclass(frozen=True)
class Crate:
    """A crate of the checkout whose source, a portable path, told the plan how much of std it sees."""

    source: str
    features: tuple[str, ...]
    is_test: bool
    view: View


@dataclass(frozen=True)
class _Memo(Generic[Answer]):
    """An answer and what it was made from; `crates` were seen under `cfgs`."""

    reads: dict[str, str]
    crates: tuple[Crate, ...]
    cfgs: frozenset[str]
    answer: Answer


@dataclass(frozen=True)
class Rustc:
    """The compiler that targets are asked about; `tools` is the toolchain's digest."""

    program: Path
    environment: Mapping[str, str]
    host: str
    tools: digest.Hash


@dataclass(frozen=True)
class Workspace:
    """One Cargo workspace, one target spec, one toolchain; as one look finds them."""

    cargo: Cargo
    rustc: Rustc
    target: Path
    target_digest: digest.Hash
    paths: PathMap
    memos: Path
    look: Look

    def binaries(self) -> tuple[Binary, ...]:
        """The programs of the workspace. Raises `OstooError` where cargo can't read it."""
        folder = self.cargo.workspace
        path = self._memo("programs", self.cargo.workspace.name)
        memo = _load(path, _Memo[tuple[Binary, ...]])
        if memo and ReadSet(memo.reads).is_current(folder, self.look):
            return tuple(replace(binary, manifest=folder / binary.manifest) for binary in memo.answer)
        found = self.cargo.binaries()
        reads = self._reads([binary.manifest for binary in found])
        relative = tuple(replace(binary, manifest=Path(os.path.relpath(binary.manifest, folder))) for binary in found)
        _save(path, _Memo(reads.digests, (), frozenset(), relative))
        return found

    def remembered(self, binary: Binary, profile: str) -> Program | None:
        """The plan of one program, where it was made before and still holds."""
        memo = _load(self._plan_memo("plan", binary, profile), _Memo[Program])
        if (
            memo
            and ReadSet(memo.reads).is_current(self.cargo.workspace, self.look)
            and self._unchanged(memo.crates, memo.cfgs)
        ):
            return memo.answer
        return None

    def plan(self, binaries: Sequence[Binary], profile: str) -> dict[str, Program]:
        """The plans of programs that ask the same of other packages. Raises `OstooError` where cargo can't make one."""
        setting = self.look.once(
            ("setting", profile), partial(self._setting, profile)
        )  # first: of a bad target spec we say more than cargo
        graphs = self.cargo.unit_graphs(binaries, profile, self.target)
        plans = (self._plan(binary, graph, setting) for binary, graph in zip(binaries, graphs, strict=True))
        return {program.name: program for program in plans}

    def _plan(self, binary: Binary, graph: UnitGraph, setting: Setting) -> Program:
        program = plan_program(graph, setting)
        crates = tuple(self._crates(graph, setting))
        manifests = [self.look.once(("manifest", crate), partial(self._manifest, crate)) for crate in crates]
        reads = self._reads(manifests).digests
        memo = _Memo(reads, crates, setting.cfgs, program)
        _save(self._plan_memo("plan", binary, program.profile), memo)
        return program

    def remembered_tests(self, binary: Binary, profile: str) -> tuple[Executable, ...] | None:
        """The plans of a program's test executables, where they were made before and still hold."""
        memo = _load(self._plan_memo("tests", binary, profile), _Memo[tuple[Executable, ...]])
        if (
            memo
            and ReadSet(memo.reads).is_current(self.cargo.workspace, self.look)
            and self._unchanged(memo.crates, memo.cfgs)
        ):
            return memo.answer
        return None

    def plan_tests(self, binary: Binary, profile: str) -> tuple[Executable, ...]:
        """The plans of a program's test executables. Raises `OstooError` where cargo or we can't make one."""
        setting = self.look.once(("setting", profile), partial(self._setting, profile))
        graphs = self.cargo.test_graphs(binary, profile, self.target)
        found = tuple(plan_executable(binary.name, graph, setting) for graph in graphs)
        crates = tuple({crate: None for graph in graphs for crate in self._crates(graph, setting)})
        names = self.cargo.test_paths(binary.manifest)
        reads = self._reads(map(self._manifest, crates), names)
        _save(self._plan_memo("tests", binary, profile), _Memo(reads.digests, crates, setting.cfgs, found))
        return found

    def _plan_memo(self, what: str, binary: Binary, profile: str) -> Path:
        return self._memo(what, self.cargo.workspace.name, self.target.stem, self.target_digest, profile, binary.name)

    def _memo(self, *question: str) -> Path:
        """The file that remembers an answer: another one for another toolchain, configuration, or version of ours."""
        return self.memos / f"{digest.of_json([*question, self.look.once('state', self._state)])}.json"

    def _state(self) -> list[str]:
        lock = self.cargo.workspace / "Cargo.lock"
        locked = digest.of_file(lock) if lock.is_file() else ""
        return [self.rustc.tools, locked, self.cargo.configuration_digest, own_digest()]

    def _setting(self, profile: str) -> Setting:
        configuration = self.look.once("configuration", self._configuration)
        told = Told(
            Machine(
                self.target.stem, self._asked(*self._for_target, *configuration.given, *_ALL_KINDS), configuration.given
            ),
            Machine(self.rustc.host, self._asked(*_ALL_KINDS), ()),
            self.cargo.inherited(profile),
        )
        return Setting(
            paths=self.paths,
            workspace=self.paths.portable(self.cargo.workspace),
            target=self.target.stem,
            cfgs=self._cfgs,
            rustflags=configuration.rustflags,
            env=configuration.env,
            told=told,
            look=self.look,
        )

    def _configuration(self) -> Configuration:
        cfgs = frozenset(self._asked(*self._for_target))
        found = self.cargo.configuration(self.target.stem, cfgs, self.paths)
        where = f"{self.cargo.workspace}/.cargo/config.toml: rustflags for {self.target.stem}"
        flag_rules.check(found.given, where)
        return found

    @property
    def _for_target(self) -> tuple[str, ...]:
        return ("-Zunstable-options", "--target", str(self.target))

    @property
    def _cfgs(self) -> frozenset[str]:
        """What the target's programs are compiled under."""
        flags = self.look.once("configuration", self._configuration).given
        return frozenset(self._asked(*self._for_target, *flags))

    def _asked(self, *flags: str) -> tuple[str, ...]:
        """What rustc says of a machine: `rustc --print cfg`."""
        return self.look.once(("cfgs", flags), partial(self._ask, flags))

    def _ask(self, flags: tuple[str, ...]) -> tuple[str, ...]:
        place = str(self.cargo.workspace)
        path = self._memo("cfgs", self.target_digest, *(flag.replace(place, "") for flag in flags))
        memo = _load(path, _Memo[tuple[str, ...]])
        if memo:
            return memo.answer
        arguments = [str(self.rustc.program), "--print=cfg", *flags]
        completed = process.run(arguments, cwd=self.cargo.workspace, env=self.rustc.environment)
        if completed.returncode:
            # the check says more than the compiler, line and remedy
            target_spec.check(CheckRequest(self.target, self.rustc.program, self.rustc.environment))
            raise OstooError(completed.stderr.decode("utf-8", "replace").strip(), where=str(self.target))
        cfgs = tuple(filter(None, completed.stdout.decode().split("\n")))
        _save(path, _Memo({}, (), frozenset(), cfgs))
        return cfgs

    def _crates(self, graph: UnitGraph, setting: Setting) -> Iterable[Crate]:
        for unit in graph.units:
            source = setting.portable(unit.src_path)
            if unit.platform and is_local(source):
                yield Crate(source, unit.features, unit.is_test, setting.view(unit))

    def _manifest(self, crate: Crate) -> Path:
        folders = Path(self.paths.root, crate.source).parents
        return next(folder / "Cargo.toml" for folder in folders if (folder / "Cargo.toml").is_file())

    def _reads(self, manifests: Iterable[Path], more: Iterable[Path] = ()) -> ReadSet:
        """What cargo's answers about packages depend on."""
        shared = self.look.once("shared", lambda: tuple(self.cargo.shared_paths()))
        own = (path for manifest in manifests for path in self.cargo.package_paths(manifest))
        return ReadSet.of((*shared, *own, *more), self.cargo.workspace, self.look)

    def _unchanged(self, crates: Iterable[Crate], cfgs: frozenset[str]) -> bool:
        try:
            return all(self.look.once((crate, cfgs), partial(self._is_seen_as, crate, cfgs)) for crate in crates)
        except OSError:
            return False

    def _is_seen_as(self, crate: Crate, cfgs: frozenset[str]) -> bool:
        active = cfgs_of(crate.is_test, cfgs)
        return crate_root.view(Path(self.paths.root, crate.source), crate.features, active) == crate.view


def _load(path: Path, kind: type[Memo]) -> Memo | None:
    try:
        found: Memo = decoders.decode(path.read_bytes(), kind, _decode_path)
    except (OSError, msgspec.MsgspecError):
        return None
    return found


def _save(path: Path, memo: Any) -> None:
    user_cache.note(path, msgspec.json.encode(memo, enc_hook=str))


def _decode_path(kind: type, value: Any) -> Any:
    if issubclass(kind, Path):
        return kind(value)
    raise NotImplementedError(kind)
