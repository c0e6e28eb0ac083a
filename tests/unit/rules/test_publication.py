from __future__ import annotations

import os
from pathlib import Path

import fake_toolchains as fake
import pytest

from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.rules import publication


def test_a_published_program_is_whole_and_can_be_run(tmp_path: Path) -> None:
    source = fake.write(tmp_path / "linked", "new")
    publication.publish(source, tmp_path / "user/deep/hello")
    fake.write(tmp_path / "linked", "newer")
    publication.publish(source, tmp_path / "user/deep/hello")
    published = tmp_path / "user/deep/hello"
    assert published.read_text() == "newer"
    assert published.stat().st_mode & 0o777 == 0o755
    assert list(published.parent.iterdir()) == [published]


def test_a_program_that_cannot_be_published_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, published = fake.write(tmp_path / "linked", "new"), fake.write(tmp_path / "user/hello", "old")

    def full(_source: Path, destination: str) -> None:
        fake.write(Path(destination), "ne")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(OstooError, match=r"can't write .*/user/hello: No space left on device") as caught:
        publication.publish(source, published)
    assert caught.value.where == str(published.parent)
    assert {path.name: path.read_text() for path in published.parent.iterdir()} == {"hello": "old"}


def test_a_missing_source_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match=r"can't write .*: No such file or directory"):
        publication.publish(tmp_path / "gone", tmp_path / "hello")


def test_deploying_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = fake.write(tmp_path / "hello", "x")
    publication.deploy(Console(colour=False, quiet=False), source, tmp_path / "user/hello")
    assert (tmp_path / "user/hello").read_text() == "x"
    assert capsys.readouterr().err == f"   Deploying {tmp_path}/user/hello\n"


def replace_by_link(path: Path, goal: Path) -> None:
    path.unlink()
    path.symlink_to(goal)


def test_what_somebody_did_to_a_published_file_is_undone(tmp_path: Path) -> None:
    source, published = fake.write(tmp_path / "linked", "one"), tmp_path / "hello"
    publication.publish(source, published)
    inode = published.stat().st_ino
    publication.publish(source, published)
    assert published.stat().st_ino == inode, "nothing is written where nothing differs"
    for damage in (
        lambda: published.write_text("two"),
        lambda: published.chmod(0o644),
        lambda: replace_by_link(published, source),
        published.unlink,
    ):
        damage()
        os.utime(source, (1, 1))
        publication.publish(source, published)
        assert (published.is_symlink(), published.read_text()) == (False, "one")
        assert published.stat().st_mode & 0o777 == 0o755
