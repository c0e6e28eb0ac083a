"""A Cargo workspace: caches its list of programs and their plans.

An answer is stored with everything that it depends on, and computed again if any of that changed. All checkouts of a
user share the memos: they contain digests, and paths within the checkout.
"""

from __future__ import annotations

import contextlib
import os
import time
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.base import digest, own_source, process, stamps
from ostoo_build.base.errors import OstooError
from ostoo_build.base.read_set import ReadSet, refuse_touched
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.planning import check_plan, package_places
from ostoo_build.planning.answers import Answer, Cfgs, Crate, Memo, Question, Survey
from ostoo_build.planning.cargo import Cargo  # noqa: TC001 - msgspec reads the types of fields
from ostoo_build.planning.cargo_config import ConfigContext
from ostoo_build.planning.memos import Memos  # noqa: TC001 - likewise
from ostoo_build.planning.package_reads import PackageReads
from ostoo_build.planning.plan import WHOLE, Program, plan_program
from ostoo_build.planning.plan_context import PlanContext, cfgs_of
from ostoo_build.planning.script_environment import Platform, ScriptContext
from ostoo_build.planning.test_plan import PlannedExecutable, plan_executable
from ostoo_build.planning.together import JointQuery
from ostoo_build.rust import crate_root, flag_rules
from ostoo_build.target import spec as target_spec
from ostoo_build.target.spec import CheckRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ostoo_build.base.paths import PathMap
    from ostoo_build.planning.cargo import Binary
    from ostoo_build.planning.cargo_config import Configuration
    from ostoo_build.planning.unit_graph import Unit, UnitGraph

DECIDED_BY = ("actions/learned.py", "actions/record.py", "base", "planning", "rust", "target")
"""The files and folders of our own source that determine plans."""

_ALL_KINDS = ("--crate-type=bin", "--crate-type=rlib", "--crate-type=proc-macro")
"""Cargo passes all crate types at once, so that rustc prints no cfg that depends on the type."""

_OF_A_QUESTION = frozenset({"proc_macro"})
"""Cargo ignores these cfgs too."""

_FETCHED = ("@{cargo-home}/registry/", "@{cargo-home}/git/")
_DOWNLOADED = ("@{rust-src}/", "@{toolchain}/", *_FETCHED)


class Rustc(Struct, frozen=True):
    """The compiler that is queried about targets; `tools` is the toolchain digest."""

    program: Path
    environment: Mapping[str, str]
    host: str
    tools: digest.Hash


