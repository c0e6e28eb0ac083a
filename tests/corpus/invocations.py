"""What rustc and build scripts were really given: by cargo and by a build of ours, written alike.

Cargo's side is recorded by a program in rustc's place, as `cargo build -vv` shows no variables that cargo removes, and
no working directory. Ours is read from the action log and from what scripts left in `OUT_DIR`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.actions import action_log
from ostoo_build.base import layout
from ostoo_build.planning.planned_unit import CompileUnit, RunBuildScript
from ostoo_build.rules import link_proof
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from recording_cargo import Call, Recorded

    from ostoo_build.actions.action_log import Entry
    from ostoo_build.base.paths import PathMap
    from ostoo_build.planning.plan import Program
    from ostoo_build.rust.options import Option

Key = tuple[str, ...]
"""A package, a crate, its platform, kind and features; or a package, and a run's platform and features."""

Options = dict[str, list[str]]
"""The values of each option, in order."""

_LINTS = ("-A", "-W", "-D", "-F", "--force-warn", "--cap-lints")
_UNORDERED = ("--extern", "--extern of std")
_OUT = re.compile(r"[^ =]*/build/([\w-]+)-[0-9a-f]{16}/out")
_LINKED = re.compile(r"-C link-args?.*|-Z pre-link-args?|-L")


@dataclass(frozen=True)
class Compilation:
    """One call of rustc. `linked` are the options that count for the link."""

    options: Options
    linked: Options
    environment: dict[str, str]
    directory: str


@dataclass(frozen=True)
class Build:
    """All that one build of a program had rustc and its scripts do."""

    compilations: dict[Key, Compilation]
    scripts: dict[Key, dict[str, str]]


def of_cargo(recorded: Recorded, rustc: Path) -> Build:
    """Read a recorded build of cargo's; `rustc` is the compiler that it was to use."""
    calls = {_key(call.arguments, call.environment): _call(call) for call in recorded.calls}
    assert len(calls) == len(recorded.calls), "two calls have one key"
    runs = [_told(path) for path in recorded.target.glob("**/build/*/out/env")]
    cleaned = [{name: _of_cargos_out(value) for name, value in each.items()} | {"RUSTC": str(rustc)} for each in runs]
    return Build(calls, {_key_of_run(each): each for each in cleaned})


def _call(call: Call) -> Compilation:
    of_recorder = ("RUSTC",)
    told = {name: value for name, value in call.environment.items() if name not in of_recorder}
    environment = {name: _of_cargos_out(value) for name, value in told.items()}
    options = _options(call.arguments, call.directory, _of_cargos_out)
    return Compilation(options, _linked(options), environment, call.directory)


def _of_cargos_out(text: str) -> str:
    return _OUT.sub(lambda match: f"<out of {match[1]}>", text)


def of_log(root: Path, paths: PathMap, program: Program) -> Build:
    """Read what the action log of a checkout has on the units of a program."""
    log = {(entry.mnemonic, entry.results): entry for entry in action_log.read(root / layout.ACTIONS).values()}
    runs = [unit for unit in program.units if isinstance(unit, RunBuildScript)]
    packages = [_variables(paths, log["BuildScriptRun", unit.folder])["CARGO_PKG_NAME"] for unit in runs]
    outs = {f"{root}/{unit.folder}/out": f"<out of {name}>" for unit, name in zip(runs, packages, strict=True)}

    def clean(text: str) -> str:
        for out, name in outs.items():
            text = text.replace(out, name)
        return text

    compilations = {}
    for unit in program.units:
        if isinstance(unit, CompileUnit):
            entry, link = log["Rustc", unit.folder], log.get(("Link", unit.folder))
            made = _entry(entry, link or entry, root, paths, clean)
            compilations[_key(entry.arguments, made.environment)] = made
    left = [root / unit.folder / "out/env" for unit in runs]
    told = [_told(path) for path in left if path.exists()]  # scripts of std's leave none
    cleaned = [{name: clean(value) for name, value in each.items()} for each in told]
    return Build(compilations, {_key_of_run(each): each for each in cleaned})


def _entry(entry: Entry, link: Entry, root: Path, paths: PathMap, clean: Callable[[str], str]) -> Compilation:
    directory = os.path.normpath(root / paths.expand(entry.directory))

    def read(of: Entry) -> Options:
        return _options([paths.expand(word) for word in of.arguments[1:]], directory, clean)

    environment = {name: clean(value) for name, value in _variables(paths, entry).items()}
    return Compilation(read(entry), _linked(read(link)), environment, directory)


def _variables(paths: PathMap, entry: Entry) -> dict[str, str]:
    found = {name: entry.shown[name] if name in entry.shown else os.environ[name] for name in entry.environment}
    return {name: paths.expand(value) for name, value in found.items()}


def _options(words: Sequence[str], directory: str, clean: Callable[[str], str]) -> Options:
    found: Options = {}
    for option in rustc_options.read(words):
        for name, value in _named(option, directory):
            found.setdefault(name, []).append(clean(value))
    return found | {name: sorted(found[name]) for name in found if name in _UNORDERED}


def _named(option: Option, directory: str) -> Iterator[tuple[str, str]]:
    """Yield an option under a name that tells apart what is compared each for itself."""
    if option.name == "link-arg" and option.setting.startswith(link_proof.OPTION):
        yield f"-C link-arg={link_proof.OPTION}", ""
    elif option.flag in ("-C", "-Z"):
        yield f"{option.flag} {option.name}", "fat" if (option.name, option.setting) == ("lto", "") else option.setting
    elif option.flag in _LINTS:
        yield "lints", f"{option.flag} {option.value}"
    elif option.flag == "-L" and not option.searches_native:
        yield "-L dependency", ""
    elif option.flag == "--extern":
        words = option.value.partition("=")[0]
        yield ("--extern of std" if "noprelude" in words else "--extern"), words
    elif option.flag == "--target":
        yield option.flag, Path(option.value).stem
    elif not option.flag:
        yield "source", os.path.normpath(Path(directory, option.value))
    else:
        yield option.flag, option.value


def _linked(options: Options) -> Options:
    return {name: values for name, values in options.items() if _LINKED.fullmatch(name)}


def _key(words: Sequence[str], environment: Mapping[str, str]) -> Key:
    options: dict[str, list[str]] = {}
    for option in rustc_options.read(words):
        options.setdefault(option.flag, []).append(option.value)
    package = f"{environment['CARGO_PKG_NAME']} {environment['CARGO_PKG_VERSION']}"
    types = options.get("--crate-type", ["test"])
    kind = types[0] if types[0] in ("bin", "proc-macro", "test") else "library"
    platform = Path(options["--target"][0]).stem if "--target" in options else layout.HOST
    features = " ".join(sorted(each for each in options.get("--cfg", []) if each.startswith("feature=")))
    return package, options["--crate-name"][0], platform, kind, features


def _told(path: Path) -> dict[str, str]:
    pairs = (each.partition("=") for each in path.read_bytes().decode("utf-8", "surrogateescape").split("\0")[:-1])
    return {name: value for name, _, value in pairs}


def _key_of_run(environment: Mapping[str, str]) -> Key:
    platform = "host" if environment["TARGET"] == environment["HOST"] else environment["TARGET"]
    package = f"{environment['CARGO_PKG_NAME']} {environment['CARGO_PKG_VERSION']}"
    return package, platform, " ".join(sorted(each for each in environment if each.startswith("CARGO_FEATURE_")))
