from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.toolchain import debian as toolchain_debian
from ostoo_build.toolchain import provide as toolchain_provide
from ostoo_build.toolchain.find import NoToolchainError

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "1.96.0+dfsg1-1~deb12u2"
NEWER = "1.99.0+dfsg1-1~deb12u1"

INSTEAD = "the project's own, in .toolchain; rustup has no nightly, named by rust-toolchain.toml"


class Machine:
    """A project, a PATH with programs that only play their part, and what was said to the user."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.bin = folder / "bin"
        self.home = folder / "home"
        self.said: list[str] = []
        fake.write(self.root / "rust-toolchain.toml", '[toolchain]\nchannel = "nightly"\n')
        # what the scripts need themselves
        for tool in ("mkdir", "cp", "echo", "cat"):
            fake.script(self.bin / tool, f'PATH=/usr/bin:/bin exec {tool} "$@"')

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": str(self.bin), "HOME": str(self.home)}

    def provide(self) -> str:
        return toolchain_provide.find_or_provide(self.root, {}, self.environ, self.said.append).reason

    def is_debian(self, version: str = VERSION, installed: tuple[str, ...] = ("libc6", "libllvm22")) -> None:
        """Apt that has one version of rustc-web, and a package rustc-web that is a whole toolchain."""
        packages = {
            "libc6": "2.36",
            "libgit2-1.5": "1.5.1",
            "libc6-dev": "2.36",
            "gcc": "12",
            "libllvm22": "1:22.1",
            "rustc-web": version,
        }
        plan = "\\n".join(f"Inst {name} ({number} Debian [amd64])" for name, number in packages.items())
        fake.script(
            self.bin / "apt-get",
            f"echo \"$@\" >> '{self.bin}/asked'",
            'case "$*" in',
            f'install*rustc-web={version}*|install*" rustc-web "*) printf "{plan}\\n"; exit ;;',
            'install*) echo "E: Unable to locate" >&2; exit 100 ;;',
            "esac",
            '[ "$1" = download ] || exit 0',
            'for argument; do case "$argument" in *=*) echo "$argument" > "${argument%%=*}_1_amd64.deb" ;; esac; done',
        )
        release = version.partition("+")[0]
        whole = fake.sysroot(self.home / "deb/usr", release)
        fake.rustc(whole / "bin/rustc", release, sysroot=self.root / ".toolchain/debian/usr")
        fake.script(
            self.bin / "dpkg-deb",
            f"echo \"${{2##*/}}\" >> '{self.bin}/unpacked'",
            f'case "$2" in */rustc-web_*) cp -r \'{whole}\' "$3" ;; esac',
        )
        fake.script(self.bin / "dpkg-query", *(f"echo installed {name}" for name in installed))
        fake.script(self.bin / "dpkg", "echo amd64")

    def has_rustup(self, *lines: str) -> Path:
        fake.script(self.bin / "rustup", f"echo \"$@\" >> '{self.bin}/rustup-asked'", *lines)
        return self.home / f".rustup/toolchains/nightly-{fake.HOST}"

    def lines(self, name: str) -> list[str]:
        return (self.bin / name).read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    return Machine(tmp_path)


def sha256(deb: str) -> str:
    return hashlib.sha256(f"{deb}\n".encode()).hexdigest()


def lock(machine: Machine, version: str, digest: str) -> str:
    text = json.dumps({"amd64": {"rustc-web": {"version": version, "sha256": digest}}})
    return fake.write(machine.root / "toolchain.lock", text).read_text()


def test_nothing_is_provided_where_a_toolchain_is(machine: Machine) -> None:
    fake.sysroot(machine.home / f".rustup/toolchains/nightly-{fake.HOST}")
    assert machine.provide().endswith("rustup's nightly, named by rust-toolchain.toml")
    assert machine.said == []


def test_rustup_adds_the_std_source_to_what_is_there(machine: Machine) -> None:
    nightly = machine.has_rustup('cp -r "$HOME/whole/lib" "$HOME"/.rustup/toolchains/nightly-*/')
    fake.sysroot(nightly, source=None)
    fake.sysroot(machine.home / "whole")
    assert machine.provide().endswith("rustup's nightly, named by rust-toolchain.toml")
    assert machine.lines("rustup-asked") == [f"component add rust-src --toolchain {nightly.name}"]
    assert machine.said == [f"the component rust-src for rustup's {nightly.name}: some 5 MB, 80 MB unpacked"]


def test_rustup_installs_a_channel_that_is_not_there(machine: Machine) -> None:
    nightly = machine.has_rustup(
        f'mkdir -p "$HOME/.rustup/toolchains"; cp -r "$HOME/whole" "$HOME/.rustup/toolchains/nightly-{fake.HOST}"'
    )
    whole = fake.sysroot(machine.home / "whole")
    fake.rustc(whole / "bin/rustc", sysroot=nightly)
    assert machine.provide().endswith("rustup's nightly, named by rust-toolchain.toml")
    assert machine.lines("rustup-asked") == [
        "toolchain install nightly --profile minimal --component rust-src --no-self-update"
    ]
    assert machine.said == ["nightly with rustup: some 200 MB, 1 GB unpacked"]


def test_debian_takes_over_where_rustup_fails(machine: Machine) -> None:
    machine.has_rustup("echo 'error: no network' >&2", "exit 1")
    machine.is_debian()
    assert machine.provide() == f"Rust 1.96.0: {INSTEAD}"


def test_all_who_could_not_help_are_told(machine: Machine) -> None:
    machine.has_rustup("echo 'error: no network' >&2", "exit 1")
    fake.script(machine.bin / "apt-get", "echo 'E: no network either' >&2", "exit 100")
    with pytest.raises(NoToolchainError) as caught:
        machine.provide()
    assert "rustup can't provide nightly with rust-src: error: no network" in caught.value.where
    assert "apt-get update failed: E: no network either" in caught.value.where


def test_a_machine_without_rustup_and_apt_is_told_what_to_install(machine: Machine) -> None:
    with pytest.raises(NoToolchainError) as caught:
        machine.provide()
    assert caught.value.where.split("\n") == ["rustup is not installed", "apt-get is not installed"]
    assert "install rustup" in caught.value.remedy


def test_the_compiler_always_comes_along_and_libraries_that_are_missing(machine: Machine) -> None:
    machine.is_debian(installed=("libc6", "libllvm22", "rustc-web"))
    machine.provide()
    unpacked = sorted(line.partition("_")[0] for line in machine.lines("unpacked"))
    assert unpacked == ["libgit2-1.5", "libllvm22", "rustc-web"]


def test_apts_own_state_is_left_alone_and_of_the_private_one_only_lists_stay(machine: Machine) -> None:
    machine.is_debian()
    machine.provide()
    private = machine.root / ".toolchain/apt"
    assert all(f"-oDir::State::Lists={private}/lists" in line for line in machine.lines("asked"))
    assert private.is_dir()
    assert not list(private.glob("*.deb"))


def test_packages_taken_without_a_lock_are_locked(machine: Machine) -> None:
    machine.is_debian()
    machine.provide()
    assert toolchain_debian.read_lock(machine.root) == {
        "amd64": {
            "libllvm22": toolchain_debian.LockedPackage("1:22.1", sha256("libllvm22=1:22.1")),
            "rustc-web": toolchain_debian.LockedPackage(VERSION, sha256(f"rustc-web={VERSION}")),
        }
    }


def test_locked_packages_are_taken_silently(machine: Machine) -> None:
    machine.is_debian()
    locked = lock(machine, VERSION, sha256(f"rustc-web={VERSION}"))
    machine.provide()
    assert not any("gone" in line for line in machine.said)
    assert (machine.root / "toolchain.lock").read_text() == locked


def test_newer_packages_are_taken_and_told_where_the_locked_are_gone(machine: Machine) -> None:
    machine.is_debian(NEWER)
    locked = lock(machine, VERSION, sha256(f"rustc-web={VERSION}"))
    assert machine.provide() == f"Rust 1.99.0: {INSTEAD}"
    assert any(line.startswith("newer packages, verified by apt") for line in machine.said)
    assert (machine.root / "toolchain.lock").read_text() == locked


def test_a_source_that_is_out_of_order_does_no_harm(machine: Machine) -> None:
    machine.is_debian()
    working = (machine.bin / "apt-get").rename(machine.bin / "working-apt-get")
    lists = machine.root / ".toolchain/apt/lists"
    fake.script(
        machine.bin / "apt-get",
        f'[ "$1" != update ] || {{ echo > "{lists}/example_Packages.lz4"; echo "E: 404" >&2; exit 100; }}',
        f'exec {working} "$@"',
    )
    assert machine.provide() == f"Rust 1.96.0: {INSTEAD}"


def test_a_package_that_is_not_the_locked_one_is_refused(machine: Machine) -> None:
    machine.is_debian()
    lock(machine, VERSION, "0" * 64)
    with pytest.raises(NoToolchainError) as caught:
        machine.provide()
    assert f"the package rustc-web {VERSION} differs from toolchain.lock" in caught.value.where
    assert not (machine.root / ".toolchain/debian").exists()


def test_a_suite_that_is_too_old_is_told(machine: Machine) -> None:
    machine.is_debian("1.85.0+dfsg3-1")
    with pytest.raises(OstooError) as caught:
        machine.provide()
    assert "rustc-web 1.85.0+dfsg3-1 is too old" in caught.value.where


def test_an_interrupted_unpacking_is_done_again(machine: Machine) -> None:
    machine.is_debian()
    fake.write(machine.root / ".toolchain/debian.partial/usr/bin/rustc", "half a file")
    machine.provide()
    assert not (machine.root / ".toolchain/debian.partial").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"amd64": {"rustc-web": {"version": "1"}}}'])
def test_a_damaged_lock_is_told(text: str, tmp_path: Path) -> None:
    fake.write(tmp_path / "toolchain.lock", text)
    with pytest.raises(OstooError, match=r"toolchain\.lock is damaged"):
        toolchain_debian.read_lock(tmp_path)
