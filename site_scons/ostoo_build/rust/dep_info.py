"""Parses rustc's dep-info: the files and variables that a compilation read.

The format is rustc's with `-Zchecksum-hash-algorithm=sha256`: a make rule, then comment lines `# env-dep:NAME[=VALUE]`
and `# checksum:sha256=HEX file_len:N PATH` (rustc_interface, `write_out_deps`).
"""

from __future__ import annotations

from msgspec import Struct

from ostoo_build.base.lazy_pattern import lazy_pattern

_CHECKSUM = "# checksum:sha256="
_ENV_DEP = "# env-dep:"
_ESCAPED = lazy_pattern(r"\\[nr\\]")


class DepInfo(Struct, frozen=True):
    """The files that a compilation read, with their sha256, and the variables that `env!` read.

    Paths are as rustc printed them.

    The sha256 is empty if rustc printed none: it fails to hash libraries whose path contains a space (1.96 and 1.97).
    The value of a variable is None if it was not set.
    """

    files: dict[str, str]
    variables: dict[str, str | None]


def parse(text: str) -> DepInfo:
    """Parse a `.d` file."""
    files: dict[str, str] = {}
    variables: dict[str, str | None] = {}
    for line in text.split("\n"):
        if line.startswith(_CHECKSUM):
            checksum, _length, path = line.removeprefix(_CHECKSUM).split(" ", 2)
            files[_unescape(path)] = checksum
        elif line.startswith(_ENV_DEP):
            name, equals, value = line.removeprefix(_ENV_DEP).partition("=")
            variables[_unescaped_text(name)] = _unescaped_text(value) if equals else None
        elif line.endswith(":") and not line.startswith("#") and " " not in line.replace("\\ ", ""):
            # a line `path:` alone names one input; a rule has a space before each name
            files.setdefault(_unescape(line[:-1]), "")
    return DepInfo(files, variables)


_ESCAPES = {"\\n": "\n", "\\r": "\r", "\\\\": "\\"}


def _unescaped_text(text: str) -> str:
    """Undo the escaping of variables (rustc_interface, `escape_dep_env`)."""
    return _ESCAPED.sub(lambda match: _ESCAPES[match[0]], text)


def _unescape(path: str) -> str:
    """Undo the escaping of spaces, which rustc does in every line."""
    return path.replace("\\ ", " ")
