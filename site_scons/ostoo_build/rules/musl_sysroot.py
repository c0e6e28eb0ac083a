"""Makes the sysroot of a target with the provider that `sysroot=` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Outcome
from ostoo_build.base import source_files
from ostoo_build.base.errors import OstooError
from ostoo_build.execution.job import Job
from ostoo_build.sysroot import install
from ostoo_build.sysroot.contract import MACHINES

if TYPE_CHECKING:
    from ostoo_build.base import digest
    from ostoo_build.base.paths import PathMap
    from ostoo_build.base.spare_processors import Processors
    from ostoo_build.invocation.sysroots import Sysroots
    from ostoo_build.invocation.targets import Targets


def job(paths: PathMap, targets: Targets, sysroots: Sysroots, target: str, processors: Processors) -> Job:
    """Describe how the provider writes a target's sysroot."""
    wanted = key(targets, sysroots, target)
    machine = MACHINES[targets.spec(target).arch]
    place = paths.sysroot(target)
    there = targets.root / place

    def run() -> Outcome:
        install.provide(sysroots.provider(target), machine, there, processors)
        if install.key(sysroots.anew(target), machine) != wanted:
            what = f"what sysroot={sysroots.word(target)} names changed while it was being used"
            raise OstooError(what, remedy="run the build again")
        return Outcome(tuple(str(path.relative_to(there)) for path in source_files.package_files(there)))

    action = Action("MuslSysroot", (machine.arch,), (), (), (f"{place}/",), version=wanted)
    subject = f"sysroot {there.name} from {sysroots.word(target)}"
    return Job(action, there, place, "Providing", subject, run, needed=True, promised=install.OUTPUTS)


def key(targets: Targets, sysroots: Sysroots, target: str) -> digest.Hash:
    """Return the digest that decides a sysroot's contents. Raises `OstooError` for an unknown provider or machine."""
    arch = targets.spec(target).arch
    if arch not in MACHINES:
        raise OstooError(f"there is no sysroot for {arch}", where=str(targets.spec_file(target)))
    return install.key(sysroots.provider(target), MACHINES[arch])
