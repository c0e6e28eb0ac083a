from __future__ import annotations

import os
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import fake_toolchains as fake
import planned_trees as trees
import pytest
import sysroot_trees

from ostoo_build.base.console import Report
from ostoo_build.base.errors import OstooError
from ostoo_build.rules import steps
from ostoo_build.rules.steps import Places
from ostoo_build.sysroot import providers as sysroot_providers

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.invocation.session import Session


@dataclass
class Checkout:
    """The part of a session that is asked here."""

    root: Path
    report: Report

    def spec_file(self, target: str) -> Path:
        return self.root / f"targets/{target}.json"


@pytest.fixture
def session(tmp_path: Path) -> Session:
    fake.write(tmp_path / "targets/x86_64-ostoo-user.json", "{}")
    return cast("Session", Checkout(tmp_path, Report(colour=False, quiet=False)))


def test_a_program_lies_where_cargos_users_look_for_it(tmp_path: Path) -> None:
    program = trees.planned(tmp_path, "hello-std")
    places = Places.of(program)
    folder = program.units[-1].folder
    published = f"build/{trees.TARGET}/release/hello-std"
    folders = (places.linked, places.unstripped, places.check)
    assert folders == tuple(f"{folder}/{name}" for name in ("linked", "unstripped", "check"))
    assert places.published == (published, f"{published}.debug")


def test_a_target_without_contract_has_nothing_to_hold(session: Session) -> None:
    assert steps.contract_files(session, trees.TARGET) == []
    contract = fake.write(session.root / "targets/x86_64-ostoo-user.loader.json", "{}")
    assert steps.contract_files(session, trees.TARGET) == [contract, session.root / "targets/loader.schema.json"]


def test_a_target_is_checked_with_its_schemas(session: Session) -> None:
    schema = fake.write(session.root / "targets/policy.schema.json", "{}")
    fake.write(session.root / "targets/other.json", "{}")
    assert steps.target_files(session, trees.TARGET) == [session.spec_file(trees.TARGET), schema]
    assert steps.target_folder(trees.TARGET) == "build/x86_64-ostoo-user/target-spec"
    assert steps.sysroot_folder(trees.TARGET) == "sysroot/x86_64-ostoo-user"


def test_a_published_program_is_whole_and_can_be_run(tmp_path: Path) -> None:
    source = fake.write(tmp_path / "linked", "new")
    steps.publish(source, tmp_path / "user/deep/hello")
    fake.write(tmp_path / "linked", "newer")
    steps.publish(source, tmp_path / "user/deep/hello")
    published = tmp_path / "user/deep/hello"
    assert published.read_text() == "newer"
    assert published.stat().st_mode & 0o777 == 0o755
    assert list(published.parent.iterdir()) == [published]


def test_a_program_that_cannot_be_published_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, published = fake.write(tmp_path / "linked", "new"), fake.write(tmp_path / "user/hello", "old")

    def full(_source: Path, destination: Path) -> None:
        fake.write(destination, "ne")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(OstooError, match=r"can't write .*/user/hello: No space left on device") as caught:
        steps.publish(source, published)
    assert caught.value.where == str(published.parent)
    assert {path.name: path.read_text() for path in published.parent.iterdir()} == {"hello": "old"}


def test_a_missing_source_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match=r"can't write .*: No such file or directory"):
        steps.publish(tmp_path / "gone", tmp_path / "hello")


def test_deploying_is_told(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    source = fake.write(session.root / "hello", "x")
    steps.deploy(session, source, session.root / "user/hello")
    assert (session.root / "user/hello").read_text() == "x"
    assert capsys.readouterr().err == f"   Deploying {session.root}/user/hello\n"


def replace_by_link(path: Path, goal: Path) -> None:
    path.unlink()
    path.symlink_to(goal)


def test_what_somebody_did_to_a_published_file_is_undone(tmp_path: Path) -> None:
    source, published = fake.write(tmp_path / "linked", "one"), tmp_path / "hello"
    steps.publish(source, published)
    inode = published.stat().st_ino
    steps.publish(source, published)
    assert published.stat().st_ino == inode, "nothing is written where nothing differs"
    for damage in (
        lambda: published.write_text("two"),
        lambda: published.chmod(0o644),
        lambda: replace_by_link(published, source),
        published.unlink,
    ):
        damage()
        os.utime(source, (1, 1))
        steps.publish(source, published)
        assert (published.is_symlink(), published.read_text()) == (False, "one")
        assert published.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_sysroot_that_is_edited_while_it_is_taken_is_stored_under_no_key(
    is_edited: bool,  # noqa: FBT001 - a table's column
    tmp_path: Path,
) -> None:
    sysroot_trees.write(tmp_path / "musl", sysroot_trees.good_files())
    session = SimpleNamespace(
        root=tmp_path,
        variables={"sysroot": "folder:musl"},
        sysroot=sysroot_providers.choose("folder:musl", tmp_path),
        spec=lambda _target: SimpleNamespace(arch="x86_64"),
    )
    job = steps.sysroot_job(cast("Session", session), trees.TARGET)
    if not is_edited:
        assert set(job.promised) <= set(job.run().outputs)
        return
    (tmp_path / "musl/include/stdio.h").write_text("/* edited */")
    with pytest.raises(OstooError, match="what sysroot=folder:musl names changed while it was used"):
        job.run()
