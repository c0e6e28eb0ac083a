"""Writes paths so that they mean the same in every checkout. Does not know what the paths are for.

A *portable* text names the places that differ between machines by a placeholder, `@{root}` for the checkout and one
each for the toolchain's parts. Action keys are made of portable texts only.
"""

from __future__ import annotations

import os
import posixpath
import re
from functools import cached_property
from os.path import normpath, realpath
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import digest
from ostoo_build.base.input import Input, is_executable, refuse_odd

if TYPE_CHECKING:
    from pathlib import Path

_PLACEHOLDER = re.compile(r"@\{([a-z-]+)\}")


class PathMap(Struct, frozen=True, dict=True):
    """The real file or folder behind each placeholder; `root` is always among them.

    `of_tools` is what the portable paths begin with of what the toolchain's digest, part of every key, vouches for.
    """

    places: tuple[tuple[str, Path], ...]
    of_tools: tuple[str, ...] = ("@{rust-src}/", "@{toolchain}/")

    @cached_property
    def _real(self) -> dict[str, str]:
        return {name: realpath(place) for name, place in self.places}

    @cached_property
    def _innermost_first(self) -> list[tuple[str, str]]:
        return sorted(((place, name) for name, place in self._real.items()), key=lambda pair: -len(pair[0]))

    @property
    def root(self) -> str:
        return self._real["root"]

    @cached_property
    def marks(self) -> tuple[str, ...]:
        """What tells in a text where this checkout is: its path, and that of `build` where it is a link elsewhere."""
        build = realpath(f"{self.root}/build")
        return (self.root,) if _is_below(build, self.root) else (self.root, build)

    def portable(self, path: str | Path) -> str:
        """Name an absolute path: relative to the root where it lies in the checkout, else behind a placeholder.

        Where places are nested, the innermost gives the name. A path outside all of them stays as it is.
        """
        real = realpath(path)
        for place, name in self._innermost_first:
            if real == place or real.startswith(place + "/"):
                rest = real[len(place) + 1 :]
                if name == "root":
                    return rest or "."
                return f"@{{{name}}}/{rest}" if rest else f"@{{{name}}}"
        return real

    def portable_text(self, text: str) -> str:
        """Write a text that may name places of this machine, as flags and build scripts do, so that it fits any."""
        found = quote(text)
        for place, name in self._innermost_first:
            if name in ("root", "cargo-home"):
                found = re.sub(rf"{re.escape(quote(place))}(?![\w.-])", f"@{{{name}}}", found)
        return found

    def named(self, path: str | Path) -> str:
        """Name an absolute path by its own names, an absolute portable text: what is linked to is another path."""
        text = normpath(path)
        places = ((each, name) for name, place in self.places for each in (normpath(place), self._real[name]))
        for place, name in sorted(places, key=lambda pair: -len(pair[0])):
            if text == place or text.startswith(place + "/"):
                return f"@{{{name}}}{quote(text[len(place) :])}"
        return quote(text)

    def input_path(self, path: str | Path) -> str:
        """Name an absolute path as `portable` does, by its own name where a link leads elsewhere.

        It is the name by which a file is read: a link that is turned elsewhere is another file of the same name.
        Other places than the checkout are named as wholes, by what they are; links within them are nobody's to turn.
        """
        at = "/"
        for part in str(path).split("/"):
            if part == "..":
                at = os.path.dirname(realpath(at) if os.path.islink(at) else at)  # noqa: PTH114, PTH120 - texts
            elif part not in ("", "."):
                at = f"{at.rstrip('/')}/{part}"
        # another place may lie in the checkout, as a toolchain of the project's own does
        innermost = next((each for each in self._innermost_first if _is_below(at, each[0])), None)
        if innermost == (self.root, "root"):
            return at[len(self.root) :].lstrip("/") or "."
        found = self.portable(path)
        return at if found.startswith("/") else found

    def is_in(self, path: str | Path, folders: tuple[str, ...]) -> bool:
        """Whether a path lies in one of some folders, each with a slash at its end: by its name, or where it leads."""
        return self.input_path(path).startswith(folders) or self.portable(path).startswith(folders)

    def input(self, path: Path) -> Input:
        """Take a file as an action's input, by its name.

        Raises `OSError` where it can't be read, `OstooError` for a name that no action can have.
        """
        status, name = path.stat(), self.input_path(path)
        if is_local(name):
            refuse_odd(self.root, (name,))
        return Input(name, digest.of_file(path), status.st_size, is_executable(status))

    def expand(self, text: str) -> str:
        """Put the real places into a portable text."""
        return _PLACEHOLDER.sub(self._expand_one, text)

    def _expand_one(self, match: re.Match[str]) -> str:
        name = match[1]
        return "@" if name == "at" else self._real[name]


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")


def quote(text: str) -> str:
    """Make a text that comes from the user safe to stand in a portable text."""
    return text.replace("@{", "@{at}{")


def is_local(path: str) -> bool:
    """Whether a portable path lies in the checkout: only there files change under the user's hands."""
    return not path.startswith(("@{", "/"))


def seen_from(path: str, directory: str) -> str:
    """Write a portable path so that it leads from a working folder, a portable path too, to the same place."""
    if not is_local(path) or directory == ".":
        return path
    return posixpath.relpath(path, directory) if is_local(directory) else absolute(path)


def absolute(path: str) -> str:
    """Write a portable path so that it does not depend on the working folder; it stays portable."""
    return f"@{{root}}/{path}" if is_local(path) else path
