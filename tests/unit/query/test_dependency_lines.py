from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.query import dependency_lines
from ostoo_build.query.dependency_lines import DependencyLine, Kind

if TYPE_CHECKING:
    from pathlib import Path

WORKSPACE = """
[workspace]
members = ["member"]
[workspace.dependencies]
shared = { version = "1", default-features = false, features = ["a"] }
plain = "1"
called = { package = "real", version = "1" }
"""

MEMBER = """
[package]
name = "member"
[features]
default = ["dep:hidden", "shared/more"]
[dependencies]
shared = { workspace = true, features = ["b"] }
plain = { workspace = true, optional = true }
called.workspace = true
hidden = { version = "1", optional = true }
[target.'cfg(unix)'.dev-dependencies]
own = { version = "1", default-features = false }
[build_dependencies]
old = "1"
"""


def test_lines_have_what_they_inherit_and_features_what_they_imply(tmp_path: Path) -> None:
    (tmp_path / "member").mkdir()
    (tmp_path / "Cargo.toml").write_text(WORKSPACE)
    (tmp_path / "member/Cargo.toml").write_text(MEMBER)
    found = dependency_lines.read(tmp_path / "member/Cargo.toml")
    normal, place = Kind.NORMAL, "dependencies"
    assert found.lines == (
        DependencyLine(normal, f"{place}.shared", "shared", "shared", ("a", "b"), is_optional=False),
        DependencyLine(normal, f"{place}.plain", "plain", "plain", ("default",), is_optional=True),
        DependencyLine(normal, f"{place}.called", "called", "real", ("default",), is_optional=False),
        DependencyLine(normal, f"{place}.hidden", "hidden", "hidden", ("default",), is_optional=True),
        DependencyLine(Kind.BUILD, "build_dependencies.old", "old", "old", ("default",), is_optional=False),
        DependencyLine(Kind.DEV, "target.'cfg(unix)'.dev-dependencies.own", "own", "own", (), is_optional=False),
    )
    assert found.features == {"plain": ("dep:plain",), "default": ("dep:hidden", "shared/more")}


def test_a_member_turns_on_the_default_features_that_its_workspace_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "member").mkdir()
    (tmp_path / "Cargo.toml").write_text(WORKSPACE)
    text = MEMBER.replace("workspace = true, features", "workspace = true, default-features = true, features")
    (tmp_path / "member/Cargo.toml").write_text(text)
    assert dependency_lines.read(tmp_path / "member/Cargo.toml").lines[0].features == ("a", "b", "default")
