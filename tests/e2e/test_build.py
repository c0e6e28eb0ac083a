"""What a build makes, and what it makes again after a change."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from trees import PROJECT, TARGET, Tree, copy_tree

from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.compiler

PROGRAMS = ["cat-rs", "hello-rs", "hello-std"]


def test_programs_run_and_say_what_they_should(built: Tree) -> None:
    assert built.run("hello-rs") == (0, "Hello from Rust on ostoo!\nHeap works: 42\n", "")
    assert built.run("hello-std") == (0, 'Hello from Rust std on ostoo!\nHashMap works: {"key": 42}\n', "")


def test_a_program_reads_its_arguments_and_files(built: Tree) -> None:
    built.write("first", "one\n")
    built.write("second", "x" * 10_000)
    first, second, absent = (str(built.root / name) for name in ("first", "second", "absent"))
    assert built.run("cat-rs", first, absent, second) == (1, "one\n" + "x" * 10_000, f"cat-rs: {absent}: error 2\n")


def test_programs_are_no_larger_than_cargo_makes_them(built: Tree) -> None:
    assert built.program("hello-rs").stat().st_size <= 5_120
    assert built.program("hello-std").stat().st_size <= 56_440


def test_order_and_company_of_programs_do_not_matter(built: Tree, tmp_path: Path) -> None:
    other = copy_tree(tmp_path / "other", built.cache)
    other.build("hello-std")
    other.build("hello-rs", "hello-std")
    for name in ("hello-rs", "hello-std"):
        assert other.program(name).read_bytes() == built.program(name).read_bytes()


def test_nothing_is_done_twice(built: Tree) -> None:
    assert built.build().stderr == ""


def test_nothing_needs_the_cache_to_be_there(built: Tree) -> None:
    """What a step consumes is as good as gone, though a cache would hide it."""
    assert Tree(built.root, "off").build().stderr == ""


def test_a_touch_builds_nothing(built: Tree) -> None:
    for path in built.root.rglob("*.rs"):
        os.utime(path)
    assert built.build().stderr == ""


def test_an_edited_program_is_one_unit_and_one_link(built: Tree) -> None:
    built.replace("user-rs/hello-std/src/main.rs", "HashMap works", "HashMap really works")
    assert sorted(built.build().steps) == [
        "Checking hello-std",
        "Compiling hello-std v0.1.0",
        "Linking hello-std",
        "Stripping hello-std",
    ]
    assert "HashMap really works" in built.run("hello-std")[1]


def test_an_edited_runtime_rebuilds_each_program_once(built: Tree) -> None:
    built.replace("user-rs/rt/src/io.rs", "Stream = Stream(1)", "Stream = Stream(2)")
    result = built.build()
    assert result.done("Compiling") == sorted([*PROGRAMS, "ostoo-rt", "ostoo-rt"])
    assert result.done("Linking") == sorted(PROGRAMS)
    assert built.run("hello-rs") == (0, "", "Hello from Rust on ostoo!\nHeap works: 42\n")


def test_an_undone_edit_compiles_nothing(built: Tree) -> None:
    before = built.program("hello-std").read_bytes()
    built.replace("user-rs/hello-std/src/main.rs", "works", "truly works")
    built.build()
    built.replace("user-rs/hello-std/src/main.rs", "truly works", "works")
    assert built.build().steps == []
    assert built.program("hello-std").read_bytes() == before


def test_another_libc_relinks_programs_with_std_only(built: Tree, tmp_path: Path) -> None:
    other = tmp_path / "musl"
    built.build("sysroot")
    shutil.copytree(built.root / "sysroot" / TARGET, other)
    source = tmp_path / "extra.c"
    source.write_text("int an_extra_function(void) { return 7; }\n")
    subprocess.run(["cc", "-c", source, "-o", tmp_path / "extra.o"], check=True)
    subprocess.run(["ar", "r", other / "lib" / "libc.a", tmp_path / "extra.o"], check=True, capture_output=True)
    result = built.build(f"sysroot=folder:{other}")
    made = sorted(step for step in result.steps if not step.startswith("Providing"))
    assert made == ["Linking hello-std"], "the same program is stripped and checked already"


FLAG = ("user-rs/.cargo/config.toml", "rustflags = [", 'rustflags = ["-Ctarget-cpu=x86-64-v2", ')
PROFILE = ("user-rs/Cargo.toml", 'opt-level = "s"', "opt-level = 2")
SPEC = (f"targets/{TARGET}.json", '"relro-level": "off"', '"relro-level": "partial"')


def test_another_flag_profile_or_target_spec_rebuilds_what_it_is_for(built: Tree) -> None:
    """That all is built then, but for build scripts, is looked at where core is compiled: in test_link_inputs_real."""
    for name, old, new in (FLAG, PROFILE, SPEC):
        built.replace(name, old, new)
        assert (name, old, new) != SPEC or built.begins(f"Checking target {TARGET}", "hello-rs")
        assert built.begins("Compiling core", "hello-rs"), new
        built.replace(name, new, old)
        assert built.build("hello-rs").done("Compiling") == []


def test_another_linker_of_the_toolchain_rebuilds_all_but_the_sysroot(built: Tree, tmp_path: Path) -> None:
    wrapper = tmp_path / "other-lld"
    found = toolchain.find(PROJECT, {}, os.environ)
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in found.env)
    wrapper.write_text(f'#!/bin/sh\n{variables} exec "{found.lld}" "$@"\n')
    wrapper.chmod(0o755)
    assert built.begins("Compiling core", "hello-rs", f"LLD={wrapper}")
    built.build("sysroot")
    assert built.build("sysroot", f"LLD={wrapper}").steps == []


def test_a_new_member_of_the_workspace_is_a_program(built: Tree) -> None:
    shutil.copytree(built.root / "user-rs/hello-rs", built.root / "user-rs/second")
    (built.root / "user-rs/second/SConscript").unlink(missing_ok=True)
    built.replace("user-rs/second/Cargo.toml", 'name = "hello-rs"', 'name = "second"')
    built.replace("user-rs/Cargo.toml", '    "hello-rs",\n', '    "hello-rs",\n    "second",\n')
    steps = sorted(built.build("second").steps)
    assert steps == ["Checking second", "Compiling second v0.1.0", "Linking second", "Stripping second"]
    assert built.run("second")[0] == 0


def test_deploy_copies_programs(built: Tree, tmp_path: Path) -> None:
    assert built.build("deploy").done("Deploying") == [str(built.root / "user" / name) for name in PROGRAMS]
    built.build("hello-rs", "deploy", f"DEPLOY_DIR={tmp_path}/shared")
    assert (tmp_path / "shared/hello-rs").read_bytes() == built.program("hello-rs").read_bytes()


def test_clean_leaves_nothing_and_costs_no_compilation(built: Tree) -> None:
    library = built.root / f"build/{TARGET}/target-libc/lib/libc.a"
    built.build("hello-std", "--all-outputs")
    assert library.exists()
    built.build("sysroot")
    built.build("-c")
    assert list(built.root.glob(f"build/{TARGET}/release/*-*")) == []
    assert not library.exists()
    assert not (built.root / "sysroot" / TARGET).exists()
    assert built.build().done("Compiling") == []


@pytest.mark.long
def test_cargo_builds_the_same_tree(built: Tree) -> None:
    """The workspace stays cargo's: what scons reads of it is enough for cargo as well."""
    found = toolchain.find(PROJECT, {}, os.environ)
    environment = {
        **os.environ,
        **dict(found.env),
        "RUSTC": str(found.rustc),
        "CARGO_TARGET_X86_64_OSTOO_USER_LINKER": str(found.lld),
    }
    command: list[str | Path] = [found.cargo, "build", "-p", "hello-rs"]
    subprocess.run(command, cwd=built.root / "user-rs", env=environment, check=True)
    made = built.root / "user-rs/target" / TARGET / "debug/hello-rs"
    said = subprocess.run([made], capture_output=True, text=True, check=True).stdout
    assert said == "Hello from Rust on ostoo!\nHeap works: 42\n"


