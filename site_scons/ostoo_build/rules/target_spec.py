"""Validates a target spec before anything is compiled for it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Outcome
from ostoo_build.base import digest, layout, source_files
from ostoo_build.execution.job import Job
from ostoo_build.rules import unit_inputs
from ostoo_build.target import spec as target_spec
from ostoo_build.target.spec import CheckRequest

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.base.snapshot import Snapshot
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.targets import Targets

_CHECKED = "checked.json"


def job(planner: Planner, target: str, snapshot: Snapshot) -> Job:
    """Describe the validation of a target spec. Raises `OSError` for a file that can't be read."""
    tools, targets = planner.tools, planner.targets
    inputs = unit_inputs.of_files(planner.paths, files(targets, target), snapshot)
    place = folder(target)
    request = CheckRequest(
        targets.spec_file(target), tools.toolchain.rustc, dict(tools.environment), targets.policy(target)
    )

    def run() -> Outcome:
        target_spec.check(request)
        checked = {entry.path: entry.sha256 for entry in inputs}
        source_files.write_output(planner.root / place / _CHECKED, digest.canonical_json(checked))
        return Outcome((_CHECKED,))

    action = Action("TargetSpecCheck", (target,), (), inputs, (f"{place}/{_CHECKED}",), version=tools.sha256)
    return Job(action, planner.root / place, place, "Checking", f"target {target}", run)


def files(targets: Targets, target: str) -> list[Path]:
    """Return the files that the validation reads."""
    demanded = targets.policy(target)
    return [targets.spec_file(target), *([demanded] if demanded else [])]


def contract_file(targets: Targets, target: str) -> Path | None:
    """Return a target's loader contract, if it has one."""
    contract = targets.files.contract(target)
    return contract if contract.is_file() else None


def all_files(targets: Targets, target: str) -> list[Path]:
    """Return all files about a target: spec, policy and contract."""
    contract = contract_file(targets, target)
    return [*files(targets, target), *([contract] if contract else [])]


def files_in(targets: Targets, target: str, snapshot: Snapshot) -> list[Path]:
    """Return the same of a snapshot."""
    return snapshot.get(("target", target), partial(all_files, targets, target))


def folder(target: str) -> str:
    """Return the folder of a target spec's check."""
    return layout.target_check(target)
