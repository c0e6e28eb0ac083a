"""Mistakes in the project's own target specs, each with the step that sees it first: rustc is the real one."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.target import schema as target_schema
from ostoo_build.target import spec as target_spec
from ostoo_build.target.compiler import TargetCompiler
from ostoo_build.target.spec import CheckRequest
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).parents[2]
TARGETS = PROJECT / "targets"
Spec = dict[str, Any]


@pytest.fixture
def rustc(tmp_path: Path) -> TargetCompiler:
    tools = toolchain.find(PROJECT, {}, os.environ)
    work = tmp_path / "work"
    work.mkdir()
    return TargetCompiler(tools.rustc, {**os.environ, **dict(tools.env)}, work)


def read(name: str) -> Spec:
    spec: Spec = json.loads((TARGETS / f"{name}.json").read_bytes())
    return spec


POLICY = TARGETS / "policy.schema.json"
USER = read("x86_64-ostoo-user")
KERNEL = read("x86_64-ostoo-kernel")


def check(rustc: TargetCompiler, spec: Spec) -> None:
    path = rustc.folder / "mistaken.json"
    path.write_text(json.dumps(spec, indent=2), encoding="utf-8")
    target_spec.check(CheckRequest(path, rustc.rustc, rustc.env, POLICY))


def complaint(rustc: TargetCompiler, spec: Spec) -> str:
    with pytest.raises(OstooError) as caught:
        check(rustc, spec)
    return caught.value.what


def first_step_that_sees(rustc: TargetCompiler, spec: Spec) -> str:
    policy = json.loads(POLICY.read_bytes())
    steps: dict[str, Callable[[], object]] = {
        "schema": lambda: target_schema.violations(spec, rustc.schema()),
        "print cfg": lambda: rustc.refusals(spec),
        "warnings": lambda: rustc.warnings(spec),
        "codegen": lambda: rustc.codegen_refusals(spec),
        "policy": lambda: target_schema.violations(spec, policy),
    }
    return next((name for name, findings in steps.items() if findings()), "none")


@pytest.mark.compiler
@pytest.mark.parametrize(
    "name", ["x86_64-ostoo-user", "x86_64-ostoo-kernel", "aarch64-ostoo-user", "riscv64-ostoo-user"]
)
def test_the_projects_own_targets_pass(rustc: TargetCompiler, name: str) -> None:
    target_spec.check(CheckRequest(TARGETS / f"{name}.json", rustc.rustc, rustc.env, POLICY))


@pytest.mark.compiler
@pytest.mark.parametrize(
    ("step", "change", "told"),
    [
        ("schema", {"panic-stratgy": "abort"}, "/panic-stratgy: there is no such key\n  did you mean panic-strategy?"),
        ("schema", {"target-pointer-width": "64"}, "/target-pointer-width: expected integer, found"),
        ("schema", {"crt-static-default": "true"}, "/crt-static-default: expected boolean, found"),
        ("schema", {"linker-flavor": "gnu-ldd"}, 'found "gnu-ldd"\n  did you mean "gnu-lld"?'),
        ("schema", {"relocation-model": "statc"}, 'found "statc"\n  did you mean "static"?'),
        ("schema", {"stack-probes": {"kind": "inlin"}}, '/stack-probes/kind: expected "none", "inline", "call" or'),
        ("schema", {"pre-link-objects": {"static-nopic-exe": "crt1.o"}}, "static-nopic-exe: expected array, found"),
        ("schema", {"data-layout": ...}, "/data-layout: this key is missing"),
        (
            "print cfg",
            {"pre-link-objects": {"static-exe": []}},
            "/pre-link-objects/static-exe: invalid CRT",
        ),
        ("print cfg", {"target-pointer-width": 32}, '/target-pointer-width: inconsistent target specification: "data'),
        ("print cfg", {"target-endian": "big"}, "/target-endian: inconsistent target specification"),
        ("print cfg", {"llvm-target": "x86_65-unknown-linux-musl"}, "/llvm-target: LLVM has no such target"),
        (
            "print cfg",
            {"llvm-target": "aarch64-unknown-linux-musl"},
            "/llvm-target: this is another processor than that of",
        ),
        ("print cfg", {"features": "sse2"}, "/features: sse2 must begin with + or -"),
        ("print cfg", {"features": "-sse2"}, "/features: the ABI needs sse2"),
        ("print cfg", {"llvm-target": "x86_64-a\0b"}, 'rustc crashes: The string "x86_64-a\\x00b"'),
        ("warnings", {"features": "+ss2"}, "/features: LLVM does not know +ss2\n  did you mean +sse2?"),
        ("warnings", {"cpu": "x86-65"}, "/cpu: LLVM does not know x86-65\n  did you mean x86-64?"),
        ("codegen", {"data-layout": USER["data-layout"].replace("-i128:128", "")}, f"expected {USER['data-layout']}"),
        ("policy", {"arch": "x86_65"}, '/arch: expected "x86_64", "aarch64" or "riscv64", found "x86_65"'),
        ("policy", {"panic-strategy": "unwind"}, "nothing here unwinds"),
    ],
)
def test_a_mistake_is_seen_by_its_step(rustc: TargetCompiler, step: str, change: Spec, told: str) -> None:
    spec = {key: value for key, value in {**USER, **change}.items() if value is not ...}
    assert first_step_that_sees(rustc, spec) == step
    assert told in complaint(rustc, spec)


@pytest.mark.compiler
def test_rustc_overrules_its_own_schema(rustc: TargetCompiler) -> None:
    spec = {**KERNEL, "rustc-abi": "x86-softfloat"}
    assert first_step_that_sees(rustc, spec) == "schema"
    check(rustc, spec)


@pytest.mark.compiler
def test_all_mistakes_are_told_at_once_and_no_other(rustc: TargetCompiler) -> None:
    spec = {**KERNEL, "rustc-abi": "x86-softfloat", "os ": "none", "relro-level": "of", "disable-redzone": False}
    lines = [line for line in complaint(rustc, spec).splitlines()[1:] if not line.startswith("  ")]
    assert [line.split(":")[1].partition(" ")[2] for line in lines] == ["/relro-level", "/os ", "/disable-redzone"]


@pytest.mark.compiler
def test_a_crash_of_the_compiler_leaves_nothing_beside_the_target(rustc: TargetCompiler) -> None:
    complaint(rustc, {**USER, "llvm-target": "x86_64-a\0b"})
    assert {path.name for path in rustc.folder.iterdir()} == {"mistaken.json"}
