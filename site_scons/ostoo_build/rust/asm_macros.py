"""Checks in a source's text whether macros may create assembly that the text doesn't show.

Without macros, the assembler's whole input is in string literals, in which `asm_files` finds file names.
"""

from __future__ import annotations

from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.rust import asm_files

_ASM = lazy_pattern(r"\b(?:(?:global|naked)_)?asm\b")
_CALL = lazy_pattern(r"\s*!\s*[({\[]")
_NO_CALL = lazy_pattern(r"\s*(?:[,;}{)]|::)")
"""What follows the name where it is imported, or means a module."""

_MACRO = lazy_pattern(r"\bmacro(?:_rules\s*!\s*\w+\s*[({\[]|\s+\w+[^{]*\{)")
_HANDED_ON = lazy_pattern(r"\bmacro_export\b|\bmacro\s+\w")
"""Without one of these a macro is its own crate's."""

_BRACKETS = lazy_pattern(r"[(){}\[\]]")


def may_hide(data: bytes) -> bool:
    """Whether a crate's own source gives the assembler more than its literals say."""
    text = _code(data)
    return any(not _is_plain(text, match.end()) for match in _ASM.finditer(text))


def hands_on(data: bytes) -> bool:
    """Whether a source of a library has a macro that gives the assembler something, wherever it is used."""
    text = _code(data)
    if not _HANDED_ON.search(text):
        return False
    bodies = (_within(text, match.end()) for match in _MACRO.finditer(text))
    return any(_ASM.search(body) for body in bodies)


def mentions(data: bytes) -> bool:
    """Whether a source of a procedural macro has a word of assembly anywhere: it may be in what the macro writes."""
    text = _text(data)
    return any(map(_ASM.search, (asm_files.bare(text), *asm_files.literals(text))))


def _code(data: bytes) -> str:
    """A source without comments, and without what its literals say."""
    return asm_files.bare(_text(data))


def _text(data: bytes) -> str:
    """A source; nothing where it has no word of assembly."""
    return data.decode("utf-8", "replace") if b"asm" in data else ""


def _is_plain(text: str, at: int) -> bool:
    call = _CALL.match(text, at)
    if call is None:
        return _NO_CALL.match(text, at) is not None
    arguments = _within(text, call.end())
    return "!" not in arguments and "$" not in arguments


def _within(text: str, start: int) -> str:
    """What stands between a bracket, which ends at `start`, and the one that closes it."""
    depth = 1
    for match in _BRACKETS.finditer(text, start):
        depth += 1 if match[0] in "({[" else -1
        if depth == 0:
            return text[start : match.start()]
    return text[start:]
