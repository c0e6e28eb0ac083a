from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest
from msgspec.structs import replace

from ostoo_build.base.errors import OstooError
from ostoo_build.boot.ending import Ending, ProgramResult
from ostoo_build.boot.guest import BootResult
from ostoo_build.boot.launcher import VmLauncher
from ostoo_build.run.launcher import Launch, RunResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ostoo_build.boot.kernel import KernelImage

OK = Ending.exited(0)


@dataclass
class Description:
    kernel: str = "Linux"
    init: tuple[str, ...] = ("#!",)


@dataclass
class Kernel:
    """A kernel on which programs end as `endings` say; none is started behind one that does not end by itself."""

    file: Path
    endings: dict[str, Ending]
    description: Description = field(default_factory=Description)
    boots: list[tuple[dict[str, bytes], tuple[str, ...], float]] = field(default_factory=list)

    def refuse_other(self, program: Path) -> None:
        assert program.is_absolute()

    def boot(self, _folder: Path, files: Mapping[str, bytes], order: Sequence[str], limit: float) -> BootResult:
        self.boots.append((dict(files), tuple(order), limit))
        verdicts: list[ProgramResult] = []
        for name in order:
            is_over = verdicts and not verdicts[-1].ending.is_own
            ending = Ending.not_started() if is_over else self.endings.get(name, OK)
            verdicts.append(ProgramResult(name, b"out", ending))
        return BootResult(tuple(verdicts), ())


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    package = tmp_path / "a package"
    (package / "tests").mkdir(parents=True)
    (package / "tests/data.txt").write_text("data")
    (tmp_path / "exe").write_text("elf")
    (tmp_path / "other").write_text("program")
    environment = {"CARGO_BIN_EXE_other": str(tmp_path / "other"), "WORDS": "it's two"}
    return Launch((str(tmp_path / "exe"), "--exact", "a::b"), environment, package, 5, shows_output=False)


def run(kernel: Kernel, *launches: Launch) -> list[tuple[int, RunResult]]:
    return list(VmLauncher(cast("KernelImage", kernel), kernel.file.parent).run(launches))


def test_all_are_started_in_one_boot_with_what_they_name(launch: Launch, tmp_path: Path) -> None:
    kernel = Kernel(tmp_path / "linux.boot.json", {"1": Ending.exited(50), "2": Ending.signalled(6)})
    ended = run(kernel, launch, launch, launch)
    assert ended == [(index, RunResult(code, b"out", b"", 0.0)) for index, code in enumerate((0, 50, -6))]
    ((files, order, limit),) = kernel.boots
    inside = str(tmp_path).lstrip("/")
    assert (order, limit) == (("ready", "0", "1", "2"), 5)
    assert files[f"{inside}/exe"] == b"elf"
    assert files[f"{inside}/other"] == b"program"
    assert files[f"{inside}/a package/tests/data.txt"] == b"data"
    assert files["programs/0"].decode() == (
        f"#!/bin/busybox sh\ncd '{tmp_path}/a package' || exit 127\n"
        f"exec /bin/busybox env CARGO_BIN_EXE_other={tmp_path}/other 'WORDS=it'\"'\"'s two' "
        f"{tmp_path}/exe --exact a::b\n"
    )


def test_those_behind_one_that_takes_the_guest_down_are_booted_again(launch: Launch, tmp_path: Path) -> None:
    kernel = Kernel(tmp_path / "linux.boot.json", {"0": Ending.late("late"), "1": Ending.died("panic: oh")})
    ended = run(kernel, launch, launch, launch)
    assert [index for index, _ in ended] == [0, 1, 2]
    assert [order for _, order, _ in kernel.boots] == [("ready", "0", "1", "2"), ("ready", "1", "2"), ("ready", "2")]
    assert [(each.code, each.stderr) for _, each in ended] == [(None, b""), (125, b"panic: oh\n"), (0, b"")]


def test_output_is_shown_where_that_is_wanted(
    launch: Launch, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    ((_, ended),) = run(Kernel(tmp_path / "linux.boot.json", {}), replace(launch, shows_output=True))
    assert ended.stdout == b""
    assert capfdbinary.readouterr().out == b"out"


def test_a_kernel_that_starts_nothing_is_told(launch: Launch, tmp_path: Path) -> None:
    kernel = Kernel(tmp_path / "linux.boot.json", {"ready": Ending.died("panic: no init")})
    with pytest.raises(OstooError, match="Linux does not start programs: panic: no init"):
        run(kernel, launch)


def test_a_kernel_that_takes_names_alone_is_told(launch: Launch, tmp_path: Path) -> None:
    kernel = Kernel(tmp_path / "ostoo.boot.json", {}, Description("ostoo", ()))
    with pytest.raises(OstooError, match="it starts programs by name only"):
        run(kernel, launch)
