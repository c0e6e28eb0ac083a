"""What build scripts say reaches each compiler and linker in the words and the order in which cargo hands it on."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

import pytest
from bare_workspace import Bare
from trees import TARGET

from ostoo_build.actions.record import Output, Record
from ostoo_build.base.input import Input
from ostoo_build.invocation.invocation import Invocation
from ostoo_build.planning.planned_unit import RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import actions as rule_actions
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import PlannedUnit, Unit

pytestmark = pytest.mark.compiler

SCRIPT = """fn main() {
    print!("{}", include_str!("said").replace("{out}", &std::env::var("OUT_DIR").unwrap()));
}
"""
NAMES = ("beta-sys", "zed", "alpha", "mid-sys", "alpha-b")
SYSROOT = f"sysroot/{TARGET}/lib"
OUT = re.compile(r"[^ =]*/build/([\w-]+)-[0-9a-f]{16}/out")


def lines(draw: random.Random, name: str, *, is_linked: bool) -> Iterator[str]:
    """What a script says; what the host's linker would stumble over is only for who is not linked for it."""
    for number in range(draw.randint(0, 6)):
        word = f"{name}-{number}"
        of_all = [
            f"cargo::rustc-link-search=native={{out}}/{word}",
            f"cargo:rustc-link-search={{out}}/{word}",
            f"cargo::rustc-link-search=/elsewhere/{word}",
            f"cargo::rustc-link-search=native={{out}}er/{word}",
            f"cargo:rustc-flags=-L /elsewhere/{word} -L native={{out}}",
            f"cargo::rustc-cfg=made{number}",
            f'cargo::rustc-cfg=key="{word}"',
            f"cargo::rustc-check-cfg=cfg(made{number})",
        ]
        of_target = [
            f"cargo::rustc-link-lib=dylib={word}",
            f"cargo:rustc-flags=-l {word}",
            f"cargo::rustc-link-arg=--{word}",
            f"cargo::rustc-link-arg-cdylib=--{word}",
        ]
        of_host = ["cargo::rustc-link-arg=-Wl,-O1", "cargo:rustc-link-arg=-Wl,--as-needed"]
        yield draw.choice(of_all + (of_host if is_linked else of_target))


def package(made: Bare, name: str, said: Sequence[str], needs: Mapping[str, Sequence[str]], more: str = "") -> None:
    head = f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n{more}\n'
    tables = (
        f"[{kind}]\n" + "".join(f'{each} = {{ path = "../{each}" }}\n' for each in names)
        for kind, names in needs.items()
    )
    made.write(f"{name}/Cargo.toml", head + "".join(tables))
    if said:
        made.write(f"{name}/build.rs", SCRIPT)
        made.write(f"{name}/said", "\n".join(said) + "\n")


def make(draw: random.Random, folder: Path) -> Bare:
    """A program, with or without a library beside it, over libraries and a macro that need each other somehow."""
    made = Bare(folder)
    searched = ["native=/first", f"native=../sysroot/{TARGET}/lib", "/second", "native=third"]
    flags = [f"-L{search}" for search in draw.sample(searched, draw.randint(0, 4))]
    made.configure(f"[target.{TARGET}]\nrustflags = {flags}\n")
    libraries = draw.sample(NAMES, len(NAMES))
    members = ["app", "macros", "host-lib", *libraries]
    made.write("Cargo.toml", f'[workspace]\nresolver = "2"\nmembers = {members}\n'.replace("'", '"'))
    package(made, "host-lib", list(lines(draw, "host-lib", is_linked=True)), {})
    made.write("host-lib/src/lib.rs", "")
    below = {"dependencies": ["host-lib"]} if draw.random() < 0.7 else {}
    package(made, "macros", list(lines(draw, "macros", is_linked=True)), below, "[lib]\nproc-macro = true\n")
    made.write("macros/src/lib.rs", "")
    for at, name in enumerate(libraries):
        needed = [other for other in libraries[:at] if draw.random() < 0.5]
        extra = ["macros"] if draw.random() < 0.3 else []
        built = {"build-dependencies": ["host-lib"]} if draw.random() < 0.3 else {}
        said = list(lines(draw, name, is_linked=False)) if draw.random() < 0.8 else []
        package(
            made, name, said or (["cargo::warning=w"] if built else []), {"dependencies": [*needed, *extra], **built}
        )
        made.write(f"{name}/src/lib.rs", "")
    own = [
        *lines(draw, "app", is_linked=False),
        "cargo::rustc-link-arg-bins=--bins",
        "cargo::rustc-link-arg-bin=app=--a",
    ]
    needed = [name for name in libraries if draw.random() < 0.7] or libraries[:1]
    package(made, "app", own, {"dependencies": [*needed, "macros"]})
    made.write("app/src/main.rs", "fn main() {}\n")
    if draw.random() < 0.5:
        made.write("app/src/lib.rs", "")
    return made


