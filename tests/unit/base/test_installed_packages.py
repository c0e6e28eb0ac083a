from __future__ import annotations

import base64
import hashlib
import sys
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import installed_packages, own_files, wheel_record
from ostoo_build.base.errors import OstooError, told

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with one package, which has been installed with all that is wanted."""
    packages = tmp_path / ".venv/lib/python3.11/site-packages"
    (packages / "good").mkdir(parents=True)
    (packages / "good/__init__.py").write_bytes(b"x = 1\n")
    (packages / "good-1.dist-info").mkdir()
    sha256 = base64.urlsafe_b64encode(hashlib.sha256(b"x = 1\n").digest()).rstrip(b"=").decode()
    lines = (f"good/__init__.py,sha256={sha256},6", "good/__pycache__/__init__.pyc,,", "good-1.dist-info/RECORD,,")
    (packages / "good-1.dist-info/RECORD").write_text("\n".join(lines))
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / ".venv" / name).write_text("good==1")
    monkeypatch.setattr(own_files, "repository", lambda: tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    return tmp_path / ".venv"


def file_of(venv: Path) -> Path:
    return venv / "lib/python3.11/site-packages/good/__init__.py"


def record_of(venv: Path) -> Path:
    return venv / "lib/python3.11/site-packages/good-1.dist-info/RECORD"


def test_sound_packages_are_left_alone(venv: Path) -> None:
    assert installed_packages.damaged() is None
    assert told(NameError("x")) is None
    assert (venv / "requirements.txt").exists()


def test_what_is_not_as_it_was_installed_is_made_anew(venv: Path) -> None:
    file_of(venv).write_bytes(b"y = 1\n")
    assert installed_packages.damaged() == (file_of(venv), "build again: the next start recreates .venv")
    assert not list(venv.glob("requirements*.txt"))


@pytest.mark.parametrize("text", ["one word", "good/__init__.py,sha256=é,1", "good/__init__.py,sha256=x,1"])
def test_a_list_that_is_none_is_damage(text: str, venv: Path) -> None:
    record_of(venv).write_text(text)
    found = installed_packages.damaged()
    assert found is not None
    assert found[0] in (record_of(venv), file_of(venv))


def test_another_python_is_not_ours(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file_of(venv).unlink()
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert installed_packages.damaged() is None
    assert (venv / "requirements.txt").exists()


def test_an_installed_build_says_how_it_is_installed_again(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file_of(venv).write_bytes(b"y = 1\n")
    monkeypatch.setattr(own_files, "repository", lambda: None)
    message = told(NameError("x"))
    assert message is not None
    assert message.where == str(file_of(venv))
    assert message.remedy.startswith("install it again: ")
    assert (venv / "requirements.txt").exists(), "nothing here would install it"


def test_what_damage_may_explain_is_told_as_damage(venv: Path) -> None:
    file_of(venv).unlink()
    for error in (NameError("x"), SyntaxError("x"), FileNotFoundError(2, "gone", str(file_of(venv)))):
        (venv / "requirements.txt").write_text("good==1")
        message = told(error)
        assert message is not None
        assert (message.what, message.where) == ("a Python package of this build is damaged", str(file_of(venv)))
        assert not (venv / "requirements.txt").exists()


def test_what_has_another_cause_is_told_as_that(venv: Path) -> None:
    file_of(venv).unlink()
    for error, what in ((OstooError("mine"), "mine"), (FileNotFoundError(2, "gone", "/no/such/file"), "gone")):
        message = told(error)
        assert message is not None
        assert message.what == what
    assert (venv / "requirements.txt").exists()


def test_files_without_a_digest_are_not_listed(venv: Path) -> None:
    assert list(wheel_record.read(record_of(venv))) == ["good/__init__.py"]
