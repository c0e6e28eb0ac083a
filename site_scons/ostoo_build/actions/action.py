"""Defines `Action`: one command with everything that its result depends on.

An action is portable, as in `paths`, and equals an Action of the Remote Execution API v2, so a cache or another
machine can use it. Its input tree has the checkout's files in `checkout/`, and everything else in `checkout/.ostoo/`.
"""

from __future__ import annotations

import re
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import digest
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.base.paths import is_local
from ostoo_build.base.state_file import FORMAT
from ostoo_build.reapi.layout import ELSEWHERE, PLACES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ostoo_build.base.input import Input
    from ostoo_build.reapi import remote_execution_pb2
    from ostoo_build.reapi.merkle import Tree

_FOLDER = "checkout"
"""Not the top: if that is `/`, the root's path would match any absolute path."""

PROOF = ".d"
"""Suffixes of the files in which rustc and the linker list what they read."""

_NAME = lazy_pattern("(?!ostoo_)[A-Za-z_][A-Za-z0-9_]*")
"""Names that the launcher's shell passes on: it drops others, and has variables of its own."""

_PATH = "/usr/local/bin:/usr/bin:/bin"


class Encoded(Struct, frozen=True):
    """An action's digest and size, and its messages."""

    sha256: digest.Hash
    size: int
    action: bytes
    command: bytes
    inputs: Tree

    @property
    def blobs(self) -> dict[digest.Hash, bytes]:
        """Return all messages by digest, without the contents of input files."""
        return {**self.inputs.directories, **self.own_blobs}

    @property
    def own_blobs(self) -> dict[digest.Hash, bytes]:
        """Return the Action and its Command by digest."""
        return {self.sha256: self.action, digest.of_bytes(self.command): self.command}


class Action(Struct, frozen=True, dict=True):
    """A command line with its environment, inputs, outputs and tools.

    `mnemonic` names the kind of action as in Bazel (`Rustc`, `BuildScriptRun`, `Link`, …). `directory` is the working
    directory. `outputs` are files, or a folder with a slash at its end; all are portable paths. `tools` is the
    toolchain's folder for an action that starts a process, None for one that this build carries out itself; then
    `version` is the digest of what it depends on besides the inputs. `salt` has names and values that only
    distinguish actions, as the field of that name in the API; no process sees them.
    """

    mnemonic: str
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    tools: Input | None = None
    version: digest.Hash = ""
    directory: str = "."
    salt: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Raise `ValueError` for a name with two values: only one of them would be in the key."""
        for names in ([name for name, _ in self.environment], [name for name, _ in self.salt]):
            if len(set(names)) != len(names):
                raise ValueError(f"{max(names, key=names.count)} has two values")

    @property
    def fingerprint(self) -> digest.Hash:
        """Identify the action within this checkout; cheaper to compute than the key."""
        return digest.of_json([getattr(self, name) for name in self.__struct_fields__])

    @property
    def key(self) -> digest.Hash:
        """The digest of the REAPI Action: equal keys mean equal results."""
        return self.encoded.sha256

    def may_make(self, paths: Collection[str]) -> bool:
        """Whether these portable paths can be the complete outputs of the action: all declared ones and no others.

        Files that only list what was read are not part of a result.
        """
        named = {path for path in self.outputs if not path.endswith("/")}
        folders = tuple(path for path in self.outputs if path.endswith("/"))
        promised = {path for path in named if not path.endswith(PROOF)}
        return promised <= set(paths) and all(path in named or path.startswith(folders) for path in paths)

    @cached_property
    def encoded(self) -> Encoded:
        """Return the action as REAPI messages."""
        from ostoo_build.reapi import merkle  # noqa: PLC0415 - a start without work needs no key
        from ostoo_build.reapi import remote_execution_pb2 as api  # noqa: PLC0415 - likewise

        command = _command(self).SerializeToString(deterministic=True)
        inputs = merkle.tree(_placed(self))
        kind, value = ("toolchain", self.tools.sha256) if self.tools else ("ostoo-build", self.version)
        message = api.Action(
            command_digest=api.Digest(hash=digest.of_bytes(command), size_bytes=len(command)),
            input_root_digest=api.Digest(hash=inputs.root.sha256, size_bytes=inputs.root.size),
            salt=digest.canonical_json({**dict(self.salt), "format": str(FORMAT)}),
            platform=api.Platform(properties=[api.Platform.Property(name=kind, value=value)]),
        )
        content = message.SerializeToString(deterministic=True)
        return Encoded(digest.of_bytes(content), len(content), content, command, inputs)


def place(path: str) -> str:
    """Return the path of a portable path within the input tree."""
    if path.startswith("/"):
        return f"{ELSEWHERE}{path}"
    return path if is_local(path) else re.sub(r"^@\{([a-z-]+)\}", lambda match: PLACES[match[1]], path)


def _command(action: Action) -> remote_execution_pb2.Command:
    from ostoo_build.reapi import remote_execution_pb2 as api  # noqa: PLC0415 - a start without work needs no key

    environment = {name: _rooted(value) for name, value in action.environment}
    if action.tools:
        odd = {name: environment.pop(name) for name in sorted(environment) if not _NAME.fullmatch(name)}
        around = ("env", *(f"{name}={value}" for name, value in odd.items())) if odd else ()
        expanded = " ".join(sorted(name for name, value in environment.items() if "@{" in value))
        environment = {"PATH": _PATH, **environment}
        made = next((path for path in action.outputs if path.endswith("/")), ".")
        start = ("/bin/sh", "-c", _launcher(), "launcher", expanded, made, place(action.directory))
        arguments = (*start, *around, *(_rooted(argument) for argument in action.arguments))
    else:
        arguments = ("ostoo-build", action.mnemonic, *action.arguments)
    variable = api.Command.EnvironmentVariable
    return api.Command(
        arguments=arguments,
        environment_variables=[variable(name=name, value=environment[name]) for name in sorted(environment)],
        working_directory=_FOLDER,
        output_paths=sorted(path.rstrip("/") for path in action.outputs),
    )


@cache
def _launcher() -> str:
    """Return the shell script that starts each process of an action; its text is part of the key."""
    return Path(__file__).with_name("launcher.sh").read_text(encoding="utf-8")


def _rooted(text: str) -> str:
    """Expand all placeholders but `@{root}` and the quoting one, which are all that the launcher knows."""
    return re.sub(r"@\{([a-z-]+)\}", lambda match: _rooted_place(match[1]), text)


def _rooted_place(name: str) -> str:
    return f"@{{root}}/{PLACES[name]}" if name in PLACES else f"@{{{name}}}"


def _placed(action: Action) -> Iterable[Input]:
    tools = (action.tools,) if action.tools else ()
    for entry in dict.fromkeys((*action.inputs, *tools)):
        yield entry._replace(path=f"{_FOLDER}/{place(entry.path)}")