def heard(words: Sequence[str], names: Mapping[str, str]) -> dict[str, list[str]]:
    """What of arguments scripts have asked for; `names` are `OUT_DIR`s, by their package's name."""
    options = rustc_options.read(words)
    searches = [each.value for each in options if each.flag == "-L" and each.folder[0] in ("native", "all")]
    own = ("feature=", "cfg(docsrs", "cfg(feature")
    said = [(each.flag, each.value) for each in options if each.flag in ("--cfg", "--check-cfg", "-l")]
    return {
        "searches": [shortened(each, names) for each in searches],
        "arguments": list(rustc_options.link_arguments(words)),
        "others": [f"{flag} {value}" for flag, value in said if not value.startswith(own)],
    }


def shortened(search: str, names: Mapping[str, str]) -> str:
    for out, name in names.items():
        search = search.replace(out, f"<{name}>")
    return OUT.sub(lambda match: f"<{match[1]}>", search)


def ours(made: Bare, program: Program) -> Iterator[tuple[tuple[str, str, bool], dict[str, list[str]]]]:
    outs = {
        f"@{{root}}/{unit.folder}/out": package_of(unit) for unit in program.units if isinstance(unit, RunBuildScript)
    }
    records = {unit.id: record(made, unit) for unit in program.units}
    tools = Input(".ostoo/toolchain", "6" * 64, 1, is_folder=True)
    targets = {TARGET: Input(f"targets/{TARGET}.json", "7" * 64, 1)}
    units = {unit.id: unit for unit in program.units}
    invocation = Invocation(targets, tools, (), "this machine", units)
    for unit in program.units:
        if isinstance(unit, RunBuildScript):
            continue
        action = rule_actions.compile_action(invocation, unit, (), records, {})
        found = heard(action.arguments, outs)
        if unit.kind is UnitKind.PROGRAM:
            sysroot = (Input(f"{SYSROOT}/libc.a", "8" * 64, 1),)
            link = heard(rule_actions.link_action(invocation, program, sysroot, records).arguments, outs)
            found |= {name: link[name] for name in ("searches", "arguments")}
        found["arguments"] = [each for each in found["arguments"] if not each.startswith("--dependency-file=")]
        yield (package_of(unit), crate_of(unit.arguments), bool(unit.target)), found


def record(made: Bare, unit: Unit) -> Record:
    if isinstance(unit, RunBuildScript):
        said = (made.root / f"user-rs/{package_of(unit)}/said").read_text()
        return Record("k", {}, stdout=said.replace("{out}", f"@{{root}}/{unit.folder}/out"))
    names = unit.outputs or (f"{unit.id}.rlink",)
    return Record("k", {name: Output("0" * 64, 1, executable=False) for name in names})


def package_of(unit: PlannedUnit) -> str:
    return dict(unit.environment)["CARGO_PKG_NAME"]


def crate_of(words: Sequence[str]) -> str:
    return words[list(words).index("--crate-name") + 1]


@pytest.mark.parametrize("seed", range(10))
def test_who_hears_what_of_build_scripts_is_as_with_cargo(seed: int, tmp_path: Path) -> None:
    made = make(random.Random(seed), tmp_path)  # noqa: S311 - an example, not a secret
    theirs: dict[Any, Any] = {}
    for call in made.recorded("app", "release").calls:
        key = (call.environment["CARGO_PKG_NAME"], call.crate, "--target" in call.arguments)
        theirs[key] = heard(call.arguments, {})
    found = dict(ours(made, made.plan("app", "release")))
    assert found.keys() == theirs.keys()
    for key, told in found.items():
        of_cargo = theirs[key]
        of_sysroot = f"native=../{SYSROOT}"
        if of_sysroot not in of_cargo["searches"] or key[0] != "app" or key[1] != "app":
            # it is for the link, whoever names it
            for each in (told, of_cargo):
                each["searches"] = [search for search in each["searches"] if search != of_sysroot]
        if (not key[2] and key[0] != "macros") or (key[2] and key[0] != "app"):
            # nobody links them
            told["arguments"], of_cargo["arguments"] = [], []
        assert told == of_cargo, key
