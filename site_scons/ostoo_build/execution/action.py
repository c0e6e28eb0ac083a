"""What is run and what is looked up: one action with all that its result depends on. Does not run it.

An action is portable as in `paths`. What it means elsewhere, in a cache or on another machine, is in `reapi`.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ostoo_build import digest

if TYPE_CHECKING:
    from ostoo_build.inputs import Input


@dataclass(frozen=True)
class Action:
    """A command line, its environment, its inputs, and what carries it out.

    `mnemonic` names the sort of action as Bazel does (`Rustc`, `BuildScriptRun`, `Link`, …). `directory` is where it
    runs, `outputs` are the files or folders that it makes; both are portable paths. `tools` is the folder of the
    toolchain where a process is to be started, or None for what this build does itself: then `version` is the digest
    of what that depends on besides the inputs.
    """

    mnemonic: str
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    tools: Input | None = None
    version: digest.Hash = ""
    directory: str = "."

    @property
    def fingerprint(self) -> digest.Hash:
        """What tells this action from others here: cheaper than the key, and not what anybody else knows it by."""
        return digest.of_json(astuple(self))

    @cached_property
    def key(self) -> digest.Hash:
        """The digest of the REAPI Action: equal keys mean equal results."""
        from ostoo_build.execution import reapi  # noqa: PLC0415 - a start without work needs no key

        return reapi.encode(self).sha256
