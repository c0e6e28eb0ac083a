"""Runs an action in a bubblewrap sandbox: only declared inputs are readable, and there is no network.

One folder is writable. All files keep their paths, so that the outputs are the same with and without the sandbox.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from ostoo_build.actions import outcome
from ostoo_build.base import process
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.base.paths import is_local

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ostoo_build.actions.action import Action
    from ostoo_build.base.paths import PathMap
    from ostoo_build.base.process import Completed

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives", "/etc/ld.so.cache")
"""Folders that system programs, above all the linker, need."""

_LOOKED_FOR = ("/sys", "/proc", "/etc")
"""Paths that the C library and LLVM read if they exist."""

_PRIVATE = "/ostoo-tmp"
_FOLDERS = {"HOME": _PRIVATE, "TMPDIR": _PRIVATE}
_NAME = lazy_pattern(r'^(\d+) +\w+\([^"]*"((?:[^"\\]|\\.)*)"')
_FAILURE = lazy_pattern(r"^(\d+) .* = -1 (ENOENT|EROFS|EACCES)\b")


class Start(NamedTuple):
    """A process to be started; `descriptors` are inherited."""

    argv: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    descriptors: tuple[int, ...]


class Sandbox(Struct, frozen=True):
    """The sandbox of an invocation. `readable` are the toolchain's folders.

    `strace`, if available, names missing files.
    """

    bwrap: Path
    strace: Path | None
    paths: PathMap
    readable: tuple[Path, ...]

    def follow(self, action: Action, folder: Path, start: Start, on_line: Callable[[bytes], None]) -> Completed:
        """Run an action's process as `process.run_streaming` does; it may write to `folder`.

        Raises `OstooError` that names a file which it wrote elsewhere, or did not find because it is not declared.
        """
        with TemporaryDirectory(prefix="ostoo-") as scratch:
            cell = _Cell(self, action, folder, Path(scratch))
            cell.root.mkdir()
            if is_local(action.directory):
                (cell.root / action.directory).mkdir(parents=True, exist_ok=True)
            completed = cell.run(start, on_line)
            if completed.returncode:
                cell.explain(start)
            cell.check()
            return completed


class _Cell(Struct, frozen=True):
    """The sandbox of one action. Paths that are not mounted from outside are in `scratch/root`."""

    sandbox: Sandbox
    action: Action
    folder: Path
    scratch: Path

    @property
    def root(self) -> Path:
        """Return the folder that the action sees as the checkout, without mounts."""
        return self.scratch / "root"

    def run(self, start: Start, on_line: Callable[[bytes], None], beside: Sequence[str] = ()) -> Completed:
        """Run a process; `beside` are additional mounts."""
        # without the user's environment, the process gets none of this either
        declared = dict(self.action.environment)
        folders = {name: folder for name, folder in _FOLDERS.items() if name not in declared}
        environment = {**start.environment, **(folders if "PATH" in start.environment else {})}
        # bubblewrap passes variables from its arguments in a fixed order, unlike inherited ones
        variables = (word for name in sorted(environment) for word in ("--setenv", name, environment[name]))
        options = (*self._mounts(beside), "--chdir", str(start.cwd), "--clearenv", *variables)
        words = self.scratch / "arguments"
        words.write_bytes(b"\0".join(map(os.fsencode, options)))
        # as a file: a crate may have too many files for a command line
        with words.open("rb") as stream:
            return process.run_streaming(
                [str(self.sandbox.bwrap), "--args", str(stream.fileno()), "--", *start.argv],
                on_line,
                cwd=Path("/"),
                env=environment,
                pass_fds=(*start.descriptors, stream.fileno()),
            )

    def check(self) -> None:
        """Raise `OstooError` for a file that the action wrote outside of its folder."""
        for place, _, names in os.walk(self.root):
            for path in (Path(place, name) for name in names):
                if path.lstat().st_size:
                    raise self._written(path.relative_to(self.root).as_posix())

    def explain(self, start: Start) -> None:
        """Run a failed action once more to find which file it missed. Raises `OstooError` if that is found."""
        if self.sandbox.strace is None:
            return
        report = ".calls"
        trace = (str(self.sandbox.strace), "-f", "-qq", "-e", "trace=file", "-s", "4096", "-o")
        place = f"{self.sandbox.paths.root}/{report}"
        # a strace outside of the system's folders has its libraries beside it
        beside = str(self.sandbox.strace.parent)
        self.run(start._replace(argv=(*trace, place, *start.argv)), lambda _: None, ("--ro-bind", beside, beside))
        calls = (self.root / report).read_text(encoding="utf-8", errors="surrogateescape")
        (self.root / report).unlink()
        failed = [(Path(os.path.normpath(start.cwd / name)), why) for name, why in _failed_calls(calls)]
        missed = [path for path, why in failed if why == "ENOENT" and path.exists() and not self._is_visible(path)]
        refused = [path for path, why in failed if why != "ENOENT"]
        if refused:
            raise self._written(self.sandbox.paths.portable(refused[0]))
        # after an error rustc also looks for sources of other crates, to show more
        for path in sorted(missed, key=self._distance):
            raise outcome.undeclared(self.sandbox.paths.portable(path), self._manifest)

    def _distance(self, path: Path) -> tuple[bool, bool]:
        """Rank a missing file: the more distant, the less it explains a failure."""
        return not path.is_relative_to(self.sandbox.paths.root), path.suffix == ".rs"

    @property
    def _manifest(self) -> str:
        """Return the file in which the user can declare inputs."""
        return dict(self.action.environment).get("CARGO_MANIFEST_PATH", "").removeprefix("@{root}/")

    def _written(self, path: str) -> OstooError:
        return OstooError(
            f"the action writes to {path}, which is outside of its output folder",
            where=self._manifest,
            remedy="write to OUT_DIR only",
        )

    def _mounts(self, beside: Sequence[str]) -> Iterator[str]:
        root = self.sandbox.paths.root
        yield from ("--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--tmpfs", _PRIVATE)
        for path in _SYSTEM:
            yield from ("--ro-bind-try", path, path)
        yield from beside
        yield from ("--bind", str(self.root), root)
        for path in map(str, (*self.sandbox.readable, *self._inputs())):
            yield from ("--ro-bind", path, path)
        yield from ("--bind", str(self.folder), str(self.folder))
        yield from ("--remount-ro", "/")

    def _inputs(self) -> list[Path]:
        paths = self.sandbox.paths
        found = {Path(paths.root, paths.expand(entry.path)) for entry in self.action.inputs}
        return sorted(path for path in found if not path.is_relative_to(self.folder))

    def _is_visible(self, path: Path) -> bool:
        # the checkout's own mount hides what a system folder above it, such as /usr, has there
        system = () if path.is_relative_to(self.sandbox.paths.root) else map(Path, (*_SYSTEM, *_LOOKED_FOR))
        places = (*system, *self.sandbox.readable, *self._inputs(), self.folder)
        return any(path.is_relative_to(place) or place.is_relative_to(path) for place in places)


def _failed_calls(report: str) -> Iterator[tuple[str, str]]:
    """Yield the names that strace saw fail, with the reason; other threads may interleave call and result."""
    asked: dict[str, str] = {}
    for line in report.split("\n"):
        if name := _NAME.match(line):
            asked[name[1]] = name[2]
        if (failure := _FAILURE.match(line)) and failure[1] in asked:
            yield asked[failure[1]], failure[2]


def find(paths: PathMap, readable: Sequence[Path], environ: Mapping[str, str]) -> Sandbox:
    """Find bubblewrap. Raises `OstooError` if there is none or it doesn't work."""
    bwrap, strace = (shutil.which(name, path=environ.get("PATH")) for name in ("bwrap", "strace"))
    if bwrap is None:
        raise OstooError(
            "sandbox=on needs bubblewrap, which is not installed",
            remedy="install bubblewrap, or build without sandbox=on",
        )
    probe = process.run([bwrap, "--unshare-all", "--ro-bind", "/", "/", "true"], cwd=Path("/"), env=environ)
    if probe.returncode:
        said = probe.stderr.decode("utf-8", "replace").strip()
        raise OstooError(
            f"bubblewrap does not work here: {said}", remedy="allow user namespaces, or build without sandbox=on"
        )
    existing = tuple(path for path in dict.fromkeys(readable) if path.exists() and not path.is_relative_to("/usr"))
    return Sandbox(Path(bwrap), Path(strace) if strace else None, paths, existing)
