"""Writes pages of HTML that need nothing from elsewhere: one frame, a part of its own for each, and data."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FRAME = Path(__file__).with_name("frame.html")
_SCRIPT = "<script>"


def page(part: Path, data: Mapping[str, Any], about: Mapping[str, str]) -> str:
    """Return a page: `part` is the file with its body and, from `<script>` on, its script, which reads `data`.

    `about` says what the page is about, by word; it is shown at the top.
    """
    body, _, script = part.read_text(encoding="utf-8").partition(_SCRIPT)
    # a `</script>` in a name must not end the script
    text = json.dumps({**data, "about": about}, separators=(",", ":")).replace("<", "\\u003c")
    frame = _FRAME.read_text(encoding="utf-8").replace("<!--BODY-->", body)
    return frame.replace("/*SCRIPT*/", script.partition("</script>")[0].strip()).replace("/*DATA*/", text)


def about(root: Path, command: str, toolchain: str) -> dict[str, str]:
    """Return what each page says of where it is from: command, commit, toolchain, and the time of now."""
    return {
        "command": command,
        "commit": _commit(root),
        "toolchain": toolchain,
        "made": time.strftime("%Y-%m-%d %H:%M:%S %z"),
    }


def _commit(root: Path) -> str:
    """Return the commit that is checked out, and whether files differ from it; empty where there is no git."""
    try:
        found = process.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=root, env=os.environ)
        changed = process.run(["git", "status", "--porcelain", "--untracked-files=no"], cwd=root, env=os.environ)
    except OstooError:
        return ""
    if found.returncode:
        return ""
    return found.stdout.decode().strip() + (", with changes" if changed.stdout else "")
