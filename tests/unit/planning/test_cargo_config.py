from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fake_toolchains as fake
import planned_trees as trees
import pytest
import tomlkit

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import cargo_config
from ostoo_build.planning.cargo_config import ConfigContext

if TYPE_CHECKING:
    from ostoo_build.base.paths import PathMap
    from ostoo_build.planning.cargo_config import Configuration


@pytest.fixture
def paths(tmp_path: Path) -> PathMap:
    return trees.checkout(tmp_path)


def said(text: str, paths: PathMap, **variables: str) -> Configuration:
    place = ConfigContext(Path(paths.root, "user-rs"), variables, trees.TARGET, "host", frozenset({"unix"}))
    return cargo_config.read(text, place, ask, paths)


def ask(flags: tuple[str, ...]) -> frozenset[str]:
    """What a rustc says that knows `--cfg` alone."""
    return trees.CFGS | {flag.removeprefix("--cfg=") for flag in flags if flag.startswith("--cfg=")}


def read(paths: PathMap, document: dict[str, Any]) -> Configuration:
    return said(tomlkit.dumps(document), paths)


def test_what_is_for_the_host_is_not_dropped(paths: PathMap) -> None:
    with pytest.raises(OstooError, match=r"has \[host\], which has no effect"):
        read(paths, {"host": {"rustflags": ["-Cdebuginfo=2"]}})


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"unstable": {"allow-features": ["a"]}}, "allow-features"),
        ({"unstable": {"allow-features": []}}, "allow-features"),
        ({"unstable": {"public-dependency": True}}, "public-dependency"),
        ({"unstable": {"any-build-script-metadata": True}}, "any-build-script-metadata"),
        ({"unstable": {"dual-proc-macros": True}}, "dual-proc-macros"),
        ({"unstable": {"root-dir": "x"}}, "root-dir"),
        ({"build": {"sbom": True}}, "sbom"),
        ({"resolver": {"lockfile-path": "other/Cargo.lock"}}, "lockfile-path"),
        ({"build": {"warnings": "deny"}}, "warnings"),
    ],
)
def test_what_cargo_would_heed_and_nobody_here_is_refused_by_name(
    document: dict[str, Any], what: str, paths: PathMap
) -> None:
    with pytest.raises(OstooError, match=f"configuration has .*{what}.*, which this build ") as caught:
        read(paths, document)
    assert caught.value.where == f"{paths.root}/user-rs/.cargo/config.toml"
    assert caught.value.remedy == "remove it, or move it out of the workspace's reach"
    read(paths, {"unstable": {"public-dependency": False, "build-std": ["core"]}, "build": {"warnings": "warn"}})


@pytest.mark.parametrize("table", [trees.TARGET, "cfg(unix)"])
def test_another_linker_is_refused(table: str, paths: PathMap) -> None:
    with pytest.raises(OstooError, match="the flag `-C linker=gold` is not allowed"):
        read(paths, {"target": {table: {"linker": "gold"}}})


