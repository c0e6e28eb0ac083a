"""Makes the sysroot of a target with the provider that `sysroot=` names, or only what std may need of its C library."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Outcome
from ostoo_build.base import layout, source_files
from ostoo_build.base.errors import OstooError
from ostoo_build.execution.job import Job
from ostoo_build.sysroot import install
from ostoo_build.sysroot.contract import MACHINES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ostoo_build.base import digest
    from ostoo_build.base.paths import PathMap
    from ostoo_build.base.spare_processors import Processors
    from ostoo_build.invocation.sysroots import Sysroots
    from ostoo_build.invocation.targets import Targets
    from ostoo_build.sysroot.contract import Machine
    from ostoo_build.sysroot.install import Provider


class _Wanted(NamedTuple):
    """What is made: its place, its name, its provider, and how to ask for that again, without cached state."""

    place: str
    subject: str
    provider: Provider
    anew: Callable[[], Provider]


def job(paths: PathMap, targets: Targets, sysroots: Sysroots, target: str, processors: Processors) -> Job:
    """Describe how the provider writes a target's sysroot."""
    machine, word = _machine(targets, target), sysroots.word(target)
    again = partial(sysroots.anew, target)
    wanted = _Wanted(paths.sysroot(target), f"sysroot {target} from {word}", sysroots.provider(target), again)
    return _job(targets.root, wanted, machine, word, processors)


def job_for_std(targets: Targets, sysroots: Sysroots, provider: Provider, target: str, processors: Processors) -> Job:
    """Describe how a provider writes what std may need of a target's C library."""
    machine, word = _machine(targets, target), sysroots.word(target)
    wanted = _Wanted(layout.library(target), f"libc for {target} from {word}", provider, lambda: provider)
    return _job(targets.root, wanted, machine, word, processors)


def _job(root: Path, wanted: _Wanted, machine: Machine, word: str, processors: Processors) -> Job:
    there, version = root / wanted.place, install.key(wanted.provider, machine)

    def run() -> Outcome:
        install.provide(wanted.provider, machine, there, processors)
        if install.key(wanted.anew(), machine) != version:
            what = f"what sysroot={word} names changed while it was being used"
            raise OstooError(what, remedy="run the build again")
        return Outcome(tuple(str(path.relative_to(there)) for path in source_files.package_files(there)))

    action = Action("MuslSysroot", (machine.arch,), (), (), (f"{wanted.place}/",), version=version)
    return Job(action, there, wanted.place, "Providing", wanted.subject, run, needed=True, promised=install.OUTPUTS)


def key(targets: Targets, sysroots: Sysroots, target: str) -> digest.Hash:
    """Return the digest that decides a sysroot's contents. Raises `OstooError` for an unknown provider or machine."""
    return install.key(sysroots.provider(target), _machine(targets, target))


def _machine(targets: Targets, target: str) -> Machine:
    arch = targets.spec(target).arch
    if arch not in MACHINES:
        raise OstooError(f"there is no sysroot for {arch}", where=str(targets.spec_file(target)))
    return MACHINES[arch]
