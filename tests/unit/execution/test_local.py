from __future__ import annotations

import json
import os
import select
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import elf_files
import fake_toolchains as fake
import planned_trees as trees
import pytest
from msgspec import structs

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import ToolFailed, UnansweredError
from ostoo_build.base import deferred, digest
from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import PathMap
from ostoo_build.execution import incremental
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.execution.local import LocalRunner
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import judge as judges
from ostoo_build.rust import build_script

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.actions.outcome import Finished, Outcome
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import CompileUnit, PlannedUnit

SOURCE = "user-rs/rt/src/lib.rs"
WARNING = json.dumps({"$message_type": "diagnostic", "rendered": "warning: unused\n"})


@dataclass
class Machine:
    """A checkout with a plan, and a compiler that is a shell script."""

    paths: PathMap
    program: Program
    jobserver: Jobserver
    own: frozenset[str] | None = None
    unseen: frozenset[str] = frozenset()

    @property
    def root(self) -> Path:
        return dict(self.paths.places)["root"]

    @property
    def runner(self) -> LocalRunner:
        return LocalRunner(self.paths, self.jobserver, {}, {"PATH": os.environ["PATH"], "HOME": "/home/me"})

    def unit(self, name: str, kind: UnitKind = UnitKind.LIBRARY) -> CompileUnit:
        return trees.compiled(self.program, name, kind)[0]

    def rustc(self, *lines: str) -> None:
        fake.script(dict(self.paths.places)["rustc"], *lines)

    def dep_info(self, unit: PlannedUnit, *more: str) -> str:
        """A line of shell that writes what rustc would say it has read."""
        read = f"{SOURCE}:\n# checksum:sha256={digest.of_file(self.root / SOURCE)} file_len:9 {SOURCE}"
        text = "\n".join((read, *more))
        return f"cat > {unit.folder}/dep-info.d <<'END'\n{text}\nEND"

    def action(self, *environment: tuple[str, str]) -> Action:
        inputs = (self.paths.input(self.root / SOURCE),)
        return Action("Rustc", ("@{rustc}", "@{root}/a b", "@{at}{root}"), environment, inputs, ())

    def compile(self, unit: CompileUnit, *environment: tuple[str, str], given: tuple[str, ...] = ()) -> Outcome:
        action = self.action(*environment)
        where = (self.paths, lambda _: False, lambda _: None)
        compiled = judges.Compiled(action, unit, (), given, *where, unseen=self.unseen, own=self.own)
        return judges.compilation(compiled, self.runner.compile(action, unit, lambda: None))

    def link(self) -> Outcome:
        unit = self.program.unit
        linked = self.root / unit.folder / "linked" / unit.id
        action = self.action()
        return judges.link(action, self.program, self.runner.link(action, self.program, linked))

    def dependencies(self, *names: str) -> str:
        """A line of shell that writes what LLD would say it has read."""
        unit = self.program.unit
        rules = "".join(f"\n\n{name}:" for name in names)
        return f"printf '%s\n' 'x: \\' '{rules}' > {unit.folder}/{unit.id}.link.d"

    def tokens(self) -> int:
        read, write = self.jobserver.descriptors
        found = b""
        while select.select([read], [], [], 0)[0]:
            found += os.read(read, 1)
        os.write(write, found)
        return len(found)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(trees.checkout(tmp_path), trees.planned(tmp_path, "hello-std"), Jobserver(2))


def made(unit: CompileUnit) -> list[str]:
    return [f"echo made > {unit.folder}/{name}" for name in unit.outputs]


def test_rustc_runs_in_the_root_with_real_paths_and_the_jobserver(machine: Machine) -> None:
    unit = machine.unit("ostoo_rt")
    machine.rustc('pwd; for a in "$@"; do echo "$a"; done > args', "env > env", *made(unit), machine.dep_info(unit))
    outcome = machine.compile(unit, ("OUT", "@{root}/out"), ("WORDS", "@{at}{root}"))
    assert outcome.outputs == unit.outputs
    assert (machine.root / "args").read_text().splitlines() == [f"{machine.root}/a b", "@{root}"]
    environment = dict(line.split("=", 1) for line in (machine.root / "env").read_text().splitlines())
    assert environment["OUT"] == f"{machine.root}/out"
    assert environment["WORDS"] == "@{root}"
    assert "--jobserver-auth=" in environment["CARGO_MAKEFLAGS"]
    assert "HOME" not in environment, "the user's own environment stays outside"