class Workspace(Struct, frozen=True):
    """One Cargo workspace with one target spec and one toolchain. Files are read through `snapshot`.

    `policy` is the file of the requirements for the spec, if there is one.
    """

    cargo: Cargo
    rustc: Rustc
    target: Path
    target_digest: digest.Hash
    policy: Path | None
    paths: PathMap
    memos: Memos
    snapshot: Snapshot

    def binaries(self) -> tuple[Binary, ...]:
        """Return the programs of the workspace. Raises `OstooError` if cargo can't read it."""
        folder = self.cargo.workspace
        return tuple(replace(binary, manifest=folder / binary.manifest) for binary in self._surveyed.binaries)

    def elsewhere(self) -> Iterator[Path]:
        """Return the paths outside the checkout that were read to find packages and their targets."""
        for name in self._surveyed.reads.contents:
            path = Path(os.path.normpath(self.cargo.workspace / name))
            if not path.is_relative_to(self.paths.root):
                yield path

    @property
    def _surveyed(self) -> Survey:
        return self.snapshot.get("survey", self._survey)

    def _survey(self) -> Survey:
        folder = self.cargo.workspace
        question = self._question("survey")
        known = self.memos.recall(question, Survey, lambda memo: memo.reads.is_current(folder, self.snapshot))
        if known:
            return known
        began = time.time_ns()
        manifests = package_places.of_workspace(folder / "Cargo.toml", self.cargo.configuration_files())
        contents = [*package_places.of_members(folder / "Cargo.toml")]
        contents += [place for each in manifests for place in package_places.of_package(each, folder)]
        reads = ReadSet.of(contents, (), folder, self.snapshot)
        declared = package_places.declared(manifests, folder)
        binaries = tuple(
            replace(binary, manifest=Path(os.path.relpath(binary.manifest, folder))) for binary in self.cargo.binaries()
        )
        refuse_touched(began, (*contents, *self.cargo.configuration_files()), folder)
        found = Survey(reads, binaries, declared)
        if reads.is_current(folder, Snapshot()):
            self.memos.keep(question, found)
        return found

    def remembered(self, what: str, binary: Binary, profile: str) -> Program | None:
        """Return the stored plan of a program, or of one of `layout.PARTS` of it, if it is still valid."""
        return self._recall(self._plan_question(what, binary, profile), Memo[Program])

    def plan(self, what: str, binaries: Sequence[Binary], profile: str) -> dict[str, Program]:
        """Plan programs that declare the same dependencies, or one of `layout.PARTS` of them.

        Raises `OstooError` if cargo can't.
        """
        self._begin(profile)
        graphs = self._locked(lambda: self.cargo.unit_graphs(binaries, profile, self.target))
        named = {binary.name: graph for binary, graph in zip(binaries, graphs, strict=True)}
        return self._planned(what, binaries, named, profile)

    def plan_together(
        self, what: str, groups: Sequence[Sequence[Binary]], profile: str, jobs: int
    ) -> dict[str, Program]:
        """Plan those programs of many groups that can be planned together, with `jobs` runs of cargo at a time."""

        def ask(binaries: Sequence[Binary]) -> list[list[UnitGraph]]:
            return [[graph] for graph in self.cargo.unit_graphs(binaries, profile, self.target)]

        graphs = self._joint_graphs(ask, groups, profile, jobs)
        found: dict[str, Program] = {}
        for group in groups:
            own = {binary.name: graphs[binary.name][0] for binary in group if binary.name in graphs}
            with contextlib.suppress(OSError, OstooError):  # planned alone it is the one that has the error
                found |= self._planned(what, group, own, profile) if own else {}
        return found

    def _planned(
        self, what: str, binaries: Sequence[Binary], graphs: Mapping[str, UnitGraph], profile: str
    ) -> dict[str, Program]:
        """Plan programs by the graphs of their builds, and store the plans."""
        context, began = self._begin(profile)
        asked = {binary.name: self._part(what, graphs[binary.name]) for binary in binaries}
        programs = {name: plan_program(graph, context) for name, graph in asked.items()}
        reads = self._package_reads(began)
        for binary in binaries:
            question = self._plan_question(what, binary, profile)
            self._remember(question, [asked[binary.name]], context, programs[binary.name], reads)
        return programs

    def _part(self, what: str, graph: UnitGraph) -> UnitGraph:
        return graph if what == WHOLE else check_plan.part(what, graph, self.cargo.workspace)

    def plan_reads(self, binary: Binary, profile: str, *, of_tests: bool) -> ReadSet | None:
        """Return what the stored plan of a program, or of its tests, was made from; None if none is valid.

        Its paths are relative to the workspace. Configuration, lock and target spec are not among it.
        """
        if of_tests:
            tests = self._memo(self._plan_question("tests", binary, profile), Memo[tuple[PlannedExecutable, ...]])
            return tests.reads if tests else None
        plan = self._memo(self._plan_question(WHOLE, binary, profile), Memo[Program])
        return plan.reads if plan else None

    def remembered_tests(self, binary: Binary, profile: str) -> tuple[PlannedExecutable, ...] | None:
        """Return the stored plans of a program's test executables if they are still valid."""
        return self._recall(self._plan_question("tests", binary, profile), Memo[tuple[PlannedExecutable, ...]])

    def plan_tests(
        self, binaries: Sequence[Binary], profile: str
    ) -> dict[str, tuple[PlannedExecutable, ...] | OstooError]:
        """Plan the test executables of programs that declare the same dependencies, or say why they can't be planned.

        Raises `OstooError` if cargo can't.
        """
        self._begin(profile)
        graphs = self._locked(lambda: self.cargo.test_graphs(binaries, profile, self.target))
        return self._planned_tests(binaries, graphs, profile)

    def plan_tests_together(
        self, groups: Sequence[Sequence[Binary]], profile: str, jobs: int
    ) -> dict[str, tuple[PlannedExecutable, ...] | OstooError]:
        """Plan the tests of those programs that can be planned together, with `jobs` runs of cargo at a time."""

        def ask(binaries: Sequence[Binary]) -> list[list[UnitGraph]]:
            return self.cargo.test_graphs(binaries, profile, self.target)

        graphs = self._joint_graphs(ask, groups, profile, jobs)
        proved = [binary for binary in chain.from_iterable(groups) if binary.name in graphs]
        return self._planned_tests(proved, [graphs[binary.name] for binary in proved], profile)

    def _joint_graphs(
        self,
        ask: Callable[[Sequence[Binary]], list[list[UnitGraph]]],
        groups: Sequence[Sequence[Binary]],
        profile: str,
        jobs: int,
    ) -> dict[str, list[UnitGraph]]:
        """Return the graphs that are proved to be those of each program alone, by its name."""
        context, _ = self._begin(profile)
        return self._locked(partial(JointQuery(ask, context.manifest, jobs).graphs, groups))

    def _planned_tests(
        self, binaries: Sequence[Binary], graphs: Sequence[Sequence[UnitGraph]], profile: str
    ) -> dict[str, tuple[PlannedExecutable, ...] | OstooError]:
        """Plan tests by their graphs, and store the plans, or that they can't be planned."""
        context, began = self._begin(profile)
        found: dict[str, tuple[PlannedExecutable, ...] | OstooError] = {}
        for binary, own in zip(binaries, graphs, strict=True):
            try:
                found[binary.name] = tuple(plan_executable(binary.name, graph, context) for graph in own)
            except OstooError as error:
                found[binary.name] = error
        reads = self._package_reads(began)
        for binary, own in zip(binaries, graphs, strict=True):
            planned = found[binary.name]
            is_refused = isinstance(planned, OstooError)
            question = self._plan_question("refused tests" if is_refused else "tests", binary, profile)
            self._remember(question, own, context, is_refused or planned, reads)
        return found

    def are_tests_refused(self, binary: Binary, profile: str) -> bool:
        """Whether it is stored that the test executables of a program can't be planned; `plan_tests` says why."""
        return self._recall(self._plan_question("refused tests", binary, profile), Memo[bool]) is not None

    def _begin(self, profile: str) -> tuple[PlanContext, int]:
        """Read everything that the plan depends on before cargo runs, so that a later change of a file is noticed."""
        self._surveyed  # noqa: B018 - looks
        began = self.snapshot.get("began", time.time_ns)
        # before cargo: of a bad target spec we say more than cargo
        return self.snapshot.get(("context", profile), partial(self._context, profile)), began

    def _locked(self, ask: Callable[[], Answer]) -> Answer:
        """Call `ask` again if cargo changed the lock meanwhile: an answer is stored for one lock."""
        while True:
            before, began = self._lock(), time.time_ns()
            found = ask()
            if self._lock() == before and not stamps.is_touched_since(began, self.cargo.workspace / "Cargo.lock"):
                return found

    def _recall(self, question: Question, kind: type[Memo[Answer]]) -> Answer | None:
        return memo.answer if (memo := self._memo(question, kind)) else None

    def _memo(self, question: Question, kind: type[Memo[Answer]]) -> Memo[Answer] | None:
        return self.memos.recall(question, kind, self._holds)

    def _holds(self, memo: Memo[Any]) -> bool:
        return (
            memo.declared == self._surveyed.declared
            and memo.variables == _variables(memo.variables)
            and memo.reads.is_current(self.cargo.workspace, self.snapshot)
            and self._unchanged(memo.crates, memo.cfgs)
            and all(self.snapshot.get(("is there", path), partial(self._is_there, path)) for path in memo.downloaded)
        )

    def _package_reads(self, began: int) -> PackageReads:
        """Observe what plans were made from, now that they exist. Raises `OstooError` if configuration changed."""
        folder = self.cargo.workspace
        refuse_touched(began, (*self.cargo.configuration_files(), self.target), folder)
        return PackageReads(folder, self.snapshot, began, self._surveyed.reads.contents.keys())

    def _remember(
        self, question: Question, graphs: Sequence[UnitGraph], context: PlanContext, answer: Any, reads: PackageReads
    ) -> None:
        every = [unit for graph in graphs for unit in graph.units]
        units = [unit for unit in every if self._is_edited(unit, context)]
        manifests = {self.cargo.workspace / "Cargo.toml": None, **{context.manifest(unit).path: None for unit in units}}
        read = reads.of(manifests, {unit.src_path: None for unit in units})
        if read is None:
            return
        crates = tuple({self._crate(unit, context): None for unit in units if unit.platform})
        variables = _variables(self.snapshot.get("configuration", self._configuration).variables)
        downloaded = sorted({path for unit in every if (path := context.portable(unit.src_path)).startswith(_FETCHED)})
        found = Memo(read, variables, self._surveyed.declared, crates, context.cfgs, tuple(downloaded), answer)
        self.memos.keep(question, found)

    def _plan_question(self, what: str, binary: Binary, profile: str) -> Question:
        asked, features = self._question(what), (*binary.selected.words, *self.cargo.std_options)
        named = replace(asked, lock=self._lock(), profile=profile, program=binary.name, features=features)
        return replace(named, target=self.target.stem, target_digest=self.target_digest)

    def _question(self, what: str) -> Question:
        state = self.rustc.tools, self.cargo.configuration_digest, own_source.digest_of(*DECIDED_BY)
        return Question(what, self.paths.portable(self.cargo.folder), *state)

    def _lock(self) -> str:
        lock = self.cargo.workspace / "Cargo.lock"
        return digest.of_file(lock) if lock.is_file() else ""

    def _context(self, profile: str) -> PlanContext:
        configuration = self.snapshot.get("configuration", self._configuration)
        scripts = ScriptContext(
            Platform(
                self.target.stem,
                self._asked(*self._for_target, *configuration.given, *_ALL_KINDS),
                configuration.given,
                configuration.linker,
            ),
            Platform(self.rustc.host, self._asked(*_ALL_KINDS), (), configuration.host_linker),
            self.cargo.inherited(profile),
        )
        return PlanContext(
            paths=self.paths,
            workspace=self.paths.portable(self.cargo.workspace),
            target=self.target.stem,
            cfgs=self._cfgs,
            rustflags=configuration.rustflags,
            rustdocflags=configuration.rustdocflags,
            behind_sysroot=configuration.behind_sysroot,
            env=configuration.env,
            scripts=scripts,
            snapshot=self.snapshot,
        )

    def _configuration(self) -> Configuration:
        where = f"{self.cargo.folder}/.cargo/config.toml: rustflags for {self.target.stem}"

        def query(flags: tuple[str, ...]) -> frozenset[str]:
            flag_rules.check(flags, where)
            return frozenset(self._asked(*self._for_target, *flags, *_ALL_KINDS)) - _OF_A_QUESTION

        host_cfgs = frozenset(self._asked(*_ALL_KINDS)) - _OF_A_QUESTION
        context = ConfigContext(self.cargo.workspace, os.environ, self.target.stem, self.rustc.host, host_cfgs)
        return self.cargo.configuration(context, query, self.paths)

    @property
    def _for_target(self) -> tuple[str, ...]:
        return ("-Zunstable-options", "--target", str(self.target))

    def cfgs_with(self, flags: tuple[str, ...]) -> tuple[str, ...]:
        """Return the cfgs that rustc sets for the target with flags of code generation."""
        return self._asked(*self._for_target, *flags)

    @property
    def _cfgs(self) -> frozenset[str]:
        """The cfgs that the target's programs are compiled with."""
        flags = self.snapshot.get("configuration", self._configuration).given
        return frozenset(self._asked(*self._for_target, *flags))

    def _asked(self, *flags: str) -> tuple[str, ...]:
        """Return the output of `rustc --print cfg` with some flags."""
        return self.snapshot.get(("cfgs", flags), partial(self._ask, flags))

    def _ask(self, flags: tuple[str, ...]) -> tuple[str, ...]:
        place = str(self.cargo.workspace)
        asked = tuple(flag.replace(place, "") for flag in flags)
        question = replace(self._question("cfgs"), target_digest=self.target_digest, flags=asked)
        began = time.time_ns()
        memo = self.memos.recall(question, Cfgs, lambda _memo: True)
        if memo:
            return memo.cfgs
        arguments = [str(self.rustc.program), "--print=cfg", *flags]
        completed = process.run(arguments, cwd=self.cargo.workspace, env=self.rustc.environment)
        if completed.returncode:
            # the check's message has a line and a remedy, unlike the compiler's
            target_spec.check(CheckRequest(self.target, self.rustc.program, self.rustc.environment, self.policy))
            raise OstooError(completed.stderr.decode("utf-8", "replace").strip(), where=str(self.target))
        refuse_touched(began, [self.target], self.cargo.workspace)
        cfgs = tuple(filter(None, completed.stdout.decode().split("\n")))
        self.memos.keep(question, Cfgs(cfgs))
        return cfgs

    def _is_edited(self, unit: Unit, context: PlanContext) -> bool:
        """Whether a user may edit the unit's package; downloaded packages never change."""
        return not context.portable(unit.src_path).startswith(_DOWNLOADED)

    def _is_there(self, path: str) -> bool:
        return Path(self.paths.expand(path)).is_file()

    def _crate(self, unit: Unit, context: PlanContext) -> Crate:
        return Crate(context.portable(unit.src_path), unit.features, unit.is_test, context.view(unit))

    def _unchanged(self, crates: Iterable[Crate], cfgs: frozenset[str]) -> bool:
        try:
            return all(self.snapshot.get((crate, cfgs), partial(self._is_seen_as, crate, cfgs)) for crate in crates)
        except OSError:
            return False

    def _is_seen_as(self, crate: Crate, cfgs: frozenset[str]) -> bool:
        active = cfgs_of(crate.is_test, cfgs)
        source = Path(self.paths.root, self.paths.expand(crate.source))
        return crate_root.view(source, crate.features, active, self.snapshot) == crate.view


def _variables(names: Iterable[str]) -> dict[str, str]:
    """Return digests of the variables that are set, not their values: these may be secret."""
    return {name: digest.of_bytes(os.fsencode(os.environ[name])) if name in os.environ else "" for name in names}
