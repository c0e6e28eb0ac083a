"""Target specs against schemas, the policy, and compilers that are scripts; the real one is in tests/e2e."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ostoo_build.base import json_positions, json_schema
from ostoo_build.base.errors import OstooError
from ostoo_build.target import (
    findings as target_findings,
)
from ostoo_build.target import (
    schema as target_schema,
)
from ostoo_build.target import (
    spec as target_spec,
)
from ostoo_build.target import (
    words as target_words,
)
from ostoo_build.target.compiler import TargetCompiler
from ostoo_build.target.findings import Finding
from ostoo_build.target.spec import CheckRequest

TARGETS = Path(__file__).parents[3] / "targets"
POLICY_FILE = TARGETS / "policy.schema.json"
POLICY = json.loads(POLICY_FILE.read_text())
USER = json.loads((TARGETS / "x86_64-ostoo-user.json").read_text())
KERNEL = json.loads((TARGETS / "x86_64-ostoo-kernel.json").read_text())

SCHEMA = {
    "type": "object",
    "properties": {
        "arch": {"type": "string"},
        "panic-strategy": {"anyOf": [{"$ref": "#/$defs/Panic"}, {"type": "null"}]},
        "rustc-abi": {"oneOf": [{"const": "x86-sse2"}, {"const": "softfloat"}]},
        "stack-probes": {"oneOf": [{"$ref": "#/$defs/None"}, {"$ref": "#/$defs/Inline"}]},
        "target-family": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]},
        "target-pointer-width": {"type": "integer", "minimum": 0},
        "crt-static-default": {"type": ["boolean", "null"]},
    },
    "additionalProperties": False,
    "required": ["arch", "target-pointer-width"],
    "$defs": {
        "Panic": {"enum": ["unwind", "abort"]},
        "None": {"properties": {"kind": {"const": "none"}}, "required": ["kind"]},
        "Inline": {"properties": {"kind": {"const": "inline"}}, "required": ["kind", "min"]},
    },
}
"""Shaped as what rustc prints."""

COMPILER = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''  # for sh Python's command, for Python a string: no path with a space can stand in the first line
import json, sys
arguments = sys.argv[1:]
if "--print=target-spec-json-schema" in arguments:
    print({schema!r})
    sys.exit(0 if {schema!r} else 1)
path = next(each for each in arguments if each.startswith("--target=")).removeprefix("--target=")
spec = json.load(open(path))
if "--print=target-features" in arguments:
    print("    sse2    - Enable SSE2 instructions.")
for key, (level, message, code) in {answers!r}.items():
    if key in spec:
        text = json.dumps({{"level": level, "message": message}}) if level else message
        print(text, file=sys.stderr)
        if code:
            sys.exit(code)
"""


def compiler(folder: Path, schema: object = None, **answers: tuple[str, str, int]) -> TargetCompiler:
    """A rustc that answers, to a spec with that key, with a level, a message and an exit code."""
    script = folder / "rustc"
    named = {key.replace("_", "-"): answer for key, answer in answers.items()}
    text = COMPILER.format(python=sys.executable, schema=json.dumps(schema) if schema else "", answers=named)
    script.write_text(text, encoding="utf-8")
    script.chmod(0o755)
    work = folder / "work"
    work.mkdir()
    return TargetCompiler(script, {}, work)


def unreadable(text: str) -> tuple[str, str, int]:
    return "error", f"error loading target specification: {text}", 1


def told(findings: list[Finding]) -> list[str]:
    return [f"{json_positions.escaped(finding.pointer)}: {finding.what} | {finding.remedy}" for finding in findings]


def checked(folder: Path, spec: Mapping[str, Any], rustc: TargetCompiler) -> str:
    """What `check` tells of a spec."""
    path = folder / "target.json"
    path.write_text(json.dumps(spec, indent=2), encoding="utf-8")
    with pytest.raises(OstooError) as caught:
        target_spec.check(CheckRequest(path, rustc.rustc, rustc.env, POLICY_FILE))
    return caught.value.what


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("crt-static-defalt", True, ": there is no such key | did you mean crt-static-default?"),
        ("crt-static-default", "true", ': expected boolean, found "true" | write true without quotes'),
        ("rustc-abi", "sse2", ': expected "x86-sse2" or "softfloat", found "sse2" | did you mean "x86-sse2"?'),
        ("panic-strategy", "abrt", ': expected "unwind" or "abort", found "abrt" | did you mean "abort"?'),
        (
            "stack-probes",
            {"kind": "inlin"},
            '/kind: expected "none" or "inline", found "inlin" | did you mean "inline"?',
        ),
        ("target-family", [1], "/0: expected string, found 1 | "),
        ("target-family", 3, ": expected array or string, found 3 | "),
        ("target-pointer-width", -1, ": -1 breaks minimum 0 | "),
    ],
)
def test_the_compilers_schema_is_told_as_what_was_expected(key: str, value: object, expected: str) -> None:
    spec = {"arch": "x86_64", "target-pointer-width": 64, key: value}
    assert told(target_schema.violations(spec, SCHEMA)) == [f"/{key}{expected}"]


