"""Flags of any place mean what they mean with the real cargo: which of them count, and which has the last word."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import tomlkit
from bare_workspace import Bare
from beside_cargo import OURS, defaults_of
from trees import TARGET

from ostoo_build.planning import planned_unit, rustc_flags
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from recording_cargo import Call

    from ostoo_build.planning.planned_unit import CompileUnit

pytestmark = pytest.mark.compiler

TABLES = (
    *(TARGET, "cfg(unix)", "cfg(not(unix))", "cfg(mine)", 'cfg(target_os = "linux")', "cfg(all())"),
    *('cfg(target_feature = "sse3")', "other-target", "cfg(any(mine, windows))"),
)
LINTS = ("unused", "dead_code", "missing_docs", "warnings")


def a_flag(draw: random.Random, number: int) -> list[str]:
    switch, level = draw.choice(("on", "off")), draw.choice("0123sz")
    lint = f"-{draw.choice('AWDF')}"
    return draw.choice(
        [
            [f"-Coverflow-checks={switch}"],
            ["-C", f"overflow_checks={switch}"],
            [f"-Cdebug-assertions={switch}"],
            ["--codegen", f"debug-assertions={switch}"],
            [f"-Copt-level={level}"],
            [f"-Ccodegen-units={number + 1}"],
            [f"-Cdebuginfo={draw.choice('012')}"],
            ["-Cpanic=abort"],
            [f"-Ctarget-cpu={draw.choice(('x86-64', 'x86-64-v2'))}"],
            ["-Ctarget-feature=+sse3"],
            ["--cfg", "mine"],
            ["--cfg=mine"],
            [f"-Clink-arg=--word-{number}"],
            [f"-Lnative=folder{number}"],
            [f"{lint}{draw.choice(LINTS)}"],
            [lint, draw.choice(LINTS)],
            ["-Zlocation-detail=none"],
        ]
    )


def some_flags(draw: random.Random) -> list[str]:
    return [word for number in range(draw.randint(0, 4)) for word in a_flag(draw, number)]


def a_profile(draw: random.Random) -> dict[str, Any]:
    """What a profile says, with flags that only it may have: cargo asks rustc nothing under them."""
    found: dict[str, list[Any]] = {
        "opt-level": [0, 1, 2, 3, "s", "z"],
        "lto": [True, False, "off", "thin", "fat", "on", "yes", "y"],
        "debug-assertions": [True, False],
        "overflow-checks": [True, False],
        "panic": ["abort", "unwind"],
        "codegen-units": [1, 4, 16],
        "debug": [0, 1, 2, "line-tables-only", True],
    }
    said = {name: draw.choice(values) for name, values in found.items() if draw.random() < 0.6}
    own = draw.choice([[], ["-Clto=thin"], ["-Cembed-bitcode=yes"], ["-C", "lto=off"]])
    return {**said, "rustflags": [*some_flags(draw), *own]}


def some_lints(draw: random.Random) -> dict[str, Any]:
    levels = ("allow", "warn", "deny", "forbid")
    chosen = draw.sample(LINTS, draw.randint(0, len(LINTS)))
    return {name: {"level": draw.choice(levels), "priority": draw.randint(-1, 1)} for name in chosen}


def make(draw: random.Random, folder: Path) -> Bare:
    made = Bare(folder)
    tables: dict[str, Any] = {name: {"rustflags": some_flags(draw)} for name in draw.sample(TABLES, draw.randint(0, 5))}
    configured: dict[str, Any] = {"target": tables}
    if draw.random() < 0.5:
        flags = some_flags(draw)
        configured["build"] = {"rustflags": " ".join(flags) if draw.random() < 0.5 else flags}
    build = configured.pop("build", {})
    made.configure(tomlkit.dumps(configured))
    if build:
        text = (made.root / "user-rs/.cargo/config.toml").read_text()
        made.write(".cargo/config.toml", text.replace("[build]\n", f"[build]\n{tomlkit.dumps(build)}"))
    profile = a_profile(draw)
    if draw.random() < 0.5:
        profile["package"] = {"low": {name: each for name, each in a_profile(draw).items() if name not in OF_ALL}}
    made.write(
        "Cargo.toml",
        tomlkit.dumps({"workspace": {"members": ["app", "low"], "resolver": "2"}, "profile": {"release": profile}}),
    )
    for name in ("app", "low"):
        document: dict[str, Any] = {"package": {"name": name, "version": "0.1.0", "edition": "2021"}}
        document["lints"] = {"rust": some_lints(draw), "clippy": some_lints(draw)}
        if name == "app":
            document["dependencies"] = {"low": {"path": "../low"}}
        made.write(f"{name}/Cargo.toml", tomlkit.dumps(document))
    made.write("app/src/main.rs", "fn main() {}\n")
    made.write("low/src/lib.rs", "")
    return made


OF_ALL = ("lto", "panic")
"""What a profile can't say for one package."""


