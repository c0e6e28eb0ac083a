"""The order of the modules, as docs/architecture.md tells it."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import json_schema
from ostoo_build.cli import boot
from ostoo_build.planning import workspace
from ostoo_build.rules import hidden_asm, loader_check, program_key, reports

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE_SCONS = Path(__file__).parents[2] / "site_scons"
PACKAGE = SITE_SCONS / "ostoo_build"

PACKAGES = {
    "base": "",
    "reapi": "base",
    "binary": "base",
    "rust": "base",
    "fetch": "base",
    "target": "base rust",
    "loader": "base binary",
    "stack": "base binary loader",
    "size": "base binary",
    "start": "base fetch",
    "sysroot": "base binary fetch",
    "sysroot.image": "base sysroot",
    "toolchain": "base fetch reapi",
    "actions": "base reapi",
    "remote": "actions base reapi rust",
    "cache": "actions base remote",
    "project": "base",
    "planning": "actions base project rust target",
    "adoption": "base project",
    "execution": "actions base cache planning reapi remote rust",
    "run": "base fetch loader",
    "invocation": "base cache execution planning project reapi remote rust sysroot target toolchain",
    "rules": (
        "actions base binary cache execution invocation loader planning reapi run rust size stack sysroot target"
        " toolchain"
    ),
    "boot": "base binary fetch run",
    "server": "base start",
    "rebuild": "actions base execution fetch invocation planning rules server start toolchain",
    "query": "actions base invocation planning rules toolchain",
    "check": "actions base planning rust",
    "ide": "actions base invocation planning query rules rust",
    "why": "actions base execution invocation planning rules start",
    "cli": (
        "actions adoption base binary boot cache check execution ide invocation loader planning project query rebuild"
        " rules run server size stack start toolchain why"
    ),
    "doctor": (
        "base boot cache execution invocation loader planning project rebuild remote rules run server start sysroot"
        " target toolchain"
    ),
}
"""Each package, and those that its modules may import from besides its own; its docstring says what it is for."""


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py")) if path.stem != "__init__"}
GENERATED = "remote_execution_pb2"


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> tuple[tuple[str, str], ...]:
    """All imports of a file, those within functions and for types included: the module, and the name taken from it."""
    return tuple(imported_by(parsed(path)))


def imported_by(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno} imports relatively"
            yield from ((node.module or "", alias.name) for alias in node.names)


def own_modules(path: Path) -> set[str]:
    return own_modules_of(parsed(path))


def own_modules_of(tree: ast.AST) -> set[str]:
    found = list(imported_by(tree))
    dotted = {f"{module}.{name}" for module, name in found} | {module for module, _ in found}
    return {name.removeprefix("ostoo_build.") for name in dotted if name.startswith("ostoo_build.")} & set(MODULES)


def package_of(module: str) -> str:
    return module.rpartition(".")[0]


def test_a_package_imports_from_those_that_its_row_names() -> None:
    pairs = {(package_of(module), package_of(other)) for module, path in MODULES.items() for other in own_modules(path)}
    used = {(package, other) for package, other in pairs if package != other}
    assert used == {(package, other) for package, others in PACKAGES.items() for other in others.split()}


def test_packages_have_no_circle() -> None:
    assert set(PACKAGES) == {package_of(module) for module in MODULES}
    TopologicalSorter({package: others.split() for package, others in PACKAGES.items()}).prepare()


def test_a_package_says_what_it_is_for() -> None:
    for package in PACKAGES:
        text = (PACKAGE / package.replace(".", "/") / "__init__.py").read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(text)), package


def test_imports_have_no_circle() -> None:
    graph = {module: own_modules(path) for module, path in MODULES.items()}
    assert sum(map(len, graph.values())) > len(MODULES), "no imports were found: this test looks at nothing"
    TopologicalSorter(graph).prepare()


@cache
def run_time_imports(module: str) -> set[str]:
    """What a module loads of ours, sooner or later: imports for types alone decide nothing."""

    class Loaded(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if "TYPE_CHECKING" in ast.unparse(node.test) else self.generic_visit(node)

    tree = Loaded().visit(ast.parse(MODULES[module].read_text(encoding="utf-8")))
    return own_modules_of(tree)


def closure(*modules: str) -> set[str]:
    found: set[str] = set()
    ahead = set(modules)
    while ahead:
        found |= ahead
        ahead = {other for module in ahead for other in run_time_imports(module)} - found
    return found


@pytest.mark.parametrize(
    ("decided_by", "begins_at", "leaves_out"),
    [
        (workspace.DECIDED_BY, ["planning.workspace"], "execution boot cli"),
        (program_key.DECIDED_BY, ["rules.whole_program", "rules.nodes"], "boot cli rebuild size stack run"),
        (loader_check.DECIDED_BY, ["loader.check", "loader.contract"], "planning rules"),
        (reports.DECIDED_BY[reports.ReportKind.SIZE], ["size.report"], "stack planning"),
        (reports.DECIDED_BY[reports.ReportKind.STACK], ["stack.report", "loader.contract"], "size planning"),
        (hidden_asm.DECIDED_BY, ["rules.hidden_asm"], "boot cli"),
        (json_schema.DECIDED_BY, ["base.json_schema"], "boot cli"),
        (boot.DECIDED_BY, ["boot.guest", "boot.qemu", "boot.initramfs", "boot.description"], "planning rules"),
    ],
)
def test_what_decides_a_result_is_what_is_imported_for_it(
    decided_by: tuple[str, ...], begins_at: list[str], leaves_out: str
) -> None:
    names = {module: MODULES[module].relative_to(PACKAGE).as_posix() for module in closure(*begins_at)}
    covered = tuple(name if name.endswith(".py") else f"{name}/" for name in decided_by)
    assert {name for name in names.values() if not name.startswith(covered)} == set()
    assert not set(leaves_out.split()) & set(decided_by)


PROGRAMS = {"start", "serve"}


def test_a_start_loads_nothing_that_only_some_builds_need() -> None:
    """What checks and reports load takes longer than the rest of a start that finds nothing to do."""
    tools = [parsed(path) for path in (SITE_SCONS / "ostoo_scons").glob("*.py") if path.stem not in PROGRAMS]
    own = (node for tool in tools for node in tool.body if isinstance(node, ast.ImportFrom) and node.module)
    lines = [ast.unparse(node) for node in own if str(node.module).startswith("ostoo_build")]
    assert "from ostoo_build.rules import reports as program_reports" in lines
    said = "import sys; print(*sorted({'capstone', 'elftools', 'grpc', 'jsonschema'} & set(sys.modules)))"
    script = "\n".join([*lines, said])
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=SITE_SCONS, capture_output=True, text=True, check=True
    ).stdout
    assert loaded == "\n"


def test_only_process_starts_programs() -> None:
    starters = {"subprocess", "pty", "multiprocessing"}
    assert {name for name, path in MODULES.items() if starters & {module for module, _ in imported(path)}} == {
        "base.process"
    }
    by_os = ("os.system", "os.popen", "os.spawn", "os.exec", "os.fork", "os.posix_spawn")
    assert [name for name, path in MODULES.items() if any(call in path.read_text() for call in by_os)] == [
        "base.become",
        "server.serving",
    ]


SPEAK = {f"base.{name}" for name in ("console", "streams", "status_block", "live", "become")} | {
    "boot.launcher",
    "doctor.__main__",
    *(f"server.{name}" for name in ("adopting", "handover", "request")),
}
"""The console, what stands behind and below it, what empties it before another program writes there, what shows a
guest's output, what hands streams over, and the doctor's process; a verb shows its own result."""


def test_only_the_console_and_verbs_write_to_the_user() -> None:
    def speaks(node: ast.AST) -> bool:
        is_print = isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
        return is_print or (isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.stdout", "sys.stderr"))

    found = {name for name, path in MODULES.items() if any(map(speaks, ast.walk(parsed(path))))}
    assert {name for name in found if not name.startswith("cli.")} == SPEAK


MOVE = {"cli.new", "fetch.apt", "fetch.ziglang", "sysroot.install", "execution.local", "planning.memos"} | {
    "server.launching"
}
"""They put whole folders in place, each made in one beside it, and a socket; two move leftovers and older answers."""


def test_only_state_file_puts_files_in_place() -> None:
    """Written beside, then renamed: elsewhere an error may leave half a file, or the other name."""

    def renames(tree: ast.AST) -> bool:
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
        return any(
            ast.unparse(call.func) in ("os.replace", "shutil.move")
            or call.func.attr == "rename"
            or (call.func.attr == "replace" and len(call.args) == 1 and not call.keywords)
            for call in calls
            if isinstance(call.func, ast.Attribute)
        )

    found = {name for name, path in MODULES.items() if renames(parsed(path))}
    assert found == {"base.state_file", *MOVE}


def test_the_package_knows_nothing_of_scons() -> None:
    assert (SITE_SCONS / "ostoo_scons/tool.py").is_file()
    tops = {(module, name.partition(".")[0]) for module, path in MODULES.items() for name, _ in imported(path)}
    assert not {(module, top) for module, top in tops if top in {"SCons", "ostoo_scons", "site_tools"}}


def test_a_module_is_short() -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in SITE_SCONS.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_a_module_takes_no_private_name_of_another() -> None:
    hand_written = [path for path in SITE_SCONS.rglob("*.py") if path.stem != GENERATED]
    assert [(path.name, name) for path in hand_written for _, name in imported(path) if name.startswith("_")] == []
