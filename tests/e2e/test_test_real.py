"""`./ostoo test`: tests of programs with and without std, here and in QEMU, each in a process of its own."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from trees import Result, Tree, copy_tree

# with the tests of `./ostoo run`: what they compile for other processors is there then
pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("run")]

OTHER = "aarch64-ostoo-user"

STD = """
#[cfg(test)]
mod cases {
    #[test]
    fn passes() {
        println!("nobody sees this");
    }

    #[test]
    fn fails() {
        println!("this is \\u{1b}[31mred\\u{1b}[0m");
        assert_eq!(1 + 1, 3, "sums are \\u{8}wrong");
    }

    #[test]
    #[ignore = "it is slow"]
    fn rests() {}

    #[test]
    #[should_panic(expected = "out of range")]
    fn panics_as_it_should() {
        panic!("seven is out of range");
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn panics_otherwise() {
        panic!("seven is a number");
    }

    #[test]
    fn sleeps_for_ever() {
        println!("so tired");
        std::thread::sleep(std::time::Duration::from_secs(3600));
    }

    #[test]
    fn leaves() {
        std::process::exit(0);
    }

    #[test]
    fn is_shot() {
        unsafe { std::ptr::null_mut::<u8>().write_volatile(1) };
    }
}
"""

NO_STD = """
#[cfg(test)]
mod cases {
    use ostoo_rt::println;

    #[test_case]
    fn passes() {
        println!("nobody sees this");
    }

    #[test_case]
    fn fails() {
        println!("this is red");
        assert_eq!(1 + 1, 3, "sums are wrong");
    }

    #[test_case]
    fn sleeps_for_ever() {
        println!("so tired");
        loop {}
    }

    ostoo_rt::test! {
        #[ignore]
        fn rests() {}
    }

    ostoo_rt::test! {
        #[should_panic]
        fn panics_as_it_should() {
            panic!("seven is out of range");
        }
    }

