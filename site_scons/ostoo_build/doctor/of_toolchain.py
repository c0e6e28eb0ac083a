"""Checks the toolchain, and what is made with it: target specs, workspaces, sysroots."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError
from ostoo_build.doctor import of_tools, verdict
from ostoo_build.doctor.verdict import error, of_error, ok, warning
from ostoo_build.invocation import planner, services
from ostoo_build.invocation import tools as invocation_tools
from ostoo_build.loader import contract as loader_contract
from ostoo_build.planning import std_crates
from ostoo_build.rules import musl_sysroot
from ostoo_build.rules import target_spec as target_rules
from ostoo_build.sysroot import install
from ostoo_build.target import spec as target_spec
from ostoo_build.target.spec import CheckRequest
from ostoo_build.toolchain import find, named

if TYPE_CHECKING:
    from ostoo_build.doctor.subject import Subject
    from ostoo_build.doctor.verdict import Verdict

_TRIAL = ("-x", "c", "/dev/null", "-Wl,--defsym=main=0", "-o", "program")
"""Links an empty program."""

_PATIENCE = 60.0
"""Time limit for a link in seconds."""

_ROOTS = ("core", "alloc", "std")
_SHOWN = 5
"""Maximum number of files that are named."""


def toolchain(subject: Subject) -> Verdict:
    """Find the toolchain as a build does, but fetch none; say what was not taken."""
    try:
        found = subject.choose_toolchain()
    except find.NoToolchainError as refused:
        also = "or build: a build tries to get it with rustup, and then from Debian's packages"
        return error("", verdict.text(refused), f"{refused.remedy}\n{also}")
    chosen = found.toolchain
    rustups = [f"rustup's {each.name}" for each in find.installed(subject.environ) if each not in chosen.rustc.parents]
    left = [f"not taken: {each}" for each in found.rejected] + [
        f"also there: {each}" for each in (*found.others, *rustups)
    ]
    return ok("; ".join([f"{chosen.reason}, {chosen.rustc}", *left]))


def std_source(subject: Subject) -> Verdict:
    """Check that std's source is complete; its release was compared when the toolchain was found."""
    folder = subject.toolchain.rust_src
    lacking = [f"{name}/src/lib.rs" for name in _ROOTS if not (folder / name / "src/lib.rs").is_file()]
    value = ", ".join(filter(None, (find.source_version(folder), str(folder))))
    if lacking:
        remedy = "install it again: rustup component remove rust-src, then rustup component add rust-src"
        return error(value, f"it lacks {', '.join(lacking)}", remedy)
    if std_crates.vendor(folder) is None:
        return ok(f"{value}; it has no crates of others, so cargo downloads them")
    return ok(value)


def lld(subject: Subject) -> Verdict:
    """Check that LLD runs."""
    program = subject.toolchain.lld
    try:
        return ok(f"{named.version('LLD', program, subject.environ)}, {program}")
    except OstooError as refused:
        return error(str(program), f"it {refused.what}", "install it again with the toolchain, or name one: LLD=...")


def linker(subject: Subject) -> Verdict:
    """Check that a program for this machine can be linked: std has build scripts."""
    program = subject.toolchain.host_linker
    if program is None:
        return of_error(find.no_linker())
    with tempfile.TemporaryDirectory(prefix="ostoo-") as folder:
        done = process.run([str(program), *_TRIAL], cwd=Path(folder), env=subject.environ, timeout=_PATIENCE)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        return error(str(program), f"it links no program: {said}", "install gcc and libc6-dev, or what they are here")
    return ok(f"{of_tools.version(str(program), subject.environ)}, {program}")


def targets(subject: Subject) -> Verdict:
    """Check the target specs and loader contracts, as a build does."""
    known = subject.targets
    with ThreadPoolExecutor() as threads:
        found = threads.map(lambda target: _complaint(subject, target), known.names)
    refused = [complaint for complaint in found if complaint]
    if refused:
        remedies = dict.fromkeys(map(verdict.remedy, refused))
        return error("", "\n".join(map(verdict.text, refused)), "\n".join(remedies))
    return ok(", ".join(known.names))


def _complaint(subject: Subject, target: str) -> OstooError | None:
    known, chosen = subject.targets, subject.toolchain
    try:
        seen = invocation_tools.environment(chosen)
        target_spec.check(CheckRequest(known.spec_file(target), chosen.rustc, seen, known.policy(target)))
        if contract := target_rules.contract_file(known, target):
            loader_contract.load(contract)
    except OstooError as refused:
        return refused
    return None


def workspaces(subject: Subject) -> Verdict:
    """Let cargo read the workspaces."""
    chosen = subject.toolchain
    seen = invocation_tools.environment(chosen)
    counts = []
    for group in subject.targets.groups:
        cargo = planner.cargo_of(subject.targets, group, chosen, seen, subject.options)
        counts.append(f"{group.folder}: {len(cargo.binaries())} programs")
    return ok(f"{named.version('CARGO', chosen.cargo, subject.environ)}; {', '.join(counts)}")


def sysroot(subject: Subject) -> Verdict:
    """Check the sources of sysroots, and the files of those that are there."""
    known = services.sysroots_of(subject.root, subject.options, subject.toolchain)
    folder = subject.root / subject.options.described.sysroot_folder
    wanted = subject.machines
    for target in wanted:
        musl_sysroot.key(subject.targets, known, target)
    there = {target: install.examine(folder / target) for target in wanted if (folder / target).is_dir()}
    states = {target: f"musl {there[target].musl}" if target in there else "not made yet" for target in wanted}
    value = "; ".join(f"{target}: {state}, from {known.word(target)}" for target, state in states.items())
    bad = [f"{target}/{name}" for target, state in there.items() for name in state.altered]
    if bad:
        what = f"{len(bad)} files differ from what was made: {', '.join(bad[:_SHOWN])}"
        return warning(value, what, f"remove {folder}: the next build makes it again")
    return ok(value)
