"""What `./ostoo query` says is what cargo says: of the units of each program of the corpus, and of features."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import all_workspaces
import planners
import pytest
from test_corpus_real import selected_by, write_targets
from trees import PROJECT, copy_tree
from workspaces import write

from ostoo_build.base import layout
from ostoo_build.invocation.options import Options
from ostoo_build.planning import manifest as manifests
from ostoo_build.planning import unit_graph, unit_name
from ostoo_build.planning.cargo import Cargo
from ostoo_build.planning.planned_unit import CompileUnit
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.query import evaluation, graph
from ostoo_build.query.facts import BuildFacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trees import Tree

    from ostoo_build.invocation.planner import Planner
    from ostoo_build.planning.planned_unit import Unit
    from ostoo_build.planning.unit_graph import UnitGraph

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("corpus")]

LARGER = [each for each in all_workspaces.BUILT.values() if sum(name.endswith("Cargo.toml") for name in each.files) > 2]
"""Workspaces in which something needs something."""

Named = tuple[str, str, bool, tuple[str, ...]]
"""A unit by package, kind, whether it is for the target, and features; the run of a script has none."""


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tree, list[Planner], dict[str, UnitGraph]]]:
    """The corpus and this repository's programs, planned, and what cargo said of each program meanwhile."""
    folder = tmp_path_factory.mktemp("query")
    tree = copy_tree(folder / "checkout", str(folder / "cache"))
    write_targets(tree)
    for workspace in LARGER:
        write(workspace, tree.root)
    said: dict[str, UnitGraph] = {}
    ask = Cargo.unit_graphs

    def recorded(self: Cargo, *asked: object) -> list[UnitGraph]:
        found = ask(self, *asked)  # type: ignore[arg-type]
        said.update(
            {layout.example(each.name) if each.units[-1].kind == "example" else each.name: each for each in found}
        )
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "user"))  # else stored plans would do
        patch.setenv("CARGO_HOME", str(folder / "cargo-home"))
        patch.setattr(Cargo, "unit_graphs", recorded)
        made = [plan_all(tree, profile) for profile in sorted({each.profile for each in LARGER})]
        yield tree, made, said


def plan_all(tree: Tree, profile: str) -> Planner:
    planner = planners.opened(tree.root, profile=profile)
    workspaces = [each for each in LARGER if each.profile == profile]
    words = {name: words for each in workspaces for name, words in each.programs.items()}
    for name, chosen in words.items():
        planner.programs.select(name, selected_by(chosen.split()))  # as its SConscript does
    own = ("hello-rs", "hello-std") if profile == "release" else ()
    ids = sorted(planner.programs.ids((*words, *own)))
    planner.programs.start_planning(ids)
    for id_ in ids:
        planner.plan(*id_)
    return planner


def facts_of(planner: Planner, found: graph.Graph) -> BuildFacts:
    """Facts that need no records."""
    return BuildFacts(planner, found, Options({}), (), pytest.fail)


def of_cargo(said: UnitGraph) -> tuple[dict[int, Named], set[tuple[Named, Named]]]:
    """Cargo's units and edges, without those of std."""
    named = {index: by_cargo(unit) for index, unit in enumerate(said.units) if not unit.is_std}
    edges = {
        (named[index], named[dependency.index])
        for index in named
        for dependency in said.units[index].dependencies
        if dependency.index in named and UnitKind.of(said.units[dependency.index]) is not UnitKind.PROGRAM
    }
    return named, edges


def by_cargo(unit: unit_graph.Unit) -> Named:
    found = manifests.read(unit_graph.manifest_path(unit))
    kind = graph.RUN if unit.is_run else UnitKind.of(unit).value
    return f"{found.name} v{found.version}", kind, unit.platform is not None, () if unit.is_run else unit.features


def by_us(unit: Unit) -> Named:
    kind = unit.kind.value if isinstance(unit, CompileUnit) else graph.RUN
    return unit.label, kind, bool(unit.target), unit_name.features(unit)


def test_the_graph_is_cargos(planned: tuple[Tree, list[Planner], dict[str, UnitGraph]]) -> None:
    _, made, said = planned
    compared = 0
    for planner in made:
        for name, target in planner.programs.ids(planner.programs.binaries):
            if name not in said or (planner.profile != said[name].units[-1].profile.name):
                continue
            program = planner.plan(name, target)
            found = graph.of([program], ())
            facts = facts_of(planner, found)
            deps = evaluation.evaluate(found, f'deps("{name}")', facts)
            ours = {label: by_us(found.units[label]) for label in deps if not found.units[label].is_std}
            units, edges = of_cargo(said[name])
            assert set(ours.values()) == set(units.values()), name
            mine = {(ours[a], ours[b]) for a in ours for b in found.needs[a] if b in ours}
            assert (mine - edges, edges - mine) == (set(), set()), name
            compared += 1
    assert compared > 60