    ostoo_rt::test! {
        #[should_panic]
        fn does_not_panic() {}
    }
}
"""


def package(tree: Tree, name: str, add: str) -> None:
    """A program with more tests, and none of its own."""
    source = f"user-rs/{name}/src/main.rs"
    text = (tree.root / source).read_text()
    own = text.index("#[cfg(test)]\nmod tests")
    entry = re.search(r'    #\[export_name = "main"\].*?\n    }\n', text, re.DOTALL)
    tree.write(source, text[:own] + (f"#[cfg(test)]\nmod entry {{\n{entry[0]}}}\n" if entry else "") + add)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, first_developed: Tree) -> Tree:
    """Tests are built for development: each test executable is a program, which takes seconds to optimize."""
    made = copy_tree(tmp_path_factory.mktemp("test") / "a folder/checkout", first_developed.cache)
    made.write("ostoo.toml", f'cache = "{made.cache}"\nprofile = "dev"\n')
    package(made, "hello-std", STD)
    package(made, "hello-rs", NO_STD)
    return made


def ostoo(tree: Tree, *arguments: str) -> Result:
    command = [sys.executable, "-P", "-m", "ostoo_build.cli", "test", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(tree.root / "site_scons")}
    done = subprocess.run(
        command, cwd=tree.root, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert "Traceback" not in done.stderr
    return Result(done.returncode, done.stdout, done.stderr)


def verdicts(done: Result) -> dict[str, str]:
    return dict(re.findall(r"^test (\S+) \.\.\. (\S+)$", done.stdout, re.MULTILINE))


def section(done: Result, name: str) -> str:
    found = re.search(
        rf"^---- {name} stdout ----\n(.*?)\n\n(?=---- |\nfailures:)", done.stdout, re.DOTALL | re.MULTILINE
    )
    assert found, done.stdout
    return found[1]


# an emulated processor is slow, and may be busy with other tests
PLACES = [(3, ()), (10, ("--boot",))]


@pytest.mark.parametrize(("limit", "place"), PLACES)
def test_every_end_of_a_test_with_std_is_told(limit: int, place: tuple[str, ...], tree: Tree) -> None:
    junit = tree.root / "results/junit.xml"
    done = ostoo(tree, "hello-std", "cases::", "--time-limit", str(limit), "--junit", str(junit), *place)
    assert done.code == 101
    assert verdicts(done) == {
        "cases::passes": "ok",
        "cases::fails": "FAILED",
        "cases::rests": "ignored",
        "cases::panics_as_it_should": "ok",
        "cases::panics_otherwise": "FAILED",
        "cases::sleeps_for_ever": "FAILED",
        "cases::leaves": "FAILED",
        "cases::is_shot": "FAILED",
    }
    assert "sums are \x08wrong" in section(done, "cases::fails")
    assert "this is \x1b[31mred" in section(done, "cases::fails")
    assert "seven is a number" in section(done, "cases::panics_otherwise")
    assert section(done, "cases::sleeps_for_ever") == (f"so tired\nnote: it timed out after {limit} s")
    assert section(done, "cases::leaves") == "note: it ended with exit code 0"
    assert section(done, "cases::is_shot") == "note: it was killed by signal 11"
    assert "nobody sees this" not in done.stdout
    assert re.search(
        r"^test result: FAILED\. 2 passed; 5 failed; 1 ignored; 0 measured; 0 filtered out; finished in [\d.]+s$",
        done.stdout,
        re.MULTILINE,
    )
    assert done.stdout.count("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out;") == 1
    suites = ET.fromstring(junit.read_bytes())  # noqa: S314 - our own
    assert (suites.get("tests"), suites.get("failures"), suites.get("skipped")) == ("8", "5", "1")
    cases = {case.get("name"): case for case in suites.iter("testcase")}
    assert set(cases) == set(verdicts(done))
    assert cases["cases::rests"].find("skipped") is not None
    failure = cases["cases::fails"].find("failure")
    assert failure is not None
    assert r"sums are \x08wrong" in str(failure.text)
    assert cases["cases::passes"].findtext("system-out") == "nobody sees this\n"


@pytest.mark.parametrize(("limit", "place"), PLACES)
def test_every_end_of_a_test_without_std_is_told(limit: int, place: tuple[str, ...], tree: Tree) -> None:
    done = ostoo(tree, "hello-rs", "--time-limit", str(limit), *place)
    assert done.code == 101
    assert verdicts(done) == {
        "cases::passes": "ok",
        "cases::fails": "FAILED",
        "cases::rests": "ignored",
        "cases::panics_as_it_should": "ok",
        "cases::does_not_panic": "FAILED",
        "cases::sleeps_for_ever": "FAILED",
    }
    assert "this is red\npanicked at user-rs/hello-rs/src/main.rs:" in section(done, "cases::fails")
    assert section(done, "cases::does_not_panic") == "note: test did not panic as expected"
    assert "so tired\nnote: it timed out" in section(done, "cases::sleeps_for_ever")


@pytest.mark.parametrize("program", ["hello-std", "hello-rs"])
def test_only_the_tests_that_are_meant_run(program: str, tree: Tree) -> None:
    assert verdicts(ostoo(tree, program, "cases::passes", "rests", "--exact")) == {"cases::passes": "ok"}
    assert verdicts(ostoo(tree, program, "--ignored")) == {"cases::rests": "ok"}
    both = {"cases::passes": "ok", "cases::rests": "ok"}
    done = ostoo(tree, program, "passes", "--include-ignored", "rests")
    assert (done.code, verdicts(done)) == (0, both)
    assert verdicts(ostoo(tree, program, "--", "--include-ignored", "passes", "rests")) == both
    assert verdicts(ostoo(tree, program, "passes", "rests")) == {"cases::passes": "ok", "cases::rests": "ignored"}


@pytest.mark.parametrize(("program", "count"), [("hello-std", "8"), ("hello-rs", "6")])
def test_tests_are_listed_and_not_run(program: str, count: str, tree: Tree) -> None:
    done = ostoo(tree, program, "--list", "cases::")
    assert "cases::sleeps_for_ever: test\n" in done.stdout
    assert f"\n{count} tests, 0 benchmarks\n" in done.stdout
    assert done.code == 0


@pytest.mark.parametrize("place", [(), ("--boot",)])
def test_output_is_seen_at_once_where_that_is_wanted(place: tuple[str, ...], tree: Tree) -> None:
    done = ostoo(tree, "hello-std", "passes", "--no-capture", *place)
    assert "nobody sees this\ntest cases::passes ... ok\n" in done.stdout


@pytest.mark.parametrize("target", [OTHER, "riscv64-ostoo-user"])
def test_tests_of_another_processor_run_in_qemu(target: str, tree: Tree) -> None:
    assert not target.startswith(platform.machine()), "on this machine the test would prove nothing"
    for program in ("hello-std", "hello-rs"):
        done = ostoo(tree, program, "pass", "panics_", "fails", f"target={target}", "profile=release")
        assert done.code == 101
        found = verdicts(done)
        found.pop("cases::panics_otherwise", None)
        assert found == {"cases::passes": "ok", "cases::panics_as_it_should": "ok", "cases::fails": "FAILED"}
        assert (tree.root / f"build/{target}/release/{program}.tests/bin-{program}").is_file()


def test_tests_that_can_not_be_booted_say_so(tree: Tree) -> None:
    (tree.root / "kernel.img").touch()
    done = ostoo(tree, "hello-rs", "--boot", "kernel=ostoo:kernel.img")
    assert done.code == 2
    assert "tests can't run on ostoo: it starts programs by name only" in done.stderr
    done = ostoo(tree, "hello-rs", "--boot", f"target={OTHER}", "profile=release")
    assert done.code == 2
    assert "is for EM_AARCH64" in done.stderr


def test_a_program_is_the_same_whether_its_tests_are_built_or_not(tree: Tree) -> None:
    tree.build("profile=release", "hello-std", "hello-rs")
    for name in ("hello-std", "hello-rs"):
        source = tree.root / f"user-rs/{name}/src/main.rs"
        before, built = source.read_text(), tree.program(name).read_bytes()
        source.write_text(before[: before.index("#[cfg(test)]\nmod")])
        tree.build("profile=release", name)
        assert tree.program(name).read_bytes() == built
        source.write_text(before)


def test_a_package_may_have_a_library_tests_in_files_and_tests_without_a_harness(tree: Tree) -> None:
    tree.write("user-rs/parts/Cargo.toml", PARTS)
    tree.write("user-rs/parts/src/main.rs", MAIN)
    tree.write("user-rs/parts/src/lib.rs", LIBRARY)
    tree.write("user-rs/parts/tests/whole.rs", WHOLE)
    tree.write("user-rs/parts/tests/started/main.rs", STARTED)
    tree.replace("user-rs/Cargo.toml", "members = [", 'members = ["parts", ')
    done = ostoo(tree, "parts", "--", "--loud", "word")
    assert (done.code, verdicts(done)) == (0, {"whole": "ok"}), done.stderr
    done = ostoo(tree, "parts")
    assert verdicts(done) == {"tests::doubles": "ok", "it_prints_what_the_library_says": "ok", "whole": "FAILED"}
    refused = ostoo(tree, "hello-rs", "--", "--loud")
    assert (refused.code, refused.stdout) == (2, "")
    assert "no test executable understands --loud" in refused.stderr


def test_a_file_with_tests_counts_as_soon_as_it_is_there(tree: Tree) -> None:
    assert list(verdicts(ostoo(tree, "cat-rs"))) == ["tests::a_file_that_is_not_there_is_an_error"]
    tree.write("user-rs/cat-rs/tests/outside.rs", OUTSIDE)
    done = ostoo(tree, "cat-rs")
    assert verdicts(done) == {"tests::a_file_that_is_not_there_is_an_error": "ok", "numbers_are_read": "ok"}
    assert "Running tests/outside.rs (build/" in done.stderr
    (tree.root / "user-rs/cat-rs/tests/outside.rs").unlink()
    assert list(verdicts(ostoo(tree, "cat-rs"))) == ["tests::a_file_that_is_not_there_is_an_error"]


@pytest.mark.parametrize(
    ("program", "old", "new", "remedy"),
    [
        ("hello-std", "cfg_attr(not(test), no_main)", "no_main", "write `#![cfg_attr(not(test), no_main)]` at its top"),
        (
            "hello-rs",
            "cfg_attr(test, test_runner(ostoo_rt::test_runner))",
            "allow(unused)",
            "write below `#![no_main]`",
        ),
    ],
)
def test_tests_that_would_never_run_are_an_error_with_the_idiom(
    program: str, old: str, new: str, remedy: str, tree: Tree
) -> None:
    source = f"user-rs/{program}/src/main.rs"
    tree.replace(source, old, new)
    done = ostoo(tree, program)
    tree.replace(source, new, old)
    assert (done.code, done.stdout) == (2, "")
    assert f"the tests of {program} would never run, because it defines its own `main`\n  --> {source}\n" in done.stderr
    assert remedy in done.stderr


def test_tests_without_an_entry_point_are_not_run(tree: Tree) -> None:
    source, entry = "user-rs/hello-std/tests/output.rs", "extern crate ostoo_rt;"
    tree.replace(source, entry, "// none")
    done = ostoo(tree, "hello-std")
    tree.replace(source, "// none", entry)
    assert (done.code, done.stdout) == (2, "")
    assert "error: the program hello-std.tests/test-output has no entry point: no object defines" in done.stderr


PARTS = """
[package]
name = "parts"
version = "0.1.0"
edition = "2021"

[dependencies]
ostoo-rt = { workspace = true }

[[test]]
name = "whole"
harness = false
"""
MAIN = """
#![feature(restricted_std)]
#![cfg_attr(not(test), no_main)]

extern crate ostoo_rt;

#[cfg_attr(not(test), no_mangle)]
fn main() -> i32 {
    println!("{}", parts::twice(21));
    0
}
"""
LIBRARY = """
#![feature(restricted_std)]

pub fn twice(number: u32) -> u32 {
    2 * number
}

#[cfg(test)]
extern crate ostoo_rt;

#[cfg(test)]
mod tests {
    #[test]
    fn doubles() {
        assert_eq!(super::twice(4), 8);
    }
}
"""
OUTSIDE = """
#![no_std]
#![no_main]
#![feature(custom_test_frameworks)]
#![test_runner(ostoo_rt::test_runner)]
#![reexport_test_harness_main = "test_main"]

#[export_name = "main"]
fn run() -> i32 {
    test_main();
    0
}

#[test_case]
fn numbers_are_read() {
    assert_eq!("42".parse(), Ok(42));
}
"""
WHOLE = """
#![feature(restricted_std)]

extern crate ostoo_rt;

fn main() {
    assert!(cfg!(test));
    assert_eq!(std::env::args().skip(1).collect::<Vec<_>>(), ["--loud", "word"]);
}
"""
STARTED = """
#![feature(restricted_std)]

extern crate ostoo_rt;

#[test]
fn it_prints_what_the_library_says() {
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_parts")).output().unwrap();
    assert_eq!(done.stdout, b"42\\n");
    assert!(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).is_dir());
    assert!(std::path::Path::new("Cargo.toml").is_file(), "cargo starts tests in their package's folder");
}
"""
