"""What is run and what is looked up: one action with all that its result depends on. Does not run it.

An action is portable as in `paths`; its key is a digest over everything in it, so equal keys mean equal results.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ostoo_build import digest

KEY_VERSION = 1


@dataclass(frozen=True)
class Action:
    """A command line, its environment, its inputs as (portable path, sha256), and the digest of the tools it uses.

    `mnemonic` names the sort of action as Bazel does (`Rustc`, `BuildScriptRun`, `Link`, …).
    """

    mnemonic: str
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, digest.Hash], ...]
    tools: digest.Hash

    @cached_property
    def key(self) -> digest.Hash:
        """The action's digest: lower-case hexadecimal sha256."""
        return digest.of_json(
            {
                "version": KEY_VERSION,
                "mnemonic": self.mnemonic,
                "arguments": self.arguments,
                "environment": sorted(self.environment),
                "inputs": sorted(self.inputs),
                "tools": self.tools,
            }
        )
