"""What runs and links leave; compilations are judged in unit/execution/test_local.py, after a played compiler."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import fake_toolchains as fake
import planned_trees as trees
import pytest
from elf_files import GOOD
from msgspec.structs import replace

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Finished, ToolFailed
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.base.paths import PathMap
from ostoo_build.planning.planned_unit import RunBuildScript
from ostoo_build.rules import judge

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.actions.outcome import Outcome

FOLDER = "build/host/release/units/gen-1"
DECLARED = Input("user-rs/gen/declared.txt", "0" * 64, 1)
ACTION = Action("BuildScriptRun", ("@{root}/script",), (), (DECLARED,), (f"{FOLDER}/out/",))
UNIT = RunBuildScript(
    id="gen-1",
    label="gen v0.1.0",
    package="user-rs/gen",
    folder=FOLDER,
    directory="user-rs/gen",
    is_std=False,
    target="",
    environment=(),
    runs=(),
    read_runs=(),
    extra_inputs=(),
    targets=(("lib", "gen"),),
    script="script-1",
    links="",
)


@dataclass(frozen=True)
class Checkout:
    root: Path

    @property
    def paths(self) -> PathMap:
        return PathMap((("root", self.root), ("cargo-home", self.root.parent / "cargo")))

    def done(
        self, stdout: str = "", *, files: dict[str, bytes] | None = None, code: int = 0, stderr: str = ""
    ) -> Finished:
        left = files or {}
        return Finished(code, stdout, stderr, tuple(left), left.__getitem__, self.paths)

    def judged(
        self, stdout: str = "", *, reported: tuple[str, ...] = (), files: dict[str, bytes] | None = None
    ) -> Outcome:
        return judge.run(ACTION, UNIT, reported, (), self.done(stdout, files=files))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for name in ("user-rs/gen/declared.txt", "user-rs/gen/.hidden", "user-rs/other/a.txt", f"{FOLDER}/out/made"):
        fake.write(tmp_path / "os" / name, name)
    return Checkout(tmp_path / "os")


def test_a_script_that_fails_is_told_with_its_words(checkout: Checkout) -> None:
    with pytest.raises(ToolFailed, match=r"the build script of gen v0\.1\.0 failed") as caught:
        judge.run(ACTION, UNIT, (), (), checkout.done("cargo::error=no such library", code=101, stderr="panicked"))
    assert caught.value.messages == ("no such library", "panicked")


def test_a_script_that_says_error_fails_though_its_code_is_good(checkout: Checkout) -> None:
    with pytest.raises(ToolFailed) as caught:
        checkout.judged("cargo::error=no such library")
    assert caught.value.messages == ("no such library",)


def test_its_warnings_name_their_package(checkout: Checkout) -> None:
    assert checkout.judged("cargo::warning=careful\n").stderr == "warning: gen v0.1.0: careful\n"


@pytest.mark.parametrize(
    ("named", "reads"),
    [
        ("declared.txt", ()),
        (".hidden", ("user-rs/gen/.hidden",)),
        ("../other/a.txt", ("user-rs/other/a.txt",)),
        ("../other", ("user-rs/other",)),
        ("absent.txt", ("user-rs/gen/absent.txt",)),
        (".", ("user-rs/gen",)),
        ("{root}/{out}/made", ()),
        ("/etc/passwd", ("/etc/passwd",)),
        ("/etc/no-such-file", ("/etc/no-such-file",)),
        ("../../../cargo/registry/a", ("@{cargo-home}/registry/a",)),
    ],
)
def test_what_it_says_that_it_reads_is_an_input_unless_that_was_declared(
    named: str, reads: tuple[str, ...], checkout: Checkout
) -> None:
    name = named.replace("{root}", str(checkout.root)).replace("{out}", f"{FOLDER}/out")
    assert checkout.judged(f"cargo::rerun-if-changed={name}").learned.reads == reads


@pytest.mark.parametrize("named", ["../../build/host/x", "../../build"])
def test_what_builds_write_is_refused_by_its_name(named: str, checkout: Checkout) -> None:
    with pytest.raises(OstooError, match="which builds write") as caught:
        checkout.judged(f"cargo::rerun-if-changed={named}")
    assert caught.value.where == "user-rs/gen/build.rs"


def test_what_only_an_earlier_run_told_is_told_again(checkout: Checkout) -> None:
    assert checkout.judged("cargo::rerun-if-changed=declared.txt", reported=(DECLARED.path,)).learned.reads == (
        DECLARED.path,
    )


def test_its_outputs_are_what_lies_in_its_folder(checkout: Checkout) -> None:
    found = checkout.judged(files={"out/a": b"", "out/b/c": b"", "stdout": b"", "rustc": b""})
    assert found.outputs == ("out/a", "out/b/c")
    assert not found.holds_root


def test_outputs_that_hold_the_checkouts_path_are_for_it_alone(checkout: Checkout) -> None:
    assert checkout.judged(files={"out/a": f"in {checkout.root}/x".encode()}).holds_root
    said = checkout.judged(f"cargo::rustc-env=HERE={checkout.root}")
    assert (said.stdout, said.holds_root) == ("cargo::rustc-env=HERE=@{root}", False)


def test_an_output_that_no_key_can_name_is_refused(checkout: Checkout) -> None:
    with pytest.raises(OstooError, match="a file name contains"):
        checkout.judged(files={"out/@{root}": b""})


def diagnostic(text: str) -> str:
    return json.dumps({"rendered": text}) + "\n"


@pytest.mark.parametrize(
    ("code", "how"), [(1, "exit code 1"), (101, "exit code 101"), (-9, "signal 9"), (-11, "signal 11")]
)
def test_a_link_that_fails_is_told_as_rustc_renders_it(code: int, how: str, checkout: Checkout) -> None:
    program = trees.planned(checkout.root.parent / "planned", "hello-rs")
    said = diagnostic("error: no") + "thread 'main' panicked\n" + json.dumps({"rendered": None}) + "\n" + "7\n"
    with pytest.raises(ToolFailed) as caught:
        judge.link(ACTION, program, checkout.done(code=code, stderr=said))
    assert caught.value.what == f"could not compile hello-rs ({how})"
    assert caught.value.messages == ("error: nothread 'main' panicked\n",)


def test_a_program_without_an_entry_is_refused_with_the_symbol_that_is_missing(checkout: Checkout) -> None:
    program = trees.planned(checkout.root.parent / "planned", "hello-rs")
    name = program.units[-1].id
    left = {name: GOOD.data()}
    done = replace(checkout.done(files=left), is_hermetic=True)
    assert judge.link(ACTION, program, done).outputs == (name,)
    left[name] = GOOD_WITHOUT_ENTRY
    lld = diagnostic("warning: cannot find entry symbol _begin; not setting start address\n")
    with pytest.raises(
        OstooError, match="the program hello-rs has no entry point: no object defines the symbol _begin"
    ):
        judge.link(ACTION, program, replace(done, stderr=lld))


GOOD_WITHOUT_ENTRY = replace(GOOD, entry=0).data()
