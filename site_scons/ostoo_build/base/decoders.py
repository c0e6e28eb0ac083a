"""Creates one thread-safe msgspec decoder for each type.

msgspec builds its description of a type when it first decodes that type, and crashes if two threads do so at once
(0.22.0: other threads can see the incomplete description). A decoder that already exists is safe to use in all
threads.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_KNOWN: dict[Any, msgspec.json.Decoder[Any]] = {}
_LOCK = threading.Lock()


def decode(data: bytes, kind: Any, dec_hook: Callable[[type, Any], Any] | None = None) -> Any:
    """Decode JSON to type `kind`. Raises `msgspec.MsgspecError`.

    `dec_hook` is the hook of the first decoding of that type.
    """
    with _LOCK:
        if kind not in _KNOWN:
            _KNOWN[kind] = msgspec.json.Decoder(kind, dec_hook=dec_hook)
        decoder = _KNOWN[kind]
    return decoder.decode(data)
