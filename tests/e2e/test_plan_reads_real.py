"""What a plan is remembered with is all that the real cargo looks at, and each change of it makes another plan."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import crates
import planners
import pytest
from trees import TARGET, Tree, copy_tree

from ostoo_build.base import state_file
from ostoo_build.planning import std_crates
from ostoo_build.planning.plan import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ostoo_build.invocation.planner import Planner
    from ostoo_build.planning.plan import Program

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("plan reads")]


@dataclass(frozen=True)
class Place:
    """A checkout with a program `all`, and what its user has: everything that cargo may look at is in `folder`."""

    folder: Path
    tree: Tree
    monkeypatch: pytest.MonkeyPatch

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def opened(self) -> Planner:
        return planners.opened(self.tree.root)

    def plan(self) -> Program:
        return self.opened().plan("all", TARGET)

    def is_remembered(self) -> bool:
        """Whether the plan comes from what is remembered. It is made anew, and remembered, where it does not."""
        made = self.opened()
        programs = made.programs
        known = programs.workspace(programs.group_of("all"), TARGET).remembered(
            WHOLE, programs.binaries["all"], "release"
        )
        made.plan("all", TARGET)
        return known is not None


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place whose plan is remembered; beside it, as `good`, a copy of all that it is made of."""
    top = tmp_path_factory.mktemp("plans") / "place"
    (top / "home/.cargo").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        _be_its_user(top, patch)
        tree = copy_tree(top / "home/work/checkout", "off")
        shutil.rmtree(tree.root / "site_scons")  # it is large, and these tests' own process plans
        made = Place(top / "home", tree, patch)
        _write_packages(made)
        _write_configuration(made)
        assert made.plan()
        assert made.is_remembered()
        _copy(top, top.with_name("good"))
        yield made


def _be_its_user(top: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("CARGO_HOME", str(top / "home/.cargo"))
    patch.setenv("XDG_CACHE_HOME", str(top / "cache"))
    patch.delenv("SAID", raising=False)


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)


