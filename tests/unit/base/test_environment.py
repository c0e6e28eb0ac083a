from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import environment
from ostoo_build.rust import clippy

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE_SCONS = Path(environment.__file__).parents[2]
OF_TEMPFILE = {"TMPDIR"}
"""What Python's own modules read for this build."""

BY_ANOTHER_NAME = {environment.TOKEN, clippy.CONFIGURATION, "FORCE_COLOR", "CLICOLOR_FORCE"}
"""Variables whose names the source has in constants."""


def asked(tree: ast.AST) -> Iterator[str]:
    """The names that a module asks an environment of the user for, where they are written out."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=of, attr="get"), args=[ast.Constant(value=str(name)), *_]):
                pass
            case ast.Subscript(value=of, slice=ast.Constant(value=str(name)), ctx=ast.Load()):
                pass
            case ast.Compare(left=ast.Constant(value=str(name)), comparators=[of]):
                pass
            case _:
                continue
        if ast.unparse(of) == "environ" or ast.unparse(of).endswith(".environ"):
            yield name


def test_each_variable_that_the_source_asks_for_is_listed() -> None:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in SITE_SCONS.rglob("*.py"))
    found = {name for tree in trees for name in asked(tree)}
    assert {"HOME", "PATH", "CI", "GITHUB_ACTIONS", "XDG_CACHE_HOME"} <= found
    assert found | OF_TEMPFILE | BY_ANOTHER_NAME | {"LD_LIBRARY_PATH"} == set(environment.NAMES)


def test_variables_are_in_order_and_there_once() -> None:
    assert list(environment.NAMES) == sorted(set(environment.NAMES))


def test_what_is_set_is_read_and_what_cargo_is_given_too() -> None:
    found = environment.read({"HOME": "/h", "OTHER": "x", "CARGO_NET_OFFLINE": "true"})
    assert found["HOME"] == "/h"
    assert found["CI"] is None
    assert found["CARGO_NET_OFFLINE"] == "true"
    assert "OTHER" not in found
