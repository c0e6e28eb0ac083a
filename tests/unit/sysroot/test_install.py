import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from sysroot_trees import MACHINE, FakeProvider, elf

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.sysroot import install as sysroot


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_sysroot_has_all_outputs_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    sysroot.provide(FakeProvider(), MACHINE, tmp_path / "sysroot/user", Jobserver(1))
    assert set(sysroot.OUTPUTS) <= contents(tmp_path / "sysroot/user").keys()
    assert [path.name for path in (tmp_path / "sysroot").iterdir()] == ["user"]


def test_the_manifest_tells_the_version_the_provider_and_every_file(tmp_path: Path) -> None:
    sysroot.provide(FakeProvider(), MACHINE, tmp_path, Jobserver(1))
    files = contents(tmp_path)
    manifest = json.loads(files.pop("manifest.json"))
    assert manifest == {
        "musl": "1.2.5",
        "machine": "x86_64",
        "provider": {"name": "fake", "version": "1"},
        "files": {name: digest.of_bytes(data) for name, data in files.items()},
    }


def test_files_that_differ_from_the_manifest_are_named(tmp_path: Path) -> None:
    sysroot.provide(FakeProvider(), MACHINE, tmp_path / "made", Jobserver(1))
    assert sysroot.examine(tmp_path / "made") == ("1.2.5", [])
    (tmp_path / "made/lib/libc.a").write_bytes(b"other")
    (tmp_path / "made/lib/crt1.o").unlink()
    assert sorted(sysroot.examine(tmp_path / "made").altered) == ["lib/crt1.o", "lib/libc.a"]
    for damaged in ("[", "{}", '{"files": 1}'):
        (tmp_path / "made/manifest.json").write_text(damaged)
        assert sysroot.examine(tmp_path / "made") == ("", ["manifest.json"])


def test_two_folders_get_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b c/d"):
        sysroot.provide(FakeProvider(), MACHINE, tmp_path / name, Jobserver(1))
    assert contents(tmp_path / "a") == contents(tmp_path / "b c/d")


def test_what_a_provider_leaves_besides_is_not_taken(tmp_path: Path) -> None:
    provider = FakeProvider()
    provider.files |= {"lib/libgcc.a": b"", "bin/gcc": b""}
    sysroot.provide(provider, MACHINE, tmp_path, Jobserver(1))
    assert not {"lib/libgcc.a", "bin/gcc"} & contents(tmp_path).keys()


def test_an_old_sysroot_is_replaced_as_a_whole(tmp_path: Path) -> None:
    provider = FakeProvider()
    provider.files["include/old.h"] = b"old"
    sysroot.provide(provider, MACHINE, tmp_path / "user", Jobserver(1))
    sysroot.provide(FakeProvider(), MACHINE, tmp_path / "user", Jobserver(1))
    assert "include/old.h" not in contents(tmp_path / "user")


def test_what_a_killed_build_left_is_removed_and_what_others_have_is_not(tmp_path: Path) -> None:
    for name in (".user.abcd_123/raw/lib", ".user.mine.abcd_123", "user.abcd_123", ".userabcd", "user.mine"):
        (tmp_path / name).mkdir(parents=True)
    sysroot.provide(FakeProvider(), MACHINE, tmp_path / "user", Jobserver(1))
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {".user.mine.abcd_123", "user.abcd_123", ".userabcd", "user.mine", "user"}


@pytest.mark.parametrize("broken", [{"lib/crt1.o": elf("main")}, {"lib/libc.a": b"half an arch"}])
def test_a_tree_that_breaks_the_contract_leaves_the_old_sysroot_as_it_was(
    tmp_path: Path, broken: dict[str, bytes]
) -> None:
    sysroot.provide(FakeProvider(), MACHINE, tmp_path / "user", Jobserver(1))
    before = contents(tmp_path)
    provider = FakeProvider()
    provider.files |= broken
    with pytest.raises(OstooError):
        sysroot.provide(provider, MACHINE, tmp_path / "user", Jobserver(1))
    assert contents(tmp_path) == before


def test_a_place_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "sysroot").write_text("a file")
    with pytest.raises(OstooError, match="can't make the sysroot") as caught:
        sysroot.provide(FakeProvider(), MACHINE, tmp_path / "sysroot/user", Jobserver(1))
    assert caught.value.where == str(tmp_path / "sysroot/user")


def test_a_provider_that_forgets_a_file_is_told_so(tmp_path: Path) -> None:
    provider = FakeProvider()
    del provider.files["lib/crti.o"]
    with pytest.raises(OstooError, match=r"did not create lib/crti\.o"):
        sysroot.provide(provider, MACHINE, tmp_path / "user", Jobserver(1))


def test_the_key_follows_what_the_provider_says_and_the_machine() -> None:
    key = sysroot.key(FakeProvider(), MACHINE)
    assert key == sysroot.key(FakeProvider(), MACHINE)
    assert key != sysroot.key(FakeProvider(version="2"), MACHINE)
    assert key != sysroot.key(FakeProvider(), replace(MACHINE, arch="x86_64h"))