@pytest.fixture
def place(planned: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """As it was made, whatever tests before did to it: the same paths, contents and times."""
    top = planned.folder.parent
    _copy(top.with_name("good"), top)
    _be_its_user(top, monkeypatch)
    made = Place(planned.folder, planned.tree, monkeypatch)
    assert made.is_remembered()
    return made


def _package(name: str, more: str = "") -> str:
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n{more}\n'


def _write_packages(place: Place) -> None:
    tree = place.tree
    crates.add(tree, "macros", "[lib]\nproc-macro = true\n", lib=crates.proc_macro("word", '"1".parse().unwrap()'))
    crates.add(tree, "for-script", "", lib="")
    place.write("outside/Cargo.toml", '[workspace]\n[workspace.package]\nversion = "0.3.0"\n')
    place.write("outside/lib/Cargo.toml", '[package]\nname = "outside"\nversion.workspace = true\n')
    place.write("outside/lib/src/lib.rs", "#![no_std]")
    place.write("patched/Cargo.toml", _package("cfg-if").replace("0.1.0", "1.5.0"))
    place.write("patched/src/lib.rs", "#![no_std]")
    place.write("work/checkout/user-rs/apps/one/Cargo.toml", _package("one"))
    place.write("work/checkout/user-rs/apps/one/src/lib.rs", "#![no_std]")
    place.write("v1/Cargo.toml", _package("linked"))
    place.write("v1/src/lib.rs", "#![no_std]")
    shutil.copytree(place.folder / "v1", place.folder / "v2")
    (tree.root / "user-rs/linked").symlink_to(place.folder / "v1")
    tree.write("user-rs/shared/main.rs", "#![no_std]\n#![no_main]\n")
    asks = f"""
[[bin]]
name = "all"
path = "../shared/main.rs"
[dependencies]
{crates.RUNTIME}
{crates.paths("macros", "linked")}
outside = {{ path = "{os.path.relpath(place.folder / "outside/lib", tree.root / "user-rs/all")}" }}
cfg-if = "1"
one = {{ path = "../apps/one" }}
[build-dependencies]
{crates.paths("for-script")}
"""
    crates.add(tree, "all", asks, build="fn main() {}")
    tree.write("user-rs/all/SConscript", 'Import("env")\nenv.RustProgram("all")\n')
    tree.replace("user-rs/Cargo.toml", "members = [", 'members = ["apps/*", "linked", ')
    patch = f'\n[patch.crates-io]\ncfg-if = {{ path = "{place.folder}/patched" }}\n'
    tree.write("user-rs/Cargo.toml", (tree.root / "user-rs/Cargo.toml").read_text() + patch)


def _write_configuration(place: Place) -> None:
    settings = place.tree.root / "user-rs/.cargo/config.toml"
    includes = 'include = ["more.toml", { path = "../absent.toml", optional = true }]\n'
    settings.write_text(includes + settings.read_text() + '[env]\nSAID = "config"\n')
    place.write("work/checkout/user-rs/.cargo/more.toml", 'include = ["deep/most.toml"]\n[env]\nMORE = "1"\n')
    place.write("work/checkout/user-rs/.cargo/deep/most.toml", '[env]\nMOST = { value = "d", relative = true }\n')
    place.write(".cargo/config.toml", '[env]\nOF_HOME = "1"\n')


CALL = re.compile(r'^\d+ +(\w+)\((?:AT_FDCWD, )?"([^"]*)"(.*)$')
NOT_ASKED = {
    r".*/user-rs/target(/.*)?": "where cargo would build",
    r".*/\.cargo/(registry|git)(/.*)?": "downloads, which stay as they are",
    r".*/\.cargo/\.(package-cache.*|global-cache.*|crates.*)": "cargo's own locks",
    r".*/\.cargo/credentials(\.toml)?": "passwords",
    r".*/\.git(/.*)?": "whether a package is in a repository matters where it is published",
    r".*/\.cargo/bin.*": "where other commands of cargo are",
    r".*/rust-toolchain(\.toml)?": "the toolchain is chosen before",
    r".*/sysroot/[^/]*/lib": "rustc's, of cargo's question about the target: libraries for links",
    r".*/src/rustc-[0-9.]+/library/.*": "std's source, in the toolchain of Debian: its digest is in the name",
    r".*/targets(/[^/]*\.json)?": "the target spec's digest is in the memo's name",
}
"""What cargo looks at, and what can't change a plan, by its reason."""


def _looked_at(place: Place) -> Iterator[tuple[Path, bool]]:
    """Each path in the user's folder that cargo opened or asked for, and whether it read it."""
    opened = place.opened()
    chosen = opened.tools.toolchain
    vendor = std_crates.vendor(chosen.rust_src)
    target = str(place.tree.root / f"targets/{TARGET}.json")
    asks = ("build", "--unit-graph", "-Zunstable-options", "--target", target, "--package", "all", "--bin", "all")
    questions = (
        ("metadata", "--no-deps", "--format-version=1"),
        ("-Zunstable-options", "config", "get"),
        ("update", "--workspace"),
        ((*(std_crates.redirect(vendor) if vendor else ()), *asks, "--release")),
    )
    log = place.folder.parent / "strace"
    workspace = place.tree.root / "user-rs"
    for question in questions:
        command = ["strace", "-f", "-e", "trace=%file", "-s", "4096", "-o", str(log), str(chosen.cargo), *question]
        subprocess.run(command, cwd=workspace, env=opened.tools.environment, check=True, capture_output=True)
        for line in log.read_text().splitlines():
            if match := CALL.match(line):
                call, name, rest = match.groups()
                path = Path(os.path.normpath(workspace / name))
                if path.is_relative_to(place.folder) and "O_CREAT" not in rest:
                    yield path, call.startswith("open") and "ENOENT" not in rest and "O_DIRECTORY" not in rest


def _known(place: Place) -> set[Path]:
    """All that memos were made from."""
    workspace = place.tree.root / "user-rs"
    known = set()
    for memo in (place.folder.parent / "cache").rglob("plans/*.json"):
        reads = json.loads(state_file.recall_sealed(memo) or b"{}").get("reads", {"contents": (), "places": ()})
        known |= {Path(os.path.normpath(workspace / path)) for path in (*reads["contents"], *reads["places"])}
    programs = place.opened().programs
    cargo = programs.workspace(programs.group_of("all"), TARGET).cargo
    return {*known, *(Path(os.path.normpath(path)) for path in cargo.configuration_files()), workspace / "Cargo.lock"}


def test_whatever_cargo_looks_at_is_known(place: Place) -> None:
    known = _known(place)
    ways, goals = {folder for path in known for folder in path.parents}, {path.resolve() for path in known}
    looked_at = set(_looked_at(place))
    assert len(looked_at) > 50
    missed = set()
    for path, was_read in looked_at:
        # of a name without contents, the list that it is in or is missing in tells
        is_listed = not was_read and any(each in known for each in (path.parent, *_nearest(path)))
        # a link on the way to what is known is known with it
        on_the_way = not was_read and path in ways
        leads_there = path in known or path.resolve() in goals
        if not (
            leads_there or on_the_way or is_listed or any(re.fullmatch(pattern, str(path)) for pattern in NOT_ASKED)
        ):
            missed.add(str(path.relative_to(place.folder)))
    assert sorted(missed) == []


def _nearest(path: Path) -> list[Path]:
    """The folder in which it shows that a path is not there."""
    return [next(folder for folder in path.parents if folder.is_dir())] if not path.exists() else []


def _append(name: str, text: str) -> Callable[[Place], None]:
    def change(place: Place) -> None:
        path = place.folder / name
        place.write(name, (path.read_text() if path.exists() else "") + text)

    return change


def _remove(name: str) -> Callable[[Place], None]:
    return lambda place: (place.folder / name).unlink()


def _turn_link(place: Place) -> None:
    link = place.tree.root / "user-rs/linked"
    link.unlink()
    link.symlink_to(place.folder / "v2")


def _link_a_source(place: Place) -> None:
    source = place.tree.root / "user-rs/shared/main.rs"
    source.rename(source.with_name("alt.rs_"))
    source.symlink_to("alt.rs_")


def _set_a_variable(place: Place) -> None:
    place.monkeypatch.setenv("SAID", "user")


def _replace_configuration(place: Place) -> None:
    """The same words elsewhere are another configuration: what is relative is so to another folder."""
    (place.tree.root / "user-rs/.cargo").rename(place.tree.root / ".cargo")
    place.tree.replace(".cargo/config.toml", '"../targets', '"targets')


USER_RS = "work/checkout/user-rs"
EDIT = "\n# edited\n"
CHANGES = {
    **{
        f"edited {name}": _append(f"{name}/Cargo.toml", EDIT)
        for name in (
            *(f"{USER_RS}/{member}" for member in (".", "all", "macros", "for-script", "apps/one", "rt")),
            *("outside", "outside/lib", "patched", "v1"),
        )
    },
    **{
        f"edited {name}": _append(name, EDIT)
        for name in (
            *(f"{USER_RS}/.cargo/{file}" for file in ("config.toml", "more.toml", "deep/most.toml")),
            *(".cargo/config.toml", f"{USER_RS}/Cargo.lock"),
        )
    },
    **{
        f"new {name}": _append(name, text)
        for name, text in {
            f"{USER_RS}/absent.toml": "[env]\nABSENT = '1'\n",
            "work/.cargo/config.toml": "[env]\nABOVE = '1'\n",
            f"{USER_RS}/apps/two/Cargo.toml": _package("two", "[lib]\npath = 'x.rs'"),
            f"{USER_RS}/all/src/bin/other/main.rs": "fn main() {}",
            f"{USER_RS}/all/src/bin/new.rs": "fn main() {}",
            f"{USER_RS}/all/src/lib.rs": "",
            f"{USER_RS}/all/README.md": "read",
            f"{USER_RS}/macros/build.rs": "fn main() {}",
            "outside/lib/build.rs": "fn main() {}",
            "patched/build.rs": "fn main() {}",
            f"{USER_RS}/all/tests/one.rs": "",
        }.items()
    },
    "a new feature of a member that the program does not use": _append(
        f"{USER_RS}/hello-std/Cargo.toml", "[features]\nx = []\n"
    ),
    "a missing include": _append(f"{USER_RS}/.cargo/more.toml", '[env.X]\nvalue = "1"\n'),
    "a crate without std": _append("outside/lib/src/lib.rs", "\nextern crate std;"),
    "removed build.rs": _remove(f"{USER_RS}/all/build.rs"),
    "a turned link": _turn_link,
    "a link in place of a source": _link_a_source,
    "a variable": _set_a_variable,
    "a configuration elsewhere": _replace_configuration,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_what_cargo_looks_at_is_another_plan(name: str, place: Place) -> None:
    CHANGES[name](place)
    assert not place.is_remembered()


def test_an_edit_of_code_is_none(place: Place) -> None:
    for name in ("outside/lib/src/lib.rs", "v1/src/lib.rs", f"{USER_RS}/shared/main.rs", f"{USER_RS}/all/build.rs"):
        _append(name, "// edited")(place)
    assert place.is_remembered()


def test_the_quick_look_looks_outside_of_the_checkout_too(place: Place) -> None:
    """What a build with nothing to do compares, before it reads anything."""
    made = place.opened()
    made.plan("all", TARGET)
    (workspace,) = (each for each in made.programs.workspaces if each.cargo.workspace.name == "user-rs")
    found = set(workspace.elsewhere())
    assert {place.folder / name for name in ("outside/Cargo.toml", "outside/lib/src", "patched/Cargo.toml")} <= found
    assert not any(path.is_relative_to(place.tree.root) for path in found)
