"""Checkouts that can be planned without a compiler: cargo's real unit graphs over sources that say hardly anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base.paths import PathMap
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.planning import plan, script_order, unit_graph
from ostoo_build.planning.declared import Declared
from ostoo_build.planning.graph_node import Edge, Node
from ostoo_build.planning.manifest import Manifest
from ostoo_build.planning.plan_context import PlanContext
from ostoo_build.planning.planned_unit import CompileUnit, RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.planning.script_environment import Platform, ScriptContext

if TYPE_CHECKING:
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.unit_graph import Unit, UnitGraph

DATA = Path(__file__).parent / "data"
TARGET = "x86_64-ostoo-user"
CFGS = frozenset({"unix", 'target_os="linux"', 'target_feature="sse"', 'target_feature="sse2"', 'panic="abort"'})
STD = ("alloc", "compiler-builtins/compiler-builtins", "core", "panic_abort", "std")
SOURCES = {"hello-std/src/main.rs": "", "hello-rs/src/main.rs": "#![no_std]", "rt/src/lib.rs": "#![no_std]"}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def checkout(folder: Path) -> PathMap:
    """A checkout in `folder/os`, the std source in `folder/library`."""
    for name, source in SOURCES.items():
        path = write(folder / "os/user-rs" / name, source)
        package = path.parents[1]
        called = "ostoo-rt" if package.name == "rt" else package.name
        write(package / "Cargo.toml", f'[package]\nname = "{called}"\nversion = "0.1.0"\n[features]\nno_std = []\n')
    for package in (folder / "library" / name for name in STD):
        write(package / "src/lib.rs", "#![no_std]")
        write(package / "build.rs", "fn main() {}")
        write(package / "Cargo.toml", f'[package]\nname = "{package.name}"\nversion = "0.0.0"\n')
    places = {"toolchain": "usr", "rust-src": "library", "cargo-home": "cargo", "rustc": "rustc", "lld": "lld"}
    return PathMap((("root", folder / "os"), *((name, folder / place) for name, place in places.items())))


def graph_text(paths: PathMap, program: str) -> str:
    """What cargo said of `hello-std` or `hello-rs`, as if it had been asked there."""
    text = (DATA / f"unit_graph_{program.replace('-', '_')}.json").read_text()
    return text.replace("@ROOT@", paths.root).replace("@RUST_SRC@", paths.expand("@{rust-src}"))


def graph(paths: PathMap, program: str) -> UnitGraph:
    (found,) = unit_graph.parse(graph_text(paths, program))
    return found


def context(paths: PathMap) -> PlanContext:
    flags, env = ("-Cforce-frame-pointers=yes",), (("GREETING", "hello"),)
    host = Platform("x86_64-unknown-linux-gnu", ("unix",), (), "")
    scripts = ScriptContext(Platform(TARGET, tuple(sorted(CFGS)), flags, "rust-lld"), host, "release")
    return PlanContext(paths, "user-rs", TARGET, CFGS, flags, (), 0, env, scripts, Snapshot())


def manifest(name: str, version: str = "1.0.0") -> Manifest:
    return Manifest(
        Path(name, "Cargo.toml"),
        name,
        version,
        (),
        "",
        Declared({}, ()),
        (),
        (),
        hides_dependencies=False,
        extra_inputs=(),
        without_harness=(),
    )


def node(unit: Unit, *needed: Node, name: str = "a", version: str = "1.0.0") -> Node:
    """A unit as planning knows it, of a package of that name."""
    edges = tuple(Edge(each, each.id, public=False, noprelude=False) for each in needed)
    linked = () if unit.is_run else script_order.linked(edges)
    return Node(f"{name}-1", unit, manifest(name, version), name, edges, linked, is_primary=False)


def planned(folder: Path, program: str) -> Program:
    paths = checkout(folder)
    return plan.plan_program(graph(paths, program), context(paths))


def compiled(program: Program, name: str, kind: UnitKind = UnitKind.LIBRARY) -> list[CompileUnit]:
    """The crates of a program with ids that begin so."""
    units = (unit for unit in program.units if isinstance(unit, CompileUnit) and unit.kind is kind)
    return [unit for unit in units if unit.id.startswith(name)]


def runs(program: Program) -> list[RunBuildScript]:
    return [unit for unit in program.units if isinstance(unit, RunBuildScript)]
