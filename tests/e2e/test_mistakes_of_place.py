"""More mistakes of users, and what the machine refuses: each is one message, exit code 2, and no harm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import pytest
from trees import PROJECT, TARGET, Tree, copy_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.compiler, pytest.mark.timeout(600)]

RELEASE = f"build/{TARGET}/release"
PACKAGE = "user-rs/hello-rs/src"


def in_place_of(name: str, make: Callable[[Path], object]) -> Callable[[Path], None]:
    """Have something else lie where a file or folder was."""

    def change(root: Path) -> None:
        path = root / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        make(path)

    return change


def a_file(path: Path) -> None:
    path.write_text("text")


def a_folder(path: Path) -> None:
    (path / "more").mkdir(parents=True)


def a_link(goal: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(goal)


def behind(name: str, text: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        with (root / name).open("ab") as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))

    return change


def nothing(_root: Path) -> None:
    pass


NO_FOLDER = "error: not a folder\n  --> {root}/{0}\n  help: remove it: builds create it again\n"
REMEDY = "  help: rename it\n"
EVERY: dict[str, tuple[Callable[[Path], None], tuple[str, ...], str]] = {
    "the program's place is a folder": (
        in_place_of(f"{RELEASE}/hello-rs", a_folder),
        ("hello-rs",),
        f"error: Is a directory\n  --> {{root}}/{RELEASE}/hello-rs\n",
    ),
    "build is a file": (in_place_of("build", a_file), ("hello-rs",), NO_FOLDER.replace("{0}", "build")),
    "build leads nowhere": (in_place_of("build", a_link("no")), ("hello-rs",), NO_FOLDER.replace("{0}", "build")),
    "build leads to itself": (in_place_of("build", a_link("build")), ("hello-rs",), NO_FOLDER.replace("{0}", "build")),
    "build/.ostoo is a file": (
        in_place_of("build/.ostoo", a_file),
        ("hello-rs",),
        NO_FOLDER.replace("{0}", "build/.ostoo"),
    ),
    "build/TARGET is a file": (
        in_place_of(f"build/{TARGET}", a_file),
        ("hello-rs",),
        f"error: Not a directory\n  --> {{root}}/{RELEASE}\n",
    ),
    "a target of 300 characters": (
        nothing,
        ("target=" + "x" * 300,),
        f"error: there is no target {'x' * 300}\n  --> {{root}}/targets\n  help: valid names: ",
    ),
    "remote_jobs of 5,000 digits": (
        nothing,
        ("remote_jobs=" + "9" * 5000,),
        "error: remote_jobs=99999",
    ),
    "a cargo that is none": (
        nothing,
        ("CARGO=/bin/true",),
        "error: CARGO=/bin/true is not cargo: it does not print its version\n  --> /bin/true\n",
    ),
    "DEPLOY_DIR is a file": (
        nothing,
        ("deploy", "hello-rs", "DEPLOY_DIR=README.md"),
        "error: DEPLOY_DIR=README.md is not a folder\n  --> {root}/README.md\n",
    ),
    "DEPLOY_DIR lies below a file": (
        nothing,
        ("deploy", "hello-rs", "DEPLOY_DIR=README.md/x"),
        "error: DEPLOY_DIR=README.md/x is not a folder\n  --> {root}/README.md/x\n",
    ),
    "DEPLOY_DIR is empty": (
        nothing,
        ("deploy", "hello-rs", "DEPLOY_DIR="),
        "error: DEPLOY_DIR= is empty\n  help: remove it, or set a value such as DEPLOY_DIR=user\n",
    ),
    "DEPLOY_DIR lies in build": (
        nothing,
        ("deploy", "hello-rs", f"DEPLOY_DIR={RELEASE}"),
        f"error: DEPLOY_DIR={RELEASE} is inside build, which belongs to the build\n  --> {{root}}/{RELEASE}\n",
    ),
    "inputs of another type": (
        behind("user-rs/hello-rs/Cargo.toml", '\n[package.metadata.ostoo]\ninputs = "../x"\n'),
        ("hello-rs",),
        "error: inputs is not an array of strings\n  --> {root}/user-rs/hello-rs/Cargo.toml: package.metadata.ostoo\n",
    ),
    "a name with a NUL": (
        behind("user-rs/hello-rs/Cargo.toml", '\n[package.metadata.ostoo]\ninputs = ["a\\u0000b"]\n'),
        ("hello-rs",),
        "error: a name contains a NUL character\n",
    ),
    "a schema that is none": (
        in_place_of("site_scons/ostoo_build/loader/loader.schema.json", lambda path: path.write_text('{"type": 1}')),
        ("hello-rs",),
        "  --> {root}/site_scons/ostoo_build/loader/loader.schema.json\n",
    ),
    "a name that is not UTF-8": (
        in_place_of(f"{PACKAGE}/a\udcff.rs", a_file),
        ("hello-rs",),
        "error: a file name is not UTF-8: b'src/a\\xff.rs'\n  --> {root}/user-rs/hello-rs\n" + REMEDY,
    ),
    "a name with a placeholder": (
        in_place_of(f"{PACKAGE}/@{{at}}", a_file),
        ("hello-rs",),
        "error: a file name contains @{, which marks a placeholder in portable paths\n"
        f"  --> {{root}}/{PACKAGE}/@{{at}}\n" + REMEDY,
    ),
    "a source is a pipe": (
        in_place_of(f"{PACKAGE}/main.rs", os.mkfifo),
        ("hello-rs",),
        f"error: not a regular file\n  --> {{root}}/{PACKAGE}/main.rs\n",
    ),
    "a misspelt keyword": (
        lambda root: Tree(root, "").replace("user-rs/hello-std/SConscript", "size_budget", "size_budgt"),
        ("hello-std",),
        (
            'error: env.RustProgram has no argument size_budgt\n  --> env.RustProgram("hello-std")\n'
            "  help: did you mean size_budget?\n"
        ),
    ),
    "a syntax error in a script": (
        behind("user-rs/hello-std/SConscript", "def (\n"),
        ("hello-std",),
        "error: invalid syntax\n  --> {root}/user-rs/hello-std/SConscript:4\n",
    ),
    "an unknown name in a script": (
        behind("user-rs/hello-std/SConscript", "nosuch\n"),
        ("hello-std",),
        "error: NameError: name 'nosuch' is not defined\n  --> {root}/user-rs/hello-std/SConscript:4\n",
    ),
    "no schema of contracts": (
        lambda root: (root / "site_scons/ostoo_build/loader/loader.schema.json").unlink(),
        ("hello-rs",),
        (
            "error: can't read it: No such file or directory\n"
            "  --> {root}/site_scons/ostoo_build/loader/loader.schema.json\n"
        ),
    ),
    "no user-rs": (
        lambda root: shutil.rmtree(root / "user-rs"),
        ("hello-rs",),
        "its working directory does not exist\n  --> {root}/user-rs\n",
    ),
    "a negative cache_size": (
        nothing,
        ("hello-rs", "cache_size=-1"),
        "error: '-1' is not a valid size\n",
    ),
    "an empty cache_size": (nothing, ("hello-rs", "cache_size="), "error: cache_size= is empty\n"),
    "no jobs": (nothing, ("hello-rs", "-j", "0"), "error: -j 0 is not a number between 1 and 1000\n"),
    "more jobs than any machine has": (
        nothing,
        ("hello-rs", "-j", "100000"),
        "error: -j 100000 is not a number between 1 and 1000\n",
    ),
    "a port that there is none of": (
        nothing,
        ("hello-rs", "remote_cache=grpc://127.0.0.1:99999"),
        "error: grpc://127.0.0.1:99999 is not a valid address of a remote cache\n",
    ),
}


@pytest.mark.parametrize("mistake", EVERY)
def test_a_mistake_is_one_message(mistake: str, built: Tree) -> None:
    change, arguments, message = EVERY[mistake]
    before = built.program("cat-rs").read_bytes()
    change(built.root)
    result = built.scons(*arguments)
    said = result.stdout + result.stderr
    assert result.code == 2, said
    assert "Traceback" not in said
    assert message.replace("{root}", str(built.root)) in said
    assert said.count("error: ") == 1
    if "build" not in mistake:
        assert built.program("cat-rs").read_bytes() == before


@pytest.mark.parametrize("make", [a_file, os.mkfifo, a_link("nowhere")])
def test_whatever_lies_in_the_place_of_an_actions_folder_gives_way(make: Callable[[Path], object], built: Tree) -> None:
    edit = behind("user-rs/hello-rs/src/main.rs", f"// {uuid.uuid4()}: nobody has compiled this\n")
    edit(built.root)
    built.build("hello-rs")
    (unit,) = (built.root / RELEASE / "units").glob("hello_rs-*")
    shutil.rmtree(unit)
    make(unit)
    edit(built.root)
    built.build("hello-rs")
    assert unit.is_dir()
    assert built.run("hello-rs")[0] == 0


def test_a_compiler_that_crashes_leaves_nothing_behind(tree: Tree) -> None:
    tree.replace(f"targets/{TARGET}.json", '"x86_64-unknown-linux-musl"', '"nowhere-unknown-linux-musl"')
    before = listing(tree.root)
    for arguments in (("hello-rs",), ("hello-rs", "profile=dev")):
        result = tree.scons(*arguments)
        assert result.code == 2
        assert "/llvm-target" in result.stderr
    assert listing(tree.root) == before


def listing(root: Path) -> list[str]:
    """What lies in a checkout, outside of what builds make."""
    names = (path.relative_to(root) for path in root.rglob("*"))
    return sorted(str(name) for name in names if name.parts[0] != "build" and "__pycache__" not in name.parts)


def test_a_checkout_whose_path_is_not_utf_8(shared_cache: Path, tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "a\udcff", str(shared_cache))
    result = tree.scons("hello-rs")
    assert result.code == 2
    assert result.stderr.startswith("error: the checkout's path is not UTF-8: b'")


def test_a_checkout_whose_path_has_a_line_break(shared_cache: Path, tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "a\nb", str(shared_cache))
    result = tree.scons("hello-rs")
    assert result.code == 2
    assert result.stderr.startswith("error: the checkout's path contains a line break\n")


@pytest.mark.parametrize("name", ["a:b", "a\nb"])
@pytest.mark.parametrize("command", ["sconsw", "ostoo"])
def test_a_project_where_no_environment_can_be_made(command: str, name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    (folder / "site_scons").mkdir(parents=True)
    for file in (command, "site_scons/venv.sh"):
        shutil.copy(PROJECT / file, folder / file)
    done = subprocess.run([folder / command, "help"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the project's path has a colon or a line break in it")


SAID = {"full": "No space left on device", "closed": "Bad file descriptor"}


def with_stdout(tree: Tree, how: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Start something whose stdout is full, or closed."""
    redirected = {"full": ">/dev/full", "closed": ">&-"}[how]
    command = ["/bin/sh", "-c", f'exec "$@" {redirected}', "sh", *words]
    return subprocess.run(command, cwd=tree.root, stderr=subprocess.PIPE, text=True, check=False)