@pytest.mark.parametrize(("size", "threads"), [(1 << 18, ["-Zthreads=4"]), ((1 << 18) - 1, [])])
def test_a_large_crate_is_compiled_by_several_threads(size: int, threads: list[str], machine: Machine) -> None:
    unit = machine.unit("ostoo_rt")
    machine = replace(machine, jobserver=Jobserver(4))
    action = machine.action()
    action = structs.replace(action, inputs=tuple(entry._replace(size=size) for entry in action.inputs))
    machine.rustc('for a in "$@"; do echo "$a"; done > args')
    machine.runner.compile(action, unit, lambda: None)
    assert (machine.root / "args").read_text().splitlines()[2:] == threads


@pytest.mark.parametrize(
    ("crate", "jobs", "threads"),
    [
        ("core", 2, ["-Zthreads=2"]),
        ("std", 2, []),
        ("core", 4, ["-Zthreads=4"]),
        ("std", 4, ["-Zthreads=4"]),
    ],
)
def test_the_crates_of_std_are_compiled_by_as_many_threads_as_have_nothing_else_to_do(
    crate: str, jobs: int, threads: list[str], machine: Machine
) -> None:
    machine = replace(machine, jobserver=Jobserver(jobs))
    machine.rustc('for a in "$@"; do echo "$a"; done > args')
    machine.runner.compile(machine.action(), machine.unit(f"{crate}-"), lambda: None)
    assert (machine.root / "args").read_text().splitlines()[2:] == threads


def test_what_lay_there_before_is_gone(machine: Machine) -> None:
    unit = machine.unit("ostoo_rt")
    old = fake.write(machine.root / unit.folder / "rlib/libold.rlib", "")
    machine.rustc(*made(unit), machine.dep_info(unit))
    machine.compile(unit)
    assert not old.exists()


def compiled(machine: Machine, unit: CompileUnit) -> Finished:
    """Compile, and do what is left for when nobody waits."""
    done = machine.runner.compile(machine.action(), unit, lambda: None)
    deferred.run_afterwards()
    return done


def test_an_incremental_compilation_finds_what_the_last_one_kept(machine: Machine) -> None:
    unit = structs.replace(machine.unit("ostoo_rt"), is_incremental=True)
    state = f"{unit.folder}/incremental"
    kept = fake.write(machine.root / state / "a/kept.o", "")
    incremental.vouch(machine.root / state)
    old = fake.write(machine.root / unit.folder / "old/incremental/a", "")
    machine.rustc('for a in "$@"; do echo "$a"; done > args', *made(unit), machine.dep_info(unit))
    done = compiled(machine, unit)
    assert (machine.root / "args").read_text().splitlines()[-2:] == ["-C", f"incremental=../{state}"]
    assert kept.exists()
    assert not old.exists()
    assert sorted(done.files) == sorted(["dep-info.d", *unit.outputs])
    compiled(machine, unit)
    assert kept.exists()
    machine.rustc(f"mkdir -p {state}/b; echo new > {state}/b/new.o", *made(unit), machine.dep_info(unit))
    compiled(machine, unit)
    machine.rustc(*made(unit), machine.dep_info(unit))
    compiled(machine, unit)
    assert (machine.root / state / "b/new.o").exists()
    kept.write_text("damaged")
    compiled(machine, unit)
    assert not kept.exists(), "rustc would have used it"


USERS = {"PATH": os.environ["PATH"], "HOME": "/home/me", "TMPDIR": "/tmp/me", "SECRET": "s"}  # noqa: S108 - not written to
SEEN = {
    ("Rustc", ""): "",
    ("Rustc", "linker=cc"): "PATH TMPDIR",
    ("Link", ""): "PATH TMPDIR",
    ("BuildScriptRun", ""): "HOME NUM_JOBS PATH TMPDIR",
}
"""What a process sees besides its action's variables and the toolchain's, by its action's kind and a word of it."""


