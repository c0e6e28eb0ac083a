from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from ostoo_build.base import toml_file
from ostoo_build.base.errors import OstooError
from ostoo_build.planning import manifest

if TYPE_CHECKING:
    from ostoo_build.planning.manifest import Manifest

TEXT = st.text(st.characters(exclude_categories=["C"]), max_size=20)
INHERITABLE = {
    "version": st.from_regex(r"[0-9]\.[0-9]\.[0-9](-[a-z]{1,4})?(\+[0-9]{1,3})?", fullmatch=True),
    "authors": st.lists(TEXT, max_size=3),
    "description": TEXT,
    "homepage": TEXT,
    "license": TEXT,
    "repository": TEXT,
    "rust-version": TEXT,
}


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "Cargo.toml"
    path.write_text(text, encoding="utf-8")
    return path


def package(tmp_path: Path, text: str = "") -> Manifest:
    return manifest.read(write(tmp_path, f'[package]\nname = "a-b"\nversion = "1.2.3"\n{text}'))


def test_a_package_tells_cargos_variables(tmp_path: Path) -> None:
    (tmp_path / "README").touch()
    more = 'license-file = "L"\nrepository = "r"\nrust-version = "1.80"\nhomepage = ""'
    fields = f'authors = ["A <a@x>", "B"]\nlinks = "z"\ndescription = "d"\nlicense = "MIT"\n{more}'
    found = package(tmp_path, fields)
    variables = dict(found.metadata)
    assert {name.removeprefix("CARGO_PKG_"): value for name, value in variables.items() if value} == {
        "NAME": "a-b",
        "VERSION": "1.2.3",
        "VERSION_MAJOR": "1",
        "VERSION_MINOR": "2",
        "VERSION_PATCH": "3",
        "AUTHORS": "A <a@x>:B",
        "DESCRIPTION": "d",
        "LICENSE": "MIT",
        "LICENSE_FILE": "L",
        "REPOSITORY": "r",
        "RUST_VERSION": "1.80",
        "README": "README",
    }
    assert variables["CARGO_PKG_HOMEPAGE"] == "", "cargo sets what is not given, to nothing"
    assert (found.links, found.folder) == ("z", tmp_path)


@pytest.mark.parametrize(
    ("version", "parts"),
    [
        ("1.2.3-rc.1+build.5", ["1", "2", "3", "rc.1"]),
        ("1.2.3+build-5", ["1", "2", "3", ""]),
        ("10.20.30", ["10", "20", "30", ""]),
    ],
)
def test_a_version_is_taken_apart(version: str, parts: list[str], tmp_path: Path) -> None:
    variables = dict(manifest.read(write(tmp_path, f'[package]\nname = "a"\nversion = "{version}"')).metadata)
    assert variables["CARGO_PKG_VERSION"] == version
    assert [variables[f"CARGO_PKG_VERSION_{part}"] for part in ("MAJOR", "MINOR", "PATCH", "PRE")] == parts


@pytest.mark.parametrize(
    ("line", "readme"),
    [("", "README.md"), ("readme = true", "README.md"), ("readme = false", ""), ('readme = "docs/r.md"', "docs/r.md")],
)
def test_a_readme_is_found_as_cargo_finds_it(line: str, readme: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()
    (tmp_path / "README.txt").touch()
    assert dict(package(tmp_path, line).metadata)["CARGO_PKG_README"] == readme


def test_the_first_readme_that_is_there_counts(tmp_path: Path) -> None:
    for name in ("README", "README.txt", "README.md"):
        (tmp_path / name).touch()
        assert dict(package(tmp_path).metadata)["CARGO_PKG_README"] == name


def test_a_license_file_of_the_workspace_is_named_from_the_member(tmp_path: Path) -> None:
    write(tmp_path, '[workspace.package]\nlicense-file = "LICENSE"')
    member = package(tmp_path / "a", "license-file.workspace = true")
    assert dict(member.metadata)["CARGO_PKG_LICENSE_FILE"] == "../LICENSE"
    root = package(tmp_path, 'license-file.workspace = true\n[workspace.package]\nlicense-file = "LICENSE"')
    assert dict(root.metadata)["CARGO_PKG_LICENSE_FILE"] == "LICENSE"


@settings(max_examples=50)
@given(st.fixed_dictionaries({}, optional=INHERITABLE), st.data())
def test_an_inherited_field_is_as_good_as_a_written_one(fields: dict[str, Any], data: st.DataObject) -> None:
    inherited = data.draw(st.sets(st.sampled_from(sorted(fields)))) if fields else set()
    own: dict[str, Any] = {key: {"workspace": True} if key in inherited else value for key, value in fields.items()}
    with TemporaryDirectory() as folder:
        write(Path(folder), tomlkit.dumps({"workspace": {"package": {key: fields[key] for key in inherited}}}))
        one = manifest.read(write(Path(folder, "m"), tomlkit.dumps({"package": {"name": "a", **own}})))
        same = fields | {key: from_member(fields[key]) for key in inherited & {"readme", "license-file"}}
        other = manifest.read(write(Path(folder, "m"), tomlkit.dumps({"package": {"name": "a", **same}})))
    assert one == other


def from_member(path: Any) -> Any:
    """A file of the workspace, as cargo names it for a member in a folder there."""
    return f"../{'README.md' if path is True else path}" if path else path


@pytest.mark.parametrize(
    ("written", "inherited"),
    [
        ('readme = "a/b"', "../../a/b"),
        ("readme = true", "../../README.md"),
        ("readme = false", ""),
        ("", "../../README"),
    ],
)
def test_a_readme_of_the_workspace_is_named_from_the_member(written: str, inherited: str, tmp_path: Path) -> None:
    write(tmp_path, f"[workspace.package]\n{written}")
    (tmp_path / "README").write_text("read")
    found = package(tmp_path / "group/a", "readme.workspace = true")
    assert dict(found.metadata)["CARGO_PKG_README"] == inherited


def test_the_nearest_workspace_above_is_inherited_from(tmp_path: Path) -> None:
    write(tmp_path, '[workspace.package]\nlicense = "far"')
    write(tmp_path / "near", '[workspace.package]\nlicense = "near"\n[workspace.lints.rust]\nunused = "deny"')
    write(tmp_path / "near/group", '[package]\nname = "not a workspace"')
    inherits = "license.workspace = true\n[lints]\nworkspace = true"
    found = package(tmp_path / "near/group/a", inherits)
    assert dict(found.metadata)["CARGO_PKG_LICENSE"] == "near"
    assert found.lints == ("--deny=unused",)


def test_a_package_can_be_its_own_workspace(tmp_path: Path) -> None:
    found = package(tmp_path, 'license.workspace = true\n[workspace.package]\nlicense = "MIT"')
    assert dict(found.metadata)["CARGO_PKG_LICENSE"] == "MIT"


def test_inheriting_from_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="inherits from a workspace, but no parent folder") as caught:
        package(tmp_path, "license.workspace = true")
    assert caught.value.where == str(tmp_path / "Cargo.toml")


