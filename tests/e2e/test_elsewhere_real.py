"""What a build script names outside of the checkout is an input, by its path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from test_corpus_real import write_targets
from trees import Tree, copy_sources, copy_tree
from workspaces import TARGET, program, workspace, write

from ostoo_build.actions import action_log
from ostoo_build.base import layout

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.compiler


def seen(tree: Tree) -> str:
    """Which word the program was compiled with at last."""
    entries = action_log.read(tree.root / layout.ACTIONS).values()
    (word,) = (
        entry.shown["WORD"]
        for entry in entries
        if entry.shown.get("CARGO_BIN_NAME") == "reads" and entry.mnemonic == "Rustc"
    )
    return word


@pytest.mark.parametrize("sandbox", ["off", "on"])
@pytest.mark.parametrize("is_folder", [True, False])
def test_what_a_script_names_outside_of_the_checkout_is_an_input(
    is_folder: bool,  # noqa: FBT001 - a case
    sandbox: str,
    tmp_path: Path,
) -> None:
    tree = copy_tree(tmp_path / "checkout", str(tmp_path / "cache"))
    write_targets(tree)
    place = tmp_path / "elsewhere"
    read = place / "word" if is_folder else place
    if is_folder:
        place.mkdir()
    build = f"""fn main() {{
        println!("cargo::rerun-if-changed={place}");
        println!("cargo::rustc-env=WORD={{}}", std::fs::read_to_string("{read}").unwrap_or("none".into()));
    }}"""
    write(workspace("user-rs", "", program("reads", build=build)), tree.root)
    words = (f"target={TARGET}", "reads")
    for text in (None, "one", "two", None, "one"):
        read.unlink(missing_ok=True)
        if text is not None:
            read.write_text(text)
        tree.build(*words, f"sandbox={sandbox}", "--all-outputs")  # else a known program is taken as a whole
        assert seen(tree) == ("none" if text is None else text)
        assert tree.build(*words, f"sandbox={sandbox}").steps == []
        assert tree.build(*words).steps == []
    clone = copy_sources(tree, tmp_path / "clone")
    clone.build(*words, "--all-outputs")
    assert seen(clone) == "one"
    read.write_text("three")
    clone.build(*words, "--all-outputs")
    assert seen(clone) == "three"
