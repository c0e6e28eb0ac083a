"""Converts between paths of this machine and portable paths, which mean the same in every checkout.

A *portable* text has a placeholder for each location that differs between machines: `@{root}` for the checkout, and
one for each part of the toolchain. Action keys contain portable texts only.
"""

from __future__ import annotations

import os
import posixpath
import re
from functools import cached_property
from os.path import normpath, realpath
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import digest, layout
from ostoo_build.base.input import Input, is_executable, refuse_odd
from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from pathlib import Path

_PLACEHOLDER = lazy_pattern(r"@\{([a-z-]+)\}")


class PathMap(Struct, frozen=True, dict=True):
    """The real path behind each placeholder; `root` is always present.

    `of_tools` lists the prefixes of portable paths whose contents the toolchain digest, part of every key, already
    covers. `sysroots` is the portable path of the folder of all sysroots.
    """

    places: tuple[tuple[str, Path], ...]
    of_tools: tuple[str, ...] = ("@{rust-src}/", "@{toolchain}/")
    sysroots: str = layout.SYSROOTS

    def __post_init__(self) -> None:
        """Compute what depends on the file system now: job threads share this value."""
        self.marks  # noqa: B018 - keeps it
        self._innermost_first  # noqa: B018 - likewise

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
        """Texts that reveal the location of this checkout: its path, and the target of `build` if that is a link."""
        build = realpath(f"{self.root}/build")
        return (self.root,) if _is_below(build, self.root) else (self.root, build)

    @property
    def made(self) -> tuple[str, ...]:
        """The folders that builds write to, as portable paths."""
        return (layout.BUILD, self.sysroots)

    def is_made(self, path: str) -> bool:
        """Whether a portable path is below a folder that builds write to, judged by its name."""
        return path.startswith(tuple(f"{folder}/" for folder in self.made))

    def sysroot(self, target: str) -> str:
        """The folder of a target's C library, a portable path."""
        return f"{self.sysroots}/{target}"

    def portable(self, path: str | Path) -> str:
        """Convert an absolute path: relative to the root if it is in the checkout, else with a placeholder.

        With nested locations the innermost one is used. A path outside all of them stays absolute.
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
        """Replace all paths of this machine in a text, such as a flag or a build script's output, by placeholders."""
        found = quote(text)
        for place, name in self._innermost_first:
            if name in ("root", "cargo-home"):
                found = re.sub(rf"{re.escape(quote(place))}(?![\w.-])", f"@{{{name}}}", found)
        return found

    def named(self, path: str | Path) -> str:
        """Convert an absolute path to an absolute portable text without resolving links."""
        text = normpath(path)
        places = ((each, name) for name, place in self.places for each in (normpath(place), self._real[name]))
        for place, name in sorted(places, key=lambda pair: -len(pair[0])):
            if text == place or text.startswith(place + "/"):
                return f"@{{{name}}}{quote(text[len(place) :])}"
        return quote(text)

    def input_path(self, path: str | Path) -> str:
        """Convert an absolute path as `portable` does, but keep its own name where it is a link.

        Inputs are identified by the name under which they are read: a link with a new target is a changed file of the
        same name. In locations other than the checkout links are resolved, as the user doesn't change links there.
        """
        at = "/"
        for part in str(path).split("/"):
            if part == "..":
                at = os.path.dirname(realpath(at) if os.path.islink(at) else at)  # noqa: PTH114, PTH120 - texts
            elif part not in ("", "."):
                at = f"{at.rstrip('/')}/{part}"
        # another location may be inside the checkout, such as a toolchain in `.toolchain`
        innermost = next((each for each in self._innermost_first if _is_below(at, each[0])), None)
        if innermost == (self.root, "root"):
            return at[len(self.root) :].lstrip("/") or "."
        found = self.portable(path)
        return at if found.startswith("/") else found

    def is_in(self, path: str | Path, folders: tuple[str, ...]) -> bool:
        """Whether a path is in one of `folders`, which end with a slash; by its name or by the target of a link."""
        return self.input_path(path).startswith(folders) or self.portable(path).startswith(folders)

    def input(self, path: Path) -> Input:
        """Create the `Input` for a file under its own name.

        Raises `OSError` if it can't be read, `OstooError` if its name can't be part of an action.
        """
        status, name = path.stat(), self.input_path(path)
        if is_local(name):
            refuse_odd(self.root, (name,))
        return Input(name, digest.of_file(path), status.st_size, is_executable(status))

    def expand(self, text: str) -> str:
        """Replace the placeholders in a portable text by paths of this machine."""
        return _PLACEHOLDER.sub(self._expand_one, text)

    def _expand_one(self, match: re.Match[str]) -> str:
        name = match[1]
        return "@" if name == "at" else self._real[name]


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")


def quote(text: str) -> str:
    """Escape user text for use in a portable text."""
    return text.replace("@{", "@{at}{")


def is_local(path: str) -> bool:
    """Whether a portable path is in the checkout. Only files there may change during a build."""
    return not path.startswith(("@{", "/"))


def is_of_machine(path: str) -> bool:
    """Whether a portable path is that of this machine alone: it is neither in the checkout nor in a named place."""
    return path.startswith("/")


def seen_from(path: str, directory: str) -> str:
    """Convert a portable path to one relative to `directory`, which is portable too."""
    if not is_local(path) or directory == ".":
        return path
    return posixpath.relpath(path, directory) if is_local(directory) else absolute(path)


def absolute(path: str) -> str:
    """Convert a portable path to a portable one that doesn't depend on the working directory."""
    return f"@{{root}}/{path}" if is_local(path) else path
