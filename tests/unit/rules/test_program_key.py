"""What a whole program stands on, field by field: each is in its key, and each is found where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import model_checkout as model
import pytest
from msgspec.structs import replace

from ostoo_build.base import own_source
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.project.target_files import TargetFiles
from ostoo_build.rules import musl_sysroot, program_key
from ostoo_build.rules.progress import PendingProgram

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ostoo_build.rules.program_key import WholeProgram


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    model.create(root)
    return root


def found(root: Path, *, budget: int | None = None, uses_std: bool = False, profile: str = "release") -> WholeProgram:
    """What a new invocation finds."""
    checkout = model.checkout_at(root)
    checkout.make_memos()
    made = model.invoked(checkout, str(root.parent / "cache"))
    program = replace(model.plan(root)["one"], uses_std=uses_std, profile=profile)
    made.planner.units.update({unit.id: unit for unit in program.units})
    return program_key.whole(
        made.planner, made.services, PendingProgram(program, budget, is_checked=True), {}, Snapshot()
    )


CHANGES: dict[str, Callable[[Path], object]] = {
    "plan": lambda root: model.write(root, "plan.json", '"b"'),
    "sources": lambda root: model.write(root, "user-rs/base/src/more.rs", "edited"),
    "target": lambda root: model.write(root, "targets/model.loader.json", "edited"),
    "toolchain": lambda root: model.write(root.parent, "tools/library/core/lib.rs", "edited"),
    "host": lambda root: model.write(root.parent, "tools/cc", "edited"),
}
ASKED = ("name", "size_budget", "outputs")
OURS = ("tool", "sysroot", "begins_in_libc")


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_edited_is_found(name: str, root: Path) -> None:
    before = found(root)
    assert found(root) == before
    CHANGES[name](root)
    after = found(root)
    changed = {name for name in after.__struct_fields__ if getattr(after, name) != getattr(before, name)}
    assert changed == {name}
    assert after.action.fingerprint != before.action.fingerprint


def test_what_is_asked_for_is_found(root: Path) -> None:
    assert found(root, budget=5).size_budget == 5
    assert found(root, profile="size").outputs != found(root).outputs


def test_what_is_ours_is_found(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(musl_sysroot, "key", lambda *_: "of a sysroot")
    before = found(root, uses_std=True)
    assert before.sysroot == "of a sysroot"
    assert not found(root).sysroot
    tool = own_source.digest_of(*program_key.DECIDED_BY)
    monkeypatch.setattr(own_source, "digest_of", lambda *_: "of other code")
    assert found(root).tool == "of other code" != tool == before.tool


def test_where_a_program_begins_is_found(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(musl_sysroot, "key", lambda *_: "of a sysroot")
    assert not found(root, uses_std=True).begins_in_libc
    monkeypatch.setattr(TargetFiles, "crt", lambda *_: "musl")
    assert found(root, uses_std=True).begins_in_libc
    assert not found(root).begins_in_libc, "it takes nothing from the sysroot"


def test_each_field_is_in_the_key(root: Path) -> None:
    known = found(root)
    assert set(known.__struct_fields__) == {*CHANGES, *ASKED, *OURS}
    for name in known.__struct_fields__:
        value = getattr(known, name)
        other: Any = value[1:] if isinstance(value, tuple) else f"{value} and more"
        changed = replace(known, **{name: other})
        assert changed.action.fingerprint != known.action.fingerprint, name
