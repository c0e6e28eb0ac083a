"""Who turned features on, in generated workspaces: against a naive resolver of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import model_checkout as model
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ostoo_build.planning.features import Selection
from ostoo_build.planning.plan import Program
from ostoo_build.planning.planned_unit import CompileUnit, Extern
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.query import turned_on
from ostoo_build.query.dependency_lines import DeclaredFeatures, DependencyLine, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("p", "a", "b", "c")
FEATURES = ("default", "x", "y")


@dataclass(frozen=True)
class Workspace:
    """What the packages declare, `p` the program's: a package depends on later ones only."""

    declared: dict[str, DeclaredFeatures]
    selection: Selection


@st.composite
def workspaces(draw: st.DrawFn) -> Workspace:
    declared = {}
    for at, name in enumerate(NAMES):
        lines = []
        for other in draw(st.sets(st.sampled_from(NAMES[at + 1 :]))) if NAMES[at + 1 :] else ():
            features = tuple(draw(st.sets(st.sampled_from(FEATURES))))
            is_optional = draw(st.booleans())
            lines.append(DependencyLine(Kind.NORMAL, f"dependencies.{other}", other, other, features, is_optional))
        optional = [line.name for line in lines if line.is_optional]
        items = [*FEATURES, *(f"dep:{each}" for each in optional), *optional]
        items += [f"{line.name}{mark}/{feature}" for line in lines for mark in ("", "?") for feature in FEATURES]
        of_names: dict[str, tuple[str, ...]] = {each: (f"dep:{each}",) for each in optional}
        of_names |= {each: tuple(draw(st.lists(st.sampled_from(items), max_size=3))) for each in FEATURES}
        declared[name] = DeclaredFeatures(tuple(lines), of_names)
    return Workspace(declared, Selection(tuple(draw(st.sets(st.sampled_from(FEATURES)))), draw(st.booleans())))


@dataclass
class Resolved:
    """The features of each package that is needed, and the lines that are active."""

    features: dict[str, set[str]]
    lines: set[tuple[str, str]]


def resolve(workspace: Workspace) -> Resolved:
    """Follow all rules until nothing is new."""
    selected = {*workspace.selection.names, *(("default",) if workspace.selection.default else ())}
    found = Resolved({"p": selected}, set())
    while True:
        before = sum(map(len, found.features.values())), len(found.features), len(found.lines)
        for name in list(found.features):
            for line in workspace.declared[name].lines:
                if not line.is_optional or (name, line.name) in found.lines:
                    found.lines.add((name, line.name))
                    found.features.setdefault(line.package, set()).update(line.features)
            for feature in list(found.features[name]):
                for item in workspace.declared[name].features[feature]:
                    enable(found, workspace.declared[name], name, item)
        if before == (sum(map(len, found.features.values())), len(found.features), len(found.lines)):
            return found


def enable(found: Resolved, declared: DeclaredFeatures, name: str, item: str) -> None:
    crate, slash, feature = item.partition("/")
    if item.startswith("dep:"):
        found.lines.add((name, item.removeprefix("dep:")))
    elif not slash:
        found.features[name].add(item)
    else:
        if not crate.endswith("?"):
            found.lines.add((name, crate))
            if crate in declared.features:
                found.features[name].add(crate)
        if (name, crate.rstrip("?")) in found.lines:
            found.features.setdefault(crate.rstrip("?"), set()).add(feature)


def units(resolved: Resolved) -> tuple[CompileUnit, ...]:
    described = {
        name: {"needs": [], "flags": [], "features": sorted(resolved.features[name]), "is_program": name == "p"}
        for name in reversed(NAMES)
        if name in resolved.features
    }
    made = {name: model.unit(name, each) for name, each in described.items()}
    return tuple(
        replace(
            unit,
            kind=UnitKind.PROGRAM if name == "p" else UnitKind.LIBRARY,
            externs=tuple(
                Extern(made[other].id, other, noprelude=False, is_private=False)
                for user, other in sorted(resolved.lines)
                if user == name
            ),
        )
        for name, unit in made.items()
    )


@given(workspaces())
def test_each_feature_is_explained_by_what_is_on_and_by_all_that_turns_it_on(workspace: Workspace) -> None:
    resolved = resolve(workspace)
    planned = units(resolved)
    program = Program("p", "t", "bin", "p", "release", uses_std=False, behind_sysroot=0, strip="", units=planned)
    packages = turned_on.packages(planned, lambda folder: workspace.declared[folder.rpartition("/")[2]])
    turners = turned_on.of_program(program, workspace.selection, packages)
    found = {(turned, by) for turned, others in turners.items() for by in others if "Cargo.toml" not in turned}
    assert found == set(expected(workspace, resolved))
    for name, features in resolved.features.items():
        for feature in features:
            chain = turned_on.chains(turners, [label(name, feature)])
            assert any(not others for others in chain.values()), (name, feature)


def label(name: str, feature: str) -> str:
    return f'{name} v1 feature "{feature}"'


def expected(workspace: Workspace, resolved: Resolved) -> Iterator[tuple[str, str]]:
    """Each feature that is on, with each line, feature or selection that alone would turn it on."""
    for name, features in resolved.features.items():
        for line in workspace.declared[name].lines:
            if (name, line.name) in resolved.lines:
                for feature in line.features:
                    yield label(line.package, feature), f"user-rs/{name}/Cargo.toml: dependencies.{line.name}"
        for feature in features:
            for item in workspace.declared[name].features[feature]:
                found = Resolved({other: set() for other in NAMES}, set(resolved.lines))
                enable(found, workspace.declared[name], name, item)
                for other, on in found.features.items():
                    yield from (
                        (label(other, each), label(name, feature)) for each in on if (other, each) != (name, feature)
                    )
    selected = {*workspace.selection.names, *(("default",) if workspace.selection.default else ())}
    yield from ((label("p", feature), "selected for p") for feature in selected)
