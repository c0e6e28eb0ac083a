"""Reads which toolchain a repository names for rustup: `rust-toolchain.toml`, or its older form `rust-toolchain`.

They are at the top or, where it has none, in a folder at the top, such as a workspace of its own. rustup's book
describes the files (chapter "Overrides").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import digest, toml_file
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("rust-toolchain", "rust-toolchain.toml")
"""The files' names; rustup prefers the first."""

_DEFAULT = "nightly"
_NAME = lazy_pattern(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CHANNEL = lazy_pattern(r"(stable|beta|nightly|\d+\.\d+(\.\d+)?)(-\d{4}-\d{2}-\d{2})?")


class NamedToolchain(Struct, frozen=True):
    """A channel or a toolchain's name ("nightly", "1.96.0"), or the folder of a toolchain; `reason` is for the user."""

    name: str
    folder: Path | None
    reason: str


def read(root: Path) -> NamedToolchain:
    """Return the toolchain that the repository in `root` names; nightly if it names none.

    Raises `OstooError` for a file that names none, and if several folders name different ones.
    """
    files = files_at(root) or [file for folder in _folders(root) for file in files_at(folder)]
    found = {file: _read(file) for file in files}
    different = {(each.name, each.folder) for each in found.values()}
    if len(different) > 1:
        raise OstooError(
            "folders name different toolchains, and a build uses one",
            where="\n".join(map(str, found)),
            remedy="name one at the top, in rust-toolchain.toml",
        )
    if not found:
        return NamedToolchain(_DEFAULT, None, "as no rust-toolchain.toml names another")
    return next(iter(found.values()))


def is_channel(name: str) -> bool:
    """Whether a name is a channel, which rustup completes by this machine's triple. Others are toolchains' own."""
    return bool(_CHANNEL.fullmatch(name))


def files_at(folder: Path) -> list[Path]:
    """Return the file in a folder that rustup would read."""
    return [folder / name for name in NAMES if (folder / name).is_file()][:1]


def _folders(root: Path) -> list[Path]:
    return sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _read(file: Path) -> NamedToolchain:
    try:
        with digest.opened(file) as stream:
            table = _table(stream.read(), is_old=file.name == NAMES[0])
        named = table["path"] if "path" in table else table["channel"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise OstooError(
            f"can't read the toolchain's channel: {_why(error)}",
            where=str(file),
            remedy='write channel = "nightly", or another one, in its table [toolchain]',
        ) from error
    reason = f"named by {file.name}"
    if "path" in table:
        if not isinstance(named, str) or not named or "\0" in named:
            raise OstooError(f"the toolchain's path is not a path: {named!r}", where=str(file))
        return NamedToolchain(named, file.parent / named, reason)
    if not (isinstance(named, str) and _NAME.fullmatch(named)):
        raise OstooError(f"the toolchain's channel is not a name: {named!r}", where=str(file))
    return NamedToolchain(named, None, reason)


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return str(error.strerror)
    return "there is none" if isinstance(error, KeyError | TypeError) else f"not valid TOML: {error}"


def _table(content: bytes, *, is_old: bool) -> dict[str, Any]:
    text = content.decode("utf-8-sig").strip()
    if is_old and text and "\n" not in text and "=" not in text:
        return {"channel": text}
    table: dict[str, Any] = toml_file.parse(content)["toolchain"]
    return table