def test_the_allocator_keeps_its_blocks_apart(tmp_path: Path) -> None:
    found = toolchain.find(PROJECT, {}, os.environ)
    command: list[str | Path] = [found.rustc, "--test", PROJECT / "user-rs/rt/src/bump.rs", "-o", tmp_path / "bump"]
    subprocess.run(command, env={**os.environ, **dict(found.env)}, check=True)
    completed = subprocess.run([tmp_path / "bump"], capture_output=True, text=True, check=False)
    assert "4 passed; 0 failed" in completed.stdout


def test_timings_show_where_the_time_went(built: Tree) -> None:
    built.replace("user-rs/hello-std/src/main.rs", "works", "is timed")
    result = built.build("--timings", "hello-std")
    assert "Timings in build/timings/timings.html" in result.stderr
    page = (built.root / "build/timings/timings.html").read_text(encoding="utf-8")
    for name in ("hello-std", "linking hello-std"):
        assert f'"name":"{name}","seconds":' in page, "each is on the critical path"
    events = json.loads((built.root / "build/timings/trace.json").read_bytes())["traceEvents"]
    assert {"hello-std", "linking hello-std", "checking hello-std", "cores"} <= {each["name"] for each in events}


def test_a_program_that_is_no_more_goes_with_the_next_build_of_all(built: Tree) -> None:
    built.write(f"build/{TARGET}/release/mine", "somebody's")
    built.write("build/.ostoo/programs/odd.json", "{}")
    names = [f"{name}{end}" for name in ("cat-rs", "was-rs") for end in ("", ".debug")]
    shutil.copytree(built.root / "user-rs/hello-rs", built.root / "user-rs/was-rs")
    built.replace("user-rs/was-rs/Cargo.toml", 'name = "hello-rs"', 'name = "was-rs"')
    built.replace("user-rs/Cargo.toml", '"cat-rs",', '"cat-rs", "was-rs",')
    built.build()
    assert all(built.program(name).exists() for name in names)
    built.replace("user-rs/Cargo.toml", '"cat-rs", "was-rs",', '"is-rs",')
    (built.root / "user-rs/was-rs").rename(built.root / "user-rs/is-rs")
    built.replace("user-rs/is-rs/Cargo.toml", 'name = "was-rs"', 'name = "is-rs"')
    built.program("cat-rs").write_bytes(b"somebody's")
    built.build("hello-rs")
    assert all(built.program(name).exists() for name in names), "who asks for one program has no other touched"
    built.build()
    left = sorted(path.name for path in built.program("mine").parent.iterdir() if path.is_file())
    kept = [f"{name}{end}" for name in ("hello-rs", "hello-std", "is-rs") for end in ("", ".debug")]
    assert left == sorted([*kept, "cat-rs", "mine"]), "what is not as it was published is somebody's"
