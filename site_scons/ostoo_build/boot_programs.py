"""Has programs built, booted on a kernel, and their output shown: `./ostoo boot`. Does not know how a guest is run.

A boot in which all programs went well is an action like any other: the action cache knows it by the contents of the
kernel, QEMU, the description and the programs.
"""

from __future__ import annotations

import base64
import json
import secrets
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ostoo_build import (
    boot_description,
    configuration,
    debian_kernel,
    digest,
    guest,
    initramfs,
    qemu_system,
    source_tree,
    suggest,
)
from ostoo_build.errors import OstooError
from ostoo_build.execution.action import Action
from ostoo_build.execution.engine import Job
from ostoo_build.execution.finishing import Outcome
from ostoo_build.guest import Boot
from ostoo_build.own_code import own_digest
from ostoo_build.private_packages import Project
from ostoo_build.run_program import machine_of
from ostoo_build.verdict import Ending, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ostoo_build.run_program import Runner
    from ostoo_build.session import Session

_VERDICTS = "verdicts.json"


class _FailedError(Exception):
    """Not every program went well; so nothing is kept but the logs."""

    def __init__(self, boot: Boot) -> None:
        super().__init__()
        self.boot = boot


@dataclass(frozen=True)
class _Parts:
    """What is put together for a boot besides programs: files that the guest finds by name, and busybox for an init."""

    files: Mapping[str, Path]
    busybox: bytes

    @property
    def sha256(self) -> digest.Hash:
        return digest.of_json([self._contents(), digest.of_bytes(self.busybox)])

    def _contents(self) -> list[tuple[str, digest.Hash]]:
        whole = [
            (f"{name}/{file.relative_to(path)}", file) if path.is_dir() else (name, file)
            for name, path in self.files.items()
            for file in (source_tree.package_files(path) if path.is_dir() else [path])
        ]
        return [(name, digest.of_file(file)) for name, file in whole]


