"""Reports errors in SConstruct and SConscripts, and of the machine, as one message each.

SCons would show its own call stack. An error that only a bug of this build can cause keeps its traceback.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

import SCons.Script
import SCons.Script.Main
import SCons.Script.SConsOptions
from SCons.Taskmaster.Job import interrupt_msg

from ostoo_build.base import cargo_options, own_files
from ostoo_build.base.console import complain
from ostoo_build.base.errors import OstooError, told
from ostoo_build.base.spelling import nearest
from ostoo_scons.scons_nodes import ToldError
from ostoo_scons.whole_run import EXIT_CODE

_SCRIPTS = ("SConstruct", "SConscript")
_OURS = tuple(map(str, own_files.CODE))


def install() -> None:
    """Replace SCons' two functions that handle unknown exceptions."""
    module: Any = vars(SCons.Script)["_SConscript"]
    theirs = module.SConscript_exception

    def tell(*arguments: Any) -> None:
        error = sys.exc_info()[1]
        message = (told(error) or _in_script(error)) if error is not None else None
        if message is None:
            theirs(*arguments)
        else:
            complain(message)

    module.SConscript_exception = tell
    _keep_told_failures_quiet(SCons.Script.Main.BuildTask)
    SCons.Script.Main._scons_syntax_error = _tell_syntax  # noqa: SLF001 - it has no other name
    _suggest_options(SCons.Script.SConsOptions.SConsOptionParser)


def _keep_told_failures_quiet(task: Any) -> None:
    """Let SCons count a failure of which the user knows without a line of its own."""
    theirs = task.failed

    def failed(self: Any) -> None:
        error = self.exc_info()[1]
        if isinstance(error, ToldError) or getattr(error, "errstr", "") == interrupt_msg:
            self.exception = (error, error, None)
            self.do_failed(EXIT_CODE)
            self.exc_clear()
        else:
            theirs(self)

    task.failed = failed


def _tell_syntax(error: SyntaxError) -> None:
    message = told(error) or OstooError(error.msg, where=f"{error.filename}:{error.lineno}")
    complain(message)
    sys.exit(EXIT_CODE)


def _suggest_options(parser: Any) -> None:
    """Let SCons report a mistake in an option with the option that was meant, without its usage."""
    theirs = parser.error

    def tell(self: Any, text: str) -> None:
        if self.raise_exception_on_error:
            theirs(self, text)
        what = text.partition(". Did you mean")[0].replace("'", "")
        option = what.rpartition(" ")[2].partition("=")[0]
        meant = cargo_options.INSTEAD.get(option) or nearest(option, [*_options(self), *cargo_options.INSTEAD])
        complain(OstooError(what, remedy=meant or "scons -H lists all options"))
        sys.exit(EXIT_CODE)

    parser.error = tell


def _options(parser: Any) -> list[str]:
    """Return the names of all long options; SCons and optparse tell them nowhere else."""
    lists = (parser.option_list, *(group.option_list for group in parser.option_groups))
    return [name for options in lists for option in options for name in option._long_opts]  # noqa: SLF001 - likewise


def _in_script(error: BaseException) -> OstooError | None:
    """Convert an error of a script's author; return None if our own code failed."""
    frames = traceback.extract_tb(error.__traceback__)
    scripts = [number for number, frame in enumerate(frames) if Path(frame.filename).name in _SCRIPTS]
    if not scripts or any(frame.filename.startswith(_OURS) for frame in frames[scripts[-1] + 1 :]):
        return None
    script = frames[scripts[-1]]
    return OstooError(f"{type(error).__name__}: {error}", where=f"{script.filename}:{script.lineno}")