@pytest.mark.parametrize(("mnemonic", "word"), SEEN)
def test_a_process_sees_of_the_users_environment_what_it_needs_and_in_cargos_order(
    mnemonic: str, word: str, machine: Machine
) -> None:
    arguments = ("/usr/bin/env", *word.split())
    action = Action(mnemonic, arguments, (("Z", "1"), ("A", "@{root}")), (), ())
    runner = structs.replace(machine.runner, environment={"LD_LIBRARY_PATH": "/tools"}, users=USERS)
    program = machine.program
    if mnemonic == "BuildScriptRun":
        done = runner.run_build_script(action, trees.runs(program)[0])
    elif mnemonic == "Link":
        (machine.root / program.unit.folder).mkdir(parents=True)
        (machine.root / program.unit.folder / program.unit.id).touch()
        done = runner.link(action, program, machine.root / program.unit.folder / "linked/x")
    else:
        done = runner.compile(action, machine.unit("ostoo_rt"), lambda: None)
    assert done.returncode == 0, done.stderr
    seen = dict(line.split("=", 1) for line in done.stdout.splitlines() if line != word)
    assert list(seen) == sorted(seen)
    assert seen.keys() == {"A", "Z", "LD_LIBRARY_PATH", *machine.jobserver.environment, *SEEN[mnemonic, word].split()}
    assert {name: seen[name] for name in seen if name in USERS}.items() <= USERS.items()
    assert seen.get("NUM_JOBS", "2") == "2"


def test_a_librarys_metadata_is_told_when_rustc_tells_it(machine: Machine) -> None:
    unit = machine.unit("ostoo_rt")
    said = ["metadata", '{"emit": "link"}', '{"other": 1}', "{}", "text"]
    calls: list[str] = []
    machine.rustc(*(f"echo '{line}' >&2" for line in said))
    machine.runner.compile(machine.action(), unit, lambda: calls.append("told"))
    assert calls == []
    machine.rustc("""echo '{"artifact": "x", "emit": "metadata"}' >&2""", 'echo \'{"emit": "link"}\' >&2')
    machine.runner.compile(machine.action(), unit, lambda: calls.append("told"))
    assert calls == ["told"]


def test_a_crate_that_compiles_is_expanded_without_output(machine: Machine) -> None:
    unit = machine.unit("ostoo_rt")
    machine.rustc('for a in "$@"; do printf "%s " "$a"; done', "printf '\\377'")
    words = "--crate-name a -Copt-level=s --emit=link=x --out-dir build/u -Zno-link --cfg b"
    action = structs.replace(machine.action(), arguments=("@{rustc}", *words.split()))
    (machine.root / unit.folder).mkdir(parents=True)
    expanded = "--crate-name a -Copt-level=s --cfg b -Zunpretty=expanded \ufffd"
    assert machine.runner.expand(action, unit) == expanded
    assert machine.tokens() == 2
    machine.rustc("echo half; exit 1")
    assert machine.runner.expand(action, unit) is None


def test_a_step_begins_when_it_gets_a_core(machine: Machine) -> None:
    runner = machine.runner
    machine.rustc("exit 0")
    with runner.timeline.step("Compiling", "a", "build/a", (), 0.0) as step:
        assert step.started is None
        runner.compile(machine.action(), machine.unit("ostoo_rt"), lambda: None)
        assert step.started is not None


def test_what_others_wrote_does_not_make_a_crate_large(machine: Machine) -> None:
    unit = machine.unit("ostoo_rt")
    machine = replace(machine, jobserver=Jobserver(4))
    action = machine.action()
    large = action.inputs[0]._replace(path="user-rs/other/src/lib.rs", size=1 << 20)
    machine.rustc('for a in "$@"; do echo "$a"; done > args')
    machine.runner.compile(structs.replace(action, inputs=(*action.inputs, large)), unit, lambda: None)
    assert (machine.root / "args").read_text().splitlines()[2:] == []


