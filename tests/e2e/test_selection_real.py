"""Which programs a build without names builds, and with which features: as cargo, or as a SConscript says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from trees import Tree, copy_tree
from workspaces import TARGET, Package, library, main, needs, program, workspace, write

from ostoo_build.base import layout

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.compiler

FEATURES = "[features]\ndefault = []\nloud = []\nquiet = []\n"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A checkout whose programs need nothing of std's."""
    tree = copy_tree(tmp_path / "checkout", str(tmp_path / "cache"))
    spec = (tree.root / "targets/x86_64-ostoo-kernel.json").read_text(encoding="utf-8")
    tree.write(f"targets/{TARGET}.json", json.dumps(json.loads(spec)))
    return tree


def build(tree: Tree, *words: str) -> set[str]:
    """Build, and return the programs that are published."""
    tree.build(f"target={TARGET}", *words)
    assert tree.build(f"target={TARGET}", *words).steps == []
    return published(tree)


def published(tree: Tree) -> set[str]:
    folder = tree.root / layout.programs(TARGET, "release")
    return {path.name for path in folder.iterdir() if path.is_file() and path.suffix != layout.SYMBOLS}


def declared(name: str, words: str) -> str:
    return f'Import("env")\nenv.RustProgram("{name}", {words})\n'


def test_a_build_without_names_builds_what_cargo_builds(tree: Tree) -> None:
    lacking = f'{FEATURES}[[bin]]\nname = "lacking"\npath = "a.rs"\nrequired-features = ["loud"]\n'
    packages = (
        program("app"),
        program("tool"),
        Package("lacking", lacking, {"a.rs": main()}),
        Package("one", '[[bin]]\nname = "same"\npath = "a.rs"\n', {"a.rs": main()}),
        Package("two", '[[bin]]\nname = "same"\npath = "a.rs"\n', {"a.rs": main()}),
    )
    members = 'default-members = ["app", "lacking", "one", "two"]\n'
    write(workspace("user-rs", "", *packages, root=members), tree.root)
    assert build(tree) == {"app"}
    assert "several packages have a program same: it is not built" in tree.scons(f"target={TARGET}", "-n").stderr
    refused = tree.scons(f"target={TARGET}", "same")
    assert refused.code == 2
    assert refused.stderr.count("error: ") == 1
    assert "several packages have a program same" in refused.stderr
    assert "user-rs/one/Cargo.toml" in refused.stderr
    refused = tree.scons(f"target={TARGET}", "lacking")
    assert refused.code == 2
    assert refused.stderr.count("error: ") == 1
    assert 'env.RustProgram("lacking", features=["loud"])' in refused.stderr
    assert build(tree, "tool") == {"app", "tool"}
    tree.write("user-rs/lacking/SConscript", declared("lacking", 'features=["loud"]'))
    assert build(tree) == {"app", "tool", "lacking"}


def test_a_program_is_built_with_the_features_that_its_script_selects(tree: Tree) -> None:
    wrong = '#[cfg(any(not(feature = "loud"), feature = "default"))]\ncompile_error!("other features");\n'
    write(workspace("user-rs", "", program("app", f"{FEATURES}{needs('low')}", text=wrong), library("low")), tree.root)
    assert "other features" in tree.scons(f"target={TARGET}").stderr
    for words in ('features=["loud"], default_features=False', 'features=("quiet", "loud"), default_features=False'):
        tree.write("user-rs/app/SConscript", declared("app", words))
        tree.build(f"target={TARGET}")
        assert tree.build(f"target={TARGET}").steps == []
        assert tree.build(f"target={TARGET}", "app").steps == []
        # a question about the graph reads no script
        assert "loud" in tree.ostoo("query", "features(app, app)", f"target={TARGET}").stdout
    tree.write("user-rs/app/SConscript", declared("app", 'features=["loud"]'))
    assert "other features" in tree.scons(f"target={TARGET}").stderr


