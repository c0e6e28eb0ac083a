"""Builds input trees of the Remote Execution API: `Directory` messages, identified by the root's digest.

Reads no file: the caller provides the digests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import digest
from ostoo_build.base.input import NOTHING, Input
from ostoo_build.reapi import remote_execution_pb2 as api

if TYPE_CHECKING:
    from collections.abc import Iterable


class Tree(Struct, frozen=True):
    """The root, which has the path ".", and all `Directory` messages of the tree by digest."""

    root: Input
    directories: dict[digest.Hash, bytes]


@dataclass
class _Folder:
    files: dict[str, Input] = field(default_factory=dict)
    folders: dict[str, _Folder] = field(default_factory=dict)
    known: dict[str, Input] = field(default_factory=dict)


def tree(inputs: Iterable[Input]) -> Tree:
    """Build the tree of inputs with relative paths. Raises `ValueError` if one name stands for two inputs."""
    top = _Folder()
    for entry in inputs:
        *folders, name = entry.path.split("/")
        at = top
        for folder in folders:
            at = at.folders.setdefault(folder, _Folder())
        kind = at.known if entry.is_folder else at.files
        if kind.setdefault(name, entry) != entry:
            raise ValueError(f"two inputs are called {entry.path}")
    directories: dict[digest.Hash, bytes] = {}
    root = _serialize(top, directories)
    return Tree(Input(".", root.hash, root.size_bytes, is_folder=True), directories)


def _serialize(folder: _Folder, directories: dict[digest.Hash, bytes]) -> api.Digest:
    names = [*folder.files, *folder.folders, *folder.known]
    if len(set(names)) != len(names):
        raise ValueError(f"a file and a folder share a name: {sorted(names)}")
    nodes = {name: _serialize(below, directories) for name, below in folder.folders.items()}
    nodes |= {name: api.Digest(hash=entry.sha256, size_bytes=entry.size) for name, entry in folder.known.items()}
    directories.update({NOTHING: b""} if any(entry.sha256 == NOTHING for entry in folder.known.values()) else {})
    message = api.Directory(
        files=[_file_node(name, folder.files[name]) for name in sorted(folder.files)],
        directories=[api.DirectoryNode(name=name, digest=nodes[name]) for name in sorted(nodes)],
    )
    content = message.SerializeToString(deterministic=True)
    found = api.Digest(hash=digest.of_bytes(content), size_bytes=len(content))
    directories[found.hash] = content
    return found


def _file_node(name: str, entry: Input) -> api.FileNode:
    content = api.Digest(hash=entry.sha256, size_bytes=entry.size)
    return api.FileNode(name=name, digest=content, is_executable=entry.executable)
