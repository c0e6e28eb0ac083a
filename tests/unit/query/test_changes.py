from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.query import changes
from ostoo_build.query.changes import Change

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *words: str) -> None:
    named = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project in a folder of a repository, with two branches."""
    root = tmp_path / "repository/os"
    root.mkdir(parents=True)
    git(root.parent, "init")
    for name in ("kept", "edited", "gone", "with space"):
        (root / name).write_text("first\n")
    (root.parent / "outside").write_text("first\n")
    git(root, "add", "-A", "..")
    git(root, "commit", "-m", "first")
    git(root, "branch", "other")
    (root / "edited").write_text("second\n")
    (root / "gone").unlink()
    (root / "new").write_text("")
    (root.parent / "outside").write_text("second\n")
    git(root, "add", "-A", "..")
    git(root, "commit", "-m", "second")
    return root


def named(root: Path, found: changes.Changes) -> dict[str, bool]:
    return {change.path.removeprefix(f"{root}/"): change.is_entry for change in found.files}


SECOND = {"edited": False, "gone": True, "new": True}


def test_a_revision_or_a_range_is_compared_with_what_is_there_now(checkout: Path) -> None:
    for word in ("HEAD~1", "HEAD~1..HEAD", "HEAD~1..", "other...HEAD", "other...main"):
        found = changes.of(checkout, [checkout], [word])
        assert named(checkout, found) == {**SECOND, str(checkout.parent / "outside"): False}, word
    (checkout / "kept").chmod(0o755)
    (checkout / "untracked\n").write_text("")
    (checkout / "with space").write_text("now\n")
    now = {"kept": True, "untracked\n": True, "with space": False}
    assert named(checkout, changes.of(checkout, [checkout], ["HEAD"])) == now
    git(checkout, "stash", "-u")
    git(checkout, "checkout", "other")
    found = changes.of(checkout, [checkout], ["main~1..main"])
    assert named(checkout, found) == {**SECOND, str(checkout.parent / "outside"): False}, "the end is not checked out"


def test_a_fork_is_where_both_begin(checkout: Path) -> None:
    git(checkout, "checkout", "other")
    (checkout / "kept").write_text("other\n")
    git(checkout, "commit", "-am", "on the other")
    assert named(checkout, changes.of(checkout, [checkout], ["main...other"])) == {"kept": False}
    assert set(named(checkout, changes.of(checkout, [checkout], ["main..other"]))) > {"kept", "edited", "gone"}


def test_files_are_named_from_any_of_some_places(checkout: Path) -> None:
    (checkout / "fresh").write_text("")
    found = changes.of(checkout, [checkout.parent, checkout], ["kept", "os/edited", "fresh"])
    assert found.files == (
        Change(str(checkout / "kept"), is_entry=False),
        Change(str(checkout / "edited"), is_entry=False),
        Change(str(checkout / "fresh"), is_entry=True),
    )


def test_without_git_a_file_may_be_new(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert changes.of(tmp_path, [tmp_path], ["file"]).files == (Change(str(tmp_path / "file"), is_entry=True),)
    with pytest.raises(OstooError, match="git can't tell what changed: not a git repository"):
        changes.of(tmp_path, [tmp_path], ["HEAD"])


@pytest.mark.parametrize(
    ("words", "said"), [(["nosuch"], "nosuch is no file and no rev"), (["kept", "HEAD"], "HEAD is")]
)
def test_a_word_that_is_neither_is_named(checkout: Path, words: list[str], said: str) -> None:
    with pytest.raises(OstooError) as refused:
        changes.of(checkout, [checkout], words)
    assert refused.value.what.startswith(said)


def test_former_contents_are_found_by_the_checkouts_name_of_a_file(checkout: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(checkout)
    assert changes.content_at(link, "HEAD~1", str(link / "edited")) == b"first\n"
    assert changes.content_at(checkout, "HEAD~1", str(checkout / "new")) is None
    assert named(link, changes.of(link, [link], ["HEAD~1"])).items() >= SECOND.items()
