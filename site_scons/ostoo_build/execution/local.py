"""Runs actions on this machine: rustc, build scripts, the linker. Does not decide whether they need to run."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build import build_script, dep_info, process
from ostoo_build.errors import OstooError
from ostoo_build.execution import proof
from ostoo_build.execution.engine import Outcome
from ostoo_build.paths import quote
from ostoo_build.rustc import DEP_INFO, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ostoo_build.execution.action import Action
    from ostoo_build.execution.jobserver import Jobserver
    from ostoo_build.paths import PathMap
    from ostoo_build.plan import PlannedUnit, Program


class ToolFailed(OstooError):  # noqa: N818 - it says what happened, as subprocess' exceptions do
    """A compiler or build script ended with an error; what it said is the message."""

    def __init__(self, what: str, messages: tuple[str, ...]) -> None:
        super().__init__(what)
        self.messages = messages


@dataclass(frozen=True)
class LocalRunner:
    """How processes are started here. `environment` is what the toolchain needs; it is not part of any key."""

    paths: PathMap
    jobserver: Jobserver
    environment: Mapping[str, str]

    def compile(self, action: Action, unit: PlannedUnit, on_metadata: Callable[[], None]) -> Outcome:
        """Run rustc on a unit and prove what it read; tell when a library's metadata is there, before its code."""
        folder = self._folder(unit)
        _clear(folder)
        for name in unit.outputs:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        threads = f"-Zthreads={self.jobserver.jobs}"
        stderr = self._tool(unit.label, (*action.arguments, threads), action, on_metadata)
        read = dep_info.parse((folder / DEP_INFO).read_text(encoding="utf-8"))
        proof.prove(read, action.inputs, self.paths, f"{unit.package}/Cargo.toml")
        outputs = tuple(_program_files(folder, unit.id)) if unit.kind is Kind.PROGRAM else unit.outputs
        return Outcome(outputs, stderr, holds_root=self._holds_root(action, read.variables, folder, outputs))

    def run_build_script(self, action: Action, unit: PlannedUnit) -> Outcome:
        """Run a build script in its package's folder, as cargo does, and read its instructions."""
        folder = self._folder(unit)
        _clear(folder)
        out = folder / "out"
        out.mkdir(parents=True)
        package = Path(self.paths.root, self.paths.expand(action.directory))
        with self.jobserver.token():
            completed = process.run(
                self._expanded(action.arguments),
                cwd=package,
                env=self._environment(action),
                pass_fds=self.jobserver.descriptors,
            )
        stdout = completed.stdout.decode("utf-8", "replace")
        instructions = build_script.parse(stdout, f"{unit.package}/build.rs")
        if completed.returncode or instructions.errors:
            said = (*instructions.errors, completed.stderr.decode("utf-8", "replace"))
            raise ToolFailed(f"the build script of {unit.label} failed", tuple(text for text in said if text))
        self._check_reads(instructions, unit, package)
        warnings = "".join(f"warning: {unit.label}: {text}\n" for text in instructions.warnings)
        outputs = tuple(str(path.relative_to(folder)) for path in sorted(out.rglob("*")) if path.is_file())
        # build scripts speak in absolute paths
        return Outcome(outputs, warnings, quote(stdout).replace(self.paths.root, "@{root}"))

    def link(self, action: Action, program: Program) -> Outcome:
        """Link a compiled program."""
        unit = program.units[-1]
        folder = self._folder(unit)
        linked = folder / "linked" / unit.id
        linked.parent.mkdir(exist_ok=True)
        with _kept(sorted(folder.glob("*.o")), linked.parent):
            stderr = self._tool(program.name, action.arguments, action, _ignore)
        (folder / unit.id).replace(linked)
        return Outcome((unit.id,), stderr)

    def _folder(self, unit: PlannedUnit) -> Path:
        return Path(self.paths.root, unit.folder)

    def _tool(self, subject: str, arguments: tuple[str, ...], action: Action, on_metadata: Callable[[], None]) -> str:
        def heed(line: bytes) -> None:
            if line.startswith(b"{") and json.loads(line).get("emit") == "metadata":
                on_metadata()

        with self.jobserver.token():
            completed = process.follow(
                self._expanded(arguments),
                heed,
                cwd=Path(self.paths.root),
                env=self._environment(action),
                pass_fds=self.jobserver.descriptors,
            )
        stderr = "".join(_rendered(completed.stderr.decode("utf-8", "replace")))
        if completed.returncode:
            how = f"signal {-completed.returncode}" if completed.returncode < 0 else f"exit code {completed.returncode}"
            raise ToolFailed(f"could not compile {subject} ({how})", (stderr,))
        return stderr

    def _expanded(self, arguments: tuple[str, ...]) -> list[str]:
        return [self.paths.expand(argument) for argument in arguments]

    def _environment(self, action: Action) -> dict[str, str]:
        own = {name: self.paths.expand(value) for name, value in action.environment}
        return {**self.environment, **self.jobserver.environment, **own}

    def _holds_root(self, action: Action, variables: tuple[str, ...], folder: Path, outputs: tuple[str, ...]) -> bool:
        """Whether outputs may hold this checkout's path: `env!` gave it, or rustc wrote it for the linker."""
        portable = dict(action.environment)
        if any("@{" in portable.get(name, "").replace("@{at}", "") for name in variables):
            return True
        root = self.paths.root.encode()
        return any(root in (folder / name).read_bytes() for name in outputs if name.endswith(".rlink"))

    def _check_reads(self, instructions: build_script.Instructions, unit: PlannedUnit, package: Path) -> None:
        # std's source belongs to the toolchain, whose digest is part of every key
        allowed = (f"{self.paths.portable(package)}/", f"{unit.folder}/", "@{rust-src}/")
        for name in instructions.changed_files:
            path = self.paths.portable(package / name)
            if not f"{path}/".startswith(allowed):
                raise OstooError(
                    f"the build script reads {path}, which is not in its package",
                    where=f"{unit.package}/build.rs",
                    remedy="move the file into the package",
                )
        for name in instructions.changed_variables:
            if name in os.environ and name not in dict(unit.environment):
                raise OstooError(
                    f"the build script asks for the environment variable {name}, which is set but not declared",
                    where=f"{unit.package}/build.rs",
                    remedy=f"unset {name}, or set it under [env] in .cargo/config.toml of the workspace",
                )


def _ignore() -> None:
    pass


@contextmanager
def _kept(files: list[Path], aside: Path) -> Iterator[None]:
    """Keep files that rustc deletes once it has linked them: they are outputs of the compilation."""
    for file in files:
        (aside / file.name).unlink(missing_ok=True)
        (aside / file.name).hardlink_to(file)
    try:
        yield
    finally:
        for file in files:
            (aside / file.name).replace(file)


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _program_files(folder: Path, unit_id: str) -> Iterator[str]:
    """The objects of a program that is not linked yet, and rustc's note for the linker."""
    for path in sorted(folder.iterdir()):
        if path.name == f"{unit_id}.rlink" or path.suffix == ".o":
            yield path.name


def _rendered(stderr: str) -> Iterator[str]:
    """Diagnostics as rustc renders them; what is not a diagnostic, such as a crash, as it stands."""
    for line in stderr.splitlines(keepends=True):
        try:
            diagnostic = json.loads(line)
        except ValueError:
            yield line
            continue
        if isinstance(diagnostic, dict) and diagnostic.get("rendered"):
            yield diagnostic["rendered"]
