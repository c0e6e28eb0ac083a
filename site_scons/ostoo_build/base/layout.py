"""Names every path below `build/`, `sysroot/` and `targets/`, for the build and for `./ostoo`. Creates nothing.

All paths are portable, that is, relative to the top of the checkout. This module imports nothing, so that `null_build`
can use it.
"""

from __future__ import annotations

BUILD, SYSROOTS = "build", "sysroot"
"""Folders that builds write to; `ostoo.toml` may name another one for sysroots."""

STATE = f"{BUILD}/.ostoo"
"""State that invocations keep for the next one; deleting it costs time only."""

LOCK = f"{STATE}/lock"
LOCK_OWNER = f"{STATE}/lock-owner"
ACTIONS = f"{STATE}/actions"
"""The log of the actions that builds requested."""
ANSWERS = f"{STATE}/answers.json"
CHECKS = f"{STATE}/checks"
"""What the compiler said in the last checks, in the forms that were asked for."""
DECISIONS = f"{STATE}/decisions.json"
"""What the last builds decided."""
NULL_BUILDS = f"{STATE}/null-builds"
LAST_NULL_BUILD = f"{STATE}/last-null-build"
PROGRAMS = f"{STATE}/programs"
"""The records of whole programs."""
SCONSIGN = f"{STATE}/sconsign"
SELECTIONS = f"{STATE}/selections"
SERVERS = f"{STATE}/servers"
"""The sockets of build servers."""
TOOLCHAIN = f"{STATE}/toolchain.txt"
TREES = f"{STATE}/trees.json"
WATCHED = f"{STATE}/watched.json"

REPORTS = f"{BUILD}/reports"
SCRATCH = f"{BUILD}/tmp"  # noqa: S108 - the checkout's own
"""The folder that a program's tests may write to."""
TIMINGS = f"{BUILD}/timings"
GRAPH = f"{BUILD}/graph/graph.html"

DESCRIPTION = "ostoo.toml"
"""The file that describes a repository, in its top folder."""

TARGETS = "targets"
"""Target specs, policies, loader contracts and boot descriptions, unless `ostoo.toml` names other places."""

CONTRACT = ".loader.json"
"""Suffix of a target's loader contract, beside its spec."""

HOST = "host"
"""Platform name of build scripts and proc macros."""

SYMBOLS = ".debug"
"""Suffix of the program with debug information."""

UNITS = "units"
"""The folder of units, beside published programs."""

EXAMPLES = "examples"
"""The folder of published examples, below that of programs."""

IDE = f"{BUILD}/ide"
"""The folders of documents for rust-analyzer, beside the first one at the top."""
IDE_DOCUMENT = ".rust-project.json"
"""One of the names that rust-analyzer demands. A hidden file is no source of a package at the top."""

CHECKED = "checked"
"""Within a unit's folder: written whenever a check reaches it, with what the compiler said if it failed. No output."""

_TESTS = ".tests"
_SCRIPTS = ".scripts"

CHECK, CLIPPY, DOC = "check", "clippy", "doc"
PARTS = (CHECK, CLIPPY, DOC)
"""What a verb of the same name makes of a program without its code."""


def programs(target: str, profile: str) -> str:
    """The folder of published programs."""
    return f"{BUILD}/{target}/{profile}"


def program(target: str, profile: str, name: str) -> str:
    """A published program."""
    return f"{programs(target, profile)}/{name}"


def example(name: str) -> str:
    """The name of the program that an example is: the SCons target, and its place below that of programs."""
    return f"{EXAMPLES}/{name}"


def is_example(name: str) -> bool:
    """Whether a program is an example."""
    return name.startswith(f"{EXAMPLES}/")


def note(target: str, profile: str, name: str) -> str:
    """The record of a whole program."""
    return f"{PROGRAMS}/{target}/{profile}/{name}.json"


def unit(platform: str, profile: str, id_: str) -> str:
    """The folder of a unit for a target, or for `HOST`."""
    return f"{programs(platform, profile)}/{UNITS}/{id_}"


def tests(name: str) -> str:
    """The name of a program's tests: the SCons target, and the folder beside the program."""
    return f"{name}{_TESTS}"


def tested(name: str) -> str:
    """The program that a name of tests belongs to; empty if it is no such name."""
    return _without(_TESTS, name)


def scripts(name: str) -> str:
    """The SCons target that runs a program's build scripts and compiles its macros, which editors need."""
    return f"{name}{_SCRIPTS}"


def scripted(name: str) -> str:
    """The program that a name of scripts belongs to; empty if it is no such name."""
    return _without(_SCRIPTS, name)


def part(name: str, what: str) -> str:
    """The SCons target for one of `PARTS` of a program."""
    return f"{name}.{what}"


def parted(name: str, what: str) -> str:
    """The program that a name of one of `PARTS` belongs to; empty if it is no such name."""
    return _without(f".{what}", name)


def _without(suffix: str, name: str) -> str:
    return name.removesuffix(suffix) if name.endswith(suffix) else ""


def selection(name: str) -> str:
    """The file with the features that are selected for a program."""
    return f"{SELECTIONS}/{name}.json"


def docs(target: str, name: str) -> str:
    """The folder of a program's documentation; cargo allows no profile of this name."""
    return f"{BUILD}/{target}/{DOC}/{name}"


def boot_image(kernel: str) -> str:
    """The folder of a kernel's image, if `ostoo.toml` says how it is made."""
    return f"{BUILD}/boot-images/{kernel}"


def boots(target: str, profile: str, kernel: str) -> str:
    """The output folder of `./ostoo boot` for a kernel."""
    return f"{BUILD}/{target}/boot/{profile}/{kernel}"


SYSCALL_NUMBERS = "include/bits/syscall.h"
"""Within a sysroot: musl's header with the numbers of system calls, by which those are named that a program makes."""


def library(target: str) -> str:
    """The folder of what std may need of a target's C library."""
    return f"{BUILD}/{target}/target-libc"


def target_check(target: str) -> str:
    """The folder of a target spec's check."""
    return f"{BUILD}/{target}/target-spec"


def reports(target: str, profile: str, name: str) -> str:
    """The folder of a program's reports."""
    return f"{REPORTS}/{target}/{profile}/{name}"


def spec(target: str) -> str:
    """The file of a target's spec, unless `ostoo.toml` names another."""
    return f"{TARGETS}/{target}.json"


def is_in_build(path: str) -> bool:
    """Whether a portable path is in the `build` folder."""
    return path.startswith(f"{BUILD}/")
