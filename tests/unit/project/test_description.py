from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mutations
import pytest
import tomlkit

from ostoo_build.base.errors import OstooError
from ostoo_build.project import description
from ostoo_build.project.description import Description, ProgramTable, TargetTable, WorkspaceTable

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING: dict[str, Any] = {
    "version": "0.1",
    "target": "a,b",
    "cache_size": "1 GiB",
    "sysroot-folder": "build/sysroot",
    "workspaces": [
        {"folder": "."},
        {"folder": "apps/*", "target": ["a", "b"], "packages": ["x-*"], "exclude": ["x-y"], "runtime": ""},
        {"folder": "kernel", "deploy": False, "build-std": ["core", "alloc"], "build-std-features": ["mem"]},
    ],
    "targets": {"a": {"spec": "a.json", "contract": "c.json", "policy": "p.json", "crt": "musl", "sysroot": "zig"}},
    "programs": {"greet": {"features": ["x"], "default-features": False}},
    "boot": {"descriptions": "boot", "share": "host"},
}


def read(folder: Path, text: str) -> Description:
    (folder / description.FILE).write_text(text, encoding="utf-8")
    return description.read(folder)


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    assert description.read(tmp_path) == Description() == read(tmp_path, "")


def test_each_key_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, tomlkit.dumps(EVERYTHING))
    assert found.variables == {"target": "a,b", "cache_size": "1 GiB"}
    assert (found.version, found.sysroot_folder) == ("0.1", "build/sysroot")
    assert found.workspaces == (
        WorkspaceTable("."),
        WorkspaceTable("apps/*", ("a", "b"), ("x-*",), ("x-y",), ""),
        WorkspaceTable("kernel", deploy=False, build_std=("core", "alloc"), build_std_features=("mem",)),
    )
    assert [each.std_options for each in found.workspaces] == [
        (),
        (),
        ("-Zbuild-std=core,alloc", "-Zbuild-std-features=mem"),
    ]
    assert WorkspaceTable(".", build_std_features=()).std_options == ("-Zbuild-std-features=",)
    assert found.targets == {"a": TargetTable("a.json", "c.json", "p.json", "musl", "zig")}
    assert found.sysroots == {"a": "zig"}
    assert found.programs == {"greet": ProgramTable(("x",), default_features=False)}
    assert (found.boot.descriptions, found.boot.share) == ("boot", "host")


def test_one_target_needs_no_array(tmp_path: Path) -> None:
    (table,) = read(tmp_path, '[[workspaces]]\nfolder = "a"\ntarget = "x"\n').workspaces
    assert table.targets == ("x",)


@pytest.mark.parametrize(
    ("text", "what", "remedy", "line"),
    [
        ("prifile = 'dev'", "unknown key or variable prifile", "did you mean profile?", 1),
        ("variables = 1", "unknown key or variable variables", "", 1),
        ("cache = 1", "cache is not a string", 'write cache = "…"', 1),
        ("[[workspaces]]\nfoldr = 'a'", r"unknown key workspaces\[0\]\.foldr", "did you mean folder?", 2),
        ("[[workspaces]]\nfolder = 1", r"workspaces\[0\]\.folder: expected a string, got an integer", "", 2),
        ("[[workspaces]]\n", r"workspaces\[0\]: the key `folder` is missing", "", 1),
        ("workspaces = 1", "workspaces: expected an array, got an integer", "", 1),
        ("[targets]\nx = 'a'", r"targets\.x: expected a table, got a string", "", 2),
        (
            "# images\n[boot.images.y]\ncommand = 'a'",
            r"boot\.images\.y\.command: expected an array, got a string",
            "",
            3,
        ),
        ("[programs.'a.b']\nfeatures = 1", r"programs\.a\.b\.features: expected an array, got an integer", "", 0),
        ("[targets.x]\nspek = 'a'", "unknown key targets.x.spek", "did you mean spec?", 2),
        ("[targets.x]\ncrt = 'glibc'", r"targets\.x\.crt is neither empty nor musl", "", 2),
        ("[programs.x]\nfeature = []", "unknown key programs.x.feature", "did you mean features?", 2),
        (
            "[[workspaces]]\nfolder = '../x'",
            r"workspaces\[0\]\.folder is not a path in this repository: '\.\./x'",
            "",
            2,
        ),
        ("sysroot-folder = '/x'", "sysroot-folder is not a path in this repository: '/x'", "", 1),
        ("[boot]\nshare = './x'", r"boot\.share is not a path in this repository: '\./x'", "", 2),
        ("[targets.x]\nspec = 'a//b.json'", r"targets\.x\.spec is not a path in this repository: 'a//b\.json'", "", 2),
    ],
)
def test_a_mistake_is_told_with_its_key(text: str, what: str, remedy: str, line: int, tmp_path: Path) -> None:
    with pytest.raises(OstooError, match=what) as caught:
        read(tmp_path, text)
    assert caught.value.where == f"{tmp_path}/ostoo.toml{f':{line}' if line else ''}"
    assert remedy in caught.value.remedy


def test_whatever_a_file_says_is_read_or_one_message(tmp_path: Path) -> None:
    refused = 0
    for document in mutations.of(EVERYTHING):
        try:
            read(tmp_path, tomlkit.dumps(document))
        except OstooError:
            refused += 1
    assert refused > 100