def test_a_macro_has_its_file_in_its_own_folder(machine: Machine) -> None:
    unit = structs.replace(machine.unit("ostoo_rt"), kind=UnitKind.PROC_MACRO, outputs=("libx.so",))
    machine.rustc(f"mkfifo {unit.folder}/pipe", f"touch {unit.folder}/b {unit.folder}/a", *made(unit))
    done = machine.runner.compile(machine.action(), unit, lambda: None)
    assert done.files == ("a", "b", "libx.so"), "in order, and files only"
    assert not done.is_shut_in


def test_warnings_are_messages_as_rustc_renders_them(machine: Machine) -> None:
    unit = machine.unit("ostoo_rt")
    said = (WARNING, '{"artifact": "x"}', "thread panicked")
    machine.rustc(*made(unit), machine.dep_info(unit), *(f"printf '%s\\n' '{line}' >&2" for line in said))
    assert machine.compile(unit).stderr == "warning: unused\nthread panicked\n"


@pytest.mark.parametrize(("ending", "how"), [("exit 3", "exit code 3"), ("kill -11 $$", "signal 11")])
def test_a_failing_compiler_is_told_in_its_words_and_gives_its_token_back(
    ending: str, how: str, machine: Machine
) -> None:
    machine.rustc(f"printf '%s\\n' '{WARNING}' >&2", ending)
    with pytest.raises(ToolFailed) as caught:
        machine.compile(machine.unit("ostoo_rt"))
    assert caught.value.what == f"could not compile ostoo-rt v0.1.0 ({how})"
    assert caught.value.messages == ("warning: unused\n",)
    assert machine.tokens() == 2


def test_an_undeclared_read_fails_where_more_can_be_declared(machine: Machine) -> None:
    unit = machine.unit("ostoo_rt")
    machine.rustc(*made(unit), machine.dep_info(unit, "user-rs/secret.txt:"))
    with pytest.raises(OstooError, match=r"reads user-rs/secret\.txt, which is not among") as caught:
        machine.compile(unit)
    assert caught.value.where == "user-rs/rt/Cargo.toml"


@pytest.mark.parametrize(
    ("name", "value", "holds"),
    [
        ("CARGO_MANIFEST_DIR", "@{root}/user-rs/rt", True),
        ("CARGO_PKG_NAME", "ostoo-rt", False),
        ("CARGO_PKG_DESCRIPTION", "in @{at}{root}", False),
        ("NOT_ASKED_FOR", "@{root}", False),
    ],
)
def test_a_crate_that_asks_for_a_path_is_bound_to_the_checkout(
    name: str,
    value: str,
    holds: bool,  # noqa: FBT001 - a table's column
    machine: Machine,
) -> None:
    unit = machine.unit("ostoo_rt")
    told = f"{name}={machine.paths.expand(value)}"
    asked = [f"# env-dep:{each}" for each in (told, "UNSET") if name != "NOT_ASKED_FOR"]
    machine.rustc(*made(unit), machine.dep_info(unit, *asked))
    assert machine.compile(unit, (name, value)).holds_root is holds


@pytest.mark.parametrize(
    "told",
    ["TMPDIR=/x", "DECLARED=another", "DECLARED", "DECLARED=a\\nb"],
)
def test_a_crate_that_has_another_value_of_a_variable_than_the_key_is_refused(told: str, machine: Machine) -> None:
    unit, name = machine.unit("ostoo_rt"), told.partition("=")[0]
    machine.rustc(*made(unit), machine.dep_info(unit, "# env-dep:ABSENT", f"# env-dep:{told}"))
    with pytest.raises(UnansweredError, match=f"reads the environment variable {name}, which the build sets") as caught:
        machine.compile(unit, ("DECLARED", "a\\nb"))
    assert caught.value.where == "user-rs/rt/Cargo.toml"
    assert caught.value.asked == (("ABSENT", name) if name == "TMPDIR" else ("ABSENT",))


