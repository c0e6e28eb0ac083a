"""`ostoo init` in repositories of others: nothing of theirs is changed, and their programs are built."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import foreign_trees
import planners
import pytest
from elftools.elf.elffile import ELFFile
from filelock import FileLock
from foreign_trees import ForeignTree
from trees import PROJECT, TARGET, Result

from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.cli import new as new_verb
from ostoo_build.cli.new import Request
from ostoo_build.planning.programs import Programs
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.compiler

TREES = dict(foreign_trees.all_trees())
OURS = {"ostoo.toml", "SConstruct", ".gitignore"}


def ostoo(folder: Path, *words: str) -> Result:
    completed = subprocess.run(
        [sys.executable, "-P", "-m", "ostoo_build.cli", "-C", str(folder), *words],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "site_scons")},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(completed.returncode, completed.stdout, completed.stderr)


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def written(folder: Path, tree: ForeignTree) -> Path:
    tree.write(folder)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=theirs")
    return folder


def build(root: Path, cache: Path, *words: str) -> Result:
    """Build one repository at a time: the second one with a spec finds its core in the cache."""
    with FileLock(cache.with_name("others.lock")):
        return ostoo(root, "build", f"cache={cache}", *words)


@pytest.fixture(params=TREES)
def adopted(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, ForeignTree]:
    tree = TREES[request.param]
    root = written(tmp_path / "os", tree)
    result = ostoo(root, "init")
    assert result.code == 0, result.stderr
    return root, tree


def test_a_repository_is_described_and_nothing_of_it_is_changed(adopted: tuple[Path, ForeignTree]) -> None:
    root, tree = adopted
    programs = planners.opened(root).programs
    assert dict(sorted(programs.ids(programs.binaries))) == tree.programs
    changed = {line[3:] for line in git(root, "status", "--porcelain").splitlines()}
    assert changed - {"Cargo.lock", "user/Cargo.lock", "user-rs/Cargo.lock"} <= OURS
    assert git(root, "diff", "--diff-filter=MD", "--", ":!.gitignore") == ""


def test_tools_beside_a_kernel_are_left_out_with_the_reason(tmp_path: Path) -> None:
    result = ostoo(written(tmp_path / "os", TREES["kernel with tools"]), "init")
    skipped = [line.split(maxsplit=1)[1] for line in result.stderr.splitlines() if " Skipped " in line]
    assert sorted(skipped) == [
        "flash: its cargo configuration builds it for host-tuple, a target of rustc's",
        "image: a tool for this machine: x86_64-kernel has no operating system",
        "symbols: a tool for this machine: x86_64-kernel has no operating system",
    ]


def text_of(program: Path) -> bytes:
    with program.open("rb") as stream:
        section = ELFFile(stream).get_section_by_name(".text")
        assert section is not None
        return bytes(section.data())


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "programs", "profile"),
    [
        ("own system", ("hello-rs", "hello-std"), "release"),
        ("a script each", ("p01", "p02"), "dev"),
        ("no workspace", ("game03",), "dev"),
        ("writable code", ("shell",), "dev"),
        ("kernel with tools", ("kernel", "ls"), "dev"),
        ("options in scripts", ("cat",), "dev"),
    ],
)
def test_programs_of_others_are_built(
    name: str, programs: tuple[str, ...], profile: str, shared_cache: Path, tmp_path: Path
) -> None:
    root = written(tmp_path / "os", TREES[name])
    assert ostoo(root, "init").code == 0
    built = build(root, shared_cache, f"profile={profile}", *programs)
    assert built.code == 0, built.stderr
    assert sum("Compiling core " in line for line in built.stderr.splitlines()) <= len(
        set(TREES[name].programs.values())
    )
    for program in programs:
        file = root / f"build/{TREES[name].programs[program]}/{profile}/{program}"
        assert text_of(file)
        if program.startswith(("p0", "game")):  # they exit with their number
            assert subprocess.run([file], check=False).returncode == int(program[-2:])


@pytest.mark.long
def test_a_program_with_a_configuration_of_its_own_is_cargos(shared_cache: Path, tmp_path: Path) -> None:
    root = written(tmp_path / "os", TREES["a script each"])
    assert ostoo(root, "init").code == 0
    assert build(root, shared_cache, "profile=dev", "p01").code == 0
    found = toolchain.find(root, {}, os.environ)
    environment = {**os.environ, **dict(found.env), "CARGO_TARGET_DIR": str(tmp_path / "target")}
    subprocess.run([found.cargo, "build", "--quiet"], cwd=root / "programs/p01", env=environment, check=True)
    assert text_of(root / "build/x86_64-bare/dev/p01") == text_of(tmp_path / "target/x86_64-bare/debug/p01")


def test_an_empty_folder_becomes_a_repository_whose_program_runs(shared_cache: Path, tmp_path: Path) -> None:
    root = tmp_path / "new"
    root.mkdir()
    result = ostoo(root, "init")
    assert result.code == 0
    assert result.stderr.endswith("Created user-rs/hello/src/main.rs\n        Next ostoo build hello\n")
    built = ostoo(root, "build", f"cache={shared_cache}", "hello")
    assert built.code == 0, built.stderr
    said = subprocess.run([root / f"build/{TARGET}/release/hello"], capture_output=True, text=True, check=True)
    assert said.stdout == "Hello from hello!\n"
    assert "/build/" in (root / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", ["ostoo.toml", "SConstruct"])
def test_a_file_that_is_there_is_not_replaced(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("# theirs\n")
    result = ostoo(tmp_path, "init")
    assert result.code == 2
    assert f"there is a file {name} already" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_can_not_be_built_is_told_with_its_reasons(tmp_path: Path) -> None:
    files = {
        "tool/Cargo.toml": foreign_trees.package("tool"),
        "tool/src/main.rs": "fn main() {}\n",
        "broken/Cargo.toml": "[package]\n",
    }
    ForeignTree(files, {}).write(tmp_path)
    result = ostoo(tmp_path, "init")
    assert result.code == 2
    assert "there is no Cargo workspace that builds programs for a target spec" in result.stderr
    assert "tool: it is for this machine" in result.stderr
    assert "broken: " in result.stderr
    assert not (tmp_path / "ostoo.toml").exists()


def test_a_program_can_be_made_in_the_style_of_others(shared_cache: Path, tmp_path: Path) -> None:
    """Their runtime has another `main` than ours."""
    tree = TREES["own system"]
    start = (
        '#![no_std]\n\nextern "C" {\n    fn main(argc: usize) -> usize;\n}\n\n#[no_mangle]\n'
        'pub unsafe extern "C" fn _start() -> ! {\n    main(0);\n    loop {}\n}\n' + foreign_trees.PANIC
    )
    kept = {name: text for name, text in tree.files.items() if not name.startswith(("user-rs/rt/", "user-rs/hello"))}
    files = kept | {
        "user-rs/Cargo.toml": tree.files["user-rs/Cargo.toml"].replace('"hello-rs", "hello-std"', '"bin/init"'),
        "user-rs/rt/Cargo.toml": foreign_trees.package("crt0", "2018"),
        "user-rs/rt/src/lib.rs": start,
        "user-rs/bin/init/Cargo.toml": foreign_trees.package(
            "init", "2018", '\n[dependencies.crt0]\npath = "../../rt"\n'
        ),
        "user-rs/bin/init/src/main.rs": "#![no_std]\n#![no_main]\n\nextern crate crt0;\n\n#[no_mangle]\n"
        'pub extern "C" fn main(_argc: usize) -> usize {\n    7\n}\n',
    }
    root = written(tmp_path / "os", ForeignTree(files, {}))
    assert ostoo(root, "init").code == 0
    result = ostoo(root, "new", "greet")
    assert result.code == 0, result.stderr
    needs = '\n[dependencies]\ncrt0 = { path = "../../rt" }\n'
    manifest = (root / "user-rs/bin/greet/Cargo.toml").read_text()
    assert manifest == foreign_trees.package("greet", "2018", needs)
    built = ostoo(root, "build", f"cache={shared_cache}", "greet")
    assert built.code == 0, built.stderr


def test_a_program_that_can_not_be_planned_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = written(tmp_path / "os", TREES["own system"])
    assert ostoo(root, "init").code == 0

    def plan(_self: Programs, name: str, target: str) -> None:
        raise OstooError(f"no plan of {name} for {target}")

    before = {path: path.read_bytes() for path in (root / "user-rs").rglob("*") if path.is_file()}
    monkeypatch.setattr(Programs, "plan", plan)
    with pytest.raises(OstooError, match=f"no plan of greet for {TARGET}"):
        new_verb.create(
            lambda: planners.opened(root), Console(colour=False, quiet=True), Request("greet", std=False, start=root)
        )
    assert {path: path.read_bytes() for path in (root / "user-rs").rglob("*") if path.is_file()} == before
