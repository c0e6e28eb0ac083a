"""Implements `./ostoo server`: tells about the build servers of a checkout, or ends them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ostoo_build.base import layout
from ostoo_build.server import client, wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.base.console import Console

_QUESTIONS = {"status": wire.STATUS, "stop": wire.STOP}


def ask(root: Path, verb: str, console: Console) -> None:
    """Ask each server of a checkout for its `status`, or to `stop` when its builds have ended."""
    os.chdir(root)  # a socket's address is short
    answers = [said.decode(errors="replace") for said in _answers(_QUESTIONS[verb])]
    for said in answers:
        console.status("Serving" if verb == "status" else "Stopped", said)
    if not answers:
        console.status("Serving", "no build server runs in this checkout")


def _answers(question: bytes) -> Iterator[bytes]:
    names = os.listdir(layout.SERVERS) if os.path.isdir(layout.SERVERS) else []  # noqa: PTH112, PTH208 - likewise
    for name in sorted(names):
        said = client.ask(f"{layout.SERVERS}/{name}", question)
        if said is not None:
            yield said
