"""The form of a compilation's `stdout` in its record: what users of the crate have to know, and rustc's diagnostics.

The first line lists inputs of its assembly, each further one is a diagnostic in rustc's JSON, with portable paths.
"""

from __future__ import annotations


def joined(assembled: str, diagnostics: str) -> str:
    """Return the text of both; empty if there is neither."""
    return f"{assembled}\n{diagnostics}" if assembled or diagnostics else ""


def assembled(stdout: str) -> str:
    """Return the list of the inputs of assembly; empty if there are none."""
    return stdout.partition("\n")[0]


def diagnostics(stdout: str) -> str:
    """Return the diagnostics, one in a line."""
    return stdout.partition("\n")[2]
