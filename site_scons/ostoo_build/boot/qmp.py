"""A client of QEMU's machine protocol: types keys, reads memory.

The protocol is described in QEMU's documentation, "QEMU Machine Protocol Specification".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    import socket

_PATIENCE = 30.0
"""Seconds to wait for an answer; a working QEMU answers immediately."""

_HOLD = 20
"""Milliseconds for which a key is pressed: an emulated guest is slow."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NAMES = {
    **{key: (key,) for key in f"{_LETTERS}0123456789"},
    **{letter.upper(): ("shift", letter) for letter in _LETTERS},
    " ": ("spc",),
    "\n": ("ret",),
    "-": ("minus",),
    "_": ("shift", "minus"),
    ".": ("dot",),
    "/": ("slash",),
    ":": ("shift", "semicolon"),
}
"""The keys for a character on a US keyboard; the names are QMP's `QKeyCode`."""


class Monitor:
    """A connection to one QEMU. Each method raises `OstooError` if QEMU has ended or refuses the command."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(_PATIENCE)
        self._stream = connection.makefile("rwb")
        self._read()
        self.command("qmp_capabilities")

    def command(self, name: str, **arguments: Any) -> Any:
        """Execute a command of the protocol, and return its result."""
        try:
            self._stream.write(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
            self._stream.flush()
        except OSError as error:
            raise OstooError(f"lost the connection to QEMU: {error.strerror}") from error
        while True:
            answer = self._read()
            if "error" in answer:
                raise OstooError(f"QEMU refuses {name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def type(self, text: str) -> None:
        """Press the keys for a text."""
        for character in text:
            keys = [{"type": "qcode", "data": key} for key in keys_of(character)]
            self.command("send-key", keys=keys, **{"hold-time": _HOLD})

    def _read(self) -> dict[str, Any]:
        try:
            line = self._stream.readline()
            found: dict[str, Any] = json.loads(line)
        except (OSError, ValueError) as error:
            raise OstooError("QEMU no longer answers") from error
        return found


def keys_of(character: str) -> tuple[str, ...]:
    """Return QEMU's names of the keys for a character. Raises `OstooError` if the keyboard lacks it."""
    if character not in _NAMES:
        raise OstooError(f"there is no key for {character!r}", where="the text of keys in the boot description")
    return _NAMES[character]