def test_what_changed_between_releases_is_named() -> None:
    spec = {"arch": "x86_64", "target-pointer-width": "64", "is-builtin": True}
    assert {finding.key: finding.remedy for finding in target_schema.violations(spec, SCHEMA)} == {
        "target-pointer-width": "write 64 without quotes\n"
        "compilers up to mid-2025 expect a string here, later ones a number",
        "is-builtin": "compilers before 1.95 ignore unknown keys; remove it if it was meant for another release",
    }


def test_every_missing_key_is_told_once() -> None:
    assert told(target_schema.violations({}, SCHEMA)) == [
        "/arch: this key is missing | ",
        "/target-pointer-width: this key is missing | ",
    ]


def test_a_reference_out_of_a_schema_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("{}")
    with pytest.raises(OstooError, match="which it does not contain"):
        target_schema.violations({}, {"$ref": elsewhere.as_uri()})


def test_a_long_value_is_cut() -> None:
    (finding,) = target_schema.violations({"arch": ["x" * 1000], "target-pointer-width": 64}, SCHEMA)
    assert finding.what == 'expected string, found ["' + "x" * 97 + "…"


@pytest.mark.parametrize("spec", [USER, KERNEL])
def test_the_policy_allows_the_projects_own_targets(spec: dict[str, Any]) -> None:
    assert target_schema.violations(spec, POLICY) == []


def test_the_policy_is_a_schema() -> None:
    assert json_schema.complaint(POLICY) == ""


@pytest.mark.parametrize(
    ("spec", "change", "pointer"),
    [
        (USER, {"arch": "arm"}, "/arch"),
        (USER, {"panic-strategy": "unwind"}, "/panic-strategy"),
        (USER, {"os": "ostoo"}, "/os"),
        (USER, {"env": "gnu"}, "/env"),
        (USER, {"target-family": ["windows"]}, "/target-family"),
        (USER, {"cpu": "x86-64-v3"}, "/cpu"),
        (USER, {"features": "+avx2"}, "/features"),
        (USER, {"features": "-sse2"}, "/features"),
        (USER, {"rustc-abi": "softfloat"}, "/rustc-abi"),
        (USER, {"disable-redzone": True}, "/disable-redzone"),
        (USER, {"relocation-model": "pic"}, "/relocation-model"),
        (USER, {"position-independent-executables": True}, "/position-independent-executables"),
        (USER, {"static-position-independent-executables": True}, "/static-position-independent-executables"),
        (USER, {"dynamic-linking": True}, "/dynamic-linking"),
        (USER, {"crt-static-default": False}, "/crt-static-default"),
        (USER, {"crt-static-respected": False}, "/crt-static-respected"),
        (USER, {"linker-flavor": "gnu-cc"}, "/linker-flavor"),
        (USER, {"pre-link-objects": {"static-nopic-exe": ["crt1.o"]}}, "/pre-link-objects"),
        (USER, {"post-link-objects": {"static-nopic-exe": ["crtn.o"]}}, "/post-link-objects"),
        (USER, {"pre-link-objects-fallback": {"static-nopic-exe": ["crt1.o"]}}, "/pre-link-objects-fallback"),
        (USER, {"post-link-objects-fallback": {"static-nopic-exe": ["crtn.o"]}}, "/post-link-objects-fallback"),
        (KERNEL, {"arch": "x86"}, "/arch"),
        (KERNEL, {"panic-strategy": "unwind"}, "/panic-strategy"),
        (KERNEL, {"disable-redzone": False}, "/disable-redzone"),
        (KERNEL, {"rustc-abi": "x86-sse2"}, "/rustc-abi"),
        (KERNEL, {"features": "-mmx,-sse"}, "/features"),
        (KERNEL, {"features": "-mmx,+soft-float"}, "/features"),
        (KERNEL, {"features": "-sse,+soft-float"}, "/features"),
        (KERNEL, {"features": "-mmx,-sse,+soft-float,+sse4.1"}, "/features"),
    ],
)
def test_each_rule_of_the_policy_is_told_with_its_reason(
    spec: dict[str, Any], change: dict[str, Any], pointer: str
) -> None:
    (finding,) = target_schema.violations({**spec, **change}, POLICY)
    assert json_positions.escaped(finding.pointer) == pointer
    assert len(finding.remedy) > len("a reason")


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        (USER, "panic-strategy"),
        (USER, "env"),
        (USER, "target-family"),
        (USER, "relocation-model"),
        (USER, "crt-static-default"),
        (USER, "crt-static-respected"),
        (USER, "linker-flavor"),
        (KERNEL, "disable-redzone"),
        (KERNEL, "rustc-abi"),
        (KERNEL, "features"),
    ],
)
def test_a_key_that_rustc_has_another_default_for_must_be_there(spec: dict[str, Any], key: str) -> None:
    (finding,) = target_schema.violations({name: value for name, value in spec.items() if name != key}, POLICY)
    assert (finding.pointer, finding.what) == ((key,), "this key is missing")


