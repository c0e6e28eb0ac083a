"""Translates the keys of a target spec to the rustc flags with the same meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.base.json_positions import Pointer

_LINK_ARGUMENTS = (
    "pre-link-args",
    "late-link-args",
    "late-link-args-dynamic",
    "late-link-args-static",
    "post-link-args",
)
_LINK_OBJECTS = tuple(f"{when}-link-objects{which}" for when in ("pre", "post") for which in ("", "-self-contained"))
_SETTINGS = {
    "cpu": "-Ctarget-cpu=",
    "linker": "-Clinker=",
    "llvm-args": "-Cllvm-args=",
    "default-codegen-backend": "-Zcodegen-backend=",
    "split-debuginfo": "-Csplit-debuginfo=",
    **dict.fromkeys(_LINK_ARGUMENTS, "-Clink-arg="),
}


def of_linker(spec: dict[str, Any]) -> Iterator[str]:
    """Yield all arguments that reach the linker, and the words of the spec's linker script."""
    for key in (*_LINK_ARGUMENTS, *_LINK_OBJECTS):
        yield from (text for _, text in _texts(spec.get(key), (key,)))
    yield from str(spec.get("link-script") or "").split()


def as_flags(spec: dict[str, Any]) -> Iterator[tuple[Pointer, tuple[str, ...]]]:
    """Yield the spec's settings as rustc flags: each list of words as one, with its position."""
    for key, flag in _SETTINGS.items():
        for pointer, texts in _lists(spec.get(key), (key,)):
            yield pointer, tuple(f"{flag}{text}" for text in texts)


def _lists(value: Any, pointer: Pointer) -> Iterator[tuple[Pointer, list[str]]]:
    """Yield lists of consecutive words at any depth, and single words."""
    if isinstance(value, list):
        yield pointer, [text for _, text in _texts(value, pointer)]
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _lists(inner, (*pointer, key))
    elif isinstance(value, str):
        yield pointer, [value]


def _texts(value: Any, pointer: Pointer) -> Iterator[tuple[Pointer, str]]:
    """Yield all strings in a value. It may have another type than rustc expects, which is reported elsewhere."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*pointer, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, (*pointer, number))