class Booter:
    """Boots programs on the kernel that a session's variables name, once `runner` has built them.

    Raises `OstooError` where the variables name several targets.
    """

    def __init__(self, session: Session, runner: Runner) -> None:
        self._session = session
        self._runner = runner
        variables = session.variables
        self._name, _, self._image = variables["kernel"].partition(":")
        self._place = f"build/{configuration.one_target(variables)}/boot/{variables['profile']}/{self._name}"

    def boot(self, programs: Sequence[str]) -> int:
        """Build programs, boot them all at once, and show what they wrote; the worst of their exit codes.

        Raises `OstooError` where there is nothing to boot, or nothing to boot it with.
        """
        kernel = self._kernel()
        self._runner.build([*programs, *(() if self._description.init else ("deploy",))])
        self._check_machines(programs)
        self._session.lock()
        try:
            return self._show(self._booted(programs, self._parts(kernel)))
        except _FailedError as failed:
            return self._show(failed.boot)
        finally:
            self._session.close()

    @cached_property
    def _project(self) -> Project:
        say = self._session.report.status
        return Project(self._session.root, self._runner.environ, lambda line: say("Providing", line))

    @cached_property
    def _file(self) -> Path:
        """The description's file. Raises `OstooError` where there is none of that name."""
        path = self._session.root / "targets" / f"{self._name}{boot_description.SUFFIX}"
        if not path.is_file():
            suffix = boot_description.SUFFIX
            known = [each.name.removesuffix(suffix) for each in path.parent.glob(f"*{suffix}")]
            raise OstooError(
                f"nothing says how a kernel {self._name} boots",
                where=str(path),
                remedy=suggest.one_of(self._name, known),
            )
        return path

    @cached_property
    def _description(self) -> boot_description.BootDescription:
        return boot_description.load(self._file)

    def _check_machines(self, programs: Sequence[str]) -> None:
        for program in programs:
            machine = machine_of(self._runner.path(program))
            if machine != self._description.machine:
                raise OstooError(
                    f"{self._description.kernel} is booted for programs for {self._description.machine}, "
                    f"and {program} is for {machine}",
                    where=str(self._file),
                    remedy="name another target=, or a kernel= for this one",
                )

    def _booted(self, programs: Sequence[str], parts: _Parts) -> Boot:
        """Have the engine do it, or find it done. Raises `_FailedError` where a program did not go well."""
        session, folder = self._session, self._session.root / self._place
        qemu = qemu_system.find_or_provide(self._description.machine, self._project)
        fresh: list[Boot] = []

        def run() -> Outcome:
            fresh.append(self._run(qemu, parts, programs))
            source_tree.write_atomically(folder / _VERDICTS, _encoded(fresh[0]))
            return Outcome((_VERDICTS, guest.CONSOLE))

        action = Action(
            mnemonic="Boot",
            arguments=(self._name, *programs),
            environment=(),
            inputs=tuple(session.paths.input(path) for path in (self._file, *map(self._runner.path, programs))),
            outputs=tuple(f"{self._place}/{name}" for name in (_VERDICTS, guest.CONSOLE)),
            version=digest.of_json([own_digest(), qemu.sha256, parts.sha256]),
        )
        subject = f"{self._description.kernel} with {', '.join(programs)}"
        session.engine.perform(Job(action, folder, self._place, "Booting", subject, run, needed=True))
        if not fresh:
            session.report.status("Cached", f"{subject}: nothing that counts has changed since it was booted")
        return _decoded((folder / _VERDICTS).read_bytes())

    def _parts(self, kernel: Path) -> _Parts:
        if self._description.init:
            return _Parts({"kernel": kernel}, debian_kernel.busybox(self._project).read_bytes())
        return _Parts({"kernel": kernel, "share": self._session.root / self._session.variables["DEPLOY_DIR"]}, b"")

    def _kernel(self) -> Path:
        """The image that is booted. Raises `OstooError` where there is none."""
        if self._image:
            path = (self._session.root / self._image).resolve()
            if not path.is_file():
                raise OstooError("there is no such kernel image", where=str(path))
            return path
        if self._description.package:
            return debian_kernel.image(self._description.package, self._project)
        raise OstooError(f"kernel={self._name} needs an image of the kernel", remedy=f"write kernel={self._name}:PATH")

    def _run(self, qemu: qemu_system.QemuSystem, parts: _Parts, programs: Sequence[str]) -> Boot:
        contents = {program: self._runner.path(program).read_bytes() for program in programs}
        init = self._description.init
        archive = initramfs.make(init, parts.busybox, contents) if init else b""
        folder = self._session.root / self._place
        made = guest.Guest(self._description, qemu, folder, parts.files, archive, secrets.token_hex(8))
        boot = guest.boot(made, programs)
        if any(verdict.ending.code for verdict in boot.verdicts):
            raise _FailedError(boot)
        return boot

    def _show(self, boot: Boot) -> int:
        """Show programs' output on stdout and the rest on stderr; the worst exit code."""
        say = self._session.report.status
        for verdict in boot.verdicts:
            sys.stdout.buffer.write(verdict.output)
            sys.stdout.buffer.flush()
            say("Exited" if verdict.ending.is_own else "Failed", f"{verdict.program}: {verdict.ending.told}")
        for note in dict.fromkeys(boot.notes):
            say("Note", note)
        if not all(verdict.ending.is_own for verdict in boot.verdicts):
            say("Logs", f"of the kernel and of QEMU are in {self._place}")
        return max(verdict.ending.code for verdict in boot.verdicts)


def _encoded(boot: Boot) -> bytes:
    """Write down a boot in which each program went well."""
    programs = [(each.program, base64.b64encode(each.output).decode()) for each in boot.verdicts]
    return json.dumps({"programs": programs, "notes": boot.notes}, indent=1).encode()


def _decoded(data: bytes) -> Boot:
    document = json.loads(data)
    programs = ((program, base64.b64decode(output)) for program, output in document["programs"])
    verdicts = tuple(Verdict(program, output, Ending.exited(0)) for program, output in programs)
    return Boot(verdicts, tuple(document["notes"]))
