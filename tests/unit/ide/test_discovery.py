from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.ide import discovery
from ostoo_build.ide.project import BuildInfo, Crate, Project, Sources, Sysroot

if TYPE_CHECKING:
    from collections.abc import Sequence


def crate(name: str, folder: str, *, is_ours: bool = True) -> Crate:
    return Crate(
        display_name=name,
        root_module=f"{folder}/src/lib.rs",
        edition="2021",
        version="1.0.0",
        deps=(),
        is_workspace_member=is_ours,
        source=Sources((folder,), ()),
        cfg=(),
        env={},
        is_proc_macro=False,
        proc_macro_cwd=folder,
        build=BuildInfo(name, f"{folder}/Cargo.toml", "lib") if is_ours else None,
    )


def project(*crates: Crate) -> Project:
    return Project("/usr", "/src", Sysroot(()), crates)


USER = project(crate("dep", "/cargo/dep", is_ours=False), crate("shared", "/os/shared"), crate("a", "/os/a"))
KERNEL = project(crate("shared", "/os/shared"), crate("k", "/os/kernel"))


def found(file: str, projects: Sequence[Project] = (USER, KERNEL)) -> list[dict[str, Any]]:
    return [json.loads(discovery.line(each)) for each in discovery.finished(projects, "/os", file)]


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("/os/a/src/main.rs", ["ostoo.toml"]),
        ("/os/kernel/Cargo.toml", ["1.ostoo.toml"]),
        ("/os/shared/src/lib.rs", ["ostoo.toml", "1.ostoo.toml"]),
        ("/os/Cargo.lock", ["ostoo.toml", "1.ostoo.toml"]),
        ("/cargo/dep/src/lib.rs", ["ostoo.toml", "1.ostoo.toml"]),
        ("/os/ab/src/lib.rs", ["ostoo.toml", "1.ostoo.toml"]),
    ],
)
def test_a_file_is_answered_with_the_projects_it_is_in(file: str, names: list[str]) -> None:
    assert [each["buildfile"] for each in found(file)] == [f"/os/{name}" for name in names]


def test_messages_are_rust_analyzers() -> None:
    (message,) = found("/os/a/src/main.rs")
    assert message["kind"] == "finished"
    assert [each["display_name"] for each in message["project"]["crates"]] == ["dep", "shared", "a"]
    assert json.loads(discovery.line(discovery.Progress("x"))) == {"kind": "progress", "message": "x"}
    failed = {"kind": "error", "error": "x", "source": None}
    assert json.loads(discovery.line(discovery.Failed("x", None))) == failed
    assert discovery.line(discovery.Progress("a\nb")).count("\n") == 1


@pytest.mark.parametrize("word", ["path", "buildfile"])
def test_the_file_is_taken_from_the_argument(word: str) -> None:
    assert discovery.file_of(json.dumps({word: "/os/é.rs"})) == "/os/é.rs"


@pytest.mark.parametrize("argument", ["{arg}", "", "{}", "[1]", '{"path": 1}', "/os/a.rs"])
def test_another_argument_is_refused_with_what_to_write(argument: str) -> None:
    with pytest.raises(OstooError, match="can't read") as caught:
        discovery.file_of(argument)
    assert "write {arg}" in caught.value.remedy
