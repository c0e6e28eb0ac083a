"""The table of checks, and what makes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.doctor import of_cache, of_files, of_machine, of_project, of_toolchain, of_tools, verdict
from ostoo_build.doctor.verdict import PrerequisiteError, Verdict
from ostoo_build.start.finding import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ostoo_build.doctor.subject import Subject
    from ostoo_build.start.finding import Finding

TABLE: Mapping[str, Callable[[Subject], Verdict]] = {
    "project": of_project.project,
    "environment": of_project.environment,
    "locale": of_project.text,
    "file-system": of_files.file_system,
    "clock": of_machine.clock,
    "disk": of_machine.disk,
    "memory": of_machine.memory,
    "limits": of_machine.limits,
    "watch": of_machine.watch,
    "toolchain": of_toolchain.toolchain,
    "std-source": of_toolchain.std_source,
    "lld": of_toolchain.lld,
    "linker": of_toolchain.linker,
    "targets": of_toolchain.targets,
    "workspaces": of_toolchain.workspaces,
    "sysroot": of_toolchain.sysroot,
    "cache": of_cache.cache,
    "cache-entries": of_cache.entries,
    "server": of_cache.server,
    "remote-cache": of_cache.remote_cache,
    "remote-executor": of_cache.remote_executor,
    "sandbox": of_tools.sandbox,
    "qemu": of_tools.qemu,
    "gdb": of_tools.gdb,
}
"""The checks by name, in the order of `start.finding.CHECKS`. Each raises as `Subject` does, or `OSError`."""


def make(name: str, subject: Subject) -> Finding:
    """Make one check. An error that it raises is what it finds."""
    return _verdict(name, subject).of(name)


def _verdict(name: str, subject: Subject) -> Verdict:
    try:
        return TABLE[name](subject)
    except PrerequisiteError as error:
        what = f"it needs what the check `{error.check}` has found broken"
        return Verdict(State.NOT_RUN, "", what, f"mend what `{error.check}` tells, and start again")
    except OstooError as error:
        return verdict.of_error(error)
    except OSError as error:
        return verdict.error("", f"{error.strerror or error}: {error.filename or ''}", "see docs/manual.md")
    except Exception as error:  # noqa: BLE001 - one check that fails must not hide what others find
        return verdict.error("", f"this check has a mistake: {error!r}", "report it, with this message")
