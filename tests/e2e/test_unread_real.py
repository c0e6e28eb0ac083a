"""Files of a package that a compilation did not read: an edit of them builds nothing, as with cargo, or less."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import crates
import pytest
from trees import cargo, copy_sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trees import Tree

pytestmark = pytest.mark.compiler

NUMBER = 20
SHARED = range(5)
"""The programs that have a module in common."""
DATA, MODULE, OTHER_PLACE = 7, "src/bin/shared/common/mod.rs", "src/bin/shared/common.rs"
PLACE = "user-rs/many"


def source(number: int) -> str:
    """What a program is, for both: its own number, a module, a file."""
    module = "mod shared {\npub mod common;\n}\n" if number in SHARED else ""
    said = 'include_str!("../data.txt")' if number == DATA else f'"{number}"'
    shown = "shared::common::SHARED" if number in SHARED else '""'
    return f"{module}pub fn said() -> (&'static str, &'static str) {{ ({said}, {shown}) }}\n"


OURS = (
    "#![no_std]\n#![no_main]\nextern crate ostoo_rt;\n{}#[no_mangle]\nfn main() -> i32 {{\n"
    'let (a, b) = said();\nostoo_rt::println!("{{}} {{}}", a, b);\n0\n}}\n'
)
CARGOS = '{}fn main() {{\nlet (a, b) = said();\nprintln!("{{}} {{}}", a, b);\n}}\n'


class Both:
    """A package of many programs, here and beside it for the real cargo."""

    def __init__(self, tree: Tree, folder: Path) -> None:
        self.tree, self.folder, self.mark = tree, folder, uuid.uuid4()
        crates.add(tree, "many", f"[dependencies]\n{crates.RUNTIME}")
        self.write("Cargo.toml", '[package]\nname = "many"\nversion = "0.1.0"\nedition = "2021"\n', ours=False)
        self.write("README.md", "many")
        self.write("tests/all.rs", "")
        self.write(MODULE, 'pub const SHARED: &str = "shared";\n')
        self.write("src/data.txt", "data")
        for number in range(NUMBER):
            self.program(number, source(number))

    def program(self, number: int, text: str) -> None:
        # no cache has its object
        text = f'{text}#[used]\npub static MARK: &str = "{self.mark}";\n'
        self.tree.write(f"{PLACE}/src/bin/b{number}.rs", OURS.format(text))
        self.write(f"src/bin/b{number}.rs", CARGOS.format(text), ours=False)

    def write(self, name: str, text: str, *, ours: bool = True) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)
        if ours:
            self.tree.write(f"{PLACE}/{name}", text)

    def move(self, name: str, goal: str) -> None:
        for top in (self.folder, self.tree.root / PLACE):
            (top / name).rename(top / goal)

    def built(self) -> tuple[list[str], list[str]]:
        """Build, and return which programs were linked here, and compiled by cargo."""
        names = [f"b{number}" for number in range(NUMBER)]
        steps = self.tree.build(*names)
        lines = map(json.loads, cargo(self.folder, "build", "--bins", "--message-format=json").splitlines())
        made = [line["target"]["name"] for line in lines if line["reason"] == "compiler-artifact" and not line["fresh"]]
        ours = [name for name in steps.done("Linking") if name in names]
        assert steps.done("Compiling").count("many") <= len(made)
        return sorted(ours), sorted(made)


@pytest.fixture
def both(tree: Tree, tmp_path: Path) -> Both:
    return Both(tree, tmp_path / "cargos")


def edits(both: Both) -> list[tuple[Callable[[], object], list[int]]]:
    """Edits, each with the programs that read what was edited."""
    shared = 'pub const SHARED: &str = "edited";\n'
    return [
        (lambda: both.program(3, source(3).replace('"3"', '"three"')), [3]),
        (lambda: both.write(MODULE, shared), [*SHARED]),
        (lambda: both.write("src/data.txt", "edited"), [DATA]),
        (lambda: both.write("README.md", "edited"), []),
        (lambda: both.write("tests/all.rs", "#[test]\nfn all() {}\n"), []),
        (lambda: both.write("src/bin/notes.txt", "new"), []),
        (lambda: both.move(MODULE, OTHER_PLACE), []),
        (lambda: both.write(OTHER_PLACE, shared.replace("edited", "moved")), [*SHARED]),
    ]


def test_an_edit_builds_the_programs_that_cargo_builds_or_fewer(both: Both) -> None:
    first, _ = both.built()
    assert len(first) == NUMBER
    for edit, expected in edits(both):
        edit()
        ours, cargos = both.built()
        assert ours == sorted(f"b{number}" for number in expected)
        assert {*ours} <= {*cargos}
        assert both.built() == ([], [])
    assert both.tree.run("b3") == (0, "three moved\n", "")
    assert both.tree.run(f"b{DATA}")[1] == "edited \n"


def test_a_clone_takes_what_was_made_with_other_files_that_nobody_reads(both: Both, tmp_path: Path) -> None:
    """As whole programs, and in parts where a program is another one."""
    names = [f"b{number}" for number in range(4)]
    both.tree.build(*names)
    clone, parts = copy_sources(both.tree, tmp_path / "clone"), copy_sources(both.tree, tmp_path / "parts")
    for place in (clone, parts):
        for name in ("README.md", "src/bin/b19.rs", "src/more.rs"):
            place.write(f"{PLACE}/{name}", "// another one\n")
    built = clone.build(*names)
    assert built.steps == []
    assert all(f"Restored {name} from the action cache" in built.stderr for name in names)
    assert clone.build(*names).steps == []
    (parts.root / "targets/x86_64-ostoo-user.loader.json").unlink()
    built = parts.build(*names)
    assert "Restored" not in built.stderr
    assert "many" not in built.done("Compiling")
    clone.write(f"{PLACE}/{MODULE}", 'pub const SHARED: &str = "other";\n')
    assert clone.build("b1").done("Linking") == ["b1"]
    assert clone.run("b1")[1] == "1 other\n"


def test_a_second_file_of_a_module_is_seen_though_nobody_read_it(both: Both, tmp_path: Path) -> None:
    both.tree.build("b1", "b9")
    clone = copy_sources(both.tree, tmp_path / "clone")
    for place in (both.tree, clone):
        place.write(f"{PLACE}/{OTHER_PLACE}", "")
        failed = place.scons("b1")
        assert failed.code == 2
        assert "file for module `common` found at both" in failed.stderr
        assert not place.build("b9").done("Compiling")
        (place.root / PLACE / OTHER_PLACE).unlink()
        assert not place.build("b1").done("Compiling")
        assert place.run("b1")[1] == "1 shared\n"


def test_a_macro_may_read_any_file_of_the_package(tree: Tree) -> None:
    body = 'format!("{:?}", std::fs::read_to_string("seen/word.txt").unwrap()).parse().unwrap()'
    crates.add(tree, "reader", "[lib]\nproc-macro = true\n", lib=crates.proc_macro("word", body))
    asks = f"[dependencies]\n{crates.RUNTIME}\n{crates.paths('reader')}"
    crates.add(tree, "seen", asks, main=crates.main('println!("{}", reader::word!());'))
    for word in ("one", "two", "one"):
        tree.write("user-rs/seen/word.txt", word)
        tree.build("seen")
        assert tree.run("seen")[1] == f"{word}\n"
