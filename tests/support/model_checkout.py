"""Builds of a small checkout by the real engine and a compiler that is none, each in a process that may be killed.

Run as a program it is a server: each line on stdin asks for builds in JSON, each on stdout is what became of them. A
build is a forked process. All that the fake compiler makes is a digest of what it found on the disk at that moment, so
an output tells from which sources it was made.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace

import ostoo_build.remote.results  # noqa: F401 - each forked build needs it
from ostoo_build.actions.outcome import OUT, Finished
from ostoo_build.base import deferred, layout, state_file
from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.execution import out_folder
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.execution.local import _clear, _files
from ostoo_build.execution.timeline import Timeline
from ostoo_build.invocation import planner as planners
from ostoo_build.invocation import services as invocation_services
from ostoo_build.invocation import tools as invocation_tools
from ostoo_build.invocation.checkout import Checkout
from ostoo_build.invocation.options import Options
from ostoo_build.invocation.targets import Targets
from ostoo_build.loader import check as loader_check
from ostoo_build.planning.plan import Program
from ostoo_build.planning.planned_unit import CompileUnit, Extern, RunBuildScript, Unit
from ostoo_build.planning.rustc_flags import DEP_INFO, UnitKind
from ostoo_build.project.workspaces import ProgramGroup
from ostoo_build.rebuild import dependencies
from ostoo_build.rebuild.standby import PreparedBuild, Standby, Undecided
from ostoo_build.rebuild.standby import touched as touched_by
from ostoo_build.rules import nodes, whole_program
from ostoo_build.rules.progress import PendingProgram, Progress
from ostoo_build.target import spec as target_spec
from ostoo_build.toolchain.find import Toolchain
from ostoo_build.why import build_notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.record import Output
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import ProgramId
    from ostoo_build.server.handover import Handover

TARGET = "model"
PROGRAMS = ("one", "two")
SOURCES = {
    "user-rs/base/src/lib.rs": "pub base",
    "user-rs/base/src/more.rs": "more",
    "user-rs/base/src/unread.rs": "unread",
    "user-rs/base/README.md": "base",
    "user-rs/gen/build.rs": "script",
    "user-rs/gen/.told": "told",
    "user-rs/gen/untold.txt": "untold",
    "user-rs/gen/src/lib.rs": "pub gen",
    "user-rs/one/src/main.rs": "one",
    "user-rs/two/src/main.rs": "two",
    "user-rs/two/tests/all.rs": "tests",
    "user-rs/shared.txt": "shared",
    "targets/model.json": '{"llvm-target": "x86_64"}',
    "targets/model.loader.json": "contract",
    "targets/policy.schema.json": "{}",
    "plan.json": '"a"',
}
"""Files that a person edits. The plan is an edit of a manifest: other arguments for all units."""

UNREAD = ("user-rs/base/src/unread.rs", "user-rs/base/README.md", "user-rs/two/tests/all.rs")
"""Those that nobody reads."""

VARIABLES = ("ONE_WORD", "TWO_WORDS")
"""Variables of the user's environment that files may name."""

BROKEN = "BROKEN"
"""A word that makes a source one that does not compile."""


@dataclass(frozen=True)
class Request:
    """A build of programs in a checkout; it is killed before its `kill`th change of a file, if that is not 0.

    Of `VARIABLES` those in `variables` are set. Files of the checkout get the texts in `meanwhile`, whose names are
    patterns, or go where there is none: before the build's `edited_at`th access of a file, or, if that is 0, while it
    waits, which it does if `waits`.
    """

    root: str
    cache: str
    programs: tuple[str, ...]
    variables: dict[str, str]
    kill: int = 0
    meanwhile: dict[str, str | None] = field(default_factory=dict)
    edited_at: int = 0
    waits: bool = False


