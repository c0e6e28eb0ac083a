"""Lists the paths that cargo examines to find packages and their targets, including missing ones.

The rules are those of cargo's reference ("Workspaces", "Specifying Dependencies", "Target auto-discovery"); a test
compares them with the files that the real cargo opens (`test_plan_reads_real.py`).
"""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostoo_build.base import digest, toml_file
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DEPENDENCIES = ("dependencies", "dev-dependencies", "build-dependencies", "dev_dependencies", "build_dependencies")
_OF_TARGETS = ("src", "src/bin", "tests", "examples", "benches")
_DECLARES = (*_DEPENDENCIES, "features", "target", "patch", "replace", "package", "workspace")
_MAGIC = frozenset("*?[")


def workspace_of(folder: Path) -> Path:
    """Return the folder of the workspace that a package's folder belongs to: its own, if it belongs to no other.

    Cargo takes the nearest manifest above with a workspace that does not exclude the package.
    """
    document = _load(folder / "Cargo.toml")
    named = _table(document, "package").get("workspace")
    if "workspace" in document or not document:
        return folder
    if isinstance(named, str):
        return Path(os.path.normpath(folder / named))
    return next((above for above in folder.parents if _takes(above, folder)), folder)


def _takes(above: Path, folder: Path) -> bool:
    document = _load(above / "Cargo.toml")
    table = _table(document, "workspace")
    excluded = table.get("exclude")
    names = [name for name in excluded if isinstance(name, str)] if isinstance(excluded, list) else []
    is_excluded = any(folder.is_relative_to(os.path.normpath(above / name)) for name in names)
    is_named = any(folder.is_relative_to(os.path.normpath(above / name)) for name in _members(document))
    return "workspace" in document and (is_named or not is_excluded)


def of_workspace(root: Path, configured: Iterable[Path]) -> tuple[Path, ...]:
    """Return the manifests of all packages that determine a workspace's lock and were not downloaded.

    They are the members, path dependencies and patches, in any folder. `configured` are configuration files, which can
    name packages too. An invalid manifest contributes none: cargo reports the error.
    """
    found: dict[Path, None] = {}
    waiting = [root, *(path for file in configured for path in _configured(file))]
    while waiting:
        path = waiting.pop()
        if path not in found and path.is_file():
            found[path] = None
            document, folder = _load(path), path.parent
            waiting += [_manifest(folder, name) for name in _named(document)]
            waiting += [each for pattern in _members(document) for each in _matches(folder, pattern)]
    return tuple(found)


def of_members(root: Path) -> Iterator[Path]:
    """Return the paths at which a new member of a workspace would appear."""
    for pattern in _members(_load(root)):
        parts = pattern.split("/")
        first = next((index for index, part in enumerate(parts) if not _MAGIC.isdisjoint(part)), len(parts))
        yield Path(root.parent, "/".join(parts[:first]))  # even if it is missing
        for index in range(first + 1, len(parts)):
            yield from _glob(root.parent, "/".join(parts[:index]))
        yield from _matches(root.parent, pattern)


def of_package(path: Path, workspace: Path) -> Iterator[Path]:
    """Return the paths that determine a package's targets and what it inherits.

    A missing file is covered by the listing of its folder.
    """
    folder = path.parent
    yield from (path, folder)
    for place in (folder / name for name in _OF_TARGETS):
        if place.is_dir():
            yield place
            yield from (entry for entry in sorted(place.iterdir()) if entry.is_dir())
    for above in folder.parents:
        if above != workspace and not above.is_relative_to(workspace) and folder.is_relative_to(workspace):
            break
        yield above / "Cargo.toml"


def telling_names(folder: Path) -> frozenset[str] | None:
    """Return the names that tell cargo something if they are in a folder of a package; None if all do."""
    return None if folder.name in _OF_FILES else frozenset(_TELLING)


_OF_FILES = ("bin", "tests", "examples", "benches")
"""Folders in which each file may be a target."""

_TELLING = ("Cargo.toml", "build.rs", "lib.rs", "main.rs", "src", *_OF_FILES, "README.md", "README.txt", "README")


def declared(manifests: Iterable[Path], workspace: Path) -> digest.Hash:
    """Return the digest of everything that can change the versions and features of other packages."""
    tables = {os.path.relpath(path, workspace): _declares(_load(path)) for path in manifests}
    return digest.of_json(tables)


def _load(path: Path) -> dict[str, Any]:
    try:
        return toml_file.load(path)
    except (OSError, OstooError):
        return {}


def _declares(document: dict[str, Any]) -> dict[str, str]:
    return {key: repr(document[key]) for key in _DECLARES if key in document}


def _configured(file: Path) -> Iterator[Path]:
    """Return the manifests that a configuration file names in `paths` and patches.

    Their paths are relative to the folder that contains the file's folder.
    """
    document = _load(file)
    listed = document.get("paths", ())
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    for name in (*names, *_patches(document)):
        yield _manifest(file.parent.parent, name)


def _named(document: dict[str, Any]) -> Iterator[str]:
    """Return the folders that a manifest names, relative to its own folder."""
    package = _table(document, "package")
    if isinstance(package.get("workspace"), str):
        yield package["workspace"]
    for table in (document, _table(document, "workspace"), *_table(document, "target").values()):
        for kind in _DEPENDENCIES:
            yield from _path_of(_table(table, kind))
    yield from _patches(document)


def _patches(document: dict[str, Any]) -> Iterator[str]:
    yield from _path_of(_table(document, "replace"))
    for source in _table(document, "patch"):
        yield from _path_of(_table(document["patch"], source))


def _table(document: Any, key: str) -> dict[str, Any]:
    """Return a table of an unvalidated document, empty if the key is missing or has another type."""
    found = document.get(key) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def _path_of(table: dict[str, Any]) -> Iterator[str]:
    for value in table.values():
        if isinstance(value, dict) and isinstance(value.get("path"), str):
            yield value["path"]


def _members(document: dict[str, Any]) -> list[str]:
    listed = _table(document, "workspace").get("members")
    return [pattern for pattern in listed if isinstance(pattern, str)] if isinstance(listed, list) else []


def _matches(folder: Path, pattern: str) -> Iterator[Path]:
    return (_manifest(folder, place) for place in map(str, _glob(folder, pattern)))


def _glob(folder: Path, pattern: str) -> list[Path]:
    found = glob.glob(os.path.join(glob.escape(str(folder)), pattern), include_hidden=True)  # noqa: PTH118, PTH207 - `..`
    return [Path(each) for each in sorted(found)]


def _manifest(folder: Path, name: str) -> Path:
    """Return the manifest in a folder, with `..` removed lexically, as cargo does: links are not followed."""
    return Path(os.path.normpath(folder / name), "Cargo.toml")
