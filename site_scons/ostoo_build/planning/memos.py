"""Stores the last few answers to each question in files, so that a change of branches keeps both branches' answers.

The caller decides whether an answer is still valid.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from ostoo_build.base import decoders, digest, state_file, user_cache

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT = 4
"""The number of answers for each question. Reading one that is out of date costs 1 ms; running cargo costs 300."""

Memo = TypeVar("Memo")


class Memos(Struct, frozen=True):
    """A folder with stored answers. A question is a struct."""

    folder: Path

    def recall(self, question: Struct, kind: type[Memo], holds: Callable[[Memo], bool]) -> Memo | None:
        """Return the newest answer that is still valid according to `holds`, or None."""
        known = (_load(path, kind) for path in self.places(question))
        return next((memo for memo in known if memo is not None and holds(memo)), None)

    def keep(self, question: Struct, memo: Struct) -> None:
        """Store an answer, if the folder is writable, and drop the oldest one."""
        content = state_file.sealed(msgspec.json.encode(memo, enc_hook=str))
        newest, *older = self.places(question)
        if state_file.recall(newest) == content:  # another build was faster
            return
        for new, old in reversed(list(zip((newest, *older), older, strict=False))):
            with contextlib.suppress(OSError):
                os.replace(new, old)  # noqa: PTH105 - Path.replace parses both again
        user_cache.note(newest, content)

    def places(self, question: Struct) -> list[Path]:
        """Return the paths of the answers to a question, newest first."""
        name = digest.of_json(astuple(question))
        return [self.folder / f"{name}{f'.{age}' * bool(age)}.json" for age in range(KEPT)]


def _load(path: Path, kind: type[Memo]) -> Memo | None:
    content = state_file.recall_sealed(path)
    if content is None:
        return None
    try:
        found: Memo = decoders.decode(content, kind, _decode_path)
    except (msgspec.MsgspecError, RecursionError):
        state_file.found_damaged(path)
        return None
    return found


def _decode_path(kind: type, value: Any) -> Any:
    if issubclass(kind, Path):
        return kind(value)
    raise NotImplementedError(kind)
