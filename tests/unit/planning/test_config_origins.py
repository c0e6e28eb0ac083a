from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.planning import config_origins

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
[build]
target = "a # b"

[target.'cfg(unix)']
rustflags = [
    "-Cx",
]
[env]
WORD = { value = "w", force = true }
"""


def test_each_value_has_its_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(FILE)
    said = f"""\
build.target = "a # b" # {file}
env.WORD.force = true # {file}
env.WORD.value = "w" # {file}
target."cfg(unix)".rustflags = [
    "-Cx", # {file}
    \"\"\"-Cy # z
of two lines\"\"\", # environment variable `CARGO_X`
]
unstable.build-std = [
]
net.retry = 3 # --config cli option
# The following environment variables may affect the loaded values.
# CARGO_HOME=/somewhere
"""
    found = [(".".join(each.key), each.value, each.origin) for each in config_origins.read(said)]
    assert found == [
        ("build.target", "a # b", f"{file}:2"),
        ("env.WORD.force", True, f"{file}:9"),
        ("env.WORD.value", "w", f"{file}:9"),
        ("target.cfg(unix).rustflags.0", "-Cx", f"{file}:5"),
        ("target.cfg(unix).rustflags.1", "-Cy # z\nof two lines", "environment variable `CARGO_X`"),
        ("unstable.build-std", [], ""),
        ("net.retry", 3, "--config cli option"),
    ]


def test_a_file_that_changed_meanwhile_is_named_without_a_line(tmp_path: Path) -> None:
    for name, content in (("gone", None), ("broken", b"[\xff"), ("other", b"")):
        file = tmp_path / name
        if content is not None:
            file.write_bytes(content)
        (found,) = config_origins.read(f"a = 1 # {file}\n")
        assert found.origin == str(file)
