"""An SCons action whose signature is what it does, not the bytecode that does it; and the border for errors."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from SCons.Action import FunctionAction
from SCons.Errors import BuildError

from ostoo_build import steps
from ostoo_build.errors import OstooError
from ostoo_build.execution.finishing import ToolFailed
from ostoo_build.execution.record import NAME
from ostoo_build.paths import is_local

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXIT_CODE = 2
"""SCons' own for a failed build."""


class KeyedAction(FunctionAction):
    """Calls `perform`; SCons does so again when `signature`, or the content of a source, has changed.

    `description` is what `-n` and `--debug=explain` show.
    """

    def __init__(self, signature: str, description: str, perform: Callable[[], None]) -> None:
        # not FunctionAction's own: it takes the function's bytecode apart, for a signature that `get_presig` replaces
        super(FunctionAction, self).__init__()
        self.execfunction = self._perform
        self.signature = signature
        self.description = description
        self.perform = perform

    def get_presig(self, *_context: Any, **_executor: Any) -> bytes:
        return self.signature.encode()

    def genstring(self, *_context: Any, **_executor: Any) -> str:
        return self.description

    def strfunction(self, _target: Any, _source: Any, env: Any, **_executor: Any) -> str | None:
        """Say nothing beforehand: only the action knows whether there is work, and reports that itself."""
        return self.description if env.GetOption("no_exec") else None

    def _perform(self, target: Any, source: Any, env: Any) -> BuildError | None:  # noqa: ARG002 - SCons names them
        try:
            self.perform()
        except OstooError as error:
            problem = error
        except OSError as error:
            problem = OstooError(error.strerror or str(error), where=str(error.filename or ""))
        else:
            return None
        said = problem.messages if isinstance(problem, ToolFailed) else ()
        env["OSTOO"].report.messages((*said, str(problem)))
        return BuildError(node=target, status=EXIT_CODE, exitstatus=EXIT_CODE, errstr=problem.what.partition("\n")[0])


@contextmanager
def one_message() -> Iterator[None]:
    """Turn a user's mistake found while scripts are read into its message and an exit code, without a traceback."""
    try:
        yield
    except OstooError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_CODE)


def recorded_step(env: Any, folder: str, sources: list[Any], action: KeyedAction) -> Any:
    """Declare the record of an action as a node; outputs that somebody changed since do not count."""
    steps.drop_if_altered(env["OSTOO"], folder)
    node = env.Command(file_node(env, f"{folder}/{NAME}"), sources, action)
    env.Precious(node)
    env.Clean(node, env.fs.Dir(f"#/{folder}"))
    return node


def file_node(env: Any, path: str) -> Any:
    """Find the node of a portable path: seen from the root wherever a script stands, and without expanding `$`."""
    return env.fs.File(f"#/{path}" if is_local(path) else path)
