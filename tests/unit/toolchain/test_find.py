from __future__ import annotations

from pathlib import Path

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.toolchain import find as toolchain
from ostoo_build.toolchain.find import NoToolchainError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fake.write(tmp_path / "project/rust-toolchain.toml", '[toolchain]\nchannel = "nightly"\n')
    return tmp_path / "project"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "bin").mkdir()
    return {"HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "bin")}


@pytest.fixture(autouse=True)
def x86_64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


def rustup(environ: dict[str, str], channel: str = "nightly") -> Path:
    return Path(environ["HOME"]) / f".rustup/toolchains/{channel}-{fake.HOST}"


def own(root: Path) -> Path:
    return root / ".toolchain/debian/usr"


def asked(sysroot: Path) -> list[str]:
    return (sysroot / "bin/asked").read_text().split()


def test_the_named_rustup_toolchain_comes_before_the_projects_own(root: Path, environ: dict[str, str]) -> None:
    nightly = fake.sysroot(rustup(environ), "1.97.0-nightly (e50aa6fba 2026-05-19)")
    fake.sysroot(own(root))
    found = toolchain.find(root, {}, environ)
    assert found.rustc == nightly / "bin/rustc"
    assert found.cargo == nightly / "bin/cargo"
    assert found.lld == nightly / f"lib/rustlib/{fake.HOST}/bin/rust-lld"
    assert found.rust_src == nightly / "lib/rustlib/src/rust/library"
    assert (found.version, found.host) == ("1.97.0-nightly", fake.HOST)
    assert found.libraries[-1] == nightly / "lib/librustc_driver-0.so"
    assert found.reason == "Rust 1.97.0-nightly (e50aa6fba 2026-05-19): rustup's nightly, named by rust-toolchain.toml"


def test_another_rustup_toolchain_is_not_taken(root: Path, environ: dict[str, str]) -> None:
    fake.sysroot(rustup(environ, "nightly-2026-05-19"))
    fake.sysroot(own(root))
    assert toolchain.find(root, {}, environ).rustc == own(root) / "bin/rustc"


def test_rustups_folder_can_be_elsewhere(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    moved = fake.sysroot(tmp_path / f"rustup/toolchains/nightly-{fake.HOST}")
    found = toolchain.find(root, {}, {**environ, "RUSTUP_HOME": str(tmp_path / "rustup")})
    assert found.rustc == moved / "bin/rustc"


def test_a_toolchain_without_std_source_is_passed_over(root: Path, environ: dict[str, str]) -> None:
    fake.sysroot(rustup(environ), source=None)
    fake.sysroot(own(root))
    assert toolchain.find(root, {}, environ).rustc == own(root) / "bin/rustc"


def test_the_projects_own_comes_before_the_systems(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    system = fake.sysroot(tmp_path / "system")
    path = {**environ, "PATH": f"{system}/bin"}
    assert toolchain.find(root, {}, path).rustc == system / "bin/rustc"
    fake.sysroot(own(root))
    assert toolchain.find(root, {}, path).rustc == own(root) / "bin/rustc"


def test_rustups_proxies_on_path_are_not_asked(root: Path, environ: dict[str, str]) -> None:
    folder = Path(environ["PATH"])
    fake.rustc(folder / "rustup")
    (folder / "rustc").symlink_to("rustup")
    with pytest.raises(NoToolchainError):
        toolchain.find(root, {}, environ)
    assert not (folder / "asked").exists()


def test_what_was_refused_is_told_with_its_reason(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    fake.sysroot(rustup(environ), source=None)
    fake.sysroot(own(root), source="1.95.0")
    system = fake.sysroot(tmp_path / "system", "1.63.0")
    with pytest.raises(NoToolchainError) as caught:
        toolchain.find(root, {}, {**environ, "PATH": f"{system}/bin"})
    assert caught.value.where.splitlines() == [
        "rustup's nightly, named by rust-toolchain.toml: rustc 1.96.0 has no std source",
        f"the project's own, in .toolchain: rustc is {fake.DESCRIBED}, but the std source is of 1.95.0",
        "the system's, on PATH: rustc 1.63.0 is too old, at least 1.96 is required",
    ]


def test_a_choice_says_what_was_not_taken_and_what_else_there_is(
    root: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    fake.sysroot(rustup(environ), source=None)
    fake.sysroot(own(root))
    fake.rustc(tmp_path / "bin/rustc", sysroot=tmp_path)
    found = toolchain.choose(root, {}, environ)
    assert found.toolchain.rustc == own(root) / "bin/rustc"
    assert found.rejected == ("rustup's nightly, named by rust-toolchain.toml: rustc 1.96.0 has no std source",)
    assert [*found.others] == [f"{tmp_path}/bin/rustc: the system's, on PATH"]
    assert toolchain.installed(environ) == [rustup(environ)]


def test_a_build_looks_for_no_more_than_it_takes(
    root: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it looked it would have to look again, to know that nothing has changed."""
    fake.sysroot(own(root))
    monkeypatch.setattr(toolchain, "_search_path", lambda _: pytest.fail("PATH was searched"))
    assert toolchain.find(root, {}, environ).rustc == own(root) / "bin/rustc"


def test_what_the_user_names_comes_first(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    fake.sysroot(rustup(environ))
    named = fake.sysroot(tmp_path / "named")
    lld = fake.lld(tmp_path / "my-lld")
    found = toolchain.find(root, {"RUSTC": str(named / "bin/rustc"), "LLD": "../my-lld", "CARGO": ""}, environ)
    assert (found.rustc, found.cargo) == (named / "bin/rustc", named / "bin/cargo")
    assert found.lld.samefile(lld)


def test_a_program_may_be_named_as_on_path(root: Path, environ: dict[str, str]) -> None:
    fake.sysroot(own(root))
    lld = fake.lld(Path(environ["PATH"]) / "ld.lld-19")
    assert toolchain.find(root, {"LLD": "ld.lld-19"}, environ).lld == lld


def test_a_named_compiler_that_does_not_serve_is_not_replaced(
    root: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    fake.sysroot(rustup(environ))
    old = fake.sysroot(tmp_path / "old", "1.63.0")
    with pytest.raises(OstooError, match=r"rustc 1\.63\.0 is too old") as caught:
        toolchain.find(root, {"RUSTC": str(old / "bin/rustc")}, environ)
    assert not isinstance(caught.value, NoToolchainError)


@pytest.mark.parametrize("name", ["RUSTC", "CARGO", "LLD", "RUST_SRC"])
def test_a_name_for_nothing_is_an_error(name: str, root: Path, environ: dict[str, str]) -> None:
    fake.sysroot(own(root))
    with pytest.raises(OstooError, match=f"{name}=no/such does not exist"):
        toolchain.find(root, {name: "no/such"}, environ)


def test_a_program_that_is_no_compiler_is_told(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    program = fake.script(tmp_path / "program", "echo hello")
    with pytest.raises(OstooError, match="this is not a rustc"):
        toolchain.find(root, {"RUSTC": str(program)}, environ)


def test_a_compiler_that_does_not_run_is_told_in_its_words(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    program = fake.script(tmp_path / "program", "echo libLLVM.so is missing >&2", "exit 127")
    with pytest.raises(OstooError, match=r"rustc does not run: libLLVM\.so is missing"):
        toolchain.find(root, {"RUSTC": str(program)}, environ)


def test_std_source_of_another_release_names_both(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    fake.sysroot(own(root))
    other = fake.sysroot(tmp_path / "other", "1.97.0") / "lib/rustlib/src/rust/library"
    variables = {"RUSTC": str(own(root) / "bin/rustc"), "RUST_SRC": str(other)}
    with pytest.raises(OstooError) as caught:
        toolchain.find(root, variables, environ)
    assert caught.value.what == f"rustc is {fake.DESCRIBED}, but the std source is of 1.97.0"
    assert caught.value.where == f"{own(root)}/bin/rustc\n{other}"


STABLE = "1.96.0 (ac68faa20 2026-05-25)"
NIGHTLY = "1.97.0-nightly (e50aa6fba 2026-05-19)"


@pytest.mark.parametrize(("described", "source"), [(STABLE, "1.96.0"), (NIGHTLY, "1.97.0"), (NIGHTLY, NIGHTLY)])
def test_source_of_the_same_release_is_taken(described: str, source: str, root: Path, environ: dict[str, str]) -> None:
    fake.sysroot(own(root), described, source)
    assert toolchain.find(root, {}, environ).reason.startswith(f"Rust {described}: ")


@pytest.mark.parametrize(
    ("described", "source"),
    [
        (STABLE, "1.96.01"),
        (STABLE, "1.96"),
        (NIGHTLY, "1.97.0-nightly (0123abcde 2026-05-20)"),
        ("1.97.0-beta.1 (e50aa6fba 2026-05-19)", NIGHTLY),
    ],
)
def test_releases_are_compared_as_exactly_as_the_source_tells(
    described: str, source: str, root: Path, environ: dict[str, str]
) -> None:
    fake.sysroot(own(root), described, source)
    with pytest.raises(NoToolchainError) as caught:
        toolchain.find(root, {}, environ)
    assert f"the std source is of {source}" in caught.value.where


def test_rustups_manifest_tells_the_sources_release(root: Path, environ: dict[str, str]) -> None:
    sysroot = fake.sysroot(rustup(environ))
    (sysroot / "lib/rustlib/src/rust/src/version").unlink()
    manifest = sysroot / "lib/rustlib/multirust-channel-manifest.toml"
    text = '\n[pkg.rust-docs]\nversion = "1.1.0"\n\n[pkg.rust-src]\nversion = "{}"\n'
    manifest.write_text(text.format(fake.DESCRIBED))
    assert toolchain.find(root, {}, environ).rustc == sysroot / "bin/rustc"
    manifest.write_text(text.format("1.97.0 (0123abcde 2026-07-01)"))
    with pytest.raises(NoToolchainError) as caught:
        toolchain.find(root, {}, environ)
    assert "the std source is of 1.97.0 (0123abcde 2026-07-01)" in caught.value.where


def test_unstable_flags_are_opened_where_the_compiler_is_no_nightly(root: Path, environ: dict[str, str]) -> None:
    fake.sysroot(own(root))
    assert ("RUSTC_BOOTSTRAP", "1") in toolchain.find(root, {}, environ).env
    fake.sysroot(rustup(environ), "1.97.0-nightly (e50aa6fba 2026-05-19)")
    assert "RUSTC_BOOTSTRAP" not in dict(toolchain.find(root, {}, environ).env)


def test_unpacked_packages_find_their_libraries(root: Path, environ: dict[str, str]) -> None:
    fake.sysroot(own(root))
    fake.write(own(root) / "lib/x86_64-linux-gnu/libLLVM.so.22.1", "llvm")
    (own(root).parent / "lib/x86_64-linux-gnu").mkdir(parents=True)
    found = toolchain.find(root, {}, {**environ, "LD_LIBRARY_PATH": "/theirs"})
    folders = dict(found.env)["LD_LIBRARY_PATH"].split(":")
    expected = [own(root) / "lib/x86_64-linux-gnu", own(root).parent / "lib/x86_64-linux-gnu", Path("/theirs")]
    assert folders == [str(folder) for folder in expected]
    assert own(root) / "lib/x86_64-linux-gnu/libLLVM.so.22.1" in found.libraries


def test_cargo_is_told_where_a_named_std_source_is(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    fake.sysroot(own(root))
    source = fake.sysroot(tmp_path / "other") / "lib/rustlib/src/rust/library"
    assert "__CARGO_TESTS_ONLY_SRC_ROOT" not in dict(toolchain.find(root, {}, environ).env)
    found = toolchain.find(root, {"RUST_SRC": str(source)}, environ)
    assert dict(found.env)["__CARGO_TESTS_ONLY_SRC_ROOT"] == str(source)


def test_debians_newest_lld_beside_rustc_is_taken(root: Path, environ: dict[str, str]) -> None:
    sysroot = fake.sysroot(own(root))
    (sysroot / f"lib/rustlib/{fake.HOST}/bin/rust-lld").unlink()
    for name in ("ld.lld-9", "ld.lld-22", "ld.lld-99.txt"):
        fake.script(sysroot / "bin" / name)
    assert toolchain.find(root, {}, environ).lld == sysroot / "bin/ld.lld-22"


def test_a_missing_lld_is_told(root: Path, environ: dict[str, str]) -> None:
    sysroot = fake.sysroot(own(root))
    (sysroot / f"lib/rustlib/{fake.HOST}/bin/rust-lld").unlink()
    with pytest.raises(OstooError, match="no LLD was found"):
        toolchain.find(root, {"RUSTC": str(sysroot / "bin/rustc")}, environ)


def test_the_host_linker_is_cc_where_there_is_one(root: Path, environ: dict[str, str]) -> None:
    fake.sysroot(own(root))
    assert toolchain.find(root, {}, environ).host_linker is None
    cc = fake.script(Path(environ["PATH"]) / "cc")
    assert toolchain.find(root, {}, environ).host_linker == cc


def test_an_unchanged_compiler_is_asked_once(root: Path, environ: dict[str, str]) -> None:
    sysroot = fake.sysroot(own(root))
    first = toolchain.find(root, {}, environ)
    assert toolchain.find(root, {}, environ) == first
    assert asked(sysroot) == ["-vV", "--print"]


@pytest.mark.parametrize("changed", ["bin/rustc", "lib/librustc_driver-0.so"])
def test_a_changed_compiler_is_asked_again(changed: str, root: Path, environ: dict[str, str]) -> None:
    sysroot = fake.sysroot(own(root))
    toolchain.find(root, {}, environ)
    replaced = (sysroot / changed).read_text()
    (sysroot / changed).write_text(f"{replaced}\n")
    toolchain.find(root, {}, environ)
    assert asked(sysroot) == ["-vV", "--print"] * 2


@pytest.mark.parametrize("memo", ["", "[]", "{}", '{"%s": 1}', '{"%s": {"compiler": {}, "stamps": []}}'])
def test_a_damaged_memo_is_made_again(memo: str, root: Path, environ: dict[str, str]) -> None:
    sysroot = fake.sysroot(own(root))
    fake.write(root / ".toolchain/compilers.json", memo.replace("%s", str(sysroot / "bin/rustc")))
    for _ in range(2):
        assert toolchain.find(root, {}, environ).version == "1.96.0"
    assert asked(sysroot) == ["-vV", "--print"]


def test_a_named_proxy_stands_for_its_choice_of_the_day(root: Path, environ: dict[str, str], tmp_path: Path) -> None:
    for version in ("1.96.0", "1.97.0"):
        real = fake.sysroot(tmp_path / version, version)
        proxy = fake.rustc(tmp_path / "proxy/rustc", version, sysroot=real)
        assert toolchain.find(root, {"RUSTC": str(proxy)}, environ).rustc == real / "bin/rustc"
    toolchain.find(root, {"RUSTC": str(proxy)}, environ)
    assert (proxy.parent / "asked").read_text().split() == ["-vV", "--print"] * 3


def test_a_toolchain_may_be_named_whole(root: Path, environ: dict[str, str]) -> None:
    rustc = fake.sysroot(rustup(environ))
    (root / "rust-toolchain.toml").write_text(f'[toolchain]\nchannel = "nightly-{fake.HOST}"\n')
    assert toolchain.find(root, {}, environ).rustc == rustc / "bin/rustc"


@pytest.mark.parametrize("version", ["", "nightly", "1", "9" * 5000, "x.y"])
def test_a_version_without_numbers_is_none(version: str) -> None:
    with pytest.raises(OstooError, match="is not a compiler version"):
        toolchain.release(version)


@pytest.mark.parametrize("version", ["1.96.0", "1.96.0-nightly", "2:1.96.0+dfsg1-1~deb12u1"])
def test_a_version_is_its_first_two_numbers(version: str) -> None:
    assert toolchain.release(version) == (1, 96)
