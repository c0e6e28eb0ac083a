"""Reads and validates target specs."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import digest, json_positions, json_schema
from ostoo_build.base.errors import OstooError
from ostoo_build.rust import flag_rules
from ostoo_build.target import findings as target_findings
from ostoo_build.target import schema as target_schema
from ostoo_build.target import words as target_words
from ostoo_build.target.compiler import TargetCompiler

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ostoo_build.base.json_positions import JsonSource
    from ostoo_build.target.findings import Finding


class TargetSpec(Struct, frozen=True):
    """A target spec as read, not yet validated, and the digest of its file."""

    source: JsonSource
    digest: digest.Hash

    @property
    def arch(self) -> str:
        """The processor, in rustc's words. Raises `OstooError` if the spec lacks it."""
        arch = self.source.value.get("arch")
        if not isinstance(arch, str):
            line, column = self.source.position(("arch",))
            raise OstooError(
                "the target spec does not set `arch`",
                where=f"{self.source.path}:{line}:{column}",
                remedy='write "arch": "x86_64"',
            )
        return arch


class CheckRequest(Struct, frozen=True):
    """A target spec's file, and the rustc to check it with. `env` is the complete environment of its processes.

    `policy` is the file of the project's requirements for the spec; without one there are none.
    """

    path: Path
    rustc: Path
    env: Mapping[str, str]
    policy: Path | None


def load(path: Path) -> TargetSpec:
    """Read a target spec.

    Raises `OstooError` with line and column if it is not a JSON object, or contains what flags must not contain.
    """
    source = json_positions.read(path)
    if not isinstance(source.value, dict):
        raise OstooError("a target spec is a JSON object, in braces", where=f"{path}:1:1")
    for pointer, flags in target_words.as_flags(source.value):
        line, column = source.position(pointer)
        flag_rules.check(flags, f"{path}:{line}:{column}")
    return TargetSpec(source, digest.of_bytes(source.text.encode()))


def check(request: CheckRequest) -> None:
    """Validate a target spec against the compiler's schema, the compiler itself, and the policy.

    Raises `OstooError` with all errors, each with JSON pointer, line and column.
    """
    source = load(request.path).source
    with tempfile.TemporaryDirectory(prefix="target-spec-") as folder, ThreadPoolExecutor(1) as beside:
        compiler = TargetCompiler(request.rustc, request.env, Path(folder))
        answer = beside.submit(_compiler_findings, compiler, source.value)
        # in parallel, as the first build of a checkout waits for both
        violations = target_schema.violations(source.value, _policy(request.policy) if request.policy else {})
        found = answer.result()
    told = {finding.key for finding in found}
    demanded = [finding for finding in violations if finding.key not in told]
    if found or demanded:
        raise target_findings.error([*_in_order(found, source), *_in_order(demanded, source)], source)


def _policy(path: Path) -> Mapping[str, Any]:
    policy: dict[str, Any] = json_positions.read(path).value
    if complaint := json_schema.complaint(policy):
        raise OstooError(f"not a valid JSON schema: {complaint}", where=str(path))
    return policy


def _compiler_findings(compiler: TargetCompiler, spec: Mapping[str, Any]) -> Sequence[Finding]:
    """Return the compiler's errors. Where the compiler's schema reports the same error, its message is used."""
    if compiler.accepts(spec):
        return ()
    refusals = compiler.refusals(spec)
    if not refusals:
        return compiler.warnings(spec) or compiler.codegen_refusals(spec)
    refused = {finding.key for finding in refusals}
    violations = target_schema.violations(spec, compiler.schema())
    explained = [each for each in violations if each.key in refused or each.key not in spec]
    explained_keys = {finding.key for finding in explained}
    return [*explained, *(refusal for refusal in refusals if refusal.key not in explained_keys)]


def _in_order(findings: Sequence[Finding], source: JsonSource) -> list[Finding]:
    return sorted(findings, key=lambda finding: source.position(finding.pointer))
