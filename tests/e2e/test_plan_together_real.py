"""Programs of one run of cargo get the plans that cargo gives for each alone, whatever features they ask for.

A longer campaign by hand: PYTHONPATH=site_scons:tests/e2e:tests/support python tests/e2e/test_plan_together_real.py
WORKSPACES SEED
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bare_workspace import Bare
from msgspec.structs import replace

from ostoo_build.base.snapshot import Snapshot
from ostoo_build.planning.plan import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.planning.workspace import Workspace

LIBRARIES, PROGRAMS = 5, 7
FEATURES = ("a", "b", "c")
TABLES = ("dependencies", "dependencies", "build-dependencies", 'target."cfg(unix)".dependencies', "dev-dependencies")
SEEDS = (1, 2, 3, 4)


class Generated:
    """A workspace whose packages ask for features of others in every way that a manifest has."""

    def __init__(self, bare: Bare, seed: int) -> None:
        self._bare, self._random = bare, random.Random(seed)  # noqa: S311 - repeatable
        self._inherited: dict[str, str] = {}

    def write(self) -> None:
        names = [f"l{number}" for number in range(LIBRARIES)]
        for number, name in enumerate(names):
            self._package(name, "lib", names[:number])
        programs = [f"p{number}" for number in range(PROGRAMS)]
        for name in programs:
            self._package(name, "main", names)
        members = ", ".join(f'"{name}"' for name in (*names, *programs))
        shared = "\n".join(self._inherited.values())
        resolver = self._random.choice("1223")
        self._bare.configure("")
        self._bare.write(
            "Cargo.toml",
            f'[workspace]\nresolver = "{resolver}"\nmembers = [{members}]\n[workspace.dependencies]\n{shared}\n'
            "[profile.release.package.l1]\nopt-level = 1\ndebug = true\n"
            "[profile.release.build-override]\nopt-level = 2\n",
        )

    def _package(self, name: str, root: str, others: list[str]) -> None:
        used = self._random.sample(others, min(len(others), self._random.randint(1, 3))) if others else []
        tables: dict[str, list[str]] = {}
        optional: list[str] = []
        for other in used:
            table = self._random.choice(TABLES)
            is_optional = self._random.random() < 1 / 3 and table != "dev-dependencies"
            tables.setdefault(table, []).append(self._dependency(other, is_optional=is_optional))
            optional += [other] if is_optional else []
        of_tests = [line.partition(" ")[0] for line in tables.get("dev-dependencies", ())]
        items = [f"dep:{each}" for each in optional]
        items += [f"{each}/{feature}" for each in used for feature in FEATURES]
        items = [item for item in items if item.partition("/")[0] not in of_tests]
        items += [f"{each}?/{feature}" for each in optional for feature in FEATURES]
        features = []
        for feature in (*FEATURES, "default"):
            features.append(f"{feature} = {self._some(items)}")
            items.append(feature)
        is_macro = root == "lib" and self._random.random() < 1 / 5
        self._bare.write(
            f"{name}/Cargo.toml",
            f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n'
            + ("[lib]\nproc-macro = true\n" if is_macro else "")
            + "".join(f"[{table}]\n" + "\n".join(lines) + "\n" for table, lines in tables.items())
            + "[features]\n"
            + "\n".join(features)
            + "\n",
        )
        self._bare.write(f"{name}/src/{root}.rs", "")
        if "build-dependencies" in tables or self._random.random() < 1 / 4:
            self._bare.write(f"{name}/build.rs", "fn main() {}")

    def _dependency(self, other: str, *, is_optional: bool) -> str:
        words = [f"features = {self._some(FEATURES)}"] if self._random.random() < 1 / 2 else []
        words += ["optional = true"] if is_optional else []
        if self._random.random() < 1 / 4:
            self._inherited.setdefault(
                other, f'{other} = {{ path = "{other}", default-features = {self._some_bool()}, features = ["a"] }}'
            )
            return f"{other} = {{ {', '.join(['workspace = true', *words])} }}"
        words = [f'path = "../{other}"', f"default-features = {self._some_bool()}", *words]
        return f"{other} = {{ {', '.join(words)} }}"

    def _some(self, items: list[str] | tuple[str, ...]) -> str:
        chosen = self._random.sample(items, min(len(items), self._random.choice((0, 0, 1, 1, 2))))
        return "[" + ", ".join(f'"{each}"' for each in chosen) + "]"

    def _some_bool(self) -> str:
        return self._random.choice(("true", "false"))


def differences(workspace: Workspace) -> Iterator[tuple[str, bool | None]]:
    """Yield each program and its tests, and whether the plan of one run for all is its own; None if there is none."""
    groups = [[binary] for binary in workspace.binaries()]
    together = replace(workspace, snapshot=Snapshot()).plan_together(WHOLE, groups, "release", 1)
    tested = replace(workspace, snapshot=Snapshot()).plan_tests_together(groups, "release", 1)
    for (binary,) in groups:
        name, opened = binary.name, replace(workspace, snapshot=Snapshot())
        alone = opened.plan(WHOLE, [binary], "release")[name]
        yield name, together[name] == alone if name in together else None
        tests = opened.plan_tests([binary], "release")[name]
        yield f"{name}.tests", tested[name] == tests if name in tested else None


def found(folder: Path, seed: int) -> dict[str, bool | None]:
    bare = Bare(folder)
    Generated(bare, seed).write()
    return dict(differences(bare.workspace()))


def test_together_each_has_the_plan_that_it_has_alone(tmp_path: Path) -> None:
    every = {seed: found(tmp_path / str(seed), seed) for seed in SEEDS}
    said = [same for names in every.values() for same in names.values()]
    assert False not in said, every
    assert said.count(True) > len(said) / 3, "else nothing was compared"


if __name__ == "__main__":
    count, seed = map(int, sys.argv[1:])
    total: list[bool | None] = []
    for each in range(seed, seed + count):
        with tempfile.TemporaryDirectory() as scratch:
            names = found(Path(scratch), each)
            if False in names.values():
                sys.exit(f"seed {each}: {names}")
            total += names.values()
    sys.stdout.write(f"{len(total)} programs, {total.count(True)} planned with others, as cargo plans each alone\n")
