"""What a build script left is the same wherever it is taken from: run here, from its record, this disk, the team."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import crates
import pytest
from fake_reapi import FakeServer
from trees import Tree, copy_cache, copy_tree

from ostoo_build.reapi import remote_execution_pb2 as api

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.compiler

SCRIPT = """
use std::{env, fs, os::unix::fs as unix, path::PathBuf};

fn write(path: PathBuf, text: &str, mode: u32) {
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, unix::PermissionsExt::from_mode(mode)).unwrap();
}

fn main() {
    let out = PathBuf::from(env::var("OUT_DIR").unwrap());
    fs::create_dir_all(out.join("empty/inner")).unwrap();
    fs::create_dir_all(out.join("some data")).unwrap();
    write(out.join("some data/plain"), "plain", 0o600);
    write(out.join("some data/run me"), "run", 0o700);
    write(out.join("some data/read only"), "read", 0o444);
    unix::symlink("plain", out.join("some data/file-link")).unwrap();
    unix::symlink("some data", out.join("folder-link")).unwrap();
    unix::symlink("nowhere", out.join("lost")).unwrap();
    write(out.join("generated.rs"), "pub const WORD: &str = \\"made\\";", 0o644);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(told)");
    println!("cargo::rustc-cfg=told");
    println!("cargo::rustc-env=GREETING=hello");
    println!("cargo::warning=as it was");
}
"""
LIBRARY = """
#![no_std]
include!(concat!(env!("OUT_DIR"), "/generated.rs"));
pub static OF_LINK: &str = include_str!(concat!(env!("OUT_DIR"), "/folder-link/file-link"));
pub static GREETING: &str = env!("GREETING");
pub const TOLD: bool = cfg!(told);
"""
MAIN = 'println!("{} {} {} {}", odd::WORD, odd::GREETING, odd::TOLD, odd::OF_LINK);'
SAID = "made hello true plain\n"


def add(tree: Tree, edit: int) -> None:
    """Write a library with the script, and a program over it, each time with another source."""
    crates.add(tree, "odd", "", lib=LIBRARY, build=SCRIPT)
    asks = f"[dependencies]\n{crates.RUNTIME}\n{crates.paths('odd')}"
    crates.add(tree, "told", asks, main=crates.main(MAIN) + f"// edit {edit}\n")


def left(tree: Tree) -> dict[str, tuple[int, str]]:
    """What lies in `OUT_DIR`: modes, and contents of files."""
    (out,) = (path.parent for path in tree.root.glob("build/**/out/generated.rs"))
    found = {}
    for path in out.rglob("*"):
        status = path.lstat()
        kind = "folder" if stat.S_ISDIR(status.st_mode) else path.read_text() if path.is_file() else "odd"
        found[str(path.relative_to(out))] = (status.st_mode, kind)
    return found


@pytest.fixture
def team() -> Iterator[tuple[FakeServer, str]]:
    """A server, and its address."""
    fake = FakeServer()
    server, port = fake.start()
    yield fake, f"remote_cache=grpc://127.0.0.1:{port}"
    server.stop(None)


@pytest.mark.long
def test_what_a_script_left_is_the_same_from_everywhere(
    team: tuple[FakeServer, str], tree: Tree, shared_cache: Path, tmp_path: Path
) -> None:
    fake, address = team
    caches = [tmp_path / name for name in ("one", "two")]
    for cache in caches:
        copy_cache(shared_cache, cache)
    one = Tree(tree.root, str(caches[0]))
    add(one, 0)
    ran = one.build("told", address, "remote_upload=on")
    assert "Running" in ran.stderr
    assert fake.results
    made = left(one)
    assert {name for name in made if made[name][1] == "folder"} == {
        *("empty", "empty/inner", "some data", "folder-link"),
    }
    assert "lost" not in made
    assert "odd" not in {kind for _, kind in made.values()}

    one.replace("user-rs/told/src/main.rs", "// edit 0", "// edit 1")
    others = {"record": (one, one.build("told"))}
    for name, cache, words in (("disk", caches[0], ()), ("team", caches[1], (address,))):
        clone = copy_tree(tmp_path / name, str(cache))
        add(clone, len(others) + 1)
        others[name] = (clone, clone.build("told", *words))
    for name, (checkout, result) in others.items():
        assert "Running" not in result.stderr, name
        assert left(checkout) == made, name
        assert checkout.run("told")[1] == SAID, name
    for name in ("disk", "team"):
        assert others[name][1].stderr.count("as it was") == ran.stderr.count("as it was") == 1


def test_what_a_script_wrote_its_folders_path_into_is_no_other_checkouts(tree: Tree, tmp_path: Path) -> None:
    """A path is told by its length: no program may hold it."""
    script = """
    fn main() {
        let out = std::env::var("OUT_DIR").unwrap();
        let text = format!("pub const WHERE: &str = {out:?};");
        std::fs::write(format!("{out}/generated.rs"), text).unwrap();
        println!("cargo::rerun-if-changed=build.rs");
    }
    """
    uses = 'include!(concat!(env!("OUT_DIR"), "/generated.rs"));'
    lengths = {}
    for checkout in (tree, copy_tree(tmp_path / "a checkout with a longer name", tree.cache)):
        main = crates.main('println!("{}", WHERE.len());', uses=uses)
        crates.add(checkout, "odd", f"[dependencies]\n{crates.RUNTIME}", main=main, build=script)
        checkout.build("odd")
        lengths[len(str(checkout.root))] = int(checkout.run("odd")[1])
    (short, first), (long, second) = lengths.items()
    assert second - first == long - short


GOALS = {
    "absolute": 'root.join("assets")',
    "relative": '"../".repeat(Path::new(&out).strip_prefix(root).unwrap().components().count()) + "assets"',
}


@pytest.mark.parametrize("goal", GOALS)
def test_what_lies_behind_a_link_that_leaves_the_folder_is_an_input(goal: str, tree: Tree) -> None:
    script = f"""
    use std::path::Path;
    fn main() {{
        let (out, package) = (std::env::var("OUT_DIR").unwrap(), std::env::var("CARGO_MANIFEST_DIR").unwrap());
        let root = Path::new(&package).ancestors().nth(2).unwrap();
        std::os::unix::fs::symlink({GOALS[goal]}, format!("{{out}}/assets")).unwrap();
        println!("cargo::rerun-if-changed=build.rs");
    }}
    """
    tree.write("assets/.hidden/word", "one")
    main = crates.main('println!("{}", include_str!(concat!(env!("OUT_DIR"), "/assets/.hidden/word")));')
    crates.add(tree, "odd", f"[dependencies]\n{crates.RUNTIME}", main=main, build=script)
    tree.build("odd")
    assert tree.run("odd")[1] == "one\n"
    tree.write("assets/.hidden/word", "another")
    tree.build("odd")
    assert tree.run("odd")[1] == "another\n"


def test_a_link_to_what_only_this_machine_has_is_what_it_leads_to(tree: Tree, tmp_path: Path) -> None:
    script = f"""
    fn main() {{
        let out = std::env::var("OUT_DIR").unwrap();
        std::os::unix::fs::symlink("{tmp_path}/goal", format!("{{out}}/name")).unwrap();
    }}
    """
    main = crates.main('println!("{}", include_str!(concat!(env!("OUT_DIR"), "/name")));')
    crates.add(tree, "odd", f"[dependencies]\n{crates.RUNTIME}", main=main, build=script)
    for text in ("one", "two"):
        (tmp_path / "goal").write_text(text)
        tree.build("odd")
        assert tree.run("odd")[1] == f"{text}\n"
        assert tree.build("odd").steps == []


class Everything(dict[str, bytes]):
    """Results in which each key has the same."""

    def __init__(self, result: api.ActionResult) -> None:
        super().__init__()
        self._result = result.SerializeToString()

    def __contains__(self, _key: object) -> bool:
        return True

    def __getitem__(self, _key: str) -> bytes:
        return self._result


RELEASE = "build/x86_64-ostoo-user/release"
WRONG = {
    "nothing": (),
    "half of it": ("hello-rs",),
    "the other half": ("hello-rs.debug",),
    "more": ("hello-rs", "hello-rs.debug", "cat-rs"),
    "another place": ("deep/hello-rs", "deep/hello-rs.debug"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_result_that_can_not_be_the_programs_is_none(wrong: str, team: tuple[FakeServer, str], built: Tree) -> None:
    fake, address = team
    content = api.Digest(hash=fake.add(b"junk"), size_bytes=4)
    files = [api.OutputFile(path=f"{RELEASE}/{name}", digest=content, is_executable=True) for name in WRONG[wrong]]
    fake.results = Everything(api.ActionResult(output_files=files))
    other = built.program("cat-rs").read_bytes()
    built.replace("user-rs/hello-rs/src/main.rs", "fn main", f"// {wrong}\nfn main")
    built.build("hello-rs", address)
    assert built.run("hello-rs")[0] == 0
    assert built.program("cat-rs").read_bytes() == other
