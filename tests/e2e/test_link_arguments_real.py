"""Any way to ask the linker for something gives it what cargo gives it, in cargo's order."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from trees import PROJECT

from ostoo_build.rules import actions as rule_actions
from ostoo_build.rust import build_script
from ostoo_build.rust.build_script import ScriptOutput
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.compiler

LINKER = """\
#!/bin/sh
for argument; do printf '%s\\n' "$argument"; done > "{log}"
exit 1
"""
SCRIPT = 'fn main() { print!("{}", include_str!("said")); }\n'


def spelled(draw: random.Random, option: str, value: str) -> list[str]:
    """An option of rustc with its value, in one of its spellings."""
    name = option[2:].replace("-", "_") if draw.random() < 0.3 else option[2:]
    text = f"{name}={value}" if name else value
    ways = [[option[:2], text], [f"{option[:2]}{text}"]]
    if option.startswith("-C"):
        ways += [["--codegen", text], [f"--codegen={text}"]]
    return draw.choice(ways)


def some_folders(draw: random.Random) -> Iterator[str]:
    """For a profile, whose flags are those of the build script too: arguments of another linker would break that."""
    for number in range(draw.randint(1, 3)):
        yield from spelled(draw, "-L", f"native=prof{number}")


def some_flags(draw: random.Random, prefix: str) -> Iterator[str]:
    for number in range(draw.randint(2, 7)):
        word = f"--{prefix}-{number}"
        option, value = draw.choice(
            [
                ("-Clink-arg", word),
                ("-Clink-args", f"{word} {word}b"),
                ("-L", f"native={prefix}{number}"),
                ("-L", f"{prefix}{number}"),
                ("-Zpre-link-arg", word),
                ("-Zpre-link-args", f"{word} {word}b"),
            ]
        )
        yield from spelled(draw, option, value)


def some_instructions(draw: random.Random, prefix: str, kinds: tuple[str, ...]) -> Iterator[str]:
    for number in range(draw.randint(2, 7)):
        kind = draw.choice(kinds)
        word = f"--{prefix}-{number}"
        yield {
            "bin": f"cargo::rustc-link-arg-bin=app={word}",
            "search": f"cargo::rustc-link-search=native=/{prefix}{number}",
            "flags": f"cargo:rustc-flags=-L /{prefix}{number} -L native=/{prefix}{number}b",
        }.get(kind, f"cargo::rustc-link-arg{kind}={word}")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def of_linker(words: list[str], prefixes: tuple[str, ...]) -> list[str]:
    """What of a linker's command line we gave names that no other has: arguments, and folders behind `-L`."""
    names = re.compile(rf"(--|/)?({'|'.join(prefixes)})-?\d+b?")
    return [word for word in words if names.fullmatch(word)]


@pytest.mark.parametrize("seed", range(6))
def test_the_linker_is_told_what_cargo_tells_it(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)  # noqa: S311 - an example, not a secret
    flags, profile = list(some_flags(draw, "flag")), list(some_folders(draw))
    said = {
        "app": list(some_instructions(draw, "app", ("", "-bins", "bin", "search", "flags"))),
        "lib": list(some_instructions(draw, "lib", ("", "search", "flags"))),
    }
    found = toolchain.find(PROJECT, {}, os.environ)
    environment = {**os.environ, **dict(found.env), "RUSTC": str(found.rustc)}
    linker, log = tmp_path / "linker", tmp_path / "log"
    write(linker, LINKER.format(log=log))
    linker.chmod(0o755)
    write(tmp_path / "Cargo.toml", _workspace(profile))
    words = json.dumps([*flags, "-Clinker-flavor=ld.lld", f"-Clinker={linker}"])
    unstable = "[unstable]\nprofile-rustflags = true\n"
    write(tmp_path / ".cargo/config.toml", f"{unstable}[target.{found.host}]\nrustflags = {words}\n")
    for name, more in {"app": "[dependencies]\nlib = { path = '../lib' }\n", "lib": ""}.items():
        links = 'links = "lib"\n' if name == "lib" else ""
        package = f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n'
        write(tmp_path / name / "Cargo.toml", package + links + more)
        write(tmp_path / name / "build.rs", SCRIPT)
        write(tmp_path / name / "said", "\n".join(said[name]) + "\n")
    write(tmp_path / "lib/src/lib.rs", "")
    write(tmp_path / "app/src/main.rs", "use lib as _;\nfn main() {}\n")

    def run(*command: str | Path) -> None:
        subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True)

    run(found.cargo, "build", "--release", "--target", found.host)
    prefixes = ("flag", "prof", "app", "lib")
    expected = of_linker(log.read_text().splitlines(), prefixes)
    assert len(expected) > 4

    own, other = (ScriptOutput(build_script.parse("\n".join(said[name]), name), name) for name in ("app", "lib"))
    ours = [*rule_actions.link_flags((*profile, *flags)), *build_script.search_flags((own, other))]
    ours += own.instructions.link_flags("bin", "app")
    log.unlink()
    (tmp_path / "m.rs").write_text("#![no_main]\n")
    run(found.rustc, "--crate-type=bin", "m.rs", "-Clinker-flavor=ld.lld", *ours, f"-Clinker={linker}")
    assert of_linker(log.read_text().splitlines(), prefixes) == expected


def _workspace(flags: list[str]) -> str:
    head = 'cargo-features = ["profile-rustflags"]\n[workspace]\nmembers = ["app", "lib"]\nresolver = "2"\n'
    return f"{head}[profile.release.package.app]\nrustflags = {json.dumps(flags)}\n"
