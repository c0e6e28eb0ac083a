from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base import layout, stamps, state_file
from ostoo_build.rebuild import watched

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fake.write(tmp_path / "user-rs/a/target/CACHEDIR.TAG", "")
    fake.write(tmp_path / "user-rs/b/target/main.rs", "")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("user-rs/a/src/main.rs", True),
        ("user-rs/.cargo/config.toml", True),
        ("user-rs/b/target/main.rs", True),
        ("SConstruct", True),
        ("site_scons/ostoo_build/planning/plan.py", True),
        ("user-rs/a/build/x.rs", True),
        ("", False),
        ("build/x86_64/a", False),
        ("sysroot/x86_64/lib/libc.a", False),
        ("user/a", False),
        (".git/index", False),
        ("user-rs/a/src/.main.rs.swp", False),
        ("user-rs/a/src/main.rs~", False),
        ("user-rs/a/target/debug/a", False),
        ("site_scons/__pycache__/a.cpython-311.pyc.140", False),
    ],
)
def test_what_a_build_may_read_counts_and_what_builds_write_does_not(name: str, *, counts: bool, root: Path) -> None:
    assert watched.counts(root, ("build", "sysroot", "user"), root / name) is counts


def test_what_is_written_down_is_read_again(root: Path) -> None:
    seen = watched.stamps([str(root / "user-rs"), str(root / "absent")])
    state_file.write(root / layout.WATCHED, state_file.sealed(json.dumps(seen).encode()))
    assert watched.read(root) == seen
    assert seen[str(root / "absent")] is None


@pytest.mark.parametrize("content", [None, b"", b"{}", state_file.sealed(b"[]"), state_file.sealed(b"nothing")])
def test_what_is_no_note_says_nothing(content: bytes | None, root: Path) -> None:
    if content is not None:
        (root / layout.STATE).mkdir(parents=True)
        (root / layout.WATCHED).write_bytes(content)
    assert watched.read(root) == {}


def test_each_change_is_another_stamp(root: Path) -> None:
    file = root / "user-rs/b/target/main.rs"
    names = [str(file), str(file.parent), str(root / "new")]
    before = watched.stamps(names)
    assert watched.stamps(names) == before
    file.write_text("longer than before")
    (root / "new").touch()
    after = watched.stamps(names)
    assert [name for name in names if after[name] != before[name]] == [names[0], names[2]]


def test_what_changed_after_a_build_began_may_be_what_it_did_not_read(root: Path) -> None:
    settled, edited, removed = root / "settled", root / "folder/edited", root / "folder/removed"
    edited.parent.mkdir(parents=True)
    settled.write_text("")
    absent = root / "no folder/absent"
    names = [str(path) for path in (settled, edited, removed, absent)]
    stamps.wait_for_tick(time.time_ns())
    began = time.time_ns()
    assert watched.late(watched.stamps(names), began) == set()
    edited.write_text("")
    assert watched.late(watched.stamps(names), began) == {str(edited), str(removed)}
