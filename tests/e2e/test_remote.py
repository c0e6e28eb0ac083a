"""The team's cache and remote execution, against a real server of the Remote Execution API."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import engines
import pytest
from trees import TARGET, Tree, copy_cache, copy_tree, take_sysroot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engines import Casd

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("casd")]

PROGRAMS = ("hello-rs", "hello-std")
MAIN = "user-rs/hello-rs/src/main.rs"


@dataclass(frozen=True)
class Team:
    """A server that holds what one member built, all of it remotely, in the checkout `first`."""

    server: Casd
    first: Tree
    steps: list[str]
    events: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Casd]:
    yield from engines.casd(tmp_path_factory.mktemp("casd") / "store")


@pytest.fixture(scope="module")
def team(server: Casd, first: Tree, tmp_path_factory: pytest.TempPathFactory) -> Team:
    folder = tmp_path_factory.mktemp("first")
    member = take_sysroot(copy_tree(folder / "a checkout", str(folder / "cache")), first)
    words = (f"remote_executor={server.address}", "remote_upload=on", f"--events={folder / 'events'}")
    return Team(server, member, member.build(*words, *PROGRAMS).steps, folder / "events")


@pytest.fixture
def clone(tmp_path: Path, first: Tree) -> Tree:
    """A checkout whose local cache holds nothing; it has a sysroot."""
    return take_sysroot(copy_tree(tmp_path / "clone", str(tmp_path / "cache")), first)


def test_all_actions_run_remotely_and_give_the_same_programs_as_here(team: Team, tree: Tree) -> None:
    done = [step for step in team.steps if step.startswith(("Compiling", "Running", "Linking"))]
    assert len(done) > 20
    assert [step for step in done if not step.endswith("(remotely)")] == []
    told = map(json.loads, team.events.read_text().splitlines())
    sent = [each["argv"] for each in told if each["event"] == "command-sent"]
    assert len(sent) == len(done)
    assert all(Path(argv[0]).is_absolute() or argv[0].startswith("build/") for argv in sent)
    tree.build(*PROGRAMS)
    for program in PROGRAMS:
        assert team.first.program(program).read_bytes() == tree.program(program).read_bytes()
    assert not list(team.first.root.glob("build/**/libcore*.rmeta")), "outputs that nobody needs here stay there"


def test_a_fresh_clone_takes_the_program_and_nothing_else(team: Team, clone: Tree) -> None:
    result = clone.build(f"remote_cache={team.server.address}", "hello-std")
    assert result.steps == []
    assert clone.program("hello-std").read_bytes() == team.first.program("hello-std").read_bytes()
    assert clone.run("hello-std")[0] == 0
    assert not list(clone.root.glob("build/**/*.rlib"))
    again = clone.build("hello-std")
    assert again.steps == []


def test_an_edit_in_a_fresh_clone_compiles_one_unit_and_fetches_what_that_reads(team: Team, clone: Tree) -> None:
    clone.replace("user-rs/hello-std/src/main.rs", "fn main", "// an edit\nfn main")
    result = clone.build(f"remote_cache={team.server.address}", "hello-std")
    assert result.done("Compiling") == ["hello-std"]
    assert list(clone.root.glob("build/**/libcore*.rlib"))
    assert not list(clone.root.glob("build/**/libcore*.rmeta"))


def outputs(tree: Tree, record: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((tree.root / record).read_bytes())["outputs"]
    return found


def test_all_outputs_come_where_they_are_wanted(team: Team, clone: Tree, first: Tree) -> None:
    result = clone.build(f"remote_cache={team.server.address}", "--all-outputs", *PROGRAMS)
    assert [step for step in result.steps if step.startswith(("Compiling", "Linking"))] == []
    assert list(clone.root.glob("build/**/libcore*.rmeta"))
    assert list(clone.root.glob("build/host/**/build-script"))
    records = [path.relative_to(clone.root) for path in clone.root.glob("build/**/units/*/action.json")]
    assert len(records) > 20
    for record in records:
        assert outputs(clone, record) == outputs(first, record), "here and there the same bytes are made"


def test_who_may_only_read_leaves_the_cache_as_it_was(team: Team, clone: Tree) -> None:
    before = team.server.results()
    clone.replace("user-rs/hello-rs/src/main.rs", "extern crate alloc", "// another edit\nextern crate alloc")
    assert clone.build(f"remote_cache={team.server.address}", "hello-rs").done("Compiling") == ["hello-rs"]
    assert team.server.results() == before
    clone.replace("user-rs/hello-rs/src/main.rs", "// another edit", "// a third")
    clone.build(f"remote_cache={team.server.address}", "remote_upload=on", "hello-rs")
    assert team.server.results() > before


def test_a_mistake_is_told_in_rustcs_words_once(team: Team, clone: Tree) -> None:
    clone.replace("user-rs/hello-std/src/main.rs", "    0\n", '    "0"\n')
    result = clone.scons(f"remote_executor={team.server.address}", "hello-std")
    assert result.code == 2
    assert result.stderr.count("error[E0308]: mismatched types") == 1
    assert "user-rs/hello-std/src/main.rs:15:5" in result.stderr


def test_warnings_come_along_with_what_others_built(team: Team, clone: Tree, tmp_path: Path) -> None:
    source = "user-rs/hello-rs/src/main.rs"
    clone.replace(source, "extern crate alloc;", "extern crate alloc;\nfn unused() {}")
    first = clone.build(f"remote_executor={team.server.address}", "remote_upload=on", "hello-rs")
    assert first.stderr.count("function `unused` is never used") == 1
    other = copy_tree(tmp_path / "other", str(tmp_path / "other-cache"))
    shutil.copy(clone.root / source, other.root / source)
    second = other.build(f"remote_cache={team.server.address}", "hello-rs")
    assert second.steps == []
    assert second.stderr.count("function `unused` is never used") == 1


def test_a_crate_that_holds_the_workers_path_is_built_here(team: Team, clone: Tree) -> None:
    clone.replace(
        "user-rs/hello-std/src/main.rs", "    0\n", '    println!("{}", env!("CARGO_MANIFEST_DIR"));\n    0\n'
    )
    build = (f"remote_executor={team.server.address}", "remote_upload=on", "hello-std")
    assert "no-private-path" in clone.scons(*build).stderr
    contract = f"targets/{TARGET}.loader.json"
    demands = json.loads((clone.root / contract).read_text())
    del demands["reasons"]["no-private-path"]
    clone.write(contract, json.dumps(demands))
    (clone.root / "user-rs/hello-std/src/main.rs").open("a").write("// another compilation\n")
    result = clone.build(*build)
    assert "Compiling hello-std v0.1.0" in result.steps
    assert str(clone.root) in clone.run("hello-std")[1]


@pytest.fixture
def edited(tree: Tree) -> Tree:
    """A checkout whose local cache holds all but its own version of hello-rs, also as bytes."""
    tree.replace(MAIN, "Heap works", f"Heap works {uuid.uuid4()}")
    return tree


def test_blobs_that_were_damaged_on_the_server_are_misses(tmp_path: Path, edited: Tree) -> None:
    for server in engines.casd(tmp_path / "store"):
        address = f"remote_cache={server.address}"
        other = copy_tree(tmp_path / "other", str(tmp_path / "cache"))
        copy_cache(edited.cache, other.cache)
        shutil.copy(edited.root / MAIN, other.root / MAIN)
        edited.build(address, "remote_upload=on", "hello-rs")
        for path in server.blobs():
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-1] + b"X")
        result = other.build(address, "hello-rs")
        assert "hello-rs" in result.done("Compiling")
        assert other.program("hello-rs").read_bytes() == edited.program("hello-rs").read_bytes()


SLOW_SCRIPT = "fn main() {\n    std::thread::sleep(std::time::Duration::from_secs(4));\n}\n"


def test_a_service_that_hangs_while_it_works_is_given_up(tmp_path: Path, edited: Tree) -> None:
    edited.write("user-rs/hello-rs/build.rs", f"//! {edited.root}: no cache has it.\n{SLOW_SCRIPT}")
    for server in engines.casd(tmp_path / "store"):
        process = edited.start(f"remote_executor={server.address}", "hello-rs")
        # the build script is compiled then, and runs
        while not server.results():
            assert process.poll() is None
            time.sleep(0.05)
        server.freeze()
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
        assert stderr.count("warning:") == 1, stderr
        assert edited.run("hello-rs")[0] == 0


@pytest.mark.parametrize("variable", ["remote_cache", "remote_executor"])
def test_the_doctor_stores_a_file_and_reads_it_again(variable: str, server: Casd, tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "checkout", str(tmp_path / "cache"))
    before = len(server.blobs())
    said = json.loads(tree.ostoo("doctor", "--json", f"{variable}={server.address}", "remote_upload=on").stdout)
    (finding,) = (each for each in said["checks"] if each["check"] == variable.replace("_", "-"))
    assert finding["state"] == "ok"
    assert f"{server.address}: a file was stored and read in " in finding["value"]
    assert len(server.blobs()) == before + 1


def test_a_server_that_hangs_costs_a_moment(tmp_path: Path, edited: Tree) -> None:
    for server in engines.casd(tmp_path / "store"):
        server.freeze()
        result = edited.build(f"remote_cache={server.address}", "remote_upload=on", "hello-rs")
        assert result.done("Compiling") == ["hello-rs"]
        assert result.stderr.count("warning:") == 1
        assert f"the remote cache {server.address} is disabled, and the build continues without it" in result.stderr
        assert edited.run("hello-rs")[0] == 0