def test_a_missing_key_of_the_policy_tells_what_to_write() -> None:
    (finding,) = target_schema.violations({**KERNEL, "panic-strategy": None}, POLICY)
    (missing,) = target_schema.violations({k: v for k, v in KERNEL.items() if k != "panic-strategy"}, POLICY)
    reason = "nothing here unwinds: there are no unwind tables, and libunwind.a is a stub"
    assert told([finding]) == [f'/panic-strategy: expected "abort", found null | {reason}']
    assert told([missing]) == [f'/panic-strategy: this key is missing | expected "abort"\n{reason}']


def test_every_mistake_that_rustc_names_is_found(tmp_path: Path) -> None:
    rustc = compiler(
        tmp_path,
        os=unreadable("os: invalid type: integer `1`, expected a string at line 1 column 9"),
        pre_link_args=unreadable("pre-link-args.ld.lld[1]: invalid type: map, expected a string"),
        vendor=("error", "inconsistent target specification", 1),
    )
    spec = {"os": 1, "vendor": "x", "pre-link-args": {"ld": [], "ld.lld": ["-x", {}]}}
    assert told(rustc.refusals(spec)) == [
        "/os: invalid type: integer `1`, expected a string | ",
        "/pre-link-args/ld.lld/1: invalid type: map, expected a string | ",
    ]


def test_a_file_full_of_mistakes_is_not_asked_about_for_hours(tmp_path: Path) -> None:
    spec = {f"x{number}": 0 for number in range(20)}
    rustc = compiler(tmp_path, **{key: unreadable(f"{key}: unknown field `{key}`") for key in spec})
    assert len(rustc.refusals(spec)) == 16


def test_a_mistake_that_rustc_does_not_name_is_found_alone(tmp_path: Path) -> None:
    message = "`llvm_abiname` is unused on this arch"
    rustc = compiler(tmp_path, llvm_abiname=("error", message, 1))
    assert told(rustc.refusals({"llvm-abiname": "x", "arch": "x"})) == [f"/llvm-abiname: {message} | "]


def test_a_warning_does_not_hide_the_mistake(tmp_path: Path) -> None:
    rustc = compiler(tmp_path, cpu=("warning", "this is old", 0), os=unreadable("os: invalid type"))
    assert told(rustc.refusals({"cpu": "x", "os": 1})) == ["/os: invalid type | "]


def test_a_key_that_rustc_misses_is_found(tmp_path: Path) -> None:
    rustc = compiler(tmp_path, os=unreadable("missing field `arch` at line 1 column 2"))
    assert told(rustc.refusals({"os": "none"})) == ["/arch: this key is missing | "]


