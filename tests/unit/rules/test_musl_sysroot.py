from __future__ import annotations

from typing import TYPE_CHECKING

import fake_toolchains as fake
import planned_trees as trees
import pytest
import sysroot_trees

from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import PathMap
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.invocation.sysroots import Sysroots
from ostoo_build.invocation.targets import Targets
from ostoo_build.project.workspaces import ProgramGroup
from ostoo_build.rules import musl_sysroot

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_sysroot_that_is_edited_while_it_is_taken_is_stored_under_no_key(
    is_edited: bool,  # noqa: FBT001 - a table's column
    tmp_path: Path,
) -> None:
    sysroot_trees.write(tmp_path / "musl", sysroot_trees.good_files())
    fake.write(tmp_path / f"targets/{trees.TARGET}.json", '{"arch": "x86_64"}')
    targets = Targets(tmp_path, (ProgramGroup("user-rs", (trees.TARGET,), is_asked=True),))
    sysroots = Sysroots(tmp_path, tmp_path, "folder:musl")
    job = musl_sysroot.job(PathMap((("root", tmp_path),)), targets, sysroots, trees.TARGET, Jobserver(1))
    assert job.place.path == "sysroot/x86_64-ostoo-user"
    if not is_edited:
        assert set(job.promised) <= set(job.run().outputs)
        return
    (tmp_path / "musl/include/stdio.h").write_text("/* edited */")
    with pytest.raises(OstooError, match="what sysroot=folder:musl names changed while it was being used"):
        job.run()
