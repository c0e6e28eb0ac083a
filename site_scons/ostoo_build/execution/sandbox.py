"""Shuts an action in with its declared inputs, by bubblewrap: nothing else to read, one folder to write, no network.

Does not start it. Everything lies where it lies outside, so that what an action makes is the same with and without.
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
"""What programs of the system, the linker above all, can't run without."""

_LOOKED_FOR = ("/sys", "/proc", "/dev", "/etc")
"""Where the C library and LLVM look, and do without what is not there."""

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
    """`readable` are the places of the toolchain. `strace` names what a failed action looked for, where it is there."""

    bwrap: Path
    strace: Path | None
    paths: PathMap
    readable: tuple[Path, ...]

    def follow(self, action: Action, folder: Path, start: Start, heed: Callable[[bytes], None]) -> Completed:
        """Run an action's process as `process.follow` does; it may write to `folder`.

        Raises `OstooError` that names what it wrote elsewhere, or failed to find because it is not declared.
        """
        with TemporaryDirectory(prefix="ostoo-") as scratch:
            cell = _Cell(self, action, folder, Path(scratch))
            cell.root.mkdir()
            if is_local(action.directory):
                (cell.root / action.directory).mkdir(parents=True, exist_ok=True)
            completed = cell.run(start, heed)
            if completed.returncode:
                cell.explain(start)
            cell.check()
            return completed


class _Cell(Struct, frozen=True):
    """The place where one action runs. What is not mounted from outside comes to lie in `scratch/root`."""

    sandbox: Sandbox
    action: Action
    folder: Path
    scratch: Path

    @property
    def root(self) -> Path:
        """What the action sees of the checkout, without what is mounted there."""
        return self.scratch / "root"

    def run(self, start: Start, heed: Callable[[bytes], None], beside: Sequence[str] = ()) -> Completed:
        """Run a process; `beside` are mounts that it alone needs."""
        # what sees nothing of the user's environment sees nothing of this either
        environment = {**start.environment, **(_FOLDERS if "PATH" in start.environment else {})}
        # bubblewrap hands on an environment in an order of its own, but not what it is told to set
        variables = (word for name in sorted(environment) for word in ("--setenv", name, environment[name]))
        options = (*self._mounts(beside), "--chdir", str(start.cwd), "--clearenv", *variables)
        words = self.scratch / "arguments"
        words.write_bytes(b"\0".join(map(os.fsencode, options)))
        # as a file: a crate may have more files than a command line has room for
        with words.open("rb") as stream:
            return process.follow(
                [str(self.sandbox.bwrap), "--args", str(stream.fileno()), "--", *start.argv],
                heed,
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
        """Look for what a failed action missed, by running it once more. Raises `OstooError` where that is found."""
        if self.sandbox.strace is None:
            return
        report = ".calls"
        trace = (str(self.sandbox.strace), "-f", "-qq", "-e", "trace=file", "-s", "4096", "-o")
        place = f"{self.sandbox.paths.root}/{report}"
        # a strace that lies elsewhere than the system's programs has its libraries beside it
        beside = str(self.sandbox.strace.parent)
        self.run(start._replace(argv=(*trace, place, *start.argv)), lambda _: None, ("--ro-bind", beside, beside))
        calls = (self.root / report).read_text(encoding="utf-8", errors="surrogateescape")
        (self.root / report).unlink()
        failed = [(Path(os.path.normpath(start.cwd / name)), why) for name, why in _failed_calls(calls)]
        missed = [path for path, why in failed if why == "ENOENT" and path.exists() and not self._is_visible(path)]
        refused = [path for path, why in failed if why != "ENOENT"]
        if refused:
            raise self._written(self.sandbox.paths.portable(refused[0]))
        # rustc looks for sources of other crates too, where it finds a mistake and wants to show more
        for path in sorted(missed, key=self._distance):
            raise outcome.undeclared(self.sandbox.paths.portable(path), self._manifest)

    def _distance(self, path: Path) -> tuple[bool, bool]:
        """How little a file that was missed says about a failure."""
        return not path.is_relative_to(self.sandbox.paths.root), path.suffix == ".rs"

    @property
    def _manifest(self) -> str:
        """Where the user can declare more."""
        return dict(self.action.environment).get("CARGO_MANIFEST_PATH", "").removeprefix("@{root}/")

    def _written(self, path: str) -> OstooError:
        return OstooError(
            f"the action writes {path}, which is not its to write",
            where=self._manifest,
            remedy="write into OUT_DIR only",
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
        places = (*map(Path, (*_SYSTEM, *_LOOKED_FOR)), *self.sandbox.readable, *self._inputs(), self.folder)
        return any(path.is_relative_to(place) or place.is_relative_to(path) for place in places)


def _failed_calls(report: str) -> Iterator[tuple[str, str]]:
    """The names that strace saw in vain, each with the reason; another thread may stand between call and answer."""
    asked: dict[str, str] = {}
    for line in report.split("\n"):
        if name := _NAME.match(line):
            asked[name[1]] = name[2]
        if (failure := _FAILURE.match(line)) and failure[1] in asked:
            yield asked[failure[1]], failure[2]


def find(paths: PathMap, readable: Sequence[Path], environ: Mapping[str, str]) -> Sandbox:
    """Find bubblewrap. Raises `OstooError` where there is none, or where it may not work."""
    bwrap, strace = (shutil.which(name, path=environ.get("PATH")) for name in ("bwrap", "strace"))
    if bwrap is None:
        raise OstooError("there is no bubblewrap for sandbox=on", remedy="install bubblewrap, or leave sandbox=on away")
    probe = process.run([bwrap, "--unshare-all", "--ro-bind", "/", "/", "true"], cwd=Path("/"), env=environ)
    if probe.returncode:
        said = probe.stderr.decode("utf-8", "replace").strip()
        raise OstooError(
            f"bubblewrap does not work here: {said}", remedy="allow user namespaces, or leave sandbox=on away"
        )
    existing = tuple(path for path in dict.fromkeys(readable) if path.exists() and not path.is_relative_to("/usr"))
    return Sandbox(Path(bwrap), Path(strace) if strace else None, paths, existing)
