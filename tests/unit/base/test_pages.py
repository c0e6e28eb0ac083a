from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

from ostoo_build.base import pages

if TYPE_CHECKING:
    from pathlib import Path


def test_a_page_is_its_part_in_the_frame_with_its_data(tmp_path: Path) -> None:
    part = tmp_path / "part.html"
    part.write_text("<p>body</p>\n<script>\nwork(data);\n</script>\n")
    page = pages.page(part, {"name": "</script><!--BODY-->/*DATA*/"}, {"command": "a"})
    assert page.index("<p>body</p>") < page.index("<script>") < page.index("work(data);")
    assert page.count("</script>") == 1
    data = re.search(r"^const data = (.*);$", page, re.MULTILINE)
    assert data is not None
    assert json.loads(data[1]) == {"name": "</script><!--BODY-->/*DATA*/", "about": {"command": "a"}}


def git(folder: Path, *words: str) -> None:
    named = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True)


def test_a_page_says_from_which_commit_it_is_and_whether_files_differ(tmp_path: Path) -> None:
    assert pages.about(tmp_path, "scons a", "Rust 1")["commit"] == ""
    git(tmp_path, "init")
    (tmp_path / "file").write_text("")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "first")
    found = pages.about(tmp_path, "scons a", "Rust 1")
    assert (found["command"], found["toolchain"]) == ("scons a", "Rust 1")
    assert re.fullmatch(r"[0-9a-f]{12}", found["commit"])
    (tmp_path / "file").write_text("other")
    assert pages.about(tmp_path, "scons a", "Rust 1")["commit"] == f"{found['commit']}, with changes"
