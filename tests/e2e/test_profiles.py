"""Profiles besides release, as Cargo.toml has them: what they make, and how they go on from an edit."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile
from trees import Tree, copy_tree

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("profiles")]

SAID = "Hello from Rust std on ostoo!\n"
CUSTOM = '\n[profile.mine]\ninherits = "size"\n[profile.mine.package.hello-rs]\nopt-level = "z"\n'


@pytest.fixture
def dev(first_developed: Tree, tmp_path: Path) -> Tree:
    """A checkout with both programs built for development."""
    shutil.copytree(first_developed.root, tmp_path / "checkout", symlinks=True)
    return Tree(tmp_path / "checkout", first_developed.cache)


def sections(path: Path) -> set[str]:
    with path.open("rb") as stream:
        return {section.name for section in ELFFile(stream).iter_sections()}


def loaded(path: Path) -> list[tuple[int, int, bytes]]:
    """What a loader maps, without the ELF header at its beginning: that tells where sections are described."""
    with path.open("rb") as stream:
        segments = [segment for segment in ELFFile(stream).iter_segments() if segment["p_type"] == "PT_LOAD"]
        return [
            (each["p_vaddr"], each["p_memsz"], each.data()[64 if each["p_offset"] == 0 else 0 :]) for each in segments
        ]


def test_dev_keeps_debug_information_beside_what_a_loader_gets(dev: Tree) -> None:
    for name in ("hello-rs", "hello-std"):
        program, kept = dev.program(name, "dev"), dev.program(f"{name}.debug", "dev")
        assert {".symtab", ".debug_line"} <= sections(kept)
        assert not {".symtab", ".debug_line"} & sections(program)
        assert loaded(program) == loaded(kept) != []
    assert dev.run("hello-std", profile="dev")[1].startswith(SAID)


def test_release_has_the_same_program_with_symbols_and_stack_sizes_beside_it(tree: Tree) -> None:
    tree.build("hello-rs")
    program, kept = tree.program("hello-rs"), tree.program("hello-rs.debug")
    assert {".symtab", ".stack_sizes"} <= sections(kept)
    assert not {".symtab", ".stack_sizes"} & sections(program)
    assert loaded(program) == loaded(kept) != []


def test_an_edit_compiles_one_program_and_the_cache_hears_nothing_of_it(dev: Tree, tmp_path: Path) -> None:
    dev.replace("user-rs/hello-std/src/main.rs", "works", "works for me")
    edited = dev.build("profile=dev", "hello-rs", "hello-std")
    assert edited.done("Compiling") == ["hello-std"]
    assert edited.done("Linking") == edited.done("Stripping") == ["hello-std"]
    assert "works for me" in dev.run("hello-std", profile="dev")[1]
    assert dev.build("profile=dev", "hello-rs", "hello-std").steps == []
    other = copy_tree(tmp_path / "other", dev.cache)
    other.replace("user-rs/hello-std/src/main.rs", "works", "works for me")
    assert other.build("profile=dev", "hello-std").done("Compiling") == ["hello-std", "ostoo-rt"]


@pytest.mark.parametrize("name", ["hello-std", "hello-std.debug"])
def test_what_is_damaged_or_gone_is_put_there_again(name: str, dev: Tree) -> None:
    good = dev.program(name, "dev").read_bytes()
    dev.program(name, "dev").unlink()
    assert dev.build("profile=dev", "hello-std").done("Compiling") == []
    dev.program(name, "dev").write_bytes(good[:-1])
    dev.build("profile=dev", "hello-std")
    assert dev.program(name, "dev").read_bytes() == good


def test_a_panic_in_dev_names_the_line(dev: Tree) -> None:
    dev.replace("user-rs/hello-std/src/main.rs", "-> i32 {", '-> i32 {\n    panic!("over");')
    dev.build("profile=dev", "hello-std")
    code, _, stderr = dev.run("hello-std", profile="dev")
    assert code != 0
    assert "over" in stderr
    assert "main.rs:" in stderr


def test_size_is_small_and_a_profile_may_inherit_from_it(tree: Tree) -> None:
    tree.build("profile=size", "hello-rs", "hello-std")
    assert tree.run("hello-std", profile="size") == (0, tree_says(tree), "")
    assert tree.program("hello-std", "size").stat().st_size <= 28_672
    manifest = tree.root / "user-rs/Cargo.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8") + CUSTOM, encoding="utf-8")
    assert tree.begins("Compiling core", "profile=mine", "hello-rs"), "what it is made of has tests without a compiler"


def tree_says(tree: Tree) -> str:
    """What hello-std says when it is built as everybody builds it."""
    tree.build("hello-std")
    return tree.run("hello-std")[1]


def test_a_profile_that_is_not_there_is_named(tree: Tree) -> None:
    refused = tree.scons("profile=fast", "hello-rs")
    assert refused.code == 2
    assert "fast" in refused.stderr
    assert "Traceback" not in refused.stderr
