from pathlib import Path

import pytest
from sysroot_trees import MACHINE, FakeProvider, good_files, write

from ostoo_build.base.errors import OstooError
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.sysroot import debian as sysroot_debian
from ostoo_build.sysroot import install as sysroot
from ostoo_build.sysroot import providers as sysroot_providers


def refusal(text: str, project: Path) -> OstooError:
    with pytest.raises(OstooError) as caught:
        sysroot_providers.choose(text, project, project)
    return caught.value


def test_an_unknown_provider_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    error = refusal("debain", tmp_path)
    assert error.what == "unknown sysroot provider 'debain'"
    assert error.remedy == "did you mean debian?"


def test_a_name_like_none_is_answered_with_all(tmp_path: Path) -> None:
    assert refusal("xyzzy", tmp_path).remedy == f"valid names: {', '.join(sysroot_providers.PROVIDERS)}"


@pytest.mark.parametrize("text", ["zig:0.14", "debian:sid", "rustup:nightly"])
def test_a_provider_without_an_argument_refuses_one(tmp_path: Path, text: str) -> None:
    assert refusal(text, tmp_path).where == f"sysroot={text}"


def test_a_folder_below_the_project_becomes_the_sysroot(tmp_path: Path) -> None:
    write(tmp_path / "my musl", good_files())
    sysroot.provide(
        sysroot_providers.choose("folder:my musl", tmp_path, tmp_path), MACHINE, tmp_path / "out", Jobserver(1)
    )
    assert (tmp_path / "out/lib/libc.a").read_bytes() == good_files()["lib/libc.a"]


def test_links_in_a_folder_are_followed(tmp_path: Path) -> None:
    write(tmp_path / "musl", good_files())
    (tmp_path / "musl/include/stdio.h").rename(tmp_path / "stdio.h")
    (tmp_path / "musl/include/stdio.h").symlink_to(tmp_path / "stdio.h")
    sysroot.provide(
        sysroot_providers.choose("folder:musl", tmp_path, tmp_path), MACHINE, tmp_path / "out", Jobserver(1)
    )
    assert not (tmp_path / "out/include/stdio.h").is_symlink()


@pytest.mark.parametrize("name", ["lib/libc.a", "lib/crt1.o", "include/stdio.h"])
def test_a_folder_with_other_contents_is_another_key(tmp_path: Path, name: str) -> None:
    write(tmp_path / "musl", good_files())
    before = sysroot.key(sysroot_providers.choose("folder:musl", tmp_path, tmp_path), MACHINE)
    (tmp_path / "musl" / name).write_bytes(b"changed")
    assert sysroot.key(sysroot_providers.choose("folder:musl", tmp_path, tmp_path), MACHINE) != before


def test_headers_behind_a_link_are_in_the_key(tmp_path: Path) -> None:
    write(tmp_path / "musl", good_files())
    header = tmp_path / "elsewhere/deep/more.h"
    header.parent.mkdir(parents=True)
    header.write_text("one")
    (tmp_path / "musl/include/linked").symlink_to(tmp_path / "elsewhere")
    provider = sysroot_providers.choose("folder:musl", tmp_path, tmp_path)
    before = sysroot.key(provider, MACHINE)
    sysroot.provide(provider, MACHINE, tmp_path / "out", Jobserver(1))
    assert (tmp_path / "out/include/linked/deep/more.h").read_text() == "one"
    header.write_text("two")
    assert sysroot.key(provider, MACHINE) != before


def test_a_folder_elsewhere_with_the_same_contents_is_the_same_key(tmp_path: Path) -> None:
    keys = set()
    for name in ("a", "b"):
        write(tmp_path / name, good_files())
        keys.add(sysroot.key(sysroot_providers.choose(f"folder:{name}", tmp_path, tmp_path), MACHINE))
    assert len(keys) == 1


