from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import pytest
from planners import without_compiler

from ostoo_build.base.console import Report
from ostoo_build.base.errors import OstooError
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.execution.timeline import Timeline
from ostoo_build.invocation import services
from ostoo_build.invocation.checkout import Checkout
from ostoo_build.invocation.invocation import Invocation
from ostoo_build.invocation.options import Options
from ostoo_build.invocation.planner import Planner
from ostoo_build.invocation.services import Services
from ostoo_build.invocation.targets import Targets
from ostoo_build.invocation.tools import Tools

if TYPE_CHECKING:
    from pathlib import Path

VARIABLES = {"cache": "off", "cache_size": "1 GiB", "sandbox": "off", "sysroot": "zig"}
REMOTE = dict.fromkeys(("remote_cache", "remote_executor"), "")


def started(root: Path, **changed: str) -> Services:
    options = Options({**VARIABLES, **REMOTE, **changed})
    checkout = Checkout(root, Report(colour=False, quiet=True))
    checkout.make_memos()
    return services.start(checkout, options, without_compiler(root), Jobserver(3), Timeline())


def test_all_that_job_threads_share_is_there_before_the_first_job(tmp_path: Path) -> None:
    """What is made when it is first asked for is made twice where two threads ask at once."""
    made = started(tmp_path)
    for name in made.__struct_fields__:
        assert getattr(made, name) is getattr(made, name)
    for kind in (Checkout, Invocation, Planner, Services, Targets, Tools):
        assert not [name for name, value in vars(kind).items() if isinstance(value, cached_property)], kind
    assert made.runner.jobserver.jobs == 3
    assert made.engine.timeline is made.timeline is made.runner.timeline


def test_a_word_of_sysroot_that_nobody_needs_is_no_mistake(tmp_path: Path) -> None:
    sysroots = started(tmp_path, sysroot="no-such").sysroots
    with pytest.raises(OstooError, match="there is no sysroot provider 'no-such'"):
        assert sysroots.provider


def test_without_a_linker_nothing_is_linked_for_the_host(tmp_path: Path) -> None:
    invocation = started(tmp_path).invocation
    with pytest.raises(OstooError, match="no C linker for build scripts was found"):
        assert invocation.host


def test_what_is_remembered_is_kept_at_the_end(tmp_path: Path) -> None:
    made = started(tmp_path)
    assert made.answers.once("0" * 64, lambda: True)
    made.close()
    assert started(tmp_path).answers.once("0" * 64, lambda: False)
