from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import fake_toolchains as fake
import pytest

from ostoo_build.base import layout, own_files
from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.cli import main
from ostoo_build.cli import watch as watch_verb
from ostoo_build.cli.watch import Server, Watch


def test_what_follows_two_dashes_is_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Watch] = []
    monkeypatch.setattr(Watch, "forever", lambda self: seen.append(self))  # noqa: PLW0108 - a method of seen is none of Watch
    assert main.main(["watch", "cat-rs", "profile=dev", "--run", "--", "--run", "b"]) == 0
    assert main.main(["watch", "a", "b"]) == 0
    program = Path(__file__).parents[3] / "build/x86_64-ostoo-user/dev/cat-rs"
    assert [[*each.arguments] for each in seen] == [["cat-rs", "profile=dev"], ["a", "b"]]
    assert [each.running for each in seen] == [[str(program), "--run", "b"], []]


def test_one_program_can_be_run_and_not_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["watch", "a", "b", "--run"]) == 2
    assert capsys.readouterr().err.startswith("error: --run takes exactly one program")


def test_an_edit_of_installed_code_is_an_event_and_what_python_writes_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "site-packages/ostoo_build"
    monkeypatch.setattr(own_files, "CODE", (code,))
    project = Watch(tmp_path / "os", ("build",), (), (), Console(colour=False, quiet=True), print)
    counted = {
        name: project._counts(tmp_path / name)  # noqa: SLF001 - what wakes the thread
        for name in (
            "site-packages/ostoo_build/base/errors.py",
            "site-packages/ostoo_build/base/__pycache__/errors.cpython-311.pyc",
            "os/user-rs/a/src/main.rs",
            "os/build/a",
        )
    }
    assert [*counted.values()] == [True, False, True, False]


def test_a_server_that_ends_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.chdir(tmp_path)
    server = Server(tmp_path, (), Console(colour=False, quiet=True))
    with pytest.raises(OstooError, match="the build server ended"):
        server.build()
    server.close()


def test_a_program_that_does_not_want_to_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_verb, "_PATIENCE", 0.2)
    stubborn = fake.script(
        tmp_path / "stubborn", f"trap '' TERM; echo $$ > '{tmp_path}/pid'; while :; do sleep 0.05; done"
    )
    project = Watch(tmp_path, (), (), (str(stubborn),), Console(colour=False, quiet=False), print)
    first = project._restarted(None)  # noqa: SLF001 - what a good build leads to
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.01)
    second = project._restarted(first)  # noqa: SLF001 - likewise
    assert first is not None
    assert first.returncode == -9
    assert second is not None
    os.kill(second.pid, 9)
    second.wait()


def test_a_program_that_can_not_run_here_is_said_and_not_fatal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Watch(tmp_path, (), (), (str(tmp_path / "absent"),), Console(colour=False, quiet=False), print)
    assert project._restarted(None) is None  # noqa: SLF001 - what a good build leads to
    assert "error: can't start" in capsys.readouterr().err


def test_documents_are_kept_as_the_programs_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described: list[str] = []

    def describe() -> None:
        described.append("")
        if len(described) > 1:
            raise OstooError("they can't be described")

    project = Watch(tmp_path, (), (), (), Console(colour=False, quiet=True), describe)
    project.keep_described({"/os/a/Cargo.toml"})
    assert described == [], "nobody asked for a document"
    (tmp_path / layout.IDE_DOCUMENT).touch()
    project.keep_described({"/os/a/src/main.rs"})
    assert described == []
    project.keep_described({"/os/a/src/main.rs", "/os/a/build.rs"})
    assert len(described) == 1
    project.keep_described({"/os/Cargo.lock"})
    assert "they can't be described" in capsys.readouterr().err
