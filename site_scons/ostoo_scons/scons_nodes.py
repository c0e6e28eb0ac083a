"""Turns the build's nodes into SCons nodes, and exceptions into messages and exit codes.

SCons orders the nodes and performs each one that it reaches. The engine decides whether there is work; SCons' own
signatures decide nothing and are not stored.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from SCons.Action import FunctionAction
from SCons.Errors import BuildError

from ostoo_build.actions.outcome import ToolFailed
from ostoo_build.base import state_file
from ostoo_build.base.console import complain
from ostoo_build.base.errors import OstooError, told
from ostoo_build.base.paths import is_local
from ostoo_build.base.process import StoppedError
from ostoo_scons.scons_build import Build
from ostoo_scons.whole_run import EXIT_CODE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ostoo_build.actions.record import Record
    from ostoo_build.rules.nodes import Node


_IN_NO_DATABASE = 0
"""SCons' value for a node of which nothing is stored; for files it would write what nobody reads."""


class ToldError(BuildError):  # type: ignore[misc] # SCons has no types
    """A failure of which the user has been told, or of a build that the user ended."""


def _never() -> bool:
    return False


class Perform(FunctionAction):  # type: ignore[misc] # SCons has no types
    """Calls `perform`. `-n` shows `description`, unless `is_done` returns true."""

    def __init__(
        self, description: str, perform: Callable[[], Record | None], is_done: Callable[[], bool] = _never
    ) -> None:
        # FunctionAction's constructor would analyse the function's bytecode for a signature that nothing compares
        super(FunctionAction, self).__init__()
        self.execfunction = self._perform
        self.description = description
        self.perform = perform
        self.is_done = is_done

    def get_presig(self, *_context: Any, **_executor: Any) -> bytes:
        return b""

    def genstring(self, *_context: Any, **_executor: Any) -> str:
        return self.description

    def strfunction(self, _target: Any, _source: Any, env: Any, **_executor: Any) -> str | None:
        """Print nothing in advance: only the action knows whether there is work, and reports that itself."""
        return self.description if env.GetOption("no_exec") and not self.is_done() else None

    def _perform(self, target: Any, source: Any, env: Any) -> ToldError | None:  # noqa: ARG002 - SCons names them
        try:
            self.perform()
        except StoppedError as error:
            return ToldError(node=target, status=EXIT_CODE, exitstatus=EXIT_CODE, errstr=error.what)
        except Exception as error:
            message = told(error)
            if message is None:
                raise
            problem = message
        else:
            return None
        build = Build.of(env)
        if isinstance(problem, ToolFailed) and problem.messages:
            build.checkout.console.error(problem, problem.messages)
            build.diagnostics[str(target[0]).rpartition("/")[0]] = problem.diagnostics
        else:
            build.checkout.console.error_once(problem)
        build.failed.update(map(str, target))
        if not env.GetOption("keep_going"):
            build.stop_after_failure()
        return ToldError(node=target, status=EXIT_CODE, exitstatus=EXIT_CODE, errstr=problem.what.partition("\n")[0])


@contextmanager
def one_message() -> Iterator[None]:
    """Turn an error found while scripts are read into one message and an exit code, without a traceback."""
    try:
        yield
    except Exception as error:
        message = told(error)
        if message is None:
            raise
        complain(message)
        sys.exit(EXIT_CODE)


def declare(env: Any, node: Node) -> Any:
    """Convert a node to an SCons node, once. Its prerequisites are declared already, or are files."""
    known, root = Build.of(env).nodes, Build.of(env).checkout.root
    if node.name in known:
        return known[node.name]
    action = Perform(node.description, node.perform, node.is_done)
    before = [known.get(name) or file_node(env, name) for name in node.after]
    if node.folder is not None and os.path.lexists(root / node.folder) and not (root / node.folder).is_dir():
        state_file.remove(root / node.folder)  # SCons rejects a file in place of a folder
    if node.is_ours:
        state_file.make_way(root / node.name)  # and a folder in place of a file
    if not node.is_file:
        made = env.Alias(node.name, before, action)
    else:
        made = env.Command(file_node(env, node.name), before, action)
        env.Precious(made)
        for each in made:
            each.store_info = _IN_NO_DATABASE
        if node.folder is not None:
            env.Clean(made, [env.fs.Dir(f"#/{folder}") for folder in (node.folder, *node.cleaned)])
    # an alias without prerequisites would count as up to date
    env.AlwaysBuild(made)
    known[node.name] = made
    return made


def file_node(env: Any, path: str) -> Any:
    """Return the node of a portable path, relative to the root wherever a script is, without expanding `$`."""
    try:
        return env.fs.File(f"#/{path}" if is_local(path) else path)
    except TypeError as error:  # SCons' message: a file in place of a folder, or the other way round
        raise OstooError(str(error), remedy="remove it: builds create it again") from error
