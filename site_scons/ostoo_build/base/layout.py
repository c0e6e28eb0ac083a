"""Where things lie in a checkout, for the process that builds and the one that asks. Makes nothing.

All are portable paths, relative to the checkout's top. Nothing is imported here, so that `null_build` may.
"""

from __future__ import annotations

BUILD, SYSROOTS = "build", "sysroot"
MADE = frozenset({BUILD, SYSROOTS})
"""Folders at the top in which builds write; beside the pins in `sysroot` lies a folder for each target."""

STATE = f"{BUILD}/.ostoo"
"""What invocations remember for the next one; deleting it costs time only."""

LOCK = f"{STATE}/lock"
LOCK_OWNER = f"{STATE}/lock-owner"
ACTIONS = f"{STATE}/actions"
"""The folder of the actions that builds asked for."""
ANSWERS = f"{STATE}/answers.json"
NULL_BUILDS = f"{STATE}/null-builds"
PROGRAMS = f"{STATE}/programs"
"""The folder of the records of whole programs."""
SCONSIGN = f"{STATE}/sconsign"
TOOLCHAIN = f"{STATE}/toolchain.txt"
TREES = f"{STATE}/trees.json"
WATCHED = f"{STATE}/watched.json"

REPORTS = f"{BUILD}/reports"
SCRATCH = f"{BUILD}/tmp"  # noqa: S108 - the checkout's own
"""Where a program's tests may write."""
TIMINGS = f"{BUILD}/timings"

TARGETS = "targets"
"""The folder of target specs, and of what else is said of a target."""

CONTRACT_SCHEMA = "loader.schema.json"
"""The schema of contracts, by its name beside them, where editors find it too."""

HOST = "host"
"""The platform of what runs while something is built."""

SYMBOLS = ".debug"
"""What the name of a program with its symbols ends in."""

_TESTS = ".tests"


def programs(target: str, profile: str) -> str:
    """The folder with the programs that people look for."""
    return f"{BUILD}/{target}/{profile}"


def program(target: str, profile: str, name: str) -> str:
    """A program."""
    return f"{programs(target, profile)}/{name}"


def note(target: str, profile: str, name: str) -> str:
    """The record of a whole program."""
    return f"{PROGRAMS}/{target}/{profile}/{name}.json"


def unit(platform: str, profile: str, id_: str) -> str:
    """The folder of one unit for a target, or `HOST`."""
    return f"{programs(platform, profile)}/units/{id_}"


def tests(name: str) -> str:
    """What a program's tests are called: a word for `scons`, and a folder beside the program."""
    return f"{name}{_TESTS}"


def tested(name: str) -> str:
    """The program whose tests are called so; empty where nobody's are."""
    return name.removesuffix(_TESTS) if name.endswith(_TESTS) else ""


def boots(target: str, profile: str, kernel: str) -> str:
    """The folder of what a kernel did with programs."""
    return f"{BUILD}/{target}/boot/{profile}/{kernel}"


def target_check(target: str) -> str:
    """The folder of the verdict on a target spec."""
    return f"{BUILD}/{target}/target-spec"


def reports(target: str, profile: str, name: str) -> str:
    """The folder of the reports on a program."""
    return f"{REPORTS}/{target}/{profile}/{name}"


def sysroot(target: str) -> str:
    """The folder of a target's C library."""
    return f"{SYSROOTS}/{target}"


def spec(target: str) -> str:
    """A target's spec."""
    return f"{TARGETS}/{target}.json"


def contract(target: str) -> str:
    """What a target's loader demands."""
    return f"{TARGETS}/{target}.loader.json"


def is_in_build(path: str) -> bool:
    """Whether a portable path lies in the build's own folder."""
    return path.startswith(f"{BUILD}/")


def is_made(path: str) -> bool:
    """Whether a portable path lies where builds write, as far as its name tells."""
    return path.startswith(tuple(f"{folder}/" for folder in MADE))