def test_lints_may_be_all_that_is_inherited(tmp_path: Path) -> None:
    write(tmp_path, '[workspace.lints.rust]\nunused = "deny"')
    assert package(tmp_path / "a", "[lints]\nworkspace = true").lints == ("--deny=unused",)


def test_lints_are_flags_by_priority_and_within_it_backwards(tmp_path: Path) -> None:
    text = """
    [lints.rust]
    unused = { level = "allow", priority = 1 }
    missing_docs = "warn"
    all = { level = "deny", priority = -1 }
    unexpected_cfgs = { level = "warn", check-cfg = ["cfg(a)", "cfg(b)"] }
    [lints.clippy]
    pedantic = "forbid"
    zero = { level = "allow", check-cfg = ["cfg(c)"] }
    unexpected_cfgs = { level = "warn", check-cfg = ["cfg(d)"], priority = 2 }
    missing_docs = "deny"
    """
    assert package(tmp_path, text).lints == (
        "--deny=all",
        "--allow=clippy::zero",
        "--warn=unexpected_cfgs",
        "--forbid=clippy::pedantic",
        "--deny=clippy::missing_docs",
        "--warn=missing_docs",
        "--allow=unused",
        "--warn=clippy::unexpected_cfgs",
        *("--check-cfg", "cfg(a)", "--check-cfg", "cfg(b)"),
    )


def test_cargos_own_lints_are_not_for_rustc(tmp_path: Path) -> None:
    assert package(tmp_path, '[lints.cargo]\nim_a_teapot = "warn"').lints == ()


def test_features_are_the_declared_and_the_optional_dependencies(tmp_path: Path) -> None:
    text = """
    [features]
    default = ["named"]
    named = ["dep:hidden", "shown?/x"]
    [dependencies]
    hidden = { version = "1", optional = true }
    shown = { version = "1", optional = true }
    always = "1"
    table = { version = "1" }
    never = { version = "1", optional = false }
    [build-dependencies]
    cc = { version = "1", optional = true }
    [build_dependencies]
    cc2 = { version = "1", optional = true }
    [dev-dependencies]
    tested = { version = "1", optional = true }
    [dev_dependencies]
    tested2 = { version = "1", optional = true }
    [target.'cfg(unix)'.dependencies]
    of-unix = { version = "1", optional = true }
    """
    assert package(tmp_path, text).feature_names == ("cc", "cc2", "default", "named", "of-unix", "shown")


def test_a_feature_that_is_called_like_a_dependency_does_not_hide_it(tmp_path: Path) -> None:
    text = '[features]\nx = ["shown"]\n[dependencies]\nshown = { version = "1", optional = true }\n'
    assert package(tmp_path, text).feature_names == ("shown", "x")


def test_declared_inputs_are_read(tmp_path: Path) -> None:
    found = package(tmp_path, '[package.metadata.ostoo]\ninputs = ["../logo.png", "../data/*"]')
    assert found.extra_inputs == ("../logo.png", "../data/*")


