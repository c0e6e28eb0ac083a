"""JSON decoders for types, each made once. Does not know the types.

msgspec describes a type when it is first decoded, and crashes where two threads do so at once (0.22.0, which keeps
the description where others find it before it is complete). A decoder that is there already is safe in all threads.
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
    """Decode what is of one kind; `dec_hook` is that of the kind's first decoding. Raises `msgspec.MsgspecError`."""
    with _LOCK:
        if kind not in _KNOWN:
            _KNOWN[kind] = msgspec.json.Decoder(kind, dec_hook=dec_hook)
        decoder = _KNOWN[kind]
    return decoder.decode(data)
