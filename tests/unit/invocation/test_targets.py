from __future__ import annotations

from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.invocation.targets import Targets
from ostoo_build.project import workspaces
from ostoo_build.project.description import Description
from ostoo_build.project.workspaces import ProgramGroup

if TYPE_CHECKING:
    from pathlib import Path


def asked(*targets: str) -> ProgramGroup:
    return ProgramGroup("user-rs", targets, is_asked=True)


def of_kernel(folder: str) -> ProgramGroup:
    return ProgramGroup(folder, ("b",), is_asked=False)


KERNEL = of_kernel("kernel")


def test_each_target_is_named_once_and_those_of_the_variable_come_first(tmp_path: Path) -> None:
    targets = Targets(tmp_path, (asked("a", "b"), KERNEL))
    assert targets.names == ("a", "b")
    assert targets.asked == ("a", "b")
    assert Targets.find(tmp_path, Description(), "a,b,a").groups == (asked("a", "b"),)


def test_where_the_variable_names_none_it_is_all(tmp_path: Path) -> None:
    assert Targets(tmp_path, (KERNEL,)).asked == ("b",)


def test_a_step_is_named_with_its_target_where_there_are_several(tmp_path: Path) -> None:
    assert Targets(tmp_path, (asked("a"),)).named("core", "a") == "core"
    both = Targets(tmp_path, (asked("a", "b"),))
    assert both.named("core", "a") == "core for a"
    assert both.named("core", "") == "core"


@pytest.mark.parametrize("name", ["", "x86", "../a", "a" * 300])
def test_a_target_that_there_is_none_of_is_told(name: str, tmp_path: Path) -> None:
    spec = fake.write(tmp_path / "targets/x86_64.json", "{}")
    targets = Targets(tmp_path, (asked(name),))
    assert targets.spec_file("x86_64") == spec
    with pytest.raises(OstooError, match="there is no target"):
        targets.spec_file(name)


def test_who_misspells_a_target_is_told_those_there_are(tmp_path: Path) -> None:
    """Other files beside a spec, such as its loader's contract, are none."""
    for name in ("x86_64.json", "x86_64.loader.json", "policy.schema.json", "riscv64.json"):
        fake.write(tmp_path / "targets" / name, "{}")
    with pytest.raises(OstooError, match="there is no target x86-64") as caught:
        Targets(tmp_path, (asked("x86-64"),)).spec_file("x86-64")
    assert caught.value.where == str(tmp_path / "targets")
    assert "x86_64" in caught.value.remedy
    assert "loader" not in caught.value.remedy


def test_a_spec_is_read_once_for_an_invocation(tmp_path: Path) -> None:
    fake.write(tmp_path / "targets/x86_64.json", '{"llvm-target": "x86_64-unknown-none", "arch": "x86_64"}')
    targets = Targets(tmp_path, (asked("x86_64"),))
    first = targets.spec("x86_64")
    fake.write(tmp_path / "targets/x86_64.json", "no spec")
    assert first.arch == "x86_64"
    assert targets.spec("x86_64") is first


def test_kernels_beside_the_users_programs_have_targets_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspaces, "find", lambda root, _described, words: (asked(*words), of_kernel(root.name)))
    found = Targets.find(tmp_path, Description(), "a")
    assert found.groups == (asked("a"), of_kernel(tmp_path.name))
    assert found.names == ("a", "b")