@pytest.mark.parametrize(
    ("document", "flags"),
    [
        ({}, ()),
        ({"build": {"rustflags": "-Ca  -Cb"}}, ("-Ca", "-Cb")),
        ({"build": {"rustflags": ["-Ca"]}, "target": {"other": {"rustflags": ["-Cb"]}}}, ("-Ca",)),
        ({"build": {"rustflags": ["-Ca"]}, "target": {trees.TARGET: {"rustflags": ["-Cb"]}}}, ("-Cb",)),
        ({"target": {"cfg(unix)": {"rustflags": ["-Ca"]}, trees.TARGET: {"rustflags": ["-Cb"]}}}, ("-Cb", "-Ca")),
        (
            {"target": {"cfg(unix)": {"rustflags": ["-Ca"]}, "cfg(all(unix))": {"rustflags": ["-Cb"]}}},
            ("-Cb", "-Ca"),
        ),
        (
            {"target": {trees.TARGET: {"rustflags": ["--cfg=a"]}, "cfg(a)": {"rustflags": "-Ca --cfg=b"}}},
            ("--cfg=a", "-Ca", "--cfg=b"),
        ),
        (
            {"target": {"cfg(all())": {"rustflags": ["--cfg=a"]}, "cfg(a)": {"rustflags": ["-Ca"]}}},
            ("--cfg=a",),
        ),
        (
            {"build": {"rustflags": ["--cfg=a"]}, "target": {"cfg(a)": {"rustflags": ["-Ca"]}}},
            ("-Ca",),
        ),
        ({"target": {"cfg(not(unix))": {"rustflags": ["-Ca"]}}}, ()),
        ({"target": {"of_unix": {"rustflags": ["-Ca"]}}}, ()),
        ({"target": {trees.TARGET: {"linker": "rust-lld"}, "other": {"linker": "x"}}}, ()),
    ],
)
def test_flags_of_the_target_take_the_place_of_the_builds(
    document: dict[str, Any], flags: tuple[str, ...], paths: PathMap
) -> None:
    assert read(paths, document).rustflags == flags


@pytest.mark.parametrize(
    ("flags", "portable"),
    [
        (["-Lnative=../sysroot/x/lib", "-Ca"], ("-Ca",)),
        (["-L", "native=../sysroot/x/lib"], ()),
        (["-L", "../sysroot/x/lib"], ()),
        (["-L", "native=../libs"], ("-L", "native=../libs")),
        (["-Ldependency=../sysroot/x/lib"], ("-Ldependency=../sysroot/x/lib",)),
        (["-Clink-arg=-T{root}/a", "-Clink-arg={root}s/b.o"], ("-Clink-arg=-T@{root}/a", "-Clink-arg={root}s/b.o")),
    ],
)
def test_only_the_sysroot_is_left_out_of_flags_and_they_fit_any_checkout(
    flags: list[str], portable: tuple[str, ...], paths: PathMap
) -> None:
    root = paths.root
    here = [flag.replace("{root}", root) for flag in flags]
    expected = [flag.replace("@{root}", "@@").replace("{root}", root).replace("@@", "@{root}") for flag in portable]
    assert read(paths, {"build": {"rustflags": here}}).rustflags == tuple(expected)


@pytest.mark.parametrize(
    ("flags", "behind"),
    [
        (["-Lnative=a", "-L../sysroot/x/lib"], 0),
        (["-Lnative=a", "-L../sysroot/x/lib", "-Ldependency=d", "-L", "native=b", "-Ca", "-Lc"], 2),
        (["-L../sysroot/x/lib", "-Lnative=../sysroot/x/lib", "-La"], 1),
        (["-La"], 0),
    ],
)
def test_a_configuration_tells_what_is_searched_after_the_sysroot(
    flags: list[str], behind: int, paths: PathMap
) -> None:
    assert read(paths, {"build": {"rustflags": flags}}).behind_sysroot == behind


@pytest.mark.parametrize(
    ("lines", "linker", "of_host"),
    [
        ([], "", ""),
        (['target.{target}.linker = "rust-lld" # {root}/.cargo/config.toml'], "rust-lld", ""),
        (
            ['target.{target}.linker = "bin/ld.lld" # {root}/user-rs/.cargo/config.toml'],
            "@{root}/user-rs/bin/ld.lld",
            "",
        ),
        (['target.host.linker = "clang" # {root}/.cargo/config.toml'], "", "clang"),
        (['target.host.linker = "bin/cc" # {root}/.cargo/config.toml'], "", "@{root}/bin/cc"),
        (["target.'cfg(not(unix))'.linker = \"gold\" # {root}/.cargo/config.toml"], "", ""),
        (
            [
                "target.'cfg(unix)'.linker = \"lld\" # {root}/.cargo/config.toml",
                'target.{target}.linker = "rust-lld" # {root}/.cargo/config.toml',
            ],
            "rust-lld",
            "lld",
        ),
    ],
)
def test_build_scripts_are_told_the_linkers_that_cargo_tells_them(
    lines: list[str], linker: str, of_host: str, paths: PathMap
) -> None:
    found = said("\n".join(lines).replace("{root}", paths.root).replace("{target}", trees.TARGET), paths)
    assert (found.linker, found.host_linker) == (linker, of_host)