@dataclass
class Answer:
    """How a build ended: its exit code, what ran, what it said, and how often it changed and accessed a file.

    `waited` is how often it had done so when it waited, None if it did not wait.
    """

    code: int = 137
    runs: list[str] = field(default_factory=list)
    changes: int = 0
    accesses: int = 0
    said: str = ""
    waited: int | None = None


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def create(root: Path) -> None:
    """Write a checkout and, beside it, a toolchain."""
    for name, text in SOURCES.items():
        write(root, name, text)
    (root / "user-rs/base/src/link.rs").symlink_to("more.rs")
    tools = root.parent / "tools"
    for name in (
        "bin/rustc",
        "bin/cargo",
        "bin/lld",
        "library/core/lib.rs",
        "lib/librustc_driver.so",
        "lib/rustlib/host/lib/std",
        "cc",
    ):
        if not (tools / name).exists():
            write(tools, name, name)


def sha(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass(frozen=True)
class FakeTools:
    """Stands where `LocalRunner` stands."""

    planner: Planner
    runs: list[str]

    def compile(self, action: Action, unit: CompileUnit, on_metadata: Callable[[], None]) -> Finished:
        """A crate asks for the variables that its files name; its library's metadata is complete long before it."""
        self.runs.append(unit.id)
        folder = self._begin(unit)
        read = self._sources(unit)
        if read is None:
            return replace(self._finished(folder), returncode=1, stderr="no such module, or it is there twice")
        broken = [name for name in read if BROKEN in self._text(name).split()]
        if broken:
            return replace(self._finished(folder), returncode=1, stderr=f"error: {broken[0]} is broken")
        libraries = [
            sha((self.planner.root / entry.path).read_bytes())
            for entry in action.inputs
            if entry.path.startswith("build/") and not entry.is_folder
        ]
        libraries += [self._listed(self.planner.units[run]) for run in unit.read_runs]
        lines = [f"# checksum:sha256={digest} file_len:1 {name}" for name, digest in read.items()]
        asked = {word for name in read for word in self._text(name).split() if word in VARIABLES}
        found = {name: value for name, value in action.environment if name in asked}
        lines += [f"# env-dep:{name}={found[name]}" if name in found else f"# env-dep:{name}" for name in asked]
        environment = [pair for pair in action.environment if pair[0] not in VARIABLES]
        made = sha(action.arguments, environment, sorted(found.items()), sorted(read.values()), libraries)
        write(folder, DEP_INFO, "\n".join(["x.d: x", *lines, ""]))
        if unit.kind is UnitKind.LIBRARY:
            interface = [line for name in read for line in self._text(name).split("\n") if line.startswith("pub")]
            write(folder, unit.outputs[0], sha(action.arguments, interface, sorted(found.items()), libraries))
            on_metadata()
            time.sleep(0.01)
        for name in unit.outputs[1:] if unit.kind is UnitKind.LIBRARY else unit.outputs:
            write(folder, name, made)
        if unit.kind is UnitKind.PROGRAM:
            write(folder, f"{unit.id}.rlink", made)
            write(folder, f"{unit.id}.0.o", made)
        return self._finished(folder)

    def run_build_script(self, action: Action, unit: RunBuildScript) -> Finished:
        self.runs.append(unit.id)
        folder = self._begin(unit)
        names = [".told", "../shared.txt"]
        texts = [self._text(f"{unit.package}/{name}") for name in (*names, "untold.txt")]
        script = [self._text(entry.path) for entry in action.inputs if entry.path.endswith("/build-script")]
        asked = [name for name in VARIABLES if name in " ".join(texts).split()]
        found = [pair for pair in action.environment if pair[0] in asked or pair[0] not in VARIABLES]
        write(folder, "out/generated.rs", sha(action.arguments, found, texts, script))
        self._write_some_shape(folder / OUT, int(sha(texts), 16) % 4)
        out_folder.settle(folder / OUT)
        empty = tuple(sorted(path.relative_to(folder).as_posix() for path in out_folder.empty_folders(folder / OUT)))
        said = [f"cargo::rerun-if-changed={name}" for name in names]
        said += [f"cargo::rerun-if-env-changed={name}" for name in asked]
        done = self._finished(folder, "\n".join([*said, f"cargo::rustc-env=TOLD={sha(texts)}", ""]))
        return replace(done, folders=empty)

    def _write_some_shape(self, out: Path, shape: int) -> None:
        """What is a file after one run is a folder after another."""
        if shape == 0:
            write(out, "data", "a file")
        elif shape == 1:
            write(out, "data/inner", "in a folder")
            (out / "data/empty").mkdir()
        elif shape == 2:
            (out / "data").symlink_to("generated.rs")

    def _listed(self, run: Unit) -> str:
        """What a macro sees that looks at what lies there."""
        out = self.planner.root / run.folder / OUT
        return sha(sorted((path.relative_to(out).as_posix(), path.is_dir()) for path in out.rglob("*")))

    def link(self, action: Action, program: Program, linked: Path) -> Finished:
        self.runs.append(f"link {linked.parent.name}")
        unit = program.unit
        folder = self.planner.root / unit.folder
        linked.parent.mkdir(exist_ok=True)
        inputs = [entry for entry in action.inputs if not entry.is_folder]
        read = [entry.path for entry in inputs if entry.path.startswith("build/")]
        texts = [(self.planner.root / path).read_bytes() for path in read]
        write(folder, unit.id, sha(action.arguments, texts))
        write(folder, f"{unit.id}.link.d", "x: x\n" + "".join(f"{path}:\n" for path in read))
        done = self._finished(folder)
        content = {name: (folder / name).read_bytes() for name in (unit.id, f"{unit.id}.link.d")}
        state_file.make_way(linked)
        (folder / unit.id).chmod(0o755)
        (folder / unit.id).replace(linked)
        return Finished(0, "", "", done.files, lambda name: content[name], done.paths)

    def _begin(self, unit: Unit) -> Path:
        folder = self.planner.root / unit.folder
        _clear(folder)
        return folder

    def _text(self, name: str) -> str:
        path = self.planner.root / name
        return path.read_text() if path.exists() else ""

    def _sources(self, unit: CompileUnit) -> dict[str, str] | None:
        """The root of a crate and its modules, as rustc looks for them; None where it finds none, or two."""
        roots = {UnitKind.BUILD_SCRIPT: "build.rs", UnitKind.PROGRAM: "src/main.rs"}
        names = [f"{unit.package}/{roots.get(unit.kind, 'src/lib.rs')}"]
        for module in ("more", "link") if unit.id.startswith("base") else ():
            places = [f"{unit.package}/src/{module}{end}" for end in (".rs", "/mod.rs")]
            names += [name for name in places if (self.planner.root / name).is_file()]
        if unit.id.startswith("base") and len(names) != 3:
            return None
        return {name: hashlib.sha256((self.planner.root / name).read_bytes()).hexdigest() for name in names}

    def _finished(self, folder: Path, stdout: str = "") -> Finished:
        files = tuple(sorted(_files(folder)))
        return Finished(0, stdout, "", files, lambda name: (folder / name).read_bytes(), self.planner.paths)


def plan(root: Path) -> dict[str, Program]:
    """What a planner would make of the checkout: two programs with a library in common, one with a build script.

    `plan.json` may describe another graph, of libraries and programs that each need libraries before them.
    """
    flavor = json.loads((root / "plan.json").read_text())
    if isinstance(flavor, dict):
        return _generated(flavor)
    base = _unit("base", UnitKind.LIBRARY, flavor, outputs=("rmeta/libbase.rmeta", "rlib/libbase.rlib"))
    script = _unit("gen", UnitKind.BUILD_SCRIPT, flavor, outputs=("build-script",))
    run = RunBuildScript(**_common("gen", "run", on_host=True), targets=(), script=script.id, links="")
    gen = _unit(
        "gen", UnitKind.LIBRARY, flavor, outputs=("rmeta/libgen.rmeta", "rlib/libgen.rlib"), run=run.id, needs=(base,)
    )
    one = _unit("one", UnitKind.PROGRAM, flavor, needs=(base, gen))
    two = _unit("two", UnitKind.PROGRAM, flavor, needs=(base,))
    return {
        "one": _program("one", (base, script, run, gen, one)),
        "two": _program("two", (base, two)),
    }


def _generated(described: dict[str, dict[str, Any]]) -> dict[str, Program]:
    """Programs of a graph: by name `needs`, `features`, `flags`, and whether it `is_program`, in build order."""
    units: dict[str, CompileUnit] = {}
    programs = {}
    for name, each in described.items():
        units[name] = unit(name, each, [units[other] for other in each["needs"]])
        if each["is_program"]:
            by_id = {unit.id: unit for unit in units.values()}
            programs[name] = _program(name, (*(by_id[other] for other in units[name].libraries), units[name]))
    return programs


def unit(name: str, described: dict[str, Any], needs: Sequence[CompileUnit] = ()) -> CompileUnit:
    """A unit of such a graph."""
    words = [*described["flags"], *(word for one in described["features"] for word in ("--cfg", f'feature="{one}"'))]
    kind = UnitKind.PROGRAM if described["is_program"] else UnitKind.LIBRARY
    outputs = () if described["is_program"] else (f"rmeta/lib{name}.rmeta", f"rlib/lib{name}.rlib")
    made = _unit(name, kind, "model", outputs=outputs, needs=tuple(needs))
    id_ = f"{name}-{sha(words, [other.id for other in needs])[:8]}"
    below = [other for each in needs for other in (*each.libraries, each.id)]
    return replace(
        made,
        id=id_,
        label=f"{name} v1",
        environment=(("CARGO_PKG_NAME", name), ("CARGO_PKG_VERSION", "1")),
        folder=f"build/{TARGET}/release/units/{id_}",
        arguments=(name, "-C", f"metadata={id_}", *words),
        libraries=tuple(dict.fromkeys(below)),
    )


def _common(name: str, kind: str, *, on_host: bool, run: str | None = None) -> dict[str, Any]:
    """What units of both types have."""
    id_ = f"{name}-{kind}"
    return {
        "id": id_,
        "label": name,
        "package": f"user-rs/{name}",
        "folder": f"build/{'host' if on_host else TARGET}/release/units/{id_}",
        "directory": ".",
        "is_std": False,
        "target": "" if on_host else TARGET,
        "environment": (),
        "runs": (),
        "read_runs": (run,) if run else (),
        "extra_inputs": (),
    }


def _unit(
    name: str,
    kind: UnitKind,
    flavor: str,
    *,
    outputs: tuple[str, ...] = (),
    needs: tuple[CompileUnit, ...] = (),
    run: str | None = None,
) -> CompileUnit:
    return CompileUnit(
        **_common(name, kind.value, on_host=kind is UnitKind.BUILD_SCRIPT, run=run),
        kind=kind,
        is_incremental=False,
        arguments=(name, "--cfg", flavor),
        externs=tuple(Extern(unit.id, unit.id.partition("-")[0], noprelude=False, is_private=False) for unit in needs),
        libraries=tuple(unit.id for unit in needs),
        run=run,
        takes_libraries=True,
        outputs=outputs,
    )


def _program(name: str, units: tuple[Unit, ...]) -> Program:
    return Program(name, TARGET, "bin", name, "release", uses_std=False, behind_sysroot=0, strip="symbols", units=units)


@dataclass(frozen=True)
class Invoked:
    """An invocation of a build in a checkout."""

    checkout: Checkout
    planner: Planner
    services: Services
    progress: Progress = field(default_factory=Progress)


def checkout_at(root: Path) -> Checkout:
    return Checkout(root, Console(colour=False, quiet=True))


def invoked(checkout: Checkout, cache: str) -> Invoked:
    """Begin an invocation with the toolchain beside the checkout."""
    root = checkout.root
    tools = root.parent / "tools"
    variables = {"target": TARGET, "profile": "release", "sysroot": "zig", "cache": cache, "cache_size": "1 GiB"}
    unset = ("RUSTC", "CARGO", "LLD", "RUST_SRC", "remote_cache", "remote_executor", "sandbox")
    options = Options(variables | dict.fromkeys(unset, "") | {"sandbox": "off"})
    toolchain = Toolchain(
        rustc=tools / "bin/rustc",
        cargo=tools / "bin/cargo",
        lld=tools / "bin/lld",
        rust_src=tools / "library",
        version="1.0.0",
        host="host",
        env=(),
        libraries=(tools / "lib/librustc_driver.so",),
        host_linker=tools / "cc",
        reason="fake",
    )
    targets = Targets(root, (ProgramGroup("user-rs", (TARGET,), is_asked=True),))
    named = invocation_tools.paths_of(root, toolchain, layout.SYSROOTS)
    found = invocation_tools.of(checkout, toolchain, named, {})
    planner = planners.of(checkout, options, targets, found)
    services = invocation_services.start(checkout, options, planner, Jobserver(1), Timeline())
    return Invoked(checkout, planner, services)


def build(request: Request, answer: Answer) -> None:
    """Do what SCons does: perform each node of what is asked for, in order, once."""
    if request.waits and _build_waiting(request, answer):
        return
    made = _begun(request, answer)
    programs = [program for name, program in plan(made.planner.root).items() if name in request.programs]
    performed: set[str] = set()
    with _ending(made, request.programs):
        for program in programs:
            made.planner.units.update({unit.id: unit for unit in program.units})
            pending = PendingProgram(program, None, is_checked=True)
            asked = (made.planner, made.services, pending)
            current = whole_program.current(*asked)
            found = current.files if current else whole_program.restored(*asked)
            _build_program(made, pending, found, performed)


def _build_waiting(request: Request, answer: Answer) -> bool:
    """Let a build wait for edits; return False if another one has to read everything."""
    started = time.time_ns()
    made = _begun(request, answer)
    planner, root = made.planner, made.planner.root
    waiting: dict[ProgramId, PendingProgram] = {}
    undecided: dict[ProgramId, Undecided] = {}
    for program in (program for name, program in plan(root).items() if name in request.programs):
        planner.units.update({unit.id: unit for unit in program.units})
        waiting[program.id] = pending = PendingProgram(program, None, is_checked=True)
        current = whole_program.current(planner, made.services, pending)
        if current is not None:
            undecided[program.id] = Undecided(pending, current, whole_program.makers(planner, program))
    options = cast("Options", None)
    prepared = PreparedBuild(started, made.checkout, options, planner, made.services, undecided.values())
    line = cast("Handover", _Editing(root, answer, {} if request.edited_at else request.meanwhile))
    try:
        edited = Standby(line)._wait(prepared)  # noqa: SLF001 - it would exit
    except (OSError, OstooError):
        edited = None
    if edited is None:
        answer.waited = None
        made.services.close()
        made.checkout.close()
        return False
    touched, performed = touched_by(undecided, root, edited), set[str]()
    with _ending(made, request.programs):
        for id_, pending in waiting.items():
            is_current = id_ in undecided and id_ not in touched
            _build_program(made, pending, undecided[id_].found.files if is_current else None, performed)
    return True


@dataclass(frozen=True)
class _Editing:
    """Stands for a `Handover`: files change while the build waits."""

    root: Path
    answer: Answer
    texts: dict[str, str | None]
    is_watched: bool = False

    def is_asked(self) -> bool:
        return False

    def wait(self) -> bool:
        self.answer.waited = self.answer.accesses
        edit(self.root, self.texts)
        return True


def edit(root: Path, texts: dict[str, str | None]) -> None:
    """Give the files of some patterns new texts, or remove those without one."""
    for name, text in texts.items():
        for path in list(root.glob(name)):
            if text is None:
                path.unlink()
            else:
                path.write_text(text)  # its folder has no new entry


def _begun(request: Request, answer: Answer) -> Invoked:
    checkout = checkout_at(Path(request.root))
    checkout.lock()
    made = invoked(checkout, request.cache)
    return Invoked(checkout, made.planner, replace(made.services, runner=FakeTools(made.planner, answer.runs)))


@contextmanager
def _ending(made: Invoked, programs: tuple[str, ...]) -> Iterator[None]:
    """End a build as SCons does."""
    try:
        yield
    finally:
        deferred.run_afterwards()
        made.services.close()
        note = build_notes.of(made.planner, made.services, made.progress, time.time_ns(), programs)
        build_notes.add(made.planner.root, note)
        made.checkout.close()


def _build_program(
    made: Invoked, pending: PendingProgram, found: dict[Path, Output] | None, performed: set[str]
) -> None:
    if found is not None:
        made.progress.current[pending.program.id] = found
        return
    made.progress.pending[pending.program.id] = pending
    for node in nodes.of_program(made.planner, made.services, made.progress, pending):
        if node.name not in performed:
            performed.add(node.name)
            node.perform()


@dataclass(frozen=True)
class Verdict:
    text: str

    def to_json(self) -> str:
        return self.text


def _pretend() -> None:
    """What asks a real compiler, or looks at a real ELF file, does so elsewhere."""
    dependencies.is_known = lambda *_: True
    target_spec.check = lambda _request: None  # type: ignore[assignment]
    loader_check.verify = lambda program, contract, *_: Verdict(sha(program.read_bytes(), contract))  # type: ignore[assignment]
    from ostoo_build.binary import strip  # noqa: PLC0415 - only this process pretends
    from ostoo_build.loader import contract as loader_contract  # noqa: PLC0415 - likewise

    strip.stripped = lambda data: b"stripped " + data

    loader_contract.load = lambda path: path.read_text()  # type: ignore[assignment, return-value]


_WRITES = frozenset(
    {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
)
_READS = frozenset({"open", "os.listdir", "os.scandir"})


def _watched(answer: Answer, request: Request) -> Callable[[str, tuple[Any, ...]], None]:
    """Count what a build does to files, and do to it what is asked for."""
    lock, places = threading.RLock(), (request.root, request.cache)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            changes = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        else:
            path, changes = (arguments or ("",))[0], event in _WRITES
        if (changes or event in _READS) and str(path).startswith(places):
            with lock:
                answer.accesses += 1
                if answer.accesses == request.edited_at:
                    edit(Path(request.root), request.meanwhile)
                answer.changes += changes
                if changes and answer.changes == request.kill:
                    os._exit(137)

    return hook


def _child(request: Request, report: int) -> None:
    answer = Answer()
    for name in VARIABLES:
        os.environ.pop(name, None)
    os.environ.update(request.variables)
    sys.addaudithook(_watched(answer, request))
    try:
        build(request, answer)
        answer.code = 0
    except (OstooError, OSError) as error:
        answer.code, answer.said = 2, str(error)
    except Exception:  # noqa: BLE001 - it is told where the build was asked for
        answer.code, answer.said = 1, traceback.format_exc()
    os.write(report, json.dumps(asdict(answer)).encode())
    os._exit(answer.code)


def _answer(requests: list[Request]) -> list[dict[str, Any]]:
    """Have all builds done at once."""
    children = []
    for request in requests:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _child(request, writing)
        os.close(writing)
        children.append((pid, reading))
    answers = []
    for pid, reading in children:
        with os.fdopen(reading, "rb") as stream:
            content = stream.read()
        os.waitpid(pid, 0)
        answers.append(json.loads(content) if content else asdict(Answer()))
    return answers


def main() -> None:
    """Serve until stdin ends."""
    _pretend()
    for line in sys.stdin:
        requests = [Request(**{**each, "programs": tuple(each["programs"])}) for each in json.loads(line)]
        sys.stdout.write(json.dumps(_answer(requests)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    assert re.fullmatch(r"[a-z]+", TARGET)
    main()
