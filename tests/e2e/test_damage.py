"""State that is damaged in any way is made again, with one line: no build fails for it, waits, or goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from damage import DAMAGES, HARMLESS, state_files
from trees import copy_tree

if TYPE_CHECKING:
    from pathlib import Path

    from trees import Tree

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("damage")]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Tree:
    """A checkout in which builds remember all that they ever do."""
    tree = copy_tree(tmp_path_factory.mktemp("damaged") / "checkout", str(shared_cache))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tree.root.parent / "user"))
        for _ in range(3):
            tree.build("hello-rs")
    return tree


@pytest.mark.parametrize("damage", DAMAGES)
def test_all_state_is_damaged_at_once(damage: str, damaged: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    user = damaged.root.parent / "user"  # the user's cache is damaged, too
    monkeypatch.setenv("XDG_CACHE_HOME", str(user))
    damaged.build("hello-rs", "--all-outputs")
    damaged.build("hello-rs")
    good = damaged.program("hello-rs").read_bytes()
    files = state_files(damaged.root, user / "ostoo-build")
    names = {path.name for path in files}
    assert {"action.json", ".stamps.json", "trees.json", "lock-owner", "toolchain.txt", "compilers.json"} <= names
    for path in files:
        DAMAGES[damage](path)
    for _ in range(2):
        result = damaged.build("hello-rs")
        assert damaged.program("hello-rs").read_bytes() == good
        assert "Traceback" not in result.stderr
        assert result.stderr.count("was damaged and is recreated") <= 1
    for path in state_files(damaged.root, damaged.root / "nowhere"):  # to hash the toolchain anew takes long
        DAMAGES[damage](path)
    damaged.replace("user-rs/hello-rs/src/main.rs", "Hello", "Hallo")
    first = damaged.build("hello-rs")
    assert damaged.run("hello-rs")[1].startswith("Hallo")
    assert damage in HARMLESS or "was damaged and is recreated" in first.stderr or damage == "unreadable"
    damaged.replace("user-rs/hello-rs/src/main.rs", "Hallo", "Hello")
    damaged.build("hello-rs")
    assert damaged.program("hello-rs").read_bytes() == good