def test_several_tables_that_name_a_linker_are_refused_as_by_cargo(paths: PathMap) -> None:
    with pytest.raises(OstooError, match="several tables name a linker") as caught:
        read(paths, {"target": {"cfg(unix)": {"linker": "lld"}, "cfg(all())": {"linker": "lld"}}})
    tables = "[target.'cfg(all())'], [target.'cfg(unix)']"
    assert caught.value.where == f"{paths.root}/user-rs/.cargo/config.toml: {tables}"


def test_the_configured_environment_is_read(paths: PathMap) -> None:
    document = {"env": {"B": "text", "A": {"value": "table", "force": True}}}
    assert read(paths, document).env == (("A", "table"), ("B", "text"))


def test_the_configured_environment_holds_no_placeholders(paths: PathMap) -> None:
    (_, value), *_ = read(paths, {"env": {"A": "@{nowhere}"}}).env
    assert paths.expand(value) == "@{nowhere}"


@pytest.mark.parametrize(
    ("lines", "variables", "expected"),
    [
        (['env.A = "b" # {root}/.cargo/config.toml'], {}, "b"),
        (['env.A = "b" # {root}/.cargo/config.toml'], {"A": "mine"}, "mine"),
        (['env.A = "b" # {root}/.cargo/config.toml'], {"A": ""}, ""),
        (["env.A.force = true", 'env.A.value = "b" # {root}/.cargo/config.toml'], {"A": "mine"}, "b"),
        (["env.A.force = false", 'env.A.value = "b" # {root}/.cargo/config.toml'], {"A": "mine"}, "mine"),
        (["env.A.relative = true", 'env.A.value = "d/b" # {root}/.cargo/config.toml'], {}, "@{root}/d/b"),
        (["env.A.relative = true", 'env.A.value = "d" # {root}/user-rs/x # y/more.toml'], {}, "@{root}/user-rs/d"),
        (["env.A.relative = true", 'env.A.value = "c # d" # /elsewhere/.cargo/config.toml'], {}, "/elsewhere/c # d"),
        (["env.A.relative = true", 'env.A.value = "/b" # {root}/.cargo/config.toml'], {}, "/b"),
        (["env.A.relative = true", 'env.A.value = """', 'x # y""" # {root}/.cargo/config.toml'], {}, "@{root}/x # y"),
        (["env.A.relative = false", 'env.A.value = "d/b" # {root}/.cargo/config.toml'], {}, "d/b"),
    ],
)
def test_an_entry_of_the_environment_is_what_cargo_makes_of_it(
    lines: list[str], variables: dict[str, str], expected: str, paths: PathMap
) -> None:
    text = "\n".join(lines).replace("{root}", paths.root)
    assert said(text, paths, **variables).env == (("A", expected),)


def test_variables_that_may_stand_in_for_an_entry_are_named(paths: PathMap) -> None:
    document = {"env": {"C": {"value": "3"}, "B": {"value": "2", "force": True}, "A": "1"}}
    assert read(paths, document).variables == ("A", "C")


def test_what_a_file_includes_is_read_too(tmp_path: Path) -> None:
    top = fake.write(tmp_path / "a/.cargo/config.toml", 'include = ["x.toml", { path = "../y.toml", optional = true }]')
    fake.write(tmp_path / "a/.cargo/x.toml", 'include = ["deep/z.toml", "config.toml"]')
    found = cargo_config.files(tmp_path / "a", {"CARGO_HOME": str(tmp_path / "home")})
    assert found.index(top) == 0
    included = {tmp_path / "a/.cargo/x.toml", tmp_path / "a/.cargo/../y.toml", tmp_path / "a/.cargo/deep/z.toml"}
    assert included < set(found)
    assert len(found) == len(set(found)), "one that includes itself is one"


