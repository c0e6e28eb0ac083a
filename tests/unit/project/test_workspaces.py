from __future__ import annotations

from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.project import workspaces
from ostoo_build.project.description import Description

if TYPE_CHECKING:
    from pathlib import Path

KERNEL = '[build]\ntarget = "../targets/kernel.json"\n'


def workspace(root: Path, folder: str, configuration: str, manifest: str = "[workspace]\nmembers = []\n") -> None:
    fake.write(root / folder / "Cargo.toml", manifest)
    fake.write(root / folder / ".cargo/config.toml", configuration)
    fake.write(root / "targets/kernel.json", "{}")


def others(root: Path) -> dict[str, tuple[str, ...]]:
    user, *found = workspaces.find(root, Description(), ("a",))
    assert (user.folder, user.targets, user.is_asked, user.deploys) == ("user-rs", ("a",), True, True)
    assert not any(group.is_asked or group.deploys for group in found)
    return {group.folder: group.targets for group in found}


def test_a_folder_whose_cargo_builds_for_a_target_spec_is_a_workspace_too(tmp_path: Path) -> None:
    workspace(tmp_path, "user-rs", KERNEL)
    workspace(tmp_path, "kernel", KERNEL)
    assert others(tmp_path) == {"kernel": ("kernel",)}


def test_a_workspace_that_a_link_leads_to_is_not_another_one(tmp_path: Path) -> None:
    workspace(tmp_path, "userspace", KERNEL)
    (tmp_path / "user-rs").symlink_to("userspace")
    workspace(tmp_path, "kernel", KERNEL)
    (tmp_path / "a-link").symlink_to("kernel")
    assert others(tmp_path) == {"kernel": ("kernel",)}


@pytest.mark.parametrize(
    ("configuration", "manifest"),
    [
        ("", "[workspace]\n"),
        ('[build]\ntarget = "x86_64-unknown-linux-musl"\n', "[workspace]\n"),
        ('[build]\ntarget = "../elsewhere/kernel.json"\n', "[workspace]\n"),
        ('[build]\ntarget = "../targets/other.json"\n', "[workspace]\n"),
        (KERNEL, '[package]\nname = "tool"\n'),
    ],
)
def test_other_folders_are_none_of_ours(configuration: str, manifest: str, tmp_path: Path) -> None:
    workspace(tmp_path, "tools", configuration, manifest)
    workspace(tmp_path, ".hidden", KERNEL)
    assert others(tmp_path) == {}


def test_a_broken_configuration_is_told(tmp_path: Path) -> None:
    workspace(tmp_path, "kernel", "[build\n")
    with pytest.raises(OstooError, match=r"kernel/\.cargo/config\.toml"):
        others(tmp_path)
