from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.rust import clippy

if TYPE_CHECKING:
    from pathlib import Path


def files(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("", encoding="utf-8")


def read(root: Path, asked: str | None = None) -> list[str]:
    found = clippy.read_besides(root / "ws", root / "ws/a", asked)
    return [path.relative_to(root).as_posix() for path in found if path.is_relative_to(root)]


def test_configuration_is_looked_for_upwards_as_clippy_does(tmp_path: Path) -> None:
    files(tmp_path, "ws/a/Cargo.toml", "ws/Cargo.toml", "ws/Cargo.lock")
    manifests = ["ws/Cargo.toml", "ws/Cargo.lock", "ws/a/Cargo.toml"]
    assert read(tmp_path) == manifests
    for name in ("clippy.toml", "ws/clippy.toml", "ws/.clippy.toml", "ws/a/clippy.toml"):
        files(tmp_path, name)
        assert read(tmp_path) == [*manifests, name], "each is nearer, or counts before the one without a dot"


def test_another_folder_may_be_asked_for_by_name_from_where_clippy_runs(tmp_path: Path) -> None:
    files(tmp_path, "ws/Cargo.toml", "ws/a/clippy.toml", "conf/clippy.toml", "ws/conf/below/x")
    assert read(tmp_path, "../conf") == ["ws/Cargo.toml", "conf/clippy.toml"]
    assert read(tmp_path, str(tmp_path / "conf")) == ["ws/Cargo.toml", "conf/clippy.toml"]
    files(tmp_path, "ws/clippy.toml")
    assert read(tmp_path, "conf/below") == ["ws/Cargo.toml", "ws/clippy.toml"]


def test_each_argument_ends_as_clippy_expects() -> None:
    assert clippy.joined(["-D", "warnings"]) == "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__"
    assert not clippy.joined([])
