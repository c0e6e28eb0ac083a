"""Boot descriptions: how a kernel is booted and what it prints, read from `targets/*.boot.json`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import json_schema
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUFFIX = ".boot.json"
SCHEMA = "boot.schema.json"
"""The schema's file name; it lies beside the descriptions, where editors find it too."""

NONCE = "@{nonce}"
PROGRAM = "@{program}"


class Keys(Struct, frozen=True):
    """What is typed for a program, with its name for `PROGRAM`, when the last line on the screen matches `prompt`."""

    prompt: str
    text: str


class Sign(Struct, frozen=True):
    """A line to look for on "console" or "screen"; `name` is what it means."""

    name: str
    on: str
    pattern: str


class BootDescription(Struct, frozen=True):
    """One kernel. Patterns are regular expressions in which `NONCE` may stand, `time_limit` is in seconds.

    `init` is the script of an initramfs; where there is none, programs come by a share. `output` and `exit_log` name
    a log, or the screen. `screen` has the first row in which lines scroll, and the one behind the last.
    """

    kernel: str
    machine: str
    package: str
    qemu: tuple[str, ...]
    init: tuple[str, ...]
    keys: Keys | None
    screen: tuple[int, int] | None
    output: str
    exit_log: str
    exit_pattern: str
    deaths: tuple[Sign, ...]
    notes: tuple[Sign, ...]
    time_limit: int


def load(path: Path) -> BootDescription:
    """Read a description and hold it against the schema beside it. Raises `OstooError` with file and JSON pointer."""
    document = json_schema.load(path, SCHEMA, "the boot description")
    _check_patterns(document, path)
    keys, screen, exit_line = document.get("keys"), document.get("screen"), document["exit_line"]
    return BootDescription(
        kernel=document["kernel"],
        machine=document["machine"],
        package=document.get("package", ""),
        qemu=tuple(document["qemu"]),
        init=tuple(document["delivery"].get("init", ())),
        keys=Keys(keys["prompt"], keys["text"]) if keys else None,
        screen=(int(screen["first"]), int(screen["end"])) if screen else None,
        output=document["output"],
        exit_log=exit_line["log"],
        exit_pattern=exit_line["pattern"],
        deaths=tuple(Sign(each["name"], each["on"], each["pattern"]) for each in document["deaths"]),
        notes=tuple(Sign(each["name"], "console", each["pattern"]) for each in document.get("notes", ())),
        time_limit=document["time_limit"],
    )


def _check_patterns(document: Mapping[str, Any], path: Path) -> None:
    exit_groups = _compiled(document["exit_line"]["pattern"], f"{path}#/exit_line/pattern").groupindex
    if "code" not in exit_groups:
        raise OstooError(
            "the pattern has no group code", where=f"{path}#/exit_line/pattern", remedy="write (?P<code>[0-9]+)"
        )
    if "keys" in document:
        _compiled(document["keys"]["prompt"], f"{path}#/keys/prompt")
    for kind in ("deaths", "notes"):
        for index, sign in enumerate(document.get(kind, ())):
            _compiled(sign["pattern"], f"{path}#/{kind}/{index}/pattern")


def _compiled(pattern: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern.replace(NONCE, ""))
    except (re.error, OverflowError) as error:
        raise OstooError(f"no regular expression: {error}", where=where) from error
