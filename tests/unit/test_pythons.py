"""The supported versions of Python are the same wherever they are named."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSIONS = re.findall(r":: (3\.\d+)$", "\n".join(PROJECT["project"]["classifiers"]), re.MULTILINE)


def test_a_start_looks_for_each_supported_python_the_newest_first() -> None:
    start = (ROOT / "site_scons/venv.sh").read_text(encoding="utf-8")
    assert re.findall(r"\bpython(3\.\d+)\b", start) == VERSIONS[::-1]


def test_the_oldest_supported_python_is_the_one_that_is_demanded() -> None:
    assert PROJECT["project"]["requires-python"] == f">={VERSIONS[0]}"
    start = (ROOT / "site_scons/venv.sh").read_text(encoding="utf-8")
    major, minor = VERSIONS[0].split(".")
    assert f"sys.version_info < ({major}, {minor})" in start
    assert f"needs Python {VERSIONS[0]} or newer" in start
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{major}{minor}"


def test_ci_finds_every_shell_script(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/shell-scripts", tmp_path / ".ci")
    scripts = {
        "a": "#!/bin/sh\n",
        "b c": "#!/usr/bin/env bash\n",
        "folder/d": "#!/bin/sh -e\n",
        "e.sh": "# sourced\n",
        ".hidden": "#! /bin/dash\n",
    }
    others = {
        "f.py": "#!/usr/bin/env python3\n",
        "g.rs": "#![no_std]\n",
        "h.py": 'SCRIPT = """\n#!/bin/sh\n"""\n',
        "fish": "#!/usr/bin/fish\n",
        "empty": "",
    }
    for name, text in {**scripts, **others}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    listed = subprocess.run([".ci/shell-scripts"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert set(listed.split("\0")) == {*scripts, ".ci/shell-scripts", ""}
