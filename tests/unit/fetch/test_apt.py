from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fake_toolchains as fake
import pytest

from ostoo_build.base import activity, process
from ostoo_build.base.errors import OstooError
from ostoo_build.fetch.apt import Apt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PLAN = """\
NOTE: This is only a simulation!
Inst libtoy (1.2-3 Debian:12.1/stable [amd64])
Inst toy (1:2.0~rc1 Debian-Security:12/stable-security [all])
Conf libtoy (1.2-3 Debian:12.1/stable [amd64])
"""


class Machine:
    """Apt with programs that write down how they were called, and answer what they are told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "apt").mkdir()
        self.apt = Apt(folder / "apt", {"PATH": f"{folder}/bin:/usr/bin:/bin", "LC_ALL": "de_DE"})

    def has(self, program: str, *lines: str) -> None:
        fake.script(self.folder / "bin" / program, f"echo {program} $LC_ALL \"$@\" >> '{self.folder}/called'", *lines)

    @property
    def called(self) -> str:
        return (self.folder / "called").read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_systems_lists_and_locks_are_left_alone(machine: Machine) -> None:
    machine.has("apt-get")
    machine.apt.update()
    folder = machine.folder / "apt"
    for setting in (
        f"Dir::State::Lists={folder}/lists",
        f"Dir::Cache={folder}/cache",
        "Debug::NoLocking=1",
        "Dir::State::status=/dev/null",
    ):
        assert f"-o{setting}" in machine.called
    assert machine.called.startswith("apt-get C update")
    assert (folder / "lists/partial").is_dir()


def test_all_that_a_package_needs_is_told_with_versions(machine: Machine) -> None:
    machine.has("apt-get", f"cat <<'END'\n{PLAN}END")
    assert machine.apt.closure(["toy"]) == {"libtoy": "1.2-3", "toy": "1:2.0~rc1"}
    assert "--simulate --no-install-recommends toy" in machine.called


def test_the_size_is_that_of_all_files(machine: Machine) -> None:
    machine.has(
        "apt-get", "echo \"'http://d/a.deb' a.deb 100 SHA256:0\"", "echo \"'http://d/b.deb' b.deb 23 SHA256:0\""
    )
    assert machine.apt.size({"a": "1", "b": "2"}) == 123
    assert "--print-uris a=1 b=2" in machine.called


def test_each_package_is_fetched_as_a_file(machine: Machine) -> None:
    machine.has("apt-get", ": > a_1_all.deb; : > ab_2_amd64.deb")
    assert machine.apt.download({"ab": "2", "a": "1"}) == {
        "ab": machine.folder / "apt/ab_2_amd64.deb",
        "a": machine.folder / "apt/a_1_all.deb",
    }


def test_what_takes_long_is_seen_with_its_bytes(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.has("apt-get", 'case "$1" in', "download) head -c 3000000 /dev/zero > a_1_all.deb ;;", "esac")
    machine.has("dpkg-deb", 'cp "$2" "$3"/file')
    began: list[tuple[str, str]] = []
    ended: list[str] = []
    run = process.run

    def seen(argv: Sequence[str], **others: Any) -> process.Completed:
        began.extend((each.verb, each.subject) for each in activity.running())
        done = run(argv, **others)
        ended.extend(each.progress.partition(",")[0] for each in activity.running())
        return done

    monkeypatch.setattr(process, "run", seen)
    machine.apt.update()
    machine.apt.unpack(machine.apt.download({"a": "1"}).values(), machine.folder / "tool")
    assert began == [
        ("Fetching", "Debian's package lists"),
        ("Fetching", "1 Debian packages"),
        ("Unpacking", "tool"),
    ]
    assert ended[1:] == ["3 MB", "3 MB"]


def test_a_source_out_of_order_is_needless_where_others_answer(machine: Machine) -> None:
    machine.has("apt-get", ': > "$PWD/lists/x_Packages"', "echo 'E: no such host' >&2", "exit 100")
    machine.apt.update()


def test_without_any_list_apts_own_words_are_told(machine: Machine) -> None:
    machine.has("apt-get", "echo 'E: no such host' >&2", "exit 100")
    with pytest.raises(OstooError) as caught:
        machine.apt.update()
    assert caught.value.what == "apt-get update failed: E: no such host"


def test_packages_are_unpacked_in_place_of_what_was_there(machine: Machine) -> None:
    machine.has("dpkg-deb", 'mkdir -p "$3/usr" && : > "$3/usr/$(basename "$2")"')
    fake.write(machine.folder / "there/old", "")
    fake.write(machine.folder / "there.partial/half", "")
    machine.apt.unpack([machine.folder / "a.deb", machine.folder / "b.deb"], machine.folder / "there")
    files = {
        path.relative_to(machine.folder / "there").as_posix() for path in (machine.folder / "there").rglob("*.deb")
    }
    assert files == {"usr/a.deb", "usr/b.deb"}
    assert not (machine.folder / "there/old").exists()
    assert not (machine.folder / "there.partial").exists()


def test_a_package_that_can_not_be_unpacked_leaves_what_was_there(machine: Machine) -> None:
    machine.has("dpkg-deb", "exit 2")
    fake.write(machine.folder / "there/old", "")
    with pytest.raises(OstooError, match="dpkg-deb --extract failed"):
        machine.apt.unpack([machine.folder / "a.deb"], machine.folder / "there")
    assert (machine.folder / "there/old").exists()


def test_what_is_installed_is_told_without_what_only_was(machine: Machine) -> None:
    machine.has("dpkg-query", "printf 'installed a\\nconfig-files b\\ninstalled c\\n'")
    machine.has("dpkg", "echo arm64")
    assert machine.apt.installed() == {"a", "c"}
    assert machine.apt.architecture() == "arm64"