@pytest.mark.parametrize(
    ("message", "code", "expected"),
    [
        ("LLVM says something new", 101, ": rustc crashes: LLVM says something new | "),
        ("", -6, ": rustc crashes: exit code 250 | "),
        (
            "\nthread 'rustc' panicked at x.rs:1:\nno such thing\nstack backtrace:\nnote: more",
            101,
            ": rustc crashes: no such thing | ",
        ),
        (
            "rustc-LLVM ERROR: '+adx' is not a recognized feature for this target",
            101,
            "/llvm-target: this is another processor than that of `arch` | ",
        ),
    ],
)
def test_a_crash_of_the_compiler_is_told_in_a_line(tmp_path: Path, message: str, code: int, expected: str) -> None:
    rustc = compiler(tmp_path, arch=("", message, code % 256))
    assert told(rustc.refusals({"arch": "x86_64"})) == [expected]


def test_a_feature_that_llvm_ignores_is_a_mistake(tmp_path: Path) -> None:
    ignored = "'+ss2' is not a recognized feature for this target (ignoring feature)"
    rustc = compiler(tmp_path, features=("", f"{ignored}\n{ignored}", 0))
    assert told(rustc.warnings({"features": "+ss2"})) == ["/features: LLVM does not know +ss2 | did you mean +sse2?"]


def test_a_feature_that_the_abi_needs_is_a_mistake(tmp_path: Path) -> None:
    message = "target feature `soft-float` must be enabled to ensure that the ABI can be implemented correctly"
    rustc = compiler(tmp_path, features=("warning", message, 0))
    assert told(rustc.warnings({"features": "-sse"})) == ["/features: the ABI needs +soft-float | "]


def test_the_schema_is_void_where_the_compiler_takes_the_value(tmp_path: Path) -> None:
    rustc = compiler(tmp_path, SCHEMA, crt_static_default=unreadable("crt-static-default: invalid type"))
    what = checked(tmp_path, {**KERNEL, "rustc-abi": "x86-softfloat", "crt-static-default": 1}, rustc)
    assert "/crt-static-default: expected boolean, found 1" in what
    assert "/rustc-abi" not in what


def test_a_mistake_is_told_once_and_in_the_schemas_words(tmp_path: Path) -> None:
    rustc = compiler(tmp_path, SCHEMA, panic_strategy=unreadable("panic-strategy: invalid panic strategy: 'abrt'"))
    what = checked(tmp_path, {**USER, "panic-strategy": "abrt"}, rustc)
    assert what.count("panic-strategy") == 1
    assert 'expected "unwind" or "abort", found "abrt"' in what


def test_a_compiler_without_a_schema_has_the_last_word_alone(tmp_path: Path) -> None:
    rustc = compiler(tmp_path, panic_strategy=unreadable("panic-strategy: invalid panic strategy: 'abrt'"))
    what = checked(tmp_path, {**USER, "panic-strategy": "abrt"}, rustc)
    assert "/panic-strategy: invalid panic strategy: 'abrt'" in what


def test_all_missing_keys_are_told_although_rustc_names_one(tmp_path: Path) -> None:
    rustc = compiler(tmp_path, SCHEMA, os=unreadable("missing field `arch` at line 1 column 2"))
    what = checked(tmp_path, {"os": "none"}, rustc)
    assert "/arch: this key is missing" in what
    assert "/target-pointer-width: this key is missing" in what


def test_all_mistakes_are_told_the_compilers_first(tmp_path: Path) -> None:
    rustc = compiler(tmp_path, zz=unreadable("zz: unknown field"), yy=unreadable("yy: unknown field"))
    what = checked(tmp_path, {**USER, "env": "gnu", "yy": 1, "zz": 1}, rustc)
    lines = [line for line in what.splitlines()[1:] if not line.startswith("  ")]
    assert [line.split()[1] for line in lines] == ["/yy:", "/zz:", "/env:"]


def test_a_policy_that_is_no_schema_is_told(tmp_path: Path) -> None:
    (tmp_path / "target.json").write_text("{}")
    policy = tmp_path / "policy.schema.json"
    policy.write_text('{"type": "objekt"}')
    with pytest.raises(OstooError, match="not a valid JSON schema: 'objekt' is not valid"):
        target_spec.check(CheckRequest(tmp_path / "target.json", tmp_path / "rustc", {}, policy))