def meaning(words: Sequence[str]) -> dict[str, Any]:
    """What rustc makes of arguments: the last word on what has one value, and lists of all else."""
    options = rustc_options.read(words)
    last = {
        f"{each.flag} {each.name}": "fat" if (each.name, each.setting) in FAT else each.setting
        for each in options
        if each.flag in ("-C", "-Z") and f"{each.flag} {each.name}" not in OURS and not each.name.startswith("link-arg")
    }
    return {
        **last,
        **defaults_of(list(words)),
        "lints": [(each.flag, each.value) for each in options if each.flag in ("-A", "-W", "-D", "-F")],
        "cfgs": [each.value for each in options if each.flag == "--cfg"],
        "link arguments": list(rustc_options.link_arguments(words)),
        "folders": [each.value for each in options if each.flag == "-L" and each.folder[0] == "native"],
    }


FAT = {("lto", word) for word in ("", "true", "yes", "y", "on", "fat")}


def crate_of(unit: CompileUnit | Call) -> str:
    words = list(unit.arguments)
    return words[words.index("--crate-name") + 1]


@pytest.mark.parametrize("seed", range(14))
def test_flags_of_any_place_mean_what_they_mean_to_cargo(seed: int, tmp_path: Path) -> None:
    made = make(random.Random(seed), tmp_path)  # noqa: S311 - an example, not a secret
    theirs = {crate_of(call): call.arguments for call in made.recorded("app", "release").calls}
    ours = {crate_of(unit): unit.arguments for unit in map(planned_unit.compiled, made.plan("app", "release").units)}
    assert ours.keys() == theirs.keys() == {"app", "low"}
    for crate, words in ours.items():
        wanted = meaning(theirs[crate]) | ({"link arguments": []} if crate == "low" else {})  # a library links nothing
        assert meaning([made.paths.expand(word) for word in words]) == wanted, crate


def test_rustc_is_told_which_dependencies_are_private(tmp_path: Path) -> None:
    made = Bare(tmp_path)
    made.configure("")
    made.write("Cargo.toml", '[workspace]\nresolver = "2"\nmembers = ["app", "high", "open", "closed"]\n')
    head = 'version = "0.1.0"\nedition = "2021"\n[dependencies]\n'
    both = 'open = { path = "../open", public = true }\nclosed = { path = "../closed" }\n'
    feature = 'cargo-features = ["public-dependency"]\n'
    made.write("high/Cargo.toml", f'{feature}[package]\nname = "high"\n{head}{both}')
    needs = 'closed = { path = "../closed" }\nhigh = { path = "../high" }\n'
    made.write("app/Cargo.toml", f'{feature}[package]\nname = "app"\n{head}{needs}')
    for name in ("open", "closed"):
        made.write(f"{name}/Cargo.toml", f'[package]\nname = "{name}"\n{head}')
        made.write(f"{name}/src/lib.rs", "")
    made.write("high/src/lib.rs", "")
    made.write("app/src/main.rs", "fn main() {}\n")
    theirs = {
        (crate_of(call), word.partition("=")[0])
        for call in made.recorded("app", "release").calls
        for flag, word in pairwise(call.arguments)
        if flag == "--extern"
    }
    ours = {
        (crate_of(unit), rustc_flags.extern_flag(extern.name, "", extern.options)[1].removesuffix("="))
        for unit in map(planned_unit.compiled, made.plan("app", "release").units)
        for extern in unit.externs
    }
    assert ours == theirs
    assert {("high", "priv:closed"), ("high", "open"), ("app", "closed")} <= ours
