from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.adoption import scripts
from ostoo_build.adoption.scripts import StdOptions

if TYPE_CHECKING:
    from pathlib import Path

CORE = StdOptions(("core", "alloc"), ("compiler-builtins-mem",))


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("Makefile", "\tcargo build -Zbuild-std=core,alloc -Zbuild-std-features=compiler-builtins-mem\n", CORE),
        ("run.py", '"-Z", "build-std=core,alloc", "-Z", "build-std-features=compiler-builtins-mem",', CORE),
        ("main.rs", '.arg("-Zbuild-std=core")', StdOptions(("core",), ())),
        ("a.sh", "cargo build\n", None),
        ("notes.txt", "cargo build -Zbuild-std=core\n", None),
        ("a.sh", "\xff" * (1 << 18) + "build-std=core", None),
    ],
)
def test_options_for_std_are_found_in_scripts(name: str, text: str, found: StdOptions | None, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "folder.sh").mkdir()
    assert scripts.std_options([tmp_path]) == ((found,) if found else ())


def test_equal_options_are_one_and_different_ones_are_all_told(tmp_path: Path) -> None:
    for name, crates in {"a.sh": "core", "b.sh": "core", "c.sh": "std"}.items():
        (tmp_path / name).write_text(f"build-std={crates}\n", encoding="utf-8")
    assert scripts.std_options([tmp_path]) == (StdOptions(("core",), ()), StdOptions(("std",), ()))
