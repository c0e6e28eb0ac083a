from __future__ import annotations

import tomllib

import pytest

from ostoo_build.planning import declared
from ostoo_build.planning.declared import Dependency, Kind

MANIFEST = """
[features]
default = ["dep:hidden"]
all = ["weak?/x"]
[dependencies]
plain = "1"
hidden = { version = "1", optional = true }
weak = { version = "1", optional = true, default-features = false, features = ["f"] }
new-name = { package = "old", version = "1" }
[target.'cfg(unix)'.build-dependencies]
of-script = "1"
[dev-dependencies]
of-tests = "1"
"""


def found(text: str, inherited: str = "") -> dict[str, Dependency]:
    return {each.name: each for each in declared.of(tomllib.loads(text), tomllib.loads(inherited)).dependencies}


def test_dependencies_are_read_from_all_tables() -> None:
    assert found(MANIFEST) == {
        "plain": Dependency("plain", "plain", kind=Kind.NORMAL, is_optional=False, features=("default",)),
        "hidden": Dependency("hidden", "hidden", kind=Kind.NORMAL, is_optional=True, features=("default",)),
        "weak": Dependency("weak", "weak", kind=Kind.NORMAL, is_optional=True, features=("f",)),
        "new-name": Dependency("new-name", "old", kind=Kind.NORMAL, is_optional=False, features=("default",)),
        "of-tests": Dependency("of-tests", "of-tests", kind=Kind.DEV, is_optional=False, features=("default",)),
        "of-script": Dependency("of-script", "of-script", kind=Kind.BUILD, is_optional=False, features=("default",)),
    }


def test_an_optional_dependency_is_a_feature_unless_one_names_it() -> None:
    read = declared.of(tomllib.loads(MANIFEST), {})
    assert read.features == {"weak": ("dep:weak",), "default": ("dep:hidden",), "all": ("weak?/x",)}
    assert read.required == {"plain", "new-name", "of-script"}


@pytest.mark.parametrize(
    ("own", "shared", "features"),
    [
        ("workspace = true", 'a = "1"', ("default",)),
        ('workspace = true, features = ["x"]', 'a = { version = "1", features = ["y"] }', ("y", "x", "default")),
        ("workspace = true", 'a = { version = "1", default-features = false }', ()),
        ("workspace = true, default-features = false", 'a = "1"', ()),
        ('version = "1", default_features = false', 'a = { version = "2", features = ["y"] }', ()),
    ],
)
def test_a_member_adds_features_to_those_of_its_workspace(own: str, shared: str, features: tuple[str, ...]) -> None:
    assert found(f"[dependencies]\na = {{ {own} }}", shared)["a"].features == features


def test_the_package_may_be_named_in_the_workspace() -> None:
    read = found("[dependencies]\na = { workspace = true, optional = true }", 'a = { package = "b", version = "1" }')
    assert read["a"].package == "b"
    assert read["a"].is_optional
