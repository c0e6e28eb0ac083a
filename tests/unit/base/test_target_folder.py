from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base.target_folder import is_target

if TYPE_CHECKING:
    from pathlib import Path


def test_cargos_folder_of_outputs_has_its_tag(tmp_path: Path) -> None:
    assert not is_target(str(tmp_path))
    (tmp_path / "CACHEDIR.TAG").touch()
    assert is_target(str(tmp_path))


def test_what_is_no_folder_is_not_cargos(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    assert not is_target(str(tmp_path / "target"))
    assert not is_target(str(tmp_path / "absent"))
