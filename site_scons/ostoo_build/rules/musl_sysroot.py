"""Makes the sysroot of a target with the provider that `sysroot=` names, or only what std may need of its C library."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def job(paths: PathMap, targets: Targets, sysroots: Sysroots, target: str, processors: Processors) -> Job:
    """Describe how the provider writes a target's sysroot."""
    wanted = key(targets, sysroots, target)
    machine, word = _machine(targets, target), sysroots.word(target)

    def run(there: Path) -> None:
        install.provide(sysroots.provider(target), machine, there, processors)
        _check_unchanged(install.key(sysroots.anew(target), machine), wanted, word)

    return _job(targets.root, paths.sysroot(target), f"sysroot {target} from {word}", (machine, wanted), run)


def job_for_std(targets: Targets, sysroots: Sysroots, provider: Provider, target: str, processors: Processors) -> Job:
    """Describe how a provider writes what std may need of a target's C library."""
    machine, word = _machine(targets, target), sysroots.word(target)
    wanted = install.key(provider, machine)

    def run(there: Path) -> None:
        install.provide(provider, machine, there, processors)
        _check_unchanged(install.key(provider, machine), wanted, word)

    return _job(targets.root, layout.library(target), f"libc for {target} from {word}", (machine, wanted), run)


def _check_unchanged(now: digest.Hash, wanted: digest.Hash, word: str) -> None:
    if now != wanted:
        what = f"what sysroot={word} names changed while it was being used"
        raise OstooError(what, remedy="run the build again")


def _job(
    root: Path, place: str, subject: str, made: tuple[Machine, digest.Hash], provide: Callable[[Path], None]
) -> Job:
    there, (machine, wanted) = root / place, made

    def run() -> Outcome:
        provide(there)
        return Outcome(tuple(str(path.relative_to(there)) for path in source_files.package_files(there)))

    action = Action("MuslSysroot", (machine.arch,), (), (), (f"{place}/",), version=wanted)
    return Job(action, there, place, "Providing", subject, run, needed=True, promised=install.OUTPUTS)


def key(targets: Targets, sysroots: Sysroots, target: str) -> digest.Hash:
    """Return the digest that decides a sysroot's contents. Raises `OstooError` for an unknown provider or machine."""
    return install.key(sysroots.provider(target), _machine(targets, target))


def _machine(targets: Targets, target: str) -> Machine:
    arch = targets.spec(target).arch
    if arch not in MACHINES:
        raise OstooError(f"there is no sysroot for {arch}", where=str(targets.spec_file(target)))
    return MACHINES[arch]
