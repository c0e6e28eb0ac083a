from __future__ import annotations

import pytest

from ostoo_build.base import digest
from ostoo_build.base.input import Input
from ostoo_build.reapi import merkle
from ostoo_build.reapi import remote_execution_pb2 as api

FILES = (
    Input("src/lib.rs", "0" * 64, 3),
    Input("src/a/b.rs", "1" * 64, 4),
    Input("build", "2" * 64, 5, executable=True),
    Input("Cargo.toml", "3" * 64, 6),
)


def known(directory: api.Directory) -> api.Digest:
    content = directory.SerializeToString(deterministic=True)
    return api.Digest(hash=digest.of_bytes(content), size_bytes=len(content))


def file(name: str, digit: str, size: int, *, executable: bool = False) -> api.FileNode:
    content = api.Digest(hash=digit * 64, size_bytes=size)
    return api.FileNode(name=name, digest=content, is_executable=executable)


def test_a_tree_is_named_as_the_api_says() -> None:
    inner = api.Directory(files=[file("b.rs", "1", 4)])
    source = api.Directory(
        files=[file("lib.rs", "0", 3)], directories=[api.DirectoryNode(name="a", digest=known(inner))]
    )
    root = api.Directory(
        files=[file("Cargo.toml", "3", 6), file("build", "2", 5, executable=True)],
        directories=[api.DirectoryNode(name="src", digest=known(source))],
    )
    tree = merkle.tree(FILES)
    assert tree.root == Input(".", known(root).hash, known(root).size_bytes, is_folder=True)
    assert set(tree.directories) == {known(folder).hash for folder in (root, source, inner)}
    assert all(digest.of_bytes(content) == name for name, content in tree.directories.items())


def test_names_are_sorted_whatever_they_stand_for() -> None:
    paths = ("b/x", "a/x", "z", "y", "é", "B/x")
    made = (*(Input(path, "0" * 64, 1) for path in paths), Input("aa", "1" * 64, 2, is_folder=True))
    whole = merkle.tree(made)
    root = api.Directory.FromString(whole.directories[whole.root.sha256])
    assert [node.name for node in root.files] == ["y", "z", "é"]
    assert [node.name for node in root.directories] == ["B", "a", "aa", "b"]
    assert root.directories[2].digest == api.Digest(hash="1" * 64, size_bytes=2)
    assert merkle.tree(made[::-1]).root == whole.root


def test_order_does_not_count() -> None:
    assert merkle.tree(FILES[::-1]).root == merkle.tree(FILES).root


def test_a_folder_that_is_known_by_its_digest_is_the_same_as_its_files() -> None:
    source = merkle.tree(entry._replace(path=entry.path[4:]) for entry in FILES[:2]).root
    assert merkle.tree((*FILES[2:], source._replace(path="src"))).root == merkle.tree(FILES).root


def test_nothing_is_a_tree() -> None:
    assert merkle.tree(()).root == Input(".", digest.of_bytes(b""), 0, is_folder=True)


@pytest.mark.parametrize(
    "other", [Input("src", "4" * 64, 1), Input("src", "4" * 64, 1, is_folder=True), Input("build/x", "4" * 64, 1)]
)
def test_a_name_is_a_file_or_a_folder(other: Input) -> None:
    with pytest.raises(ValueError, match="share a name"):
        merkle.tree((*FILES, other))


def test_a_file_has_one_content() -> None:
    with pytest.raises(ValueError, match="two inputs are called build"):
        merkle.tree((*FILES, FILES[2]._replace(sha256="4" * 64)))
    assert merkle.tree((*FILES, FILES[2])).root == merkle.tree(FILES).root
