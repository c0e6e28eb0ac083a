from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.sysroot import folder as provider
from ostoo_build.sysroot.contract import MACHINES
from ostoo_build.sysroot.install import RAW_FILES, RawTree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a musl in its folder `musl`."""
    for name in (*RAW_FILES, "include/stdio.h", "include/sys/types.h"):
        (tmp_path / "musl" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "musl" / name).write_text(name)
    return tmp_path


def test_what_lies_there_is_copied(project: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (project / "musl/include/link.h").symlink_to("stdio.h")
    provider.factory("musl", project).write_raw(RawTree(tmp_path / "raw", MACHINES["x86_64"], Jobserver(1)))
    copied = {path.relative_to(tmp_path / "raw").as_posix() for path in (tmp_path / "raw").rglob("*") if path.is_file()}
    assert copied == {*RAW_FILES, "include/stdio.h", "include/sys/types.h", "include/link.h"}
    assert not (tmp_path / "raw/include/link.h").is_symlink()
    assert (tmp_path / "raw/include/link.h").read_text() == "include/stdio.h"


CHANGES: dict[str, Callable[[Path], object]] = {
    "a library": lambda musl: (musl / RAW_FILES[0]).write_text("other"),
    "a header": lambda musl: (musl / "include/sys/types.h").write_text("other"),
    "a new header": lambda musl: (musl / "include/new.h").touch(),
    "a lost header": lambda musl: (musl / "include/stdio.h").unlink(),
    "a moved header": lambda musl: (musl / "include/stdio.h").rename(musl / "include/io.h"),
    "a hidden header": lambda musl: (musl / "include/.hidden.h").touch(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_input_decides(change: str, project: Path) -> None:
    before = provider.factory("musl", project).identity()
    CHANGES[change](project / "musl")
    assert provider.factory("musl", project).identity() != before


def test_the_place_does_not_decide(project: Path) -> None:
    before = provider.factory("musl", project).identity()
    (project / "musl").rename(project / "elsewhere")
    (project / "elsewhere/notes.txt").touch()
    assert provider.factory("elsewhere", project).identity() == before
    assert provider.factory(str(project / "elsewhere"), project / "other").identity() == before


@pytest.mark.parametrize("name", [*RAW_FILES, "include"])
def test_a_file_that_is_missing_is_named(name: str, project: Path) -> None:
    (project / "musl" / name).rename(project / "aside")
    with pytest.raises(OstooError) as caught:
        provider.factory("musl", project)
    assert (caught.value.what, caught.value.where) == (f"the sysroot folder has no {name}", str(project / "musl"))