def test_a_crate_tells_what_it_asks_for_whether_it_compiles_or_not(machine: Machine) -> None:
    unit = machine.unit("ostoo_rt")
    asks = machine.dep_info(unit, "# env-dep:OWN=1", "# env-dep:GIVEN=2", "# env-dep:NEW", "# env-dep:CARGO_MAKEFLAGS")
    machine.rustc(*made(unit), asks)
    own = (("OWN", "1"), ("GIVEN", "2"))
    assert machine.compile(unit, *own, given=("GIVEN",)).learned.asked == ("GIVEN", "NEW")
    machine.rustc(asks, "echo no such variable >&2; exit 1")
    with pytest.raises(UnansweredError, match="could not compile") as caught:
        machine.compile(unit, *own, given=("GIVEN",))
    assert (caught.value.asked, caught.value.messages) == (("GIVEN", "NEW"), ("no such variable\n",))


def test_what_a_crate_read_of_its_package_is_told_with_the_other_places_of_its_modules(machine: Machine) -> None:
    unit, readme = machine.unit("ostoo_rt"), "user-rs/rt/README.md"
    machine.rustc(*made(unit), machine.dep_info(unit))
    assert machine.compile(unit).learned.seen is None, "something may read any file"
    machine.own = frozenset({SOURCE, readme})
    assert machine.compile(unit).learned.seen == (SOURCE, "user-rs/rt/src/lib/mod.rs")
    machine.unseen = frozenset({readme})
    assert machine.compile(unit).learned.seen == (readme, SOURCE, "user-rs/rt/src/lib/mod.rs")
    machine.unseen = machine.own
    assert machine.compile(unit).learned.seen is None, "assembly may take in any file, also one that appears"


def test_the_toolchains_libraries_are_found_whatever_the_user_sets(machine: Machine) -> None:
    unit = machine.unit("ostoo_rt")
    runner = structs.replace(machine.runner, environment={"LD_LIBRARY_PATH": "/tools:/users"})
    machine.rustc('echo "$LD_LIBRARY_PATH" > seen', *made(unit))
    for users, seen in (((), "/tools:/users"), ((("LD_LIBRARY_PATH", "/users:/own"),), "/tools:/users:/own")):
        runner.compile(machine.action(*users), unit, lambda: None)
        assert (machine.root / "seen").read_text() == f"{seen}\n"


@pytest.mark.parametrize("path", ["", "relative/libcore.rlib"])
def test_a_program_is_its_objects_and_the_note_for_the_linker(path: str, machine: Machine) -> None:
    unit = machine.program.unit
    machine.rustc(
        f"cd {unit.folder} && touch b.o a.o {unit.id}.d && echo '{path or machine.root}' > {unit.id}.rlink; cd -",
        machine.dep_info(unit),
    )
    outcome = machine.compile(unit)
    assert outcome.outputs == tuple(sorted(("a.o", "b.o", f"{unit.id}.rlink")))
    assert outcome.holds_root is (not path), "a note with absolute paths is good for this checkout only"


def test_a_link_puts_the_program_where_nothing_else_is(machine: Machine) -> None:
    unit = machine.program.unit
    (machine.root / unit.folder).mkdir(parents=True)
    machine.rustc(f"echo ELF > {unit.folder}/{unit.id}", machine.dependencies(SOURCE))
    outcome = machine.link()
    assert outcome.outputs == (unit.id,)
    assert (machine.root / unit.folder / "linked" / unit.id).read_text() == "ELF\n"


def test_a_link_keeps_what_rustc_deletes_after_it_and_makes_way(machine: Machine) -> None:
    unit = machine.program.unit
    folder = machine.root / unit.folder
    for name in ("a.o", "b.o"):
        fake.write(folder / name, f"code of {name}")
    fake.write(folder / "linked/a.o", "what a killed link left")
    fake.write(folder / "linked" / unit.id / "file", "a folder in the program's place")
    machine.rustc(f"rm {unit.folder}/*.o; echo ELF > {unit.folder}/{unit.id}", machine.dependencies(SOURCE))
    machine.link()
    assert {path.name: path.read_text() for path in folder.glob("*.o")} == {
        name: f"code of {name}" for name in ("a.o", "b.o")
    }
    assert [path.name for path in (folder / "linked").iterdir()] == [unit.id]
    assert (folder / "linked" / unit.id).read_text() == "ELF\n"


