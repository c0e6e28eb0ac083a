"""The programs of a checkout's workspaces, and the plans of the requested ones."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.base.spelling import one_of
from ostoo_build.planning import together
from ostoo_build.planning.plan import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ostoo_build.base.read_set import ReadSet
    from ostoo_build.planning.cargo import Binary
    from ostoo_build.planning.features import Selection
    from ostoo_build.planning.plan import Program, ProgramId
    from ostoo_build.planning.test_plan import PlannedExecutable
    from ostoo_build.planning.workspace import Workspace
    from ostoo_build.project.workspaces import ProgramGroup

    _Key = tuple[str, tuple[str, ...], str]


class Programs:
    """The programs of all workspaces, and their plans; `find` opens the workspace of a group for a target.

    `selections` are the features that `ostoo.toml` selects, by program.
    """

    def __init__(
        self,
        groups: Sequence[ProgramGroup],
        find: Callable[[ProgramGroup, str], Workspace],
        profile: str,
        jobs: int,
        selections: Mapping[str, Selection],
    ) -> None:
        self._all_groups = groups
        self._selections = selections
        self._find = find
        self._profile = profile
        self._jobs = jobs
        self._groups: dict[str, ProgramGroup] = {}
        self._workspaces: dict[_Key, Workspace] = {}
        self._plans: dict[tuple[str, ProgramId], Future[dict[str, Program]]] = {}
        self._tests: dict[ProgramId, tuple[PlannedExecutable, ...]] = {}

    @property
    def binaries(self) -> dict[str, Binary]:
        """The programs of all workspaces by name, without `refused`."""
        return self._named[0]

    @property
    def refused(self) -> dict[str, OstooError]:
        """The names that no program can have, each with the reason: several have it, or a folder of the build."""
        return self._named[1]

    @cached_property
    def _named(self) -> tuple[dict[str, Binary], dict[str, OstooError]]:
        found: dict[str, list[Binary]] = {}
        for group, binary in self._grouped():
            found.setdefault(binary.name, []).append(binary)
            self._groups[binary.name] = group
        refused = {
            name: _refused(name, [str(each.manifest) for each in same])
            for name, same in found.items()
            if len(same) > 1 or name == layout.UNITS
        }
        alone = {name: same[0] for name, same in found.items() if name not in refused}
        alone |= {name: _selected(_known(alone, name), chosen) for name, chosen in self._selections.items()}
        return alone, refused

    @property
    def described(self) -> Collection[str]:
        """The programs whose features `ostoo.toml` selects."""
        return self._selections.keys()

    def select(self, name: str, selection: Selection) -> None:
        """Select features for a program. A plan without them, which was made before, is dropped."""
        if self.binaries[name].selected != selection:
            self.binaries[name] = replace(self.binaries[name], selected=selection)
            self._plans = {key: plan for key, plan in self._plans.items() if key[1][0] != name}

    def available(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the programs whose required features are selected. Cargo builds no others if none is named."""
        return tuple(name for name in names if not self.binaries[name].lacking)

    @property
    def all_but_examples(self) -> tuple[str, ...]:
        """The programs that `--all` of a verb means."""
        return self.available(name for name in self.binaries if not layout.is_example(name))

    @property
    def defaults(self) -> tuple[str, ...]:
        """The programs that are built if none is named."""
        return self.available(name for name, binary in self.binaries.items() if binary.is_default)

    def workspace_of(self, name: str, target: str) -> Workspace:
        """Return the workspace of a program for one of its targets."""
        return self.workspace(self.group_of(name), target)

    def _grouped(self) -> Iterator[tuple[ProgramGroup, Binary]]:
        taken: set[Path] = set()
        for group in self._all_groups:
            binaries = self.workspace(group, group.targets[0]).binaries()
            own = [each for each in binaries if each.manifest not in taken and group.takes(each.package)]
            if binaries and not own:
                known = sorted({each.package for each in binaries})
                raise OstooError(
                    f"no package of {group.folder} with a program is left for this table",
                    where=group.where,
                    remedy=f"correct `packages` and `exclude`; packages with programs: {', '.join(known)}",
                )
            taken |= {each.manifest for each in own}
            yield from ((group, each) for each in own)

    @property
    def workspaces(self) -> tuple[Workspace, ...]:
        """The workspaces that were opened so far."""
        return tuple(self._workspaces.values())

    def workspace(self, group: ProgramGroup, target: str) -> Workspace:
        """Return the workspace of a group for one of its targets, opened at the first call."""
        key = _key(group, target)
        if key not in self._workspaces:
            self._workspaces[key] = self._find(group, target)
        return self._workspaces[key]

    def group_of(self, name: str) -> ProgramGroup:
        """Return the group that a program is in."""
        self.binaries  # noqa: B018 - finds the groups
        return self._groups[name]

    def ids(self, names: Iterable[str]) -> set[ProgramId]:
        """Return the ids of programs for each of their targets."""
        return {(name, target) for name in names for target in self.group_of(name).targets}

    def start_planning(self, ids: Iterable[ProgramId], what: str = WHOLE) -> None:
        """Start to plan programs in the background, or one of `layout.PARTS` of them. `plan` waits for the result."""
        unknown: dict[_Key, dict[object, list[Binary]]] = {}
        for name, target in sorted({id_ for id_ in ids if (what, id_) not in self._plans}):
            binary, workspace = self.binaries[name], self.workspace(self.group_of(name), target)
            known = workspace.remembered(what, binary, self._profile)
            if known is None:
                asked = (binary.dependencies, binary.option, binary.selected.words)
                unknown.setdefault(_key(self.group_of(name), target), {}).setdefault(asked, []).append(binary)
            else:
                self._plans[what, (name, target)] = _done({name: known})
        if not unknown:
            return
        pool = ThreadPoolExecutor(self._jobs)
        for key, alike in unknown.items():
            self._start_planning(pool, key, what, [*alike.values()])
        pool.shutdown(wait=False)

    def _start_planning(self, pool: ThreadPoolExecutor, key: _Key, what: str, groups: list[list[Binary]]) -> None:
        """Start to plan programs of a workspace. Those of a group declare the same dependencies."""
        workspace, joined = self._workspaces[key], _done({})
        if together.pays(groups, self._jobs):
            joined = pool.submit(workspace.plan_together, what, groups, self._profile, self._jobs)

        def plan(binaries: list[Binary]) -> dict[str, Program]:
            done = joined.result()
            return done if binaries[0].name in done else workspace.plan(what, binaries, self._profile)

        for binaries in groups:
            plans = pool.submit(plan, binaries)
            self._plans.update(((what, (binary.name, key[-1])), plans) for binary in binaries)

    def plan(self, name: str, target: str, what: str = WHOLE) -> Program:
        """Return the plan of a program for one target, or of one of `layout.PARTS` of it.

        Raises `OstooError` if it can't be made.
        """
        self.start_planning([(name, target)], what)
        return self._plans[what, (name, target)].result()[name]

    def plan_tests(self, name: str, target: str) -> tuple[PlannedExecutable, ...]:
        """Return the plans of a program's test executables for one target. Raises `OstooError` if one can't be made."""
        found = self._planned_tests([(name, target)])[name, target]
        if isinstance(found, OstooError):
            raise found
        return found

    def plan_all_tests(self, ids: Iterable[ProgramId]) -> dict[ProgramId, tuple[PlannedExecutable, ...]]:
        """Return the plans of the test executables of programs, without those that could never run.

        Programs that declare the same dependencies share one query to cargo. Raises `OstooError` if cargo can't plan.
        """

        def may_run(name: str, target: str) -> bool:
            return not self.workspace_of(name, target).are_tests_refused(self.binaries[name], self._profile)

        found = self._planned_tests(id_ for id_ in ids if may_run(*id_))
        return {id_: tests for id_, tests in found.items() if not isinstance(tests, OstooError)}

    def _planned_tests(self, ids: Iterable[ProgramId]) -> dict[ProgramId, tuple[PlannedExecutable, ...] | OstooError]:
        """Return the plans of the test executables of programs, or why they can't be made."""
        found: dict[ProgramId, tuple[PlannedExecutable, ...] | OstooError] = {}
        unknown: dict[_Key, dict[object, list[Binary]]] = {}
        for name, target in ids:
            binary, key = self.binaries[name], _key(self.group_of(name), target)
            known = self.workspace_of(name, target).remembered_tests(binary, self._profile)
            if known is None:
                unknown.setdefault(key, {}).setdefault((binary.dependencies, binary.selected.words), []).append(binary)
            else:
                found[name, target] = known
        for key, alike in unknown.items():
            planned = self._plan_tests(self._workspaces[key], [*alike.values()])
            found |= {(name, key[-1]): tests for name, tests in planned.items()}
        self._tests |= {id_: tests for id_, tests in found.items() if not isinstance(tests, OstooError)}
        return found

    def _plan_tests(
        self, workspace: Workspace, groups: list[list[Binary]]
    ) -> dict[str, tuple[PlannedExecutable, ...] | OstooError]:
        """Plan the tests of programs of a workspace. Those of a group declare the same dependencies."""
        found: dict[str, tuple[PlannedExecutable, ...] | OstooError] = {}
        if together.pays(groups, self._jobs):
            found = workspace.plan_tests_together(groups, self._profile, self._jobs)
        for binaries in groups:
            if binaries[0].name not in found:
                found |= workspace.plan_tests(binaries, self._profile)
        return found

    def plan_reads(self, name: str, target: str, *, of_tests: bool) -> ReadSet | None:
        """Return what the plan of a program, or of its tests, was made from, as `Workspace.plan_reads` does."""
        return self.workspace_of(name, target).plan_reads(self.binaries[name], self._profile, of_tests=of_tests)

    @property
    def parts(self) -> tuple[Program, ...]:
        """The plans of parts of programs that were planned so far, by name, without those that could not be made."""
        parts = ((key[1][0], self._plans[key]) for key in sorted(self._plans) if key[0] != WHOLE)
        return tuple(plans.result()[name] for name, plans in parts if plans.exception() is None)

    def plans_hold(self) -> bool:
        """Whether planning again would give the same plans of all programs, parts and tests that were planned."""
        anew = {key: replace(workspace, snapshot=Snapshot()) for key, workspace in self._workspaces.items()}

        def opened(name: str, target: str) -> Workspace:
            return anew[_key(self.group_of(name), target)]

        pairs: Iterator[tuple[object, object]] = chain(
            (
                (opened(*id_).remembered(what, self.binaries[id_[0]], self._profile), self.plan(*id_, what))
                for what, id_ in self._plans
            ),
            (
                (opened(*id_).remembered_tests(self.binaries[id_[0]], self._profile), tests)
                for id_, tests in self._tests.items()
            ),
        )
        return all(anew == before for anew, before in pairs)


def _key(group: ProgramGroup, target: str) -> _Key:
    return group.folder, group.std_options, target


def _known(binaries: Mapping[str, Binary], name: str) -> Binary:
    if name not in binaries:
        where, remedy = f"ostoo.toml: programs.{name}", one_of(name, binaries)
        raise OstooError(f"there is no program {name}", where=where, remedy=remedy)
    return binaries[name]


def _selected(binary: Binary, chosen: Selection) -> Binary:
    chosen.check(binary.features, f"ostoo.toml: programs.{binary.name}.features")
    return replace(binary, selected=chosen)


def _refused(name: str, manifests: list[str]) -> OstooError:
    if len(manifests) > 1:
        what, remedy = (
            f"several packages have a program {name}",
            "rename all but one, or leave them out: `exclude` in ostoo.toml",
        )
    else:
        what, remedy = f"a program can't be called {name}, as a folder beside it is", "rename it"
    return OstooError(what, where="\n".join(manifests), remedy=remedy)


def _done(plans: dict[str, Program]) -> Future[dict[str, Program]]:
    future: Future[dict[str, Program]] = Future()
    future.set_result(plans)
    return future
