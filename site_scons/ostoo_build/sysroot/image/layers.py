"""Merges an image's layers and extracts the contents of the required files.

Everything stays in memory until all layers are merged, so a link, a whiteout or a file in place of a folder can't
affect files here. Whiteouts are those of the OCI image specification 1.1 (layer.md).
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError
from ostoo_build.sysroot.image import tar as tar_members
from ostoo_build.sysroot.image.tar import Member, MemberKind

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Parts = tuple[str, ...]
"""A path from the image's root."""

MAX_NODES = 500_000
MAX_FILES = 10_000
MAX_FILE = 64 << 20
MAX_TOTAL = 256 << 20
"""musl and the Linux headers are some 1,500 files and 15 MB together, the largest of 4 MB."""

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


class _File(Struct, frozen=True):
    data: bytes | None  # None: not wanted


class _Link(Struct, frozen=True):
    target: str


_Folder = dict[str, "_Node"]
_Node = _Folder | _File | _Link


class Tree:
    """The merged files of an image. Layers are added from the lowest to the highest."""

    def __init__(self, wanted: Sequence[Parts]) -> None:
        """Keep the contents of files at or below each of the paths `wanted`."""
        self._wanted = wanted
        self._root: _Folder = {}
        self._nodes = 0
        self._files = 0
        self._total = 0

    def add_layer(self, tar: io.RawIOBase, where: str) -> None:
        """Merge a layer's uncompressed tar.

        Raises `OstooError`, which names `where`, if the tar is damaged or exceeds the limits, and for anything at or
        below a wanted path that is not a plain file, a folder, or a link to a file. Other files of an image are
        ignored.
        """
        members = list(tar_members.members(tar, where))
        try:
            for member in members:
                self._hide(member.path)
            placed: set[Parts] = set()
            for member in members:
                if member.path and not member.path[-1].startswith(_WHITEOUT):
                    self._place(member, tar, placed)
        except ValueError as error:
            raise OstooError(str(error), where=where) from error

    def write(self, path: Parts, destination: Path) -> None:
        """Write the file at `path`, or the files below it, to `destination`. Writes nothing if there are none.

        Raises `OstooError` for a link that does not lead to a wanted file, and if the file system can't distinguish two
        names.
        """
        try:
            contents = list(self._contents(path))
        except ValueError as error:
            raise OstooError(str(error), where="/" + "/".join(path)) from error
        for below, data in contents:
            file = destination.joinpath(*below)
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                with file.open("xb") as stream:
                    stream.write(data)
            except FileExistsError as error:
                raise OstooError(
                    "two files of the image have the same name here", where=str(file), remedy="use another file system"
                ) from error

    def has_file(self, path: Parts) -> bool:
        return isinstance(self._find(path), _File | _Link)

    def folders_with(self, names: Sequence[Parts]) -> list[str]:
        """Return the folders of the image that contain files with all of `names`."""
        waiting: list[tuple[Parts, _Folder]] = [((), self._root)]
        found = []
        while waiting:
            path, folder = waiting.pop()
            if all(self.has_file((*path, *name)) for name in names):
                found.append("/" + "/".join(path))
            waiting += [((*path, name), node) for name, node in folder.items() if isinstance(node, dict)]
        return sorted(found)

    def _hide(self, path: Parts) -> None:
        """Apply a whiteout. It affects only the layers below, wherever it is in its own layer."""
        if not path or not path[-1].startswith(_WHITEOUT):
            return
        folder = self._find(path[:-1])
        hidden = path[-1].removeprefix(_WHITEOUT)
        if hidden in {"", ".", ".."}:
            raise ValueError(f"the whiteout {'/'.join(path)!r} names no file")
        if not isinstance(folder, dict):
            return
        if path[-1] == _OPAQUE:
            folder.clear()
        else:
            folder.pop(hidden, None)

    def _place(self, member: Member, tar: io.RawIOBase, placed: set[Parts]) -> None:
        wanted = any(member.path[: len(path)] == path for path in self._wanted)
        if wanted:
            _require_plain(member, placed)
        folder = self._make_folder(member.path[:-1])
        if folder is None:
            if wanted:
                raise ValueError(f"{_shown(member)} is below something that is not a folder")
            return
        name = member.path[-1]
        if member.kind is MemberKind.FOLDER and isinstance(folder.get(name), dict):
            return
        self._count_node()
        folder[name] = self._node(member, tar, wanted=wanted)

    def _node(self, member: Member, tar: io.RawIOBase, *, wanted: bool) -> _Node:
        if member.kind is MemberKind.FOLDER:
            return {}
        if not wanted:
            return _File(None)
        if member.kind is MemberKind.SYMLINK:
            return _Link(member.target)
        if member.kind is MemberKind.HARDLINK:
            return self._linked(tar_members.path_parts(member.target), _shown(member))
        self._charge(member.size, _shown(member))
        return _File(tar_members.read(tar, member))

    def _linked(self, target: Parts, link: str) -> _File:
        """Return the file that a link leads to. Links on the way are not followed."""
        node = self._find(target)
        if not isinstance(node, _File) or node.data is None:
            raise ValueError(f"{link} is a link to {'/'.join(target)!r}, which is not one of the files to take")
        self._charge(len(node.data), link)
        return node

    def _contents(self, path: Parts) -> Iterator[tuple[Parts, bytes]]:
        waiting: list[tuple[Parts, _Node | None]] = [((), self._find(path))]
        while waiting:
            below, node = waiting.pop()
            if isinstance(node, dict):
                waiting += [((*below, name), child) for name, child in node.items()]
                continue
            if isinstance(node, _Link):
                place = "/" + "/".join((*path, *below))
                target = posixpath.normpath(posixpath.join(posixpath.dirname(place), node.target))
                node = self._linked(tar_members.path_parts(target.lstrip("/")), place)
            if node is not None and node.data is not None:
                yield below, node.data

    def _charge(self, size: int, what: str) -> None:
        self._files += 1
        self._total += size
        if size > MAX_FILE or self._total > MAX_TOTAL or self._files > MAX_FILES:
            raise ValueError(f"this is more than a musl: {what}, of {size} bytes, is file number {self._files}")

    def _count_node(self) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise ValueError(f"the image holds more than {MAX_NODES} files")

    def _find(self, path: Parts) -> _Node | None:
        node: _Node | None = self._root
        for part in path:
            node = node.get(part) if isinstance(node, dict) else None
        return node

    def _make_folder(self, path: Parts) -> _Folder | None:
        """Return the folder at `path`, which is created if necessary, or None if another entry has that path."""
        folder = self._root
        for part in path:
            if part not in folder:
                self._count_node()
            node = folder.setdefault(part, {})
            if not isinstance(node, dict):
                return None
            folder = node
        return folder


def _require_plain(member: Member, placed: set[Parts]) -> None:
    if member.kind is MemberKind.OTHER:
        raise ValueError(f"{_shown(member)} is a special file")
    if not all(part.isascii() and part.isprintable() for part in member.path):
        raise ValueError(f"{_shown(member)} is not a valid name for a header")
    if member.path in placed:
        raise ValueError(f"{_shown(member)} occurs twice")
    if member.kind is not MemberKind.FOLDER:
        placed.add(member.path)


def _shown(member: Member) -> str:
    return repr("/".join(member.path))