def test_a_failed_link_leaves_the_linked_program_alone(machine: Machine) -> None:
    unit = machine.program.unit
    linked = fake.write(machine.root / unit.folder / "linked" / unit.id, "good")
    machine.rustc(f"echo half > {unit.folder}/{unit.id}; exit 1")
    with pytest.raises(ToolFailed, match="could not compile hello-std"):
        machine.link()
    assert linked.read_text() == "good"


def test_a_link_that_reads_what_nobody_declared_is_refused(machine: Machine) -> None:
    unit = machine.program.unit
    (machine.root / unit.folder).mkdir(parents=True)
    machine.rustc(f"echo ELF > {unit.folder}/{unit.id}", machine.dependencies(SOURCE, "user-rs/link.ld"))
    with pytest.raises(OstooError, match=r"the link reads user-rs/link\.ld, which is not among its declared inputs"):
        machine.link()


def test_a_program_without_an_entry_is_refused_by_the_name_that_the_linker_looked_for(machine: Machine) -> None:
    unit = machine.program.unit
    (machine.root / unit.folder).mkdir(parents=True)
    lost = structs.replace(elf_files.GOOD, entry=0).data()
    (machine.root / "elf").write_bytes(lost)
    machine.rustc(
        f"cp elf {unit.folder}/{unit.id}",
        machine.dependencies(),
        "echo 'lld: warning: cannot find entry symbol boot; not setting start address' >&2",
    )
    with pytest.raises(OstooError, match="hello-std has no entry point: no object defines the symbol boot") as caught:
        machine.link()
    assert caught.value.where == f"{unit.package}/Cargo.toml"


def run_script(machine: Machine, *lines: str) -> Outcome:
    """Run a build script of the package `compiler-builtins`."""
    unit = trees.runs(machine.program)[0]
    script = fake.script(machine.root / "script", *lines)
    out = ("OUT_DIR", f"@{{root}}/{unit.folder}/out")
    action = Action("BuildScriptRun", ("@{root}/script",), (out,), (), (), directory=unit.package)
    assert script.is_file()
    return judges.run(action, unit, (), (), machine.runner.run_build_script(action, unit))


def test_a_build_script_runs_in_its_package_and_may_write_to_its_folder(machine: Machine) -> None:
    outcome = run_script(
        machine,
        'mkdir "$OUT_DIR/deep" && echo x > "$OUT_DIR/deep/a.rs"',
        'echo "cargo::rustc-env=WHERE=$(pwd)"',
        'echo "cargo::rustc-env=OUT=$OUT_DIR/a.rs"',
        "echo 'cargo::rustc-env=WORDS=@{root}'",
        "echo 'cargo::warning=old'",
    )
    assert outcome.outputs == ("out/deep/a.rs",)
    assert outcome.stderr == "warning: compiler-builtins v0.0.0: old\n"
    folder = trees.runs(machine.program)[0].folder
    told = build_script.parse(outcome.stdout, "build.rs").env
    assert told["WHERE"].endswith("/library/compiler-builtins/compiler-builtins")
    assert told["OUT"] == f"@{{root}}/{folder}/out/a.rs"
    assert told["WORDS"] == "@{at}{root}"


def test_a_build_script_that_was_written_just_now_is_started_again(machine: Machine) -> None:
    script = fake.script(machine.root / "script", "echo cargo::warning=ran")
    unit = trees.runs(machine.program)[0]
    action = Action("BuildScriptRun", ("@{root}/script",), (), (), (), directory=unit.package)
    writer = script.open("a")
    threading.Timer(0.2, writer.close).start()
    assert judges.run(action, unit, (), (), machine.runner.run_build_script(action, unit)).stderr.endswith(": ran\n")
    assert writer.closed


