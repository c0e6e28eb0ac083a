"""What is named by hand is taken, or refused by one error that names it; nothing else is tried then."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.toolchain import provide as toolchain_provide
from ostoo_build.toolchain.find import NoToolchainError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ostoo_build.toolchain.find import Toolchain

NAMES = ("RUSTC", "CARGO", "LLD", "RUST_SRC")


class Machine:
    """A project without a toolchain, and programs that could fetch one, which note that they were called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "project"
        fake.write(self.root / "rust-toolchain.toml", '[toolchain]\nchannel = "nightly"\n')
        for tool in ("rustup", "apt-get"):
            fake.script(folder / "bin" / tool, f"echo {tool} >> '{folder}/called'", "exit 1")

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}/bin:{os.defpath}", "HOME": str(self.folder / "home")}

    @property
    def rustup(self) -> Path:
        return self.folder / f"home/.rustup/toolchains/nightly-{fake.HOST}"

    def find(self, variables: Mapping[str, str]) -> Toolchain:
        return toolchain_provide.find_or_provide(self.root, variables, self.environ, lambda _: None)

    def refusal(self, variables: Mapping[str, str]) -> str:
        """The message; that nothing was fetched, or made, is looked at on the way."""
        with pytest.raises(OstooError) as caught:
            self.find(variables)
        assert not isinstance(caught.value, NoToolchainError)
        assert not (self.folder / "called").exists()
        assert not (self.root / ".toolchain").exists()
        return str(caught.value)

    def good(self, name: str) -> str:
        whole = self.folder / "named"
        if not whole.exists():
            fake.sysroot(whole)
            fake.cargo(whole / "bin/cargo")
            fake.lld(whole / "bin/ld.lld-22")
        places = {"RUSTC": "bin/rustc", "CARGO": "bin/cargo", "LLD": "bin/ld.lld-22"}
        return str(whole / places.get(name, "lib/rustlib/src/rust/library"))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    return Machine(tmp_path)


BAD: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _: None,
    "a folder": lambda path: path.mkdir(),
    "a file": lambda path: path.write_text("text"),
    "a program that says nothing": fake.script,
    "a program that fails": lambda path: fake.script(path, "exit 3"),
    "a program of another kind": lambda path: fake.script(path, "echo mold 2.4.0"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "a pipe": os.mkfifo,
    "a text that is no program": lambda path: fake.write(path, "text").chmod(0o755),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("has_another", [True, False])
def test_what_is_named_wrongly_is_refused_by_its_name(name: str, machine: Machine, *, has_another: bool) -> None:
    if has_another:
        fake.sysroot(machine.rustup)
    others = [other for other in NAMES if other != name]
    beside = [names for count in range(len(NAMES)) for names in itertools.combinations(others, count)]
    for bad, make in BAD.items():
        path = machine.folder / "bad" / bad.replace(" ", "-")
        path.parent.mkdir(exist_ok=True)
        make(path)
        for names in beside:
            message = machine.refusal({name: str(path)} | {other: machine.good(other) for other in names})
            assert f"{name}={path}" in message, (bad, names)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_what_is_named_rightly_is_taken(count: int, machine: Machine) -> None:
    fake.sysroot(machine.rustup)
    for names in itertools.combinations(NAMES, count):
        found = machine.find({name: machine.good(name) for name in names})
        taken = {"RUSTC": found.rustc, "CARGO": found.cargo, "LLD": found.lld, "RUST_SRC": found.rust_src}
        assert {name: str(taken[name]) for name in names} == {name: machine.good(name) for name in names}
    assert not (machine.folder / "called").exists()


@pytest.mark.parametrize("name", ["CARGO", "LLD", "RUST_SRC"])
def test_nothing_is_fetched_for_what_is_named_without_a_compiler(name: str, machine: Machine) -> None:
    message = machine.refusal({name: machine.good(name)})
    assert message.startswith(f"error: no suitable Rust toolchain was found for {name}={machine.good(name)}")


def test_source_of_another_release_is_refused_and_nothing_is_fetched(machine: Machine) -> None:
    fake.sysroot(machine.rustup)
    other = fake.sysroot(machine.folder / "other", "1.97.0") / "lib/rustlib/src/rust/library"
    message = machine.refusal({"RUST_SRC": str(other)})
    assert f"RUST_SRC={other}" in message
    assert "the std source is of 1.97.0" in message


def test_a_named_proxy_of_rustup_stands_for_the_cargo_beside_the_compiler(machine: Machine) -> None:
    fake.sysroot(machine.rustup)
    (machine.folder / "bin/cargo").symlink_to("rustup")
    assert machine.find({"CARGO": "cargo"}).cargo == machine.rustup / "bin/cargo"
    assert not (machine.folder / "called").exists()
