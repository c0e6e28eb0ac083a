from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest
from symbol_elfs import Linked, Sym

from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.cli import reports
from ostoo_build.rules.reports import PAGE, PREVIOUS, REPORT, ReportKind
from ostoo_build.size import report as size_report
from ostoo_build.stack import report as stack_report
from ostoo_build.stack.report import StackReport

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.cli.run import Runner


def program(size: int) -> Linked:
    """One function of some size that returns at once."""
    return Linked(b"\x90" * (size - 1) + b"\xc3", (Sym("main", 0, size),))


@dataclass
class FakeRunner:
    """A checkout whose builds make the reports on what lies in it."""

    root: Path
    console: Console = field(default_factory=lambda: Console(colour=False, quiet=False))
    asked: list[list[str]] = field(default_factory=list)

    def reports(self, name: str) -> Path:
        return self.root / "build/reports" / name

    def build(self, words: list[str]) -> None:
        self.asked.append(words)
        name = words[-1]
        folder = self.reports(name) / words[0].removesuffix("-report")
        folder.mkdir(parents=True, exist_ok=True)
        shipped, unstripped = self.root / name, self.root / f"{name}.debug"
        if words[0] == ReportKind.SIZE.word:
            (folder / REPORT).write_text(size_report.analyse(shipped, unstripped, name).to_json())
        else:
            (folder / REPORT).write_text(stack_report.analyse(unstripped, name, None).to_json())


@pytest.fixture
def runner(tmp_path: Path) -> FakeRunner:
    program(16).write(tmp_path, "example")
    return FakeRunner(tmp_path)


def test_the_size_is_built_and_shown_with_its_page(runner: FakeRunner, capsys: pytest.CaptureFixture[str]) -> None:
    reports.size(cast("Runner", runner), "example", whole=True)
    said = capsys.readouterr()
    assert runner.asked == [["size-report", "example"]]
    assert "main" in said.out
    assert said.err == f"     Treemap in build/reports/example/{PAGE}\n"


def test_a_comparison_is_with_the_former_report(runner: FakeRunner, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OstooError, match="there is no earlier report on example") as caught:
        reports.compare(cast("Runner", runner), "example", "", whole=False)
    former = runner.reports("example") / f"size.{PREVIOUS}"
    assert caught.value.where == str(former)
    os.replace(runner.reports("example") / "size" / REPORT, former)  # noqa: PTH105 - it takes the other's place
    program(48).write(runner.root, "example")
    reports.compare(cast("Runner", runner), "example", "", whole=False)
    assert re_added(capsys.readouterr().out) == "+32"


def re_added(said: str) -> str:
    """The first number with a sign."""
    return next(word for word in said.replace(",", "").split() if word[0] in "+-" and word[1:].isdigit())


def test_a_comparison_may_be_with_a_program_elsewhere(
    runner: FakeRunner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old").mkdir()
    program(64).write(tmp_path / "old", "example")
    reports.compare(cast("Runner", runner), "example", str(tmp_path / "old/example"), whole=False)
    assert re_added(capsys.readouterr().out) == "-48"


@pytest.mark.parametrize(("fits", "code"), [(True, 0), (False, 1)])
def test_a_stack_that_does_not_fit_is_an_exit_code(
    *, fits: bool, code: int, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(StackReport, "fits", fits)
    assert reports.stack(cast("Runner", runner), "example") == code
    assert runner.asked == [["stack-report", "example"]]
    assert "example" in capsys.readouterr().out
