from __future__ import annotations

from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.project.description import Description, TargetTable
from ostoo_build.project.target_files import TargetFiles

if TYPE_CHECKING:
    from pathlib import Path


def files(root: Path, **tables: TargetTable) -> TargetFiles:
    return TargetFiles(root, Description(targets=tables))


def test_all_files_lie_beside_the_spec_unless_they_are_named(tmp_path: Path) -> None:
    spec = fake.write(tmp_path / "kernel/a.json", "{}")
    found = files(tmp_path, a=TargetTable(spec="kernel/a.json"))
    assert found.spec("a") == spec
    assert found.contract("a") == tmp_path / "kernel/a.loader.json"
    assert found.policy("a") == tmp_path / "kernel/policy.schema.json"
    named = TargetTable("kernel/a.json", contract="rules/c.json", policy="rules/p.json")
    for name in ("rules/c.json", "rules/p.json"):
        fake.write(tmp_path / name, "{}")
    found = files(tmp_path, a=named)
    assert (found.contract("a"), found.policy("a")) == (tmp_path / "rules/c.json", tmp_path / "rules/p.json")


def test_by_default_specs_lie_in_targets(tmp_path: Path) -> None:
    spec = fake.write(tmp_path / "targets/b.json", "{}")
    fake.write(tmp_path / "targets/b.loader.json", "{}")
    found = files(tmp_path, a=TargetTable(spec="kernel/a.json"))
    assert found.names == ["a", "b"]
    assert found.spec("b") == spec


@pytest.mark.parametrize("key", ["spec", "contract", "policy"])
def test_a_file_that_is_named_and_not_there_is_told(key: str, tmp_path: Path) -> None:
    fake.write(tmp_path / "targets/a.json", "{}")
    found = files(tmp_path, a=TargetTable(**{key: "x/a.json"}))
    with pytest.raises(OstooError, match=r"there is no file x/a\.json") as caught:
        getattr(found, key)("a")
    assert caught.value.where == f"{tmp_path}/ostoo.toml: targets.a"
    assert caught.value.remedy == f"correct `{key}`"


def test_a_target_has_the_name_of_its_file(tmp_path: Path) -> None:
    fake.write(tmp_path / "kernel/a.json", "{}")
    with pytest.raises(OstooError, match="rustc calls the target of this spec a") as caught:
        files(tmp_path, b=TargetTable(spec="kernel/a.json")).spec("b")
    assert caught.value.remedy == "write [targets.a]"