@pytest.mark.parametrize("end", ["echo no such thing >&2; exit 126", "echo Text file busy >&2; exit 1"])
def test_a_build_script_that_failed_otherwise_is_not_started_again(end: str, machine: Machine) -> None:
    with pytest.raises(ToolFailed):
        run_script(machine, f"echo ran >> {machine.root}/runs", end)
    assert (machine.root / "runs").read_text() == "ran\n"


@pytest.mark.parametrize("lines", [["echo why >&2; exit 1"], ["echo cargo::error=why"]])
def test_a_build_script_that_fails_says_why(lines: list[str], machine: Machine) -> None:
    with pytest.raises(ToolFailed, match=r"build script of compiler-builtins v0\.0\.0 failed") as caught:
        run_script(machine, *lines)
    assert [text.strip() for text in caught.value.messages] == ["why"]
    assert machine.tokens() == 2


@pytest.mark.parametrize("name", ["build.rs", "src", "../std/src/lib.rs", "{}/library/core/src/lib.rs"])
def test_a_build_script_may_read_its_package_and_std(name: str, machine: Machine, tmp_path: Path) -> None:
    run_script(machine, f"echo 'cargo::rerun-if-changed={name.format(tmp_path)}'")


@pytest.mark.parametrize("name", ["/etc/passwd", "{}/os/user-rs/rt/src/lib.rs"])
def test_a_build_script_may_read_elsewhere(name: str, machine: Machine, tmp_path: Path) -> None:
    run_script(machine, f"echo 'cargo::rerun-if-changed={name.format(tmp_path)}'")


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ('echo "$OUT_DIR/a" > "$OUT_DIR/b"', True),
        ('printf "\\0%s" "$OUT_DIR" > "$OUT_DIR/b"', True),
        ('echo "cargo::rustc-env=A=$OUT_DIR"', False),
        ('echo "cargo::warning=$OUT_DIR"', False),
        ('echo "b" > "$OUT_DIR/b"', False),
    ],
)
def test_what_a_script_wrote_the_checkouts_path_into_is_for_that_checkout(
    line: str,
    holds: bool,  # noqa: FBT001 - a table's column
    machine: Machine,
) -> None:
    """What it says is written down for any checkout."""
    assert run_script(machine, line).holds_root is holds


def test_a_script_that_asks_where_its_folder_really_is_has_that_for_this_checkout(
    machine: Machine, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (machine.root / "build").symlink_to(elsewhere)
    machine.paths = PathMap(machine.paths.places)  # a build looks at its folders when it begins
    assert run_script(machine, 'echo "cargo::rustc-env=A=$(realpath "$OUT_DIR")"').holds_root
    assert not run_script(machine, 'echo "cargo::rustc-env=A=$OUT_DIR"').holds_root


def test_what_a_script_leaves_is_files_and_folders(machine: Machine) -> None:
    outcome = run_script(
        machine,
        'cd "$OUT_DIR" && mkdir empty sub && echo a > sub/a && ln -s sub link && ln -s sub/a file && mkfifo pipe',
        "ln -s nowhere lost && ln -s . loop && chmod 555 sub",
    )
    assert outcome.outputs == ("out/file", "out/link/a", "out/sub/a")
    assert outcome.folders == ("out/empty",)


@pytest.mark.parametrize("name", ["a\\377", "@{root}"])
def test_a_file_of_a_script_that_no_action_can_name_is_refused(name: str, machine: Machine) -> None:
    with pytest.raises(OstooError, match="a file name"):
        run_script(machine, f"touch \"$OUT_DIR/$(printf '{name}')\"")


def test_folders_that_a_script_closed_are_no_hindrance_to_the_next_run(machine: Machine) -> None:
    with pytest.raises(ToolFailed):
        run_script(machine, 'mkdir -p "$OUT_DIR/a/b" && touch "$OUT_DIR/a/b/c" && chmod -R 500 "$OUT_DIR/a"; exit 1')
    assert run_script(machine, 'touch "$OUT_DIR/d"').outputs == ("out/d",)