@pytest.mark.parametrize("include", ['["../.cargo/config.toml"]', '"../.cargo/config.toml"'])
def test_a_circle_of_ever_longer_names_ends(include: str, tmp_path: Path) -> None:
    fake.write(tmp_path / "a/.cargo/config.toml", f"include = {include}")
    found = cargo_config.files(tmp_path / "a", {"CARGO_HOME": str(tmp_path / "home")})
    longer = [path for path in found if ".." in path.parts]
    assert tmp_path / "a/.cargo/../.cargo/config.toml" in longer
    assert 32 < len(longer) <= 64, "cargo itself refuses it"


def test_a_profile_inherits_from_what_the_nearest_file_says(tmp_path: Path) -> None:
    near = '[profile.tiny]\ninherits = "release"\n[profile.odd]\ninherits = 1\n[profile.plain]\nlto = true\n'
    files = [
        fake.write(tmp_path / "near.toml", near),
        tmp_path / "missing.toml",
        fake.write(tmp_path / "no-table.toml", "profile = 1"),
        fake.write(tmp_path / "no-profile.toml", "[profile]\ntiny = 1"),
        fake.write(tmp_path / "far.toml", '[profile.tiny]\ninherits = "dev"\n[profile.far]\ninherits = "tiny"\n'),
    ]
    assert cargo_config.inherited_profiles(files) == {"tiny": "release", "far": "tiny"}


@pytest.mark.parametrize("entry", [1, {"value": 1}, {"value": "a", "force": 1}, {"value": "a", "relative": "yes"}, {}])
def test_an_entry_of_the_environment_that_cargo_would_not_take_is_refused(entry: Any, paths: PathMap) -> None:
    with pytest.raises(OstooError, match=r"env\.A is neither a string nor a table with one") as caught:
        read(paths, {"env": {"A": entry}})
    assert caught.value.where == f"{paths.root}/user-rs/.cargo/config.toml"
    assert caught.value.remedy == 'write A = "…", or A = { value = "…", relative = true }'


def test_a_variable_that_is_no_text_is_refused_where_it_would_be_told(paths: PathMap) -> None:
    text = 'env.A = "b" # /elsewhere/.cargo/config.toml'
    with pytest.raises(OstooError, match="the environment variable A is not UTF-8"):
        said(text, paths, A=os.fsdecode(b"\xff"))
    assert said(text, paths, B=os.fsdecode(b"\xff")).env == (("A", "b"),)


def test_the_files_are_those_of_all_folders_above_and_of_cargos_own_by_both_names(tmp_path: Path) -> None:
    found = cargo_config.files(tmp_path / "a", {"CARGO_HOME": str(tmp_path / "home")})
    places = (*(folder / ".cargo" for folder in (tmp_path / "a", *(tmp_path / "a").parents)), tmp_path / "home")
    assert set(found) == {place / name for place in places for name in ("config.toml", "config")}


@pytest.mark.parametrize("damage", ["include = 1", "include = [1, {}]", "include", "\xff", f"a = {5000 * '['}"])
def test_a_file_that_is_no_configuration_includes_nothing(damage: str, tmp_path: Path) -> None:
    fake.write(tmp_path / ".cargo/config.toml", damage)
    assert tmp_path / ".cargo/config.toml" in cargo_config.files(tmp_path, {})


def test_flags_for_rustdoc_are_the_targets_or_else_those_of_all(paths: PathMap) -> None:
    of_all = {"build": {"rustdocflags": f"-Wa --html-in-header {paths.root}/x"}}
    assert read(paths, of_all).rustdocflags == ("-Wa", "--html-in-header", "@{root}/x")
    of_target = {**of_all, "target": {"cfg(unix)": {"rustdocflags": ["-Wb"]}, "other": {"rustdocflags": ["-Wc"]}}}
    assert read(paths, of_target).rustdocflags == ("-Wb",)
    assert read(paths, of_target).rustflags == ()
