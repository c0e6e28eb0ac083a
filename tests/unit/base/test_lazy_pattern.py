from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from ostoo_build.base import lazy_pattern as lazy_patterns
from ostoo_build.base.lazy_pattern import lazy_pattern

SITE_SCONS = Path(__file__).parents[3] / "site_scons"
AT_A_START = """
import re._compiler, sys
compiled, compile = [], re._compiler.compile
def note(pattern, flags=0):
    frame = sys._getframe(1)
    while "/re/" in frame.f_code.co_filename:
        frame = frame.f_back
    compiled.append((frame.f_code.co_filename, pattern))
    return compile(pattern, flags)
re._compiler.compile = note
import SCons.Script
import ostoo_scons.tool, ostoo_scons.declarations
print(*{name for name, pattern in compiled if "/ostoo_build/" in name}, sep="\\n")
"""


def test_it_does_what_a_compiled_pattern_does() -> None:
    pattern = lazy_pattern(r"(a+)b", re.IGNORECASE)
    found = pattern.fullmatch("AAb")
    assert found is not None
    assert found[1] == "AA"
    assert pattern.sub("x", "ab aab") == "x x"
    assert (pattern.pattern, pattern.groups) == (r"(a+)b", 1)
    assert lazy_pattern(b"a").findall(b"aba") == [b"a", b"a"]


def test_a_mistake_is_raised_at_the_first_use() -> None:
    pattern = lazy_pattern("(")
    with pytest.raises(re.error, match="unterminated"):
        pattern.match("")


def test_all_that_are_there_can_be_compiled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = lazy_pattern(r"a+(?=b)")
    lazy_patterns.compile_all()
    monkeypatch.setattr(re, "compile", None)
    found = pattern.match("aab")
    assert found is not None
    assert found[0] == "aa"


def test_all_expressions_can_be_compiled() -> None:
    found = [
        (path, name)
        for path in sorted((SITE_SCONS / "ostoo_build").rglob("*.py"))
        if "lazy_pattern(" in path.read_text() and path.stem != "lazy_pattern"
        for name, value in vars(import_module(".".join(path.relative_to(SITE_SCONS).with_suffix("").parts))).items()
        if type(value).__name__ == "_LazyPattern" and value.pattern is not None
    ]
    assert len(found) > 25


def test_a_start_compiles_no_expression_of_ours() -> None:
    """They took 15 ms of each start, and most starts use none."""
    run = subprocess.run(
        [sys.executable, "-c", AT_A_START],
        env={"PYTHONPATH": str(SITE_SCONS), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == []


def test_nobody_else_compiles_expressions() -> None:
    """But for those that a user wrote, which are checked."""
    sources = sorted(SITE_SCONS.rglob("*.py"))
    found = [path.stem for path in sources if "re.compile(" in path.read_text()]
    assert found == ["lazy_pattern", "description", "evaluation"]
