from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE_SCONS = Path(layout.__file__).parents[2]
SOURCES = [path for path in SITE_SCONS.rglob("*.py") if path != Path(layout.__file__)]
SYSROOT_PINS = (".toml",)
"""What the names of files end in that people write into `sysroot`."""


def texts(tree: ast.AST) -> Iterator[ast.Constant]:
    """All texts of a program that are no documentation."""
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node


def steps_of_paths(tree: ast.AST) -> Iterator[ast.expr]:
    """What is joined to a path: by `/`, or by `joinpath`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield from (node.left, node.right)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "joinpath":
            yield from node.args


MADE = (layout.BUILD, layout.SYSROOTS, layout.TARGETS)


def places_of_its_own(source: str) -> list[int]:
    """The lines of a program that name a place below the folders of builds."""
    tree = ast.parse(source)
    begins = tuple(f"{folder}/" for folder in MADE)
    named = {id(node): node for node in texts(tree) if str(node.value).startswith(begins)}
    named = {key: node for key, node in named.items() if not str(node.value).endswith(SYSROOT_PINS)}
    joined = [node for node in steps_of_paths(tree) if isinstance(node, ast.Constant)]
    named |= {id(node): node for node in joined if node.value in MADE}
    return sorted(node.lineno for node in named.values())


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ('folder = f"build/{target}/units"', True),
        ('name.startswith("build/")', True),
        ('_NOT_EDITED = ("build/", "sysroot/")', True),
        ('path = root / "build" / target', True),
        ('path = root.joinpath("build", *names)', True),
        ('path = self.root / "targets" / name', True),
        ('command = [*cargo, "build", "--release"]', False),
        ('PINS = "sysroot/container-pins.toml"', False),
        ('variables["sysroot"]', False),
        ('"""build/x is where it lies."""', False),
        ('FOLDER = "build/timings"', True),
    ],
)
def test_a_place_that_somebody_else_names_is_found(line: str, *, is_found: bool) -> None:
    assert bool(places_of_its_own(line)) == is_found


def test_nobody_else_names_a_place_that_builds_make() -> None:
    assert len(SOURCES) > 100
    found = {path.name: places_of_its_own(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_places_are_what_people_and_other_tools_know() -> None:
    """The manual names them, and so do scripts of users."""
    assert layout.program("x86_64-ostoo-user", "release", "hello-rs") == "build/x86_64-ostoo-user/release/hello-rs"
    assert layout.unit(layout.HOST, "dev", "core-1") == "build/host/dev/units/core-1"
    assert layout.note("t", "dev", "a.tests/bin-a") == "build/.ostoo/programs/t/dev/a.tests/bin-a.json"
    assert layout.reports("t", "dev", "a") == "build/reports/t/dev/a"
    assert layout.boots("t", "dev", "linux") == "build/t/boot/dev/linux"
    assert layout.target_check("t") == "build/t/target-spec"
    assert (layout.spec("t"), layout.CONTRACT) == ("targets/t.json", ".loader.json")


def test_a_programs_tests_are_told_from_the_program() -> None:
    assert layout.tested(layout.tests("a")) == "a"
    assert layout.tested("a") == layout.tested("tests") == layout.tested("a.tests/bin-a") == ""


@pytest.mark.parametrize(
    ("path", "in_build"),
    [
        ("build/a", True),
        ("build", False),
        ("builder/a", False),
        ("sysroot/t/lib", False),
        ("user-rs/build/a", False),
        ("@{root}/build/a", False),
    ],
)
def test_a_name_tells_whether_it_is_in_the_folder_of_builds(path: str, *, in_build: bool) -> None:
    assert layout.is_in_build(path) == in_build


def test_nothing_that_is_remembered_shares_a_place() -> None:
    places = [value for name, value in vars(layout).items() if name.isupper() and isinstance(value, str)]
    assert len(set(places)) == len(places) > 10