def test_a_program_that_another_one_reads_has_the_features_that_its_script_selects(tree: Tree) -> None:
    """Whichever of them is asked for, and is named first."""
    wrong = '#[cfg(not(feature = "loud"))]\ncompile_error!("other features");\n'
    place = f"../../{layout.program(TARGET, 'release', 'inner')}"
    reads = f'[package.metadata.ostoo]\ninputs = ["{place}"]\n'
    outer = program(
        "a-outer", reads, text=f'macro_rules! t {{ ($t:expr) => {{}} }}\nt!(include_bytes!("../{place}"));\n'
    )
    inner = program("inner", FEATURES, text=wrong)
    write(workspace("user-rs", "", outer, inner), tree.root)
    tree.write("user-rs/inner/SConscript", declared("inner", 'features=["loud"]'))
    assert build(tree, "a-outer") == {"a-outer", "inner"}
    assert build(tree) == {"a-outer", "inner"}
    tree.write("user-rs/inner/SConscript", declared("inner", 'features=["loud", "quiet"]'))
    assert tree.build(f"target={TARGET}", "a-outer").done("Compiling") == ["inner"]


MISTAKES = {
    'features="loud"': "features is not a list of strings",
    "features=[1]": "features is not a list of strings",
    'default_features="no"': "default_features is neither True nor False",
    'featurs=["loud"]': "env.RustProgram has no argument featurs",
    'features=["laud"]': "laud",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_in_a_selection_is_one_message(words: str, tree: Tree) -> None:
    write(workspace("user-rs", "", program("app", FEATURES)), tree.root)
    tree.write("user-rs/app/SConscript", declared("app", words))
    refused = tree.scons(f"target={TARGET}", "app")
    assert refused.code == 2
    assert refused.stderr.count("error: ") == 1
    assert "Traceback" not in refused.stderr
    assert MISTAKES[words] in refused.stderr


def test_examples_are_programs_for_those_who_name_them(tree: Tree) -> None:
    files = {"src/main.rs": main(), "examples/app.rs": main(), "examples/shown/main.rs": main()}
    other = program("other", **{"examples/same.rs": main()})
    own = Package("app", "", {**files, "examples/same.rs": main()})
    write(workspace("user-rs", "", own, other), tree.root)
    assert "warning" not in tree.build(f"target={TARGET}").stderr
    assert build(tree) == {"app", "other"}
    assert "several packages have a program examples/same" in tree.scons(f"target={TARGET}", "examples/same").stderr
    assert build(tree, "examples/app", f"{layout.program(TARGET, 'release', layout.example('shown'))}") == {
        "app",
        "other",
    }
    examples = tree.root / layout.program(TARGET, "release", layout.EXAMPLES)
    assert {path.name for path in examples.iterdir()} == {"app", "app.debug", "shown"}
    (tree.root / "user-rs/app/examples/app.rs").unlink()
    tree.build(f"target={TARGET}")
    assert {path.name for path in examples.iterdir()} == {"shown"}
    for word in ("shown", "examples/app", "examples/shown.tests"):
        refused = tree.scons(f"target={TARGET}", word)
        assert refused.code == 2
        assert f"error: there is no program {word}" in refused.stderr


def test_a_program_that_is_called_like_a_target_of_scons_is_named_by_its_path(tree: Tree) -> None:
    write(workspace("user-rs", "", program("app"), program("test"), program("std"), program("units")), tree.root)
    path = layout.program(TARGET, "release", "test")
    assert build(tree, path) == {"test"}
    assert (
        "a program can't be called units, as a folder beside it is: it is not built"
        in tree.build(f"target={TARGET}").stderr
    )
    assert published(tree) == {"app", "test", "std"}
    refused = tree.scons(f"target={TARGET}", "units")
    assert refused.code == 2
    assert "error: a program can't be called units" in refused.stderr
    assert "user-rs/units/Cargo.toml" in refused.stderr
