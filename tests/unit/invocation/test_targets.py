from __future__ import annotations

from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.invocation.targets import Targets

if TYPE_CHECKING:
    from pathlib import Path


def test_each_target_is_named_once_and_those_of_the_variable_come_first(tmp_path: Path) -> None:
    targets = Targets(tmp_path, {"user-rs": ("a", "b"), "kernel": ("b",)})
    assert targets.names == ("a", "b")
    assert targets.of_user == ("a", "b")
    assert Targets.find(tmp_path, "a,b,a").by_folder == {"user-rs": ("a", "b")}


def test_a_step_is_named_with_its_target_where_there_are_several(tmp_path: Path) -> None:
    assert Targets(tmp_path, {"user-rs": ("a",)}).named("core", "a") == "core"
    both = Targets(tmp_path, {"user-rs": ("a", "b")})
    assert both.named("core", "a") == "core for a"
    assert both.named("core", "") == "core"


@pytest.mark.parametrize("name", ["", "x86", "../a", "a" * 300])
def test_a_target_that_there_is_none_of_is_told(name: str, tmp_path: Path) -> None:
    spec = fake.write(tmp_path / "targets/x86_64.json", "{}")
    targets = Targets(tmp_path, {"user-rs": (name,)})
    assert targets.spec_file("x86_64") == spec
    with pytest.raises(OstooError, match="there is no target"):
        targets.spec_file(name)