@pytest.mark.parametrize("how", SAID)
def test_an_output_that_can_not_be_written_is_told(how: str, built: Tree) -> None:
    """By a build with nothing to do, which is answered without SCons, by SCons itself, and by each verb."""
    for _ in range(3):
        built.build("hello-rs")
    scons = (sys.executable, "-S", "-P", "site_scons/ostoo_scons/start.py", f"cache={built.cache}")
    verb = (sys.executable, "-P", "-m", "ostoo_build.cli")
    asked = [(*scons, "hello-rs"), (*scons, "-h"), (*scons, "hello-std", "-n"), (*scons, "-c", "hello-std")]
    asked += [(*verb, "help"), (*verb, "why-miss", ".", "."), (*verb, "size", "hello-rs")]
    for words in asked:
        done = with_stdout(built, how, "env", "PYTHONPATH=site_scons", *words)
        assert done.returncode == 2, words
        assert done.stderr.count("error: ") == 1, done.stderr
        assert f"error: can't write to stdout: {SAID[how]}\n" in done.stderr, words
        assert "Traceback" not in done.stderr
    assert built.run("hello-rs")[0] == 0


def test_a_budget_in_a_folder_with_a_dollar_sign_is_heeded(tree: Tree) -> None:
    """To SCons such a sign begins a variable."""
    shutil.copytree(tree.root / "user-rs/hello-rs", tree.root / "user-rs/a$b$(c)")
    tree.replace("user-rs/a$b$(c)/Cargo.toml", 'name = "hello-rs"', 'name = "odd"')
    tree.replace("user-rs/Cargo.toml", "members = [", 'members = ["a$b$(c)", ')
    tree.write("user-rs/a$b$(c)/SConscript", 'Import("env")\nenv.RustProgram("odd", size_budget="1 KiB")\n')
    refused = tree.scons("odd")
    assert refused.code == 2
    assert "size-budget" in refused.stderr
    tree.replace("user-rs/a$b$(c)/SConscript", "1 KiB", "1 MiB")
    tree.build("odd")


@pytest.mark.parametrize("seconds", ["0", "nan", "inf", "1e7", "x"])
def test_a_time_that_is_none_is_told(seconds: str, tree: Tree) -> None:
    command = [sys.executable, "-P", "-m", "ostoo_build.cli", "test", "hello-rs", "--time-limit", seconds]
    env = {**os.environ, "PYTHONPATH": "site_scons"}
    done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 2
    assert f"{seconds} is not a number of seconds between 0" in done.stderr


@pytest.mark.parametrize("verb", ["run", "gdb", "size", "stack", "test", "boot"])
def test_a_verb_refuses_what_is_no_program_before_it_builds_anything(verb: str, built: Tree) -> None:
    for word in ("deploy", "all", "hello-rs.tests", "nosuch"):
        command = [sys.executable, "-P", "-m", "ostoo_build.cli", verb, word]
        env = {**os.environ, "PYTHONPATH": "site_scons"}
        done = subprocess.run(command, cwd=built.root, capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 2, done.stderr
        near = "did you mean hello-rs?" if "hello" in word else "valid names: cat-rs, hello-rs, hello-std"
        assert done.stderr == f"error: there is no program {word}\n  help: {near}\n"
    assert not (built.root / "user").exists()
