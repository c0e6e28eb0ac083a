"""The order of the modules, as docs/architecture.md tells it."""

from __future__ import annotations

import ast
import subprocess
import sys
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE_SCONS = Path(__file__).parents[2] / "site_scons"
PACKAGE = SITE_SCONS / "ostoo_build"

LAYERS = (
    "at_end decoders demangle* digest errors home inputs installed_packages null_build state_file streams wheel_record",
    "own_code protocol.*",
    "answers locks look merkle paths process read_set report sizes source_tree stops suggest tar_members toml_tables",
    "user_cache",
    "package_targets",
    "asm_* build_script crate_root dep_info disassembly elf entry initramfs json_source manifest schema_file",
    "boot_description guest_log launcher link_files loader_contract qmp rustc_options suite verdict vga_text",
    "flag_rules instruction_flow source_lines stack_bound stack_effects static_syscalls symbol_table symbols",
    "address_taken asked_variables call_graph package_places stack_state unit_graph",
    "apt ar compiler container_* std_crates target_* toolchain toolchain_* unwind_stub ziglang",
    "needed_tools own_root private_packages size_parts size_report stack_report",
    "debian_kernel emulator provided_tools qemu_system syscall_trace sysroot sysroot_*",
    "cargo_config code_rules configuration std_environment elf_check elf_rule elf_rules rustc script_environment",
    "bootstrap cargo execution.* guest plan plan_setting read_runs script_order suite_plan",
    "junit suite_output suite_run workspace",
    "programs workspaces",
    "session",
    "hidden_asm link_inputs seen_files unit_inputs",
    "cache_verbs footing null_build_note requested standby steps timings watched whole_program why_miss",
    "nodes",
    "program_reports suite_note",
    "boot_kernel boot_programs booted_launcher cli debugger new_program report_verbs run_program suite_verb watch",
)
"""Names and patterns, lowest layer first: a module imports from its own layer and from those below."""


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py")) if path.stem != "__init__"}
GENERATED = "remote_execution_pb2"


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """All imports of a file, those within functions and for types included: the module, and the name taken from it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from ((node.module or "", alias.name) for alias in node.names)


def own_modules(path: Path) -> set[str]:
    dotted = {f"{module}.{name}" for module, name in imported(path)} | {module for module, _ in imported(path)}
    return {name.removeprefix("ostoo_build.") for name in dotted if name.startswith("ostoo_build.")} & set(MODULES)


def layer_of(module: str) -> int:
    found = [i for i, layer in enumerate(LAYERS) for pattern in layer.split() if fnmatch(module, pattern)]
    assert len(found) == 1, f"{module} stands in {len(found)} layers; say in LAYERS where it belongs"
    return found[0]


def test_a_module_imports_from_its_layer_and_below() -> None:
    graph = {module: own_modules(path) for module, path in MODULES.items()}
    above = {(module, other) for module in graph for other in graph[module] if layer_of(other) > layer_of(module)}
    assert not above


def test_imports_have_no_circle() -> None:
    graph = {module: own_modules(path) for module, path in MODULES.items()}
    assert sum(map(len, graph.values())) > len(MODULES), "no imports were found: this test looks at nothing"
    TopologicalSorter(graph).prepare()


def test_a_start_loads_nothing_that_only_some_builds_need() -> None:
    """What checks and reports load takes longer than the rest of a start that finds nothing to do."""
    tools = [ast.parse(path.read_text(encoding="utf-8")) for path in (SITE_SCONS / "site_tools").glob("*.py")]
    own = (node for tool in tools for node in tool.body if isinstance(node, ast.ImportFrom) and node.module)
    lines = [ast.unparse(node) for node in own if str(node.module).startswith("ostoo_build")]
    assert "from ostoo_build import program_reports" in lines
    said = "import sys; print(*sorted({'capstone', 'elftools', 'grpc', 'jsonschema'} & set(sys.modules)))"
    script = "\n".join([*lines, said])
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=SITE_SCONS, capture_output=True, text=True, check=True
    ).stdout
    assert loaded == "\n"


def test_only_process_starts_programs() -> None:
    starters = {"subprocess", "pty", "multiprocessing"}
    assert {name for name, path in MODULES.items() if starters & {module for module, _ in imported(path)}} == {
        "process"
    }
    by_os = ("os.system", "os.popen", "os.spawn", "os.exec", "os.fork", "os.posix_spawn")
    assert [name for name, path in MODULES.items() if any(call in path.read_text() for call in by_os)] == ["process"]


def test_the_package_knows_nothing_of_scons() -> None:
    tools = {path.stem for path in (SITE_SCONS / "site_tools").glob("*.py")}
    assert "rust_unit" in tools
    tops = {(module, name.partition(".")[0]) for module, path in MODULES.items() for name, _ in imported(path)}
    assert not {(module, top) for module, top in tops if top in {"SCons", "site_tools", *tools}}


def test_a_module_is_short() -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in SITE_SCONS.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_a_module_takes_no_private_name_of_another() -> None:
    hand_written = [path for path in SITE_SCONS.rglob("*.py") if path.stem != GENERATED]
    assert [(path.name, name) for path in hand_written for _, name in imported(path) if name.startswith("_")] == []