def test_a_folder_without_a_libc_is_refused(tmp_path: Path) -> None:
    assert refusal("folder:nowhere", tmp_path).what == "the sysroot folder has no lib/libc.a"


def test_a_debian_release_without_a_pin_is_told_how_to_add_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysroot_debian, "PINS", tmp_path / "pins.toml")
    (tmp_path / "pins.toml").touch()
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"ID": "debian", "VERSION_ID": "99"})
    error = refusal("debian", tmp_path)
    assert error.what == "no musl-dev is pinned for debian-99"
    assert "add [debian-99]" in error.remedy


def test_the_debian_pin_is_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"ID": "debian", "VERSION_ID": "12"})
    pins = tmp_path / "pins.toml"
    monkeypatch.setattr(sysroot_debian, "PINS", pins)
    pins.write_text('[debian-12]\nversion = "1"\nsha256.amd64 = "aa"\n')
    before = sysroot.key(sysroot_providers.choose("debian", tmp_path, tmp_path), MACHINE)
    pins.write_text('[debian-12]\nversion = "1"\nsha256.amd64 = "bb"\n')
    assert sysroot.key(sysroot_providers.choose("debian", tmp_path, tmp_path), MACHINE) != before


def rustlib(folder: Path) -> Path:
    """Write musl as a toolchain of rustup's has it."""
    place = folder / "toolchains/nightly-here/lib/rustlib"
    own = place / "x86_64-unknown-linux-musl/lib/self-contained"
    write(own, {Path(name).name: data for name, data in good_files().items() if name.startswith("lib/")})
    return place


def test_a_toolchains_musl_becomes_a_sysroot_without_headers(tmp_path: Path) -> None:
    sysroot.provide(
        sysroot_providers.choose("rustup", tmp_path, rustlib(tmp_path)), MACHINE, tmp_path / "out", Jobserver(1)
    )
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == set(sysroot.OUTPUTS)
    for name in sysroot.RAW_FILES:
        assert (tmp_path / "out" / name).read_bytes() == good_files()[name]


@pytest.mark.parametrize("name", ["libc.a", "crt1.o", "crti.o", "crtn.o"])
def test_a_toolchain_with_another_musl_is_another_key(tmp_path: Path, name: str) -> None:
    folder = rustlib(tmp_path)
    before = sysroot.key(sysroot_providers.choose("rustup", tmp_path, folder), MACHINE)
    (folder / "x86_64-unknown-linux-musl/lib/self-contained" / name).write_bytes(b"changed")
    assert sysroot.key(sysroot_providers.choose("rustup", tmp_path, folder), MACHINE) != before


@pytest.mark.parametrize(
    ("place", "arch", "remedy"),
    [
        ("toolchains/a/lib/rustlib", "x86_64", "rustup target add x86_64-unknown-linux-musl --toolchain a, or choose"),
        ("toolchains/a/lib/rustlib", "riscv64", "rustup target add riscv64gc-unknown-linux-musl --toolchain a, or"),
        ("usr/lib/rustlib", "aarch64", "it is not rustup's: choose another sysroot="),
    ],
)
def test_a_toolchain_without_musl_is_told_with_the_command_that_brings_it(
    tmp_path: Path, place: str, arch: str, remedy: str
) -> None:
    provider = sysroot_providers.choose("rustup", tmp_path, tmp_path / place)
    with pytest.raises(OstooError) as caught:
        sysroot.provide(provider, sysroot.MACHINES[arch], tmp_path / "out", Jobserver(1))
    assert caught.value.what == f"the toolchain has no musl for {arch}"
    assert caught.value.remedy.startswith(remedy)
    assert not (tmp_path / "out").exists()


def test_headers_are_asked_of_all_others(tmp_path: Path) -> None:
    files = good_files()
    del files["include/sys/mman.h"]
    with pytest.raises(OstooError, match=r"the sysroot lacks the header sys/mman\.h"):
        sysroot.provide(FakeProvider(files), MACHINE, tmp_path / "out", Jobserver(1))