def test_an_error_names_line_column_and_pointer(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{\n  "os": 1,\n  "\\u001b[": 2\n}')
    findings = [Finding(("os",), "wrong", "do this\nor that"), Finding(("\x1b[",), "unknown", in_name=True)]
    assert str(target_findings.error(findings, json_positions.read(path))) == "\n".join(
        [
            "error: the target spec x can't be used",
            "  2:9 /os: wrong",
            "    do this",
            "    or that",
            r"  3:3 /\x1b[: unknown",
            f"  --> {path}:2:9",
        ]
    )


def test_a_target_spec_is_loaded_with_its_digest() -> None:
    spec = target_spec.load(TARGETS / "x86_64-ostoo-user.json")
    assert spec.arch == "x86_64"
    assert spec.digest == hashlib.sha256(spec.source.path.read_bytes()).hexdigest()


def test_loading_a_target_spec_does_not_load_jsonschema() -> None:
    code = "import sys; from ostoo_build.target import spec as target_spec; sys.exit('jsonschema' in sys.modules)"
    site = str(Path(target_spec.__file__).parents[2])
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": site}, check=True)


def test_a_target_spec_is_an_object(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(OstooError, match="a target spec is a JSON object"):
        target_spec.load(tmp_path / "x.json")


@pytest.mark.parametrize("content", ['{"os": "linux"}', '{"arch": ["x86_64"]}'])
def test_a_target_spec_without_an_arch_is_told_when_it_is_asked_for(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(OstooError, match="does not set `arch`"):
        _ = target_spec.load(tmp_path / "x.json").arch


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('"cpu": "native"', "-Ctarget-cpu=native"),
        ('"llvm-args": ["-x", "-mcpu=native"]', "-Cllvm-args=-mcpu=native"),
        ('"llvm-args": "--load=a.so"', "-Cllvm-args=--load=a.so"),
        ('"linker": "x86_64-elf-ld"', "-Clinker=x86_64-elf-ld"),
        ('"default-codegen-backend": "./own.so"', "-Zcodegen-backend=./own.so"),
        ('"pre-link-args": {"ld.lld": ["-x", "-Map=a.map"]}', "-Map=a.map"),
        ('"late-link-args-static": {"gnu-lld": ["--lto-sample-profile=x"]}', "--lto-sample-profile=x"),
        ('"late-link-args": {"ld.lld": ["-Map=a.map"]}', "-Map=a.map"),
        ('"late-link-args-dynamic": {"ld.lld": ["-Map=a.map"]}', "-Map=a.map"),
        ('"split-debuginfo": "packed"', "-Csplit-debuginfo=packed"),
        ('"post-link-args": {"gnu-lld": ["--plugin-opt=mcpu=native"]}', "--plugin-opt=mcpu=native"),
        ('"pre-link-args": {"gnu-lld": ["-mllvm", "-stats-file=x"]}', "-stats-file=x"),
        ('"late-link-args": {"gnu-lld": ["-z", "now", "--mllvm", "-memprof-use=a/b"]}', "-memprof-use=a/b"),
        ('"llvm-args": ["-pass-remarks-output", "x.yaml"]', "-Cllvm-args=-pass-remarks-output"),
    ],
)
def test_what_no_flag_may_say_no_spec_may_say(said: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(f'{{\n  "arch": "x86_64",\n  {said}\n}}')
    with pytest.raises(OstooError, match=re.escape(f"`{told}` is not allowed")) as caught:
        target_spec.load(path)
    assert caught.value.where.startswith(f"{path}:3:")


def test_a_word_of_a_spec_whose_value_stands_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"pre-link-args": {"gnu-lld": ["-mllvm"], "ld.lld": ["-load=x.so"]}}))
    with pytest.raises(OstooError, match="`-mllvm` is not allowed without a value"):
        target_spec.load(path)


def test_all_words_of_a_spec_that_reach_the_linker_are_known() -> None:
    whens = ["pre-link-args", "post-link-args", *(f"late-link-args{which}" for which in ("", "-dynamic", "-static"))]
    objects = [f"{when}-link-objects{which}" for when in ("pre", "post") for which in ("", "-self-contained")]
    spec: dict[str, object] = {key: {"ld.lld": [key]} for key in (*whens, *objects)}
    found = set(target_words.of_linker({**spec, "link-script": "INPUT ( a.o )", "cpu": "other"}))
    assert found == {*whens, *objects, "INPUT", "(", "a.o", ")"}


def test_what_flags_may_say_a_spec_may_say(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    words = ["-Tlink.ld", "-n", "-mllvm", "-x=1"]
    said = {"linker": "rust-lld", "pre-link-args": {"ld.lld": words}, "cpu": "x86-64", "llvm-args": 3}
    path.write_text(json.dumps(said))
    assert target_spec.load(path).source.value == said
