"""Finds out which files changed: those that are named, or those of a range of git's revisions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Change(Struct, frozen=True):
    """A changed file by its absolute path. `is_entry` says that it may be new, gone, or of another mode or type.

    It may be a folder that the user names, or that git keeps as one: then all in it changed.
    """

    path: str
    is_entry: bool


class Changes(Struct, frozen=True):
    """Changed files, each once. `revisions` are commits from which they changed until now; none if they were named."""

    files: tuple[Change, ...]
    revisions: tuple[str, ...] = ()


def of(root: Path, places: Sequence[Path], words: Sequence[str]) -> Changes:
    """Return what words mean: files, by their path from one of `places`, or one revision or range of git's.

    Raises `OstooError` for a word that is neither, and if git is not there.
    """
    paths = [_named(places, word) for word in words]
    if all(paths):
        return of_files(root, [path for path in paths if path])
    if len(words) == 1:
        return _of_revisions(root, words[0])
    lost = next(word for word, path in zip(words, paths, strict=True) if not path)
    raise OstooError(f"{lost} is no file", remedy="name files that are there, or one revision or range: A, A..B, A...B")


def of_files(root: Path, paths: Iterable[str]) -> Changes:
    """Return that files changed. One that git does not know, or that is gone, may be an entry that changed."""
    found = dict.fromkeys(paths)
    known = _known(root, list(found))
    return Changes(tuple(Change(path, is_entry=path not in known) for path in found))


def _named(places: Sequence[Path], word: str) -> str:
    for place in places:
        path = os.path.normpath(place / word)
        if os.path.lexists(path):
            return path
    return ""


def _known(root: Path, paths: Sequence[str]) -> set[str]:
    """Return those of some paths that the last commit has and that are there."""
    there = [path for path in paths if Path(path).is_file()]
    try:
        top = _top(root)
        said = _git(root, "ls-tree", "-r", "-z", "--full-tree", "--name-only", "HEAD")
    except OstooError:
        return set()
    names = {_path(root, top, name) for name in said.split("\0")}
    return names & set(there)


def _of_revisions(root: Path, word: str) -> Changes:
    """Return what changed in a range. What is there now is what is looked at, so later changes count too."""
    top = _top(root)
    is_fork = "..." in word
    first, dots, second = word.partition("..." if is_fork else "..")
    before, after = (_commit(root, name or "HEAD") for name in (first, second if dots else first))
    if is_fork:
        before = _git(root, "merge-base", before, after).strip()
    revisions = tuple(dict.fromkeys((before, after)))
    found: dict[str, bool] = {}
    for revision in revisions:
        for path, is_entry in _differing(root, revision):
            name = _path(root, top, path)
            found[name] = found.get(name, False) or is_entry
    return Changes(tuple(Change(path, is_entry) for path, is_entry in sorted(found.items())), revisions)


def _differing(root: Path, revision: str) -> Iterator[tuple[str, bool]]:
    """Yield the paths from git's top that differ from a revision, and whether the entry does."""
    fields = iter(_git(root, "diff", "--raw", "--no-renames", "--no-abbrev", "-z", revision, "--").split("\0"))
    for described in fields:
        if described:
            first, second, *_, status = described.removeprefix(":").split(" ")
            yield next(fields), first != second or status != "M"
    for path in _git(root, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", ":/").split("\0"):
        if path:
            yield path, True


def content_at(root: Path, revision: str, path: str) -> bytes | None:
    """Return what a file contained in a revision; None if it was not there. Raises `OstooError` if git is not there."""
    name = os.path.relpath(os.path.join(os.path.realpath(root), os.path.relpath(path, root)), _top(root))  # noqa: PTH118
    done = process.run(["git", "show", f"{revision}:{name}"], cwd=root, env=os.environ)
    return done.stdout if done.returncode == 0 else None


def _top(root: Path) -> str:
    return _git(root, "rev-parse", "--show-toplevel").removesuffix("\n")


def _path(root: Path, top: str, name: str) -> str:
    """Return the path of a file by the name of the checkout; git's own are without links."""
    inside = os.path.relpath(os.path.join(top, name), os.path.realpath(root))  # noqa: PTH118
    return os.path.normpath(root / inside)


def _commit(root: Path, name: str) -> str:
    done = process.run(["git", "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"], cwd=root, env=os.environ)
    if done.returncode:
        raise OstooError(
            f"{name} is no file and no revision of git's", remedy="a range is A..B, or A...B from where both forked"
        )
    return done.stdout.decode().strip()


def _git(root: Path, *words: str) -> str:
    done = process.run(["git", *words], cwd=root, env=os.environ)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise OstooError(
            f"git can't tell what changed: {said.removeprefix('fatal: ')}",
            where=str(root),
            remedy="name the changed files",
        )
    return done.stdout.decode("utf-8", "surrogateescape")
