"""Implements `./ostoo boot`: builds programs, boots them on a kernel, and shows their output.

A boot in which all programs exit with 0 is an action: the action cache stores it by the contents of kernel, QEMU,
description and programs.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Outcome
from ostoo_build.base import digest, layout, own_source, source_files
from ostoo_build.boot import guest
from ostoo_build.boot.ending import Ending, ProgramResult
from ostoo_build.boot.guest import BootResult
from ostoo_build.cli import boot_image, locked_engine
from ostoo_build.execution.job import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostoo_build.cli.run import Runner
    from ostoo_build.execution.engine import Engine

DECIDED_BY = ("base", "binary", "boot", "cli/boot.py", "fetch")
"""The packages that decide the result of a boot."""

_VERDICTS = "verdicts.json"


class _FailedError(Exception):
    """A program failed, so the boot is not cached and its logs are kept."""

    def __init__(self, boot: BootResult) -> None:
        super().__init__()
        self.boot = boot


class BootCommand:
    """Builds programs and boots them on the kernel that `runner`'s variables name."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._options = runner.options
        self._checkout = runner.checkout()
        self._kernel = boot_image.kernel(runner)

    def boot(self, programs: Sequence[str]) -> int:
        """Build programs, run them in one boot, and show their output; return the highest exit code.

        Raises `OstooError` if there is nothing to boot, or no kernel or QEMU.
        """
        self._kernel.image  # noqa: B018 - nothing is built for a kernel that is not there
        self._runner.build([*programs, *(() if self._kernel.description.init else ("deploy",))])
        for program in programs:
            self._kernel.refuse_other(self._runner.path(program))
        with locked_engine.engine(self._checkout, self._options) as engine:
            try:
                return self._show(self._booted(engine, programs))
            except _FailedError as failed:
                return self._show(failed.boot)

    def _place(self, programs: Sequence[str]) -> str:
        """Return the output folder, a portable path. Raises `OstooError` if a program has several targets."""
        target = self._runner.target(programs[0])
        return layout.boots(target, self._options.variables["profile"], self._kernel.name)

    def _booted(self, engine: Engine, programs: Sequence[str]) -> BootResult:
        """Return the boot's result from the engine. Raises `_FailedError` if a program failed."""
        place = self._place(programs)
        folder = self._checkout.root / place
        fresh: list[BootResult] = []

        def run() -> Outcome:
            fresh.append(self._run(programs))
            source_files.write_output(folder / _VERDICTS, _encoded(fresh[0]))
            return Outcome((_VERDICTS, guest.CONSOLE))

        action = Action(
            mnemonic="Boot",
            arguments=(self._kernel.name, *programs),
            environment=(),
            inputs=tuple(engine.paths.input(path) for path in (self._kernel.file, *map(self._runner.path, programs))),
            outputs=tuple(f"{place}/{name}" for name in (_VERDICTS, guest.CONSOLE)),
            version=digest.of_json([own_source.digest_of(*DECIDED_BY), self._kernel.sha256]),
        )
        subject = f"{self._kernel.description.kernel} with {', '.join(programs)}"
        engine.perform(Job(action, folder, place, "Booting", subject, run, needed=True))
        if not fresh:
            self._checkout.console.status("Cached", f"{subject}: unchanged since the last boot")
        return _decoded((folder / _VERDICTS).read_bytes())

    def _run(self, programs: Sequence[str]) -> BootResult:
        files = {f"programs/{program}": self._runner.path(program).read_bytes() for program in programs}
        folder = self._checkout.root / self._place(programs)
        boot = self._kernel.boot(folder, files, programs, self._kernel.description.time_limit)
        if any(verdict.ending.code for verdict in boot.verdicts):
            raise _FailedError(boot)
        return boot

    def _show(self, boot: BootResult) -> int:
        """Show the programs' output on stdout and everything else on stderr; return the highest exit code."""
        say = self._checkout.console.status
        for verdict in boot.verdicts:
            sys.stdout.buffer.write(verdict.output)
            sys.stdout.buffer.flush()
            say("Exited" if verdict.ending.is_own else "Failed", f"{verdict.program}: {verdict.ending.text}")
        for note in dict.fromkeys(boot.notes):
            say("Note", note)
        if not all(verdict.ending.is_own for verdict in boot.verdicts):
            say("Logs", f"of kernel and QEMU are in {self._place([boot.verdicts[0].program])}")
        return max(verdict.ending.code for verdict in boot.verdicts)


def _encoded(boot: BootResult) -> bytes:
    """Serialize a boot in which each program exited with 0."""
    programs = [(each.program, base64.b64encode(each.output).decode()) for each in boot.verdicts]
    return json.dumps({"programs": programs, "notes": boot.notes}, indent=1).encode()


def _decoded(data: bytes) -> BootResult:
    document = json.loads(data)
    programs = ((program, base64.b64decode(output)) for program, output in document["programs"])
    verdicts = tuple(ProgramResult(program, output, Ending.exited(0)) for program, output in programs)
    return BootResult(verdicts, tuple(document["notes"]))
