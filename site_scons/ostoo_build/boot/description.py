"""Boot descriptions: how a kernel is booted and what it prints, read from `*.boot.json`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import json_schema
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Mapping

SUFFIX = ".boot.json"
OWN = Path(__file__).parent
"""The folder of the descriptions that come with this build; a project's `targets` go first."""

SCHEMA = OWN / "boot.schema.json"

NONCE = "@{nonce}"
PROGRAM = "@{program}"


class KeyInput(Struct, frozen=True):
    """The text to type to start a program, with `PROGRAM` for its name, and the prompt to wait for on the screen."""

    prompt: str
    text: str


class LogPattern(Struct, frozen=True):
    """A line on "console" or "screen"; `name` is its meaning."""

    name: str
    on: str
    pattern: str


class BootDescription(Struct, frozen=True):
    """The boot description of one kernel.

    Patterns are regular expressions, may contain `NONCE`; `time_limit` is in seconds.

    `init` is the script of an initramfs; without it, programs come from a shared folder. `output` and `exit_log` name a
    log, or the screen. After a line of `faults` a program is gone and the kernel goes on; after one of `deaths` the
    kernel does nothing more. `screen` is the first row in which lines scroll, and the one behind the last.
    """

    kernel: str
    machine: str
    package: str
    qemu: tuple[str, ...]
    init: tuple[str, ...]
    keys: tuple[KeyInput, ...]
    screen: tuple[int, int] | None
    output: str
    exit_log: str
    exit_pattern: str
    deaths: tuple[LogPattern, ...]
    faults: tuple[LogPattern, ...]
    notes: tuple[LogPattern, ...]
    time_limit: int


def load(path: Path) -> BootDescription:
    """Read a description and validate it against `SCHEMA`.

    Raises `OstooError` with file and JSON pointer.
    """
    document = json_schema.load(path, SCHEMA, "the boot description")
    _check_patterns(document, path)
    screen, exit_line = document.get("screen"), document["exit_line"]
    return BootDescription(
        kernel=document["kernel"],
        machine=document["machine"],
        package=document.get("package", ""),
        qemu=tuple(document["qemu"]),
        init=tuple(document["delivery"].get("init", ())),
        keys=tuple(KeyInput(keys["prompt"], keys["text"]) for _, keys in _keys(document)),
        screen=(int(screen["first"]), int(screen["end"])) if screen else None,
        output=document["output"],
        exit_log=exit_line["log"],
        exit_pattern=exit_line["pattern"],
        deaths=tuple(LogPattern(each["name"], each["on"], each["pattern"]) for each in document["deaths"]),
        faults=tuple(LogPattern(each["name"], "console", each["pattern"]) for each in document.get("faults", ())),
        notes=tuple(LogPattern(each["name"], "console", each["pattern"]) for each in document.get("notes", ())),
        time_limit=document["time_limit"],
    )


def _check_patterns(document: Mapping[str, Any], path: Path) -> None:
    exit_groups = _compiled(document["exit_line"]["pattern"], f"{path}#/exit_line/pattern").groupindex
    if "code" not in exit_groups:
        raise OstooError(
            "the pattern has no group code", where=f"{path}#/exit_line/pattern", remedy="write (?P<code>[0-9]+)"
        )
    for pointer, keys in _keys(document):
        _compiled(keys["prompt"], f"{path}#/{pointer}/prompt")
    for kind in ("deaths", "faults", "notes"):
        for index, sign in enumerate(document.get(kind, ())):
            _compiled(sign["pattern"], f"{path}#/{kind}/{index}/pattern")


def _keys(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, str]]]:
    """Return each prompt with its text, and where it stands."""
    found = document.get("keys", [])
    return [("keys", found)] if isinstance(found, dict) else [(f"keys/{at}", keys) for at, keys in enumerate(found)]


def _compiled(pattern: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern.replace(NONCE, ""))
    except (re.error, OverflowError) as error:
        raise OstooError(f"invalid regular expression: {error}", where=where) from error
