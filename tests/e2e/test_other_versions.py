"""State of another version of this build is made anew, and nothing of it is read."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from trees import TARGET, Tree, copy_cache

from ostoo_build.actions import action_log, record
from ostoo_build.actions.record import Output, Record
from ostoo_build.base import digest, layout, numbered, state_file

if TYPE_CHECKING:
    from collections.abc import Iterator

STATE = Path(__file__).parents[1] / "support/data/state_de25671.tar.xz"
"""What commit de25671 left, which numbered nothing; made by tests/support/keep_state.sh."""

UNSEALED = "compilers.json and 1 more"

PROGRAM = f"{layout.BUILD}/{TARGET}/release/hello-rs"
NOTE = f"{layout.PROGRAMS}/{TARGET}/release/hello-rs.json"

pytestmark = pytest.mark.compiler


@pytest.fixture
def former(tmp_path: Path) -> Path:
    """Folders of de25671: `os/build` and `cache`, without large files."""
    with tarfile.open(STATE) as archive:
        archive.extractall(tmp_path / "former", filter="data")
    return tmp_path / "former"


@pytest.fixture(autouse=True)
def _no_damage() -> Iterator[None]:
    state_file.damaged.clear()
    yield
    state_file.damaged.clear()


def test_nothing_of_a_version_without_numbers_is_read(former: Path) -> None:
    records = [*former.rglob("action.json"), *former.rglob("metadata.json")]
    logged = [*former.glob("os/build/.ostoo/actions/*.json")]
    others = [path for path in former.rglob("*.json") if path not in (*records, *logged)]
    assert (len(records), len(logged)) == (15, 11)
    assert len(others) > 15
    assert [record.read(path) for path in records] == [None] * len(records)
    assert action_log.read(former / "os/build/.ostoo/actions") == {}
    assert not state_file.damaged
    assert [state_file.recall_json(path) for path in others] == [None] * len(others)


def test_a_build_over_state_of_a_version_without_numbers_is_as_one_from_nothing(
    former: Path, tree: Tree, first: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = former / "cache"
    known = [*(user / "ostoo-build/ac").rglob("?" * 64)]
    assert known
    for path in known:
        path.write_bytes(b"another version's")  # who finds it by its key takes it away
    copy_cache(tree.cache, user / "ostoo-build")
    monkeypatch.setenv("XDG_CACHE_HOME", str(user))
    shutil.copytree(former / "os/build", tree.root / "build")
    mine = Tree(tree.root, str(user / "ostoo-build"))
    told = mine.build("hello-rs").stderr
    warnings = [line for line in told.splitlines() if "warning" in line]
    assert [UNSEALED in line for line in warnings] == [True], "these had no seal then, and are taken for damaged"
    assert "Restored hello-rs from the action cache" in told
    assert mine.program("hello-rs").read_bytes() == first.program("hello-rs").read_bytes()
    assert {path.read_bytes() for path in known} == {b"another version's"}
    mine.build("hello-rs")
    assert "is up to date" in mine.build("hello-rs").stdout


def spoil(tree: Tree, number: int) -> None:
    """Have a version with another number publish another program, for the very action that is asked for."""
    program = tree.root / PROGRAM
    program.write_bytes(b"another program")
    content = state_file.recall_sealed(tree.root / NOTE)
    assert content is not None
    *known, published = content.split(b"\n", 2)
    found = Record.from_bytes(published)
    other = Output(digest.of_file(program), program.stat().st_size, executable=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbered, "FORMAT", number)
        patch.setattr(state_file, "FORMAT", number)
        told = replace(found, outputs={**found.outputs, "hello-rs": other}).to_bytes()
        state_file.write(tree.root / NOTE, state_file.sealed(b"\n".join((*known, told))))


def test_state_with_another_number_is_made_anew(tree: Tree) -> None:
    tree.build("hello-rs")
    good = tree.program("hello-rs").read_bytes()
    for number in (state_file.FORMAT - 1, state_file.FORMAT + 1):
        spoil(tree, number)
        assert "warning" not in tree.build("hello-rs").stderr
        assert tree.program("hello-rs").read_bytes() == good
    spoil(tree, state_file.FORMAT)
    tree.build("hello-rs")
    assert tree.program("hello-rs").read_bytes() == b"another program", (
        "it is trusted: this test could see a misreading"
    )
