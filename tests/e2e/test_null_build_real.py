"""A build that has nothing to do: it ends before SCons is loaded, and never when there is something to do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import crates
import pytest
from trees import TARGET, Tree, copy_tree

from ostoo_build.base import layout
from ostoo_build.start import null_build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("null build")]

PROGRAMS = ("hello-rs", "hello-std")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Tree:
    made = copy_tree(tmp_path_factory.mktemp("null") / "a folder/checkout", str(shared_cache))
    made.build(*PROGRAMS)
    return made


def loads_scons(tree: Tree, **environment: str) -> bool:
    """Build; whether SCons was there."""
    command = [sys.executable, "-S", "-P", "site_scons/ostoo_scons/start.py", f"cache={tree.cache}", *PROGRAMS]
    env = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1", **environment}
    done = subprocess.run(command, cwd=tree.root, env=env, capture_output=True, text=True, check=True)
    if "| ostoo_build.start.null_build" not in re.sub(" +", " ", done.stderr):
        pytest.fail(done.stderr)
    return "SCons.Script" in done.stderr


def settle(tree: Tree) -> None:
    """Build until a build has nothing to do, and knows it beforehand."""
    for _ in range(4):
        if not loads_scons(tree):
            return
    pytest.fail("it never knows that there is nothing to do")


def test_it_says_what_scons_says(tree: Tree) -> None:
    settle(tree)
    before = tree.scons(*PROGRAMS, "-j2")
    after = tree.scons(*PROGRAMS)
    assert before.stdout == after.stdout != ""
    assert (after.code, after.stderr) == (0, "")


def test_a_build_that_did_something_knows_it_too(tree: Tree) -> None:
    tree.build("sysroot")
    for compiled in (tree.root / "site_scons").rglob("*.pyc"):
        compiled.unlink()
    tree.replace("user-rs/hello-std/src/main.rs", "works", "surely works")
    time.sleep(0.1)  # else the edit is as good as one during the build
    assert loads_scons(tree)
    assert not loads_scons(tree)
    assert "surely works" in tree.run("hello-std")[1]


def test_it_is_told_what_changed_since_there_was_nothing_to_do(tree: Tree) -> None:
    settle(tree)
    tree.build(*PROGRAMS)  # in the environment of the next ones
    assert "Explained" not in tree.scons(*PROGRAMS, "--debug=explain").stderr
    append("user-rs/hello-rs/src/main.rs", "// another\n")(tree)
    first = tree.scons(*PROGRAMS, "--debug=explain").stderr.splitlines()[0]
    assert first == "   Explained nothing to do was not certain: user-rs/hello-rs/src/main.rs changed"


def test_a_dry_run_takes_nothing_away(tree: Tree) -> None:
    settle(tree)
    known = [path for path in (tree.root / "build").rglob("*") if path.is_file() and "timings" not in path.parts]
    tree.build("-n", *PROGRAMS)
    assert [path for path in known if not path.exists()] == []


def test_a_dry_run_lists_what_there_is_to_do(tree: Tree) -> None:
    append("user-rs/hello-rs/src/main.rs", f"// {uuid.uuid4()}: only its parts are in a cache\n")(tree)
    settle(tree)
    assert tree.build("-n", "hello-rs").stdout == "scons: `hello-rs' is up to date.\n"
    good = tree.program("hello-rs").read_bytes()
    place = tree.program("hello-rs").relative_to(tree.root)
    tree.program("hello-rs").unlink()
    assert tree.build("-n", "hello-rs").stdout == "restore hello-rs from the action cache\n"
    assert not tree.program("hello-rs").exists()
    assert tree.build("-n", "hello-rs", "cache=off").stdout == f"publish {place}\n"
    append("user-rs/hello-rs/src/main.rs", "// an edit for a dry run\n")(tree)
    listed = re.sub("^(rustc --crate-name [a-z_]+) .*", r"\1", tree.build("-n", "hello-rs").stdout, flags=re.MULTILINE)
    works = ("rustc --crate-name hello_rs", "link hello-rs", "strip hello-rs", "check hello-rs")
    assert sorted(listed.splitlines()) == sorted([*works, f"publish {place}", f"publish {place}.debug"])
    tree.build("hello-rs")
    assert tree.program("hello-rs").read_bytes() == good


def test_an_edit_during_a_build_is_built_by_the_next(tree: Tree) -> None:
    settle(tree)
    source = "user-rs/hello-std/src/main.rs"
    tree.replace(source, "fn main", "// slow\nfn main")
    time.sleep(0.1)
    process = tree.start(*PROGRAMS)
    time.sleep(0.3)
    tree.replace(source, "works", "also works")
    process.communicate(timeout=60)
    tree.scons(*PROGRAMS)
    assert "also works" in tree.run("hello-std")[1]


def swap(path: Path) -> None:
    """Damage a file, and keep its size and mtime."""
    before = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def append(name: str, text: str) -> Callable[[Tree], object]:
    return lambda tree: tree.write(name, (tree.root / name).read_text(encoding="utf-8") + text)


CHANGES: dict[str, Callable[[Tree], object]] = {
    "a source is edited": append("user-rs/hello-rs/src/main.rs", "// an edit\n"),
    "a source of a library is edited": append("user-rs/rt/src/io.rs", "// an edit\n"),
    "a source is added": lambda tree: tree.write("user-rs/hello-std/src/new.rs", ""),
    "a source is touched": lambda tree: (tree.root / "user-rs/hello-std/src/main.rs").touch(),
    "a manifest is edited": append("user-rs/hello-std/Cargo.toml", "# an edit\n"),
    "a program joins the package": lambda tree: tree.write("user-rs/hello-rs/src/bin/other.rs", ""),
    "the lock file is touched": lambda tree: (tree.root / "user-rs/Cargo.lock").touch(),
    "the configuration is edited": append("user-rs/.cargo/config.toml", "# an edit\n"),
    "a folder above is configured": lambda tree: tree.write("../.cargo/config.toml", "# nothing\n"),
    "variables are set for everybody": lambda tree: tree.write("ostoo.toml", 'remote_jobs = "3"\n'),
    "the target is edited": append("targets/x86_64-ostoo-user.json", "\n"),
    "the contract is edited": append("targets/x86_64-ostoo-user.loader.json", "\n"),
    "a script is edited": append("user-rs/hello-rs/SConscript", "# an edit\n"),
    "the tool is edited": append("site_scons/ostoo_build/base/spelling.py", "# an edit\n"),
    "a pin is edited": append("site_scons/ostoo_build/fetch/zig-requirements.txt", "# an edit\n"),
    "the channel is edited": append("rust-toolchain.toml", "# an edit\n"),
    "a program is damaged": lambda tree: swap(tree.program("hello-rs")),
    "a program is removed": lambda tree: tree.program("hello-std").unlink(),
}


LONG = ("the target is edited", "a pin is edited")
"""What has core compiled anew, or musl: these builds are ended as soon as it shows that they look for work."""


@pytest.mark.parametrize("change", [name for name in CHANGES if name not in LONG])
def test_a_change_is_seen(change: str, tree: Tree) -> None:
    settle(tree)
    good = tree.program("hello-rs").read_bytes()
    CHANGES[change](tree)
    assert loads_scons(tree)
    assert tree.run("hello-std")[0] == 0
    if "program" in change:
        assert tree.program("hello-rs").read_bytes() == good


@pytest.mark.parametrize(
    ("change", "name", "step"),
    [
        (LONG[0], f"targets/{TARGET}.json", "Compiling core"),
        (LONG[1], "site_scons/ostoo_build/fetch/zig-requirements.txt", "Providing libc"),
    ],
)
def test_a_change_that_costs_much_is_seen(change: str, name: str, step: str, tree: Tree) -> None:
    settle(tree)
    before = (tree.root / name).read_text(encoding="utf-8")
    CHANGES[change](tree)
    assert tree.begins(step, *PROGRAMS)
    tree.write(name, before)


def test_another_environment_is_another_question(tree: Tree) -> None:
    settle(tree)
    assert loads_scons(tree, RUSTUP_HOME=str(Path.home() / ".rustup"))


def test_a_failed_build_leaves_no_note(tree: Tree) -> None:
    settle(tree)
    source = tree.root / "user-rs/hello-rs/src/main.rs"
    good = source.read_text(encoding="utf-8")
    source.write_text("broken", encoding="utf-8")
    for _ in range(3):
        assert tree.scons(*PROGRAMS).code == 2
    source.write_text(good, encoding="utf-8")
    settle(tree)


def test_all_that_a_build_looks_at_is_in_its_note(tree: Tree, tmp_path: Path) -> None:
    """Read off the system calls of a build that loads SCons and has nothing to do."""
    settle(tree)
    notes = tree.root / layout.NULL_BUILDS
    shutil.rmtree(notes)
    log = tmp_path / "strace"
    strace = ["strace", "-f", "-qq", "-y", "-e", "trace=file,getdents64", "-o", str(log)]
    command = [sys.executable, "-S", "-P", "site_scons/ostoo_scons/start.py", f"cache={tree.cache}", *PROGRAMS]
    subprocess.run([*strace, *command], cwd=tree.root, check=True, capture_output=True)
    (note,) = notes.iterdir()
    known = null_build.Note.from_bytes(note.read_bytes())
    assert known is not None
    looked_at = set(_paths(log.read_text(encoding="utf-8"), tree.root))
    assert tree.root / "user-rs/hello-rs/src/main.rs" in looked_at
    tops = [(Path(top), set(skipped)) for top, skipped in known.stamps.trees]
    # a look at a link sees what it leads to
    places = {place for path in map(Path, known.stamps.places) for place in (path, path.resolve())}
    tops += [(top.resolve(), skipped) for top, skipped in tops]
    assert [path for path in sorted(looked_at) if not _is_known(path, tops, places, tree)] == []


def _paths(log: str, root: Path) -> Iterator[Path]:
    for line in log.splitlines():
        found = re.match(r'\d+\s+\w+\((?:(?:AT_FDCWD|\d+)<([^>]*)>,? ?)?(?:"([^"]*)")?', line)
        if found and (found[1] or found[2]):
            yield Path(os.path.normpath(root / (found[1] or "") / (found[2] or "")))


def _is_known(path: Path, tops: list[tuple[Path, set[str]]], files: set[Path], tree: Tree) -> bool:
    machine = ("/usr", "/lib", "/etc", "/proc", "/dev", "/sys", "/bin", "/sbin", "pipe:", "socket:")
    made = (tree.root / "build/.ostoo", tree.root / "sysroot" / TARGET)
    ours = (Path(sys.prefix), Path(sys.base_prefix), Path(os.environ["XDG_CACHE_HOME"]), *made)
    if str(path).startswith(machine) or path.name in (".inputrc", ".terminfo", "python311.zip"):
        return True  # not of the build, but of Python and the C library
    if any(path.is_relative_to(folder) for folder in (*ours, Path(tree.cache))):
        return True
    if path.resolve() in files or path in files:
        return True
    if path.name == "action.json" and path.is_relative_to(tree.root / "build"):
        return True  # it tells what else was read, and that is in the note
    if any(known.is_relative_to(path) for known in (*ours, *files, *(top for top, _ in tops))):
        return True  # a folder above: what matters of it is below
    return any(
        seen.is_relative_to(top) and seen.relative_to(top).parts[0] not in skipped
        for seen in (path, path.resolve())
        for top, skipped in tops
    )


ODD_PLACES = ("user-rs/odd/src/target/word.txt", "user-rs/odd/target/told", "sysroot/mine/told", "user-rs/odd/.hidden")
ODD_SCRIPT = """
fn main() {
    let names = ["target/told", "../../sysroot/mine/told", ".hidden"];
    let texts = names.map(|name| {
        println!("cargo::rerun-if-changed={name}");
        std::fs::read_to_string(name).unwrap()
    });
    println!("cargo::rustc-env=TOLD={}", texts.join(" "));
}
"""


def test_inputs_in_places_that_a_walk_leaves_out_are_seen(shared_cache: Path, tmp_path: Path) -> None:
    """Where cargo builds, where sysroots are made, and where names begin with a dot."""
    checkout = copy_tree(tmp_path / "checkout", str(shared_cache))
    words = dict(zip(ODD_PLACES, "abcd", strict=True))
    for name, word in words.items():
        checkout.write(name, word)
    for name in ("user-rs/odd/src/target", "user-rs/odd/target"):
        checkout.write(f"{name}/CACHEDIR.TAG", "")
    main = crates.main('println!("{} {}", include_str!("target/word.txt"), env!("TOLD"));')
    crates.add(checkout, "odd", f"[dependencies]\n{crates.RUNTIME}", main=main, build=ODD_SCRIPT)
    for edited in ([], *([name] for name in ODD_PLACES)):
        for name in edited:
            words[name] = words[name].upper()
            checkout.write(name, words[name])
        for _ in range(3):
            checkout.build("odd")
            assert checkout.run("odd")[1] == " ".join(words.values()) + "\n"
        assert list((checkout.root / layout.NULL_BUILDS).iterdir()), "there is a note to be misled by"
