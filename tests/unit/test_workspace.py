from __future__ import annotations

from typing import TYPE_CHECKING

import fake_cargo
import fake_toolchains as fake
import planned_trees as trees
import pytest

from ostoo_build.errors import OstooError
from ostoo_build.workspace import Rustc, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fake_cargo import FakeCargo

    from ostoo_build.cargo import Binary


@pytest.fixture
def made(tmp_path: Path) -> FakeCargo:
    fake.script(tmp_path / "rustc", f"echo asked >> '{tmp_path}/rustc-asked'", *(f"echo '{c}'" for c in trees.CFGS))
    fake.write(tmp_path / f"os/targets/{trees.TARGET}.json", "{}")
    return fake_cargo.make(tmp_path)


def workspace(made: FakeCargo, tools: str = "0" * 64, target: str = "1" * 64) -> Workspace:
    rustc = Rustc(made.folder / "rustc", {"PATH": "/usr/bin:/bin"}, "x86_64-unknown-linux-gnu", tools)
    path = made.folder / f"os/targets/{trees.TARGET}.json"
    return Workspace(made.cargo, rustc, path, target, made.paths, made.folder / "os/build/.ostoo")


def binary(made: FakeCargo, name: str = "hello-std") -> Binary:
    return {each.name: each for each in workspace(made).binaries()}[name]


def test_a_plan_is_made_once_and_remembered_as_it_was(made: FakeCargo) -> None:
    program = binary(made)
    made.asked()
    first = workspace(made).plan(program, "release")
    assert [question.split()[3] for question in made.asked()] == ["build", "-Zunstable-options"]
    assert workspace(made).plan(program, "release") == first
    assert made.asked() == []
    assert (made.folder / "rustc-asked").read_text() == "asked\n"


def test_the_programs_are_asked_for_once(made: FakeCargo) -> None:
    first = workspace(made).binaries()
    assert len(made.asked()) == 1
    assert workspace(made).binaries() == first
    assert made.asked() == []


def edit_manifest(folder: Path) -> None:
    with (folder / "hello-std/Cargo.toml").open("a") as stream:
        stream.write("[dependencies]\n")


def edit_dependency(folder: Path) -> None:
    with (folder / "rt/Cargo.toml").open("a") as stream:
        stream.write("[dependencies]\n")


def edit_lock(folder: Path) -> None:
    fake.write(folder / "Cargo.lock", "version = 4")


def configure(folder: Path) -> None:
    fake.write(folder.parent / ".cargo/config.toml", "[build]")


def do_without_std(folder: Path) -> None:
    fake.write(folder / "hello-std/src/main.rs", "#![no_std]")


def name_a_crate(folder: Path) -> None:
    fake.write(folder / "rt/src/more.rs", "extern crate std;")


def add_source(folder: Path) -> None:
    fake.write(folder / "hello-std/src/lib.rs", "")


def edit_source(folder: Path) -> None:
    fake.write(folder / "hello-std/src/main.rs", "fn main() { println!() }")


CHANGES = [edit_manifest, edit_dependency, edit_lock, configure, do_without_std, name_a_crate, add_source]


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_plan_was_made_from_makes_it_anew(change: Callable[[Path], None], made: FakeCargo) -> None:
    program = binary(made)
    workspace(made).plan(program, "release")
    change(made.cargo.workspace)
    made.asked()
    workspace(made).plan(program, "release")
    assert made.asked()


def test_an_edit_of_code_does_not_ask_cargo(made: FakeCargo) -> None:
    program = binary(made)
    workspace(made).plan(program, "release")
    made.asked()
    edit_source(made.cargo.workspace)
    workspace(made).plan(program, "release")
    assert made.asked() == []


@pytest.mark.parametrize("other", [{"tools": "2" * 64}, {"target": "2" * 64}])
def test_another_toolchain_or_target_plans_anew(other: dict[str, str], made: FakeCargo) -> None:
    program = binary(made)
    workspace(made).plan(program, "release")
    made.asked()
    workspace(made, **other).plan(program, "release")
    assert made.asked()
    assert (made.folder / "rustc-asked").read_text() == "asked\nasked\n"


def test_each_profile_and_program_has_its_plan(made: FakeCargo) -> None:
    std, rs = workspace(made).plan(binary(made), "release"), workspace(made).plan(binary(made, "hello-rs"), "release")
    assert (std.name, rs.name) == ("hello-std", "hello-rs")
    made.asked()
    workspace(made).plan(binary(made), "dev")
    assert "--profile dev" in made.asked()[0]
    assert workspace(made).plan(binary(made, "hello-rs"), "release") == rs


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff"])
def test_a_damaged_memory_costs_time_only(content: bytes, made: FakeCargo) -> None:
    program = binary(made)
    first = workspace(made).plan(program, "release")
    for memo in (made.folder / "os/build/.ostoo").iterdir():
        memo.write_bytes(content)
    assert workspace(made).plan(program, "release") == first
    assert workspace(made).binaries()[1] == program


def test_a_source_that_is_gone_is_no_crash_while_remembering(made: FakeCargo) -> None:
    program = binary(made)
    workspace(made).plan(program, "release")
    (made.cargo.workspace / "rt/src/lib.rs").rename(made.cargo.workspace / "rt/src/other.rs")
    made.asked()
    with pytest.raises((OstooError, OSError)):
        workspace(made).plan(program, "release")
    assert made.asked(), "cargo has the word"
