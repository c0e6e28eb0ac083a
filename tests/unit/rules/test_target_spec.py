from __future__ import annotations

from typing import TYPE_CHECKING

import fake_toolchains as fake
import planned_trees as trees
import pytest

from ostoo_build.invocation.targets import Targets
from ostoo_build.project.workspaces import ProgramGroup
from ostoo_build.rules import target_spec

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def targets(tmp_path: Path) -> Targets:
    fake.write(tmp_path / "targets/x86_64-ostoo-user.json", "{}")
    return Targets(tmp_path, (ProgramGroup("user-rs", (trees.TARGET,), is_asked=True),))


def test_a_target_without_contract_has_nothing_to_hold(targets: Targets) -> None:
    assert target_spec.contract_file(targets, trees.TARGET) is None
    contract = fake.write(targets.root / "targets/x86_64-ostoo-user.loader.json", "{}")
    assert target_spec.contract_file(targets, trees.TARGET) == contract


def test_a_target_is_checked_with_its_schemas(targets: Targets) -> None:
    schema = fake.write(targets.root / "targets/policy.schema.json", "{}")
    fake.write(targets.root / "targets/other.json", "{}")
    assert target_spec.files(targets, trees.TARGET) == [targets.spec_file(trees.TARGET), schema]
    assert target_spec.folder(trees.TARGET) == "build/x86_64-ostoo-user/target-spec"