def test_each_feature_has_somebody_who_turned_it_on(planned: tuple[Tree, list[Planner], dict[str, UnitGraph]]) -> None:
    _, made, said = planned
    count = 0
    for planner in made:
        for name, target in planner.programs.ids(planner.programs.binaries):
            if name in said and planner.profile == said[name].units[-1].profile.name:
                found = graph.of([planner.plan(name, target)], ())
                facts = facts_of(planner, found)
                for package in {unit.label for unit in found.units.values() if isinstance(unit, CompileUnit)}:
                    told = facts.features(found.nodes, package)
                    assert [each for each in told.features if not told.by[each]] == [], (name, package)
                    count += len(told.features)
    assert count > 50


MANIFESTS = {
    "": '[workspace]\nresolver = "2"\nmembers = ["top", "mid", "low", "spare", "tool"]\n[workspace.dependencies]\n'
    'low = { path = "low", default-features = false, features = ["shared"] }\n',
    "top": """
[features]
default = ["whole"]
quick = ["mid/fast", "extra?/loud", "dep:tool"]
whole = ["quick", "extra"]
[dependencies]
mid = { path = "../mid", features = ["more"] }
renamed = { package = "low", path = "../low", features = ["named"] }
extra = { package = "spare", path = "../spare", optional = true }
tool = { path = "../tool", optional = true }
[build-dependencies]
renamed = { package = "low", path = "../low", features = ["host"] }
""",
    "mid": """
[features]
default = []
fast = ["low/rapid"]
more = ["low"]
[dependencies]
low = { workspace = true, optional = true, features = ["own"] }
""",
    "low": "[features]\n"
    + "".join(f"{name} = []\n" for name in ("shared", "named", "loud", "host", "rapid", "own"))
    + 'default = ["inner"]\ninner = []\n',
    "spare": '[features]\nloud = []\n[dependencies]\nlow = { path = "../low", features = ["loud"] }\n',
    "tool": '[features]\ndefault = []\n[target."cfg(unix)".dependencies]\nlow = { workspace = true }\n',
}
"""A workspace with each way to turn a feature on, without std's."""


def test_who_turned_features_on_is_who_cargo_tree_names(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "checkout", str(tmp_path / "cache"))
    shutil.rmtree(tree.root / "user-rs")
    configuration = (PROJECT / "user-rs/.cargo/config.toml").read_text(encoding="utf-8")
    tree.write("user-rs/.cargo/config.toml", configuration)
    for folder, text in MANIFESTS.items():
        head = f'[package]\nname = "{folder}"\nversion = "0.1.0"\nedition = "2021"\n' if folder else ""
        tree.write(f"user-rs/{folder}/Cargo.toml".replace("//", "/"), head + text)
        if folder:
            tree.write(f"user-rs/{folder}/src/{'main' if folder == 'top' else 'lib'}.rs", "#![no_std]\n")
    tree.write("user-rs/top/build.rs", "fn main() {}\n")
    planner = planners.opened(tree.root)
    ((name, target),) = planner.programs.ids(["top"])
    found = graph.of([planner.plan(name, target)], ())
    facts = facts_of(planner, found)
    ours = {(turned, by) for at in ("low", "mid") for turned, by in told_by_us(facts, found, at)}
    assert ours == set(told_by_cargo(planner, "low")) | set(told_by_cargo(planner, "mid"))
    assert len(ours) > 10


def told_by_us(facts: BuildFacts, found: graph.Graph, package: str) -> Iterator[tuple[str, str]]:
    told = facts.features(found.nodes, package)
    for label in told.features:
        yield from ((named(label), named(by)) for by in told.by[label])


def named(label: str) -> str:
    """Cargo names the package of a line, and no platform."""
    of_line = re.fullmatch(r"user-rs/(\w+)/Cargo.toml: .*", label)
    return of_line[1] if of_line else label.replace(" v0.1.0", "").replace(" (for the host)", "")


def told_by_cargo(planner: Planner, package: str) -> Iterator[tuple[str, str]]:
    """What `cargo tree` says of a package: each feature with what is one step deeper."""
    words = ["tree", "--package=top", "--edges=features", f"--invert={package}", "--prefix=depth", "--no-dedupe"]
    target = str(planner.targets.spec_file(planner.programs.group_of("top").targets[0]))
    asked = [str(planner.tools.toolchain.cargo), *words, f"--target={target}"]
    said = subprocess.run(
        asked,
        cwd=planner.root / "user-rs",
        env=dict(planner.tools.environment),
        text=True,
        capture_output=True,
        check=True,
    )
    above: list[str] = []
    for line in filter(None, said.stdout.splitlines()):
        depth, text = re.match(r"(\d+)(.*)", line).groups()  # type: ignore[union-attr]
        label = re.sub(r" v0.1.0.*| \(command-line\)| \(\*\)", "", text)
        above[int(depth) :] = [label]
        if len(above) > 1 and above[-2].startswith(f"{package} feature"):
            yield above[-2], "selected for top" if "command-line" in text else label
