from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base import own_files

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_in_its_repository_the_build_takes_the_repositorys_files() -> None:
    assert not own_files.is_installed()
    assert (own_files.starter() / "user-rs/rt/Cargo.toml").is_file()
    assert (own_files.starter() / "targets/policy.schema.json").is_file()
    assert own_files.requirements().is_file()
    assert all((folder / "__init__.py").is_file() for folder in own_files.CODE)


def test_a_build_from_a_wheel_has_files_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_files, "PACKAGE", tmp_path)
    monkeypatch.setattr(own_files, "_STARTER", tmp_path / "starter")
    (tmp_path / "starter").mkdir()
    assert own_files.is_installed()
    assert own_files.starter() == tmp_path / "starter"
    assert own_files.requirements() == tmp_path / "requirements.txt"