@pytest.mark.parametrize("text", ["", "[workspace]", "package = 1", '[package]\nversion = "1.0.0"'])
def test_a_manifest_without_a_package_is_told(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(OstooError, match="names no package") as caught:
        manifest.read(path)
    assert (caught.value.where, caught.value.remedy) == (str(path), "add `[package]` with a `name`")
    assert manifest.name_in(path) is None
    assert manifest.name_in(write(tmp_path / "a", '[package]\nname = "a"')) == "a"


def test_metadata_may_be_whatever_cargo_takes(tmp_path: Path) -> None:
    assert package(tmp_path, "metadata = 1").extra_inputs == ()


def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match=r"not valid TOML: .*line 2"):
        toml_file.load(write(tmp_path, "a = 1\nb = ?\n"))
    (tmp_path / "latin").write_bytes(b"a = '\xe9'")
    with pytest.raises(OstooError, match="not valid TOML"):
        toml_file.load(tmp_path / "latin")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="no such file"):
        toml_file.load(tmp_path / "Cargo.toml")


def test_targets_without_a_harness_are_known_by_kind_and_name(tmp_path: Path) -> None:
    text = """
[lib]
harness = false
[[bin]]
name = "tool"
harness = true
[[test]]
name = "whole"
harness = false
"""
    assert package(tmp_path, text).without_harness == (("lib", "a_b"), ("test", "whole"))
    plain = '[[bin]]\nname = "tool"\nharness = false\n[[bench]]\nname = "slow"\nharness = false\n'
    assert package(tmp_path, plain).without_harness == (("bin", "tool"),)


UNKNOWN = {
    'build = ["a.rs"]': "has 1 build scripts",
    'build = ["a.rs", "b.rs"]': "has 2 build scripts",
    'metabuild = ["x"]': "uses metabuild",
    '[[bin]]\nname = "x"\nfilename = "y"': "uses a file name for [[bin]] x",
    '[dependencies]\nx = { path = "x", artifact = "bin" }': "uses x as an artifact",
    '[build-dependencies]\nx = { path = "x", artifact = ["cdylib"] }': "uses x as an artifact",
    '[target."cfg(unix)".dev-dependencies]\nx = { path = "x", artifact = "bin" }': "uses x as an artifact",
}


@pytest.mark.parametrize("said", UNKNOWN)
def test_what_only_cargo_can_do_is_refused_by_name(said: str, tmp_path: Path) -> None:
    with pytest.raises(OstooError) as caught:
        package(tmp_path, said)
    assert UNKNOWN[said] in caught.value.what
    one = "this build supports one for each package, without brackets: let one call the others"
    other = "remove it: an artifact can be declared as an input, at build/TARGET/PROFILE/PROGRAM"
    assert caught.value.remedy == (one if "build scripts" in UNKNOWN[said] else other)
    assert caught.value.where == str(tmp_path / "Cargo.toml")


@pytest.mark.parametrize(
    ("said", "source", "has_library"),
    [
        ("", "src/lib.rs", True),
        ("", "src/main.rs", False),
        ('[lib]\npath = "x.rs"', "x.rs", True),
        ("[lib]\nproc-macro = true", "src/lib.rs", True),
        ("autolib = false", "src/lib.rs", False),
    ],
)
def test_a_package_tells_whether_it_has_a_library(
    said: str,
    source: str,
    has_library: bool,  # noqa: FBT001 - a table's column
    tmp_path: Path,
) -> None:
    (tmp_path / source).parent.mkdir(exist_ok=True)
    (tmp_path / source).touch()
    assert package(tmp_path, said).has_library == has_library


def inherited(tmp_path: Path, folder: str, more: str = "") -> str:
    text = f'[package]\nname = "a"\nversion.workspace = true\n{more}'
    return manifest.read(write(tmp_path / folder, text)).version


def test_a_package_inherits_from_the_workspace_that_cargo_finds(tmp_path: Path) -> None:
    for name, more in {"": "", "own": 'exclude = [1, "out"]\nmembers = ["out/in"]', "other": ""}.items():
        write(tmp_path / name, f'[workspace]\n{more}\n[workspace.package]\nversion = "1.0.{len(name)}"\n')
    assert inherited(tmp_path, "own/member") == "1.0.3"
    assert inherited(tmp_path, "own/out/a") == "1.0.0", "what the nearer one excludes is not its own"
    assert inherited(tmp_path, "own/out/in") == "1.0.3", "but what it names as a member"
    assert inherited(tmp_path, "own/pointed", 'workspace = "../../other"') == "1.0.5"
    with pytest.raises(OstooError, match="inherits from a workspace"):
        inherited(tmp_path, "own/lost", 'workspace = "../nowhere"')


def test_a_package_whose_interface_counts_says_so(tmp_path: Path) -> None:
    assert not package(tmp_path).hides_dependencies
    text = 'cargo-features = ["public-dependency"]\n[package]\nname = "a"\n'
    assert manifest.read(write(tmp_path / "b", text)).hides_dependencies
