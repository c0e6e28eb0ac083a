"""The commands that rust-analyzer offers beside the code."""

from __future__ import annotations

from ostoo_build.ide.project import Runnable


def of(program: str, root: str) -> tuple[Runnable, ...]:
    """Return the commands; `program` is the one with our verbs, which works in the project's top folder.

    rust-analyzer replaces `{label}` by that of a crate, and `{test_id}` by the path of a test.
    """
    verbs = {
        "check": ("check", "{label}"),
        "flycheck": ("check", "-k", "--message-format", "json", "{label}"),
        "run": ("run", "{label}"),
        "testOne": ("test", "{label}", "--exact", "{test_id}"),
    }
    return tuple(Runnable(kind, program, words, root) for kind, words in verbs.items())
