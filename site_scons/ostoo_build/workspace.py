"""The Cargo workspace as the build sees it: its programs and their plans, remembered. Does not build them.

An answer is kept in the memo folder together with what it was made from, and made again when any of that has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from ostoo_build import crate_root, digest, process, target_spec
from ostoo_build.cargo import Binary, Cargo
from ostoo_build.crate_root import View  # noqa: TC001 - msgspec reads the field's type
from ostoo_build.errors import OstooError
from ostoo_build.plan import Program, Setting, plan_program
from ostoo_build.read_set import ReadSet
from ostoo_build.source_tree import signature, write_atomically
from ostoo_build.target_spec import CheckRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ostoo_build.paths import PathMap
    from ostoo_build.unit_graph import UnitGraph

Answer = TypeVar("Answer")
Memo = TypeVar("Memo")


@dataclass(frozen=True)
class Crate:
    """A crate of the checkout whose source told the plan how much of std it sees."""

    source: Path
    features: tuple[str, ...]
    view: View


@dataclass(frozen=True)
class _Memo(Generic[Answer]):
    """An answer and what it was made from."""

    key: digest.Hash
    reads: dict[str, str]
    crates: tuple[Crate, ...]
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
    """One Cargo workspace, one target spec, one toolchain."""

    cargo: Cargo
    rustc: Rustc
    target: Path
    target_digest: digest.Hash
    paths: PathMap
    memos: Path

    def binaries(self) -> tuple[Binary, ...]:
        """The programs of the workspace. Raises `OstooError` where cargo can't read it."""
        path = self.memos / "programs.json"
        memo = _load(path, _Memo[tuple[Binary, ...]])
        key = digest.of_json([self.rustc.tools, _own_code()])
        if memo and memo.key == key and ReadSet(memo.reads).is_current():
            return memo.answer
        found = self.cargo.binaries()
        reads = ReadSet.of(self.cargo.read_paths(tuple(binary.manifest for binary in found)))
        _save(path, _Memo(key, reads.digests, (), found))
        return found

    def plan(self, binary: Binary, profile: str) -> Program:
        """The plan of one program. Raises `OstooError` where cargo can't make one."""
        path = self.memos / f"{self.target.stem}-{profile}-{binary.name}.json"
        key = digest.of_json([self.rustc.tools, _own_code(), self.target_digest, profile, self.paths.root])
        memo = _load(path, _Memo[Program])
        cfgs = self._cfgs()
        if memo and memo.key == key and ReadSet(memo.reads).is_current() and _unchanged(memo.crates, cfgs):
            return memo.answer
        graph = self.cargo.unit_graph(binary, profile, self.target)
        program = plan_program(graph, self._setting(cfgs))
        crates = tuple(self._crates(graph, cfgs))
        reads = ReadSet.of(self.cargo.read_paths(tuple(_manifests(crates))))
        _save(path, _Memo(key, reads.digests, crates, program))
        return program

    def _setting(self, cfgs: frozenset[str]) -> Setting:
        target = self.target.stem
        configuration = self.cargo.configuration(target, cfgs, self.paths)
        return Setting(self.paths, target, cfgs, self.rustc.host, configuration.rustflags, configuration.env)

    def _cfgs(self) -> frozenset[str]:
        """What the target's programs are compiled under: `rustc --print cfg`."""
        path = self.memos / f"{self.target.stem}-cfgs.json"
        key = digest.of_json([self.rustc.tools, self.target_digest])
        memo = _load(path, _Memo[frozenset[str]])
        if memo and memo.key == key:
            return memo.answer
        arguments = [str(self.rustc.program), "--print=cfg", "-Zunstable-options", "--target", str(self.target)]
        completed = process.run(arguments, cwd=self.target.parent, env=self.rustc.environment)
        if completed.returncode:
            # the check says more than the compiler, line and remedy
            target_spec.check(CheckRequest(self.target, self.rustc.program, self.rustc.environment))
            raise OstooError(completed.stderr.decode("utf-8", "replace").strip(), where=str(self.target))
        cfgs = frozenset(completed.stdout.decode().split("\n")) - {""}
        _save(path, _Memo(key, {}, (), cfgs))
        return cfgs

    def _crates(self, graph: UnitGraph, cfgs: frozenset[str]) -> Iterable[Crate]:
        for unit in graph.units:
            if unit.platform and not self.paths.portable(unit.src_path).startswith("@{"):
                yield Crate(unit.src_path, unit.features, crate_root.view(unit.src_path, unit.features, cfgs))


@cache
def _own_code() -> digest.Hash:
    """Changes with each edit of this package: another version of it may answer otherwise."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return digest.of_json([(source.name, *signature(source)) for source in sources])


def _manifests(crates: Iterable[Crate]) -> Iterable[Path]:
    for crate in crates:
        yield next(folder / "Cargo.toml" for folder in crate.source.parents if (folder / "Cargo.toml").is_file())


def _unchanged(crates: Iterable[Crate], cfgs: frozenset[str]) -> bool:
    try:
        return all(crate_root.view(crate.source, crate.features, cfgs) == crate.view for crate in crates)
    except OSError:
        return False


def _load(path: Path, kind: type[Memo]) -> Memo | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind, dec_hook=_decode_path)
    except (OSError, msgspec.MsgspecError):
        return None


def _save(path: Path, memo: Any) -> None:
    write_atomically(path, msgspec.json.encode(memo, enc_hook=str))


def _decode_path(kind: type, value: Any) -> Any:
    if issubclass(kind, Path):
        return kind(value)
    raise NotImplementedError(kind)
