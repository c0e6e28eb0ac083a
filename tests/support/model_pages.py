"""Pages of HTML about what nobody built, for a browser."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import model_checkout as model
from msgspec.structs import replace

from ostoo_build.execution import timings
from ostoo_build.execution.timeline import Step, Timeline
from ostoo_build.query import graph, graph_page
from ostoo_build.query.graph_page import Measured
from ostoo_build.size.parts import Part
from ostoo_build.size.report import SizeReport

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.query.graph import Graph

ABOUT = {"command": "ostoo graph", "commit": "</script>", "toolchain": "Rust 1.99.0", "made": "now"}


class PageFacts:
    """What the page asks for."""

    def __init__(self, found: Graph) -> None:
        self.graph = found

    def inputs(self, label: str) -> tuple[str, ...]:
        return (f"user-rs/{label}/src/main.rs",)


def described(count: int) -> dict[str, dict[str, Any]]:
    """Programs that need one of two units of `shared`, over a chain of libraries."""
    each = {"flags": [], "features": [], "is_program": False}
    chain = {f"lib{at}": {**each, "needs": [f"lib{at - 1}"] if at else []} for at in range(20)}
    shared = {name: {**each, "needs": ["lib19"], "features": [name]} for name in ("quick", "small")}
    programs = {
        f"program-with-a-rather-long-name-{at}": {**each, "needs": ["quick" if at % 2 else "small"], "is_program": True}
        for at in range(count)
    }
    return {**chain, **shared, **programs}


def made(folder: Path, count: int) -> Graph:
    model.write(folder, "plan.json", json.dumps(described(count)))
    programs = model.plan(folder).values()
    same = {id_: "shared v1" for program in programs for id_ in (unit.id for unit in program.units) if id_[0] in "qs"}
    renamed = (
        replace(each, units=tuple(replace(unit, label=same.get(unit.id, unit.label)) for unit in each.units))
        for each in programs
    )
    return graph.of(renamed, ())


def page_of(folder: Path, count: int) -> Path:
    found = made(folder, count)
    measured = {label: Measured(size=len(label) * 100, seconds=None) for label in found.nodes}
    measured["lib3 v1"] = Measured(size=None, seconds=1.5)
    path = folder / "graph.html"
    path.write_text(graph_page.page(PageFacts(found), measured, ABOUT), encoding="utf-8")
    return path


def timings_page(folder: Path) -> Path:
    """A build of which one step takes all the time, and two have one long name."""
    timeline = Timeline()
    name = "a-crate-with-a-name-that-is-long v1.0.0"
    for at in range(12):
        timeline.steps.append(
            Step("Compiling", f"crate{at} v1.0.0", f"build/t/r/units/{at}", (), at, at + 0.5, None, at + 1.0, "local")
        )
    timeline.steps.append(Step("Providing", "the sysroot", "sysroot/t", (), 0.5, None, None, 13.0, "cached"))
    timeline.steps += [
        Step("Compiling", name, f"build/t/r/units/{each}", (), 12.0, None, 12.5, 13.0, "local") for each in "xy"
    ]
    timeline.stream.began -= 13
    features = {"build/t/r/units/x": "std", "build/t/r/units/y": "no features"}
    return timings.write(timings.Measured(timeline, [(1.0, 2), (2.0, 1)], 2, features), folder, ABOUT)


def treemap_page(folder: Path) -> Path:
    """A program of many functions, some with long names."""
    long = (
        "<core::iter::adapters::map::Map<I, F> as core::iter::traits::iterator::Iterator>::fold::<(), core::fmt::Error>"
    )
    parts = [Part("text", f"crate{at % 7}", f"{long}::{at}", 5000 // (at + 1)) for at in range(200)]
    report = SizeReport("hello", sum(part.size for part in parts), tuple(parts))
    path = folder / "treemap.html"
    path.write_text(report.to_page(ABOUT), encoding="utf-8")
    return path
