"""What this build has no way for, and refuses by its name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workspaces import library, main, needs, program, workspace

if TYPE_CHECKING:
    from workspaces import Workspace

_FLAGS = "flags whose effect no key would cover"
_BACKEND = "an unknown key of a profile, `codegen-backend`, `[host]`"
_CONFIGURED = (
    "`[unstable] allow-features`, `public-dependency`, `any-build-script-metadata`, `[build] sbom`,"
    ' `[resolver] lockfile-path`, `warnings = "deny"`, `[target.TRIPLE.LINKS]`'
)
_PACKAGED = "artifact dependencies, `forced-target`, `metabuild`, `filename` of a `[[bin]]`"
_TYPES = "`crate-type` with `staticlib`, `cdylib` or `dylib` beside `lib` or `rlib`"

_ALLOWED = ("json-target-spec", "unstable-options", "unit-graph", "profile-rustflags")


def _configured(name: str, what: str, config: str = "", *, unstable: str = "", build: str = "") -> Workspace:
    """Describe a workspace whose configuration is refused."""
    refused = f"cargo's configuration has {what}, which"
    row = _BACKEND if what == "[host]" else _CONFIGURED
    return workspace(name, row, program(name), config=config, unstable=unstable, build=build, refused=refused)


def _flagged(name: str, flag: str, refused: str) -> Workspace:
    """Describe a workspace with a flag that is refused."""
    return workspace(name, _FLAGS, program(name), build=f"rustflags = {json.dumps([flag])}\n", refused=refused)


def _packaged(
    name: str, feature: str, manifest: str, refused: str, *, unstable: str = "", row: str = _PACKAGED
) -> Workspace:
    """Describe a workspace with a package that is refused, for which cargo wants an unstable feature."""
    own = program(name, manifest, **{"a.rs": "fn main() {}", "b.rs": "fn main() {}", "c.rs": main()})
    before = f'cargo-features = ["{feature}"]\n' if feature else ""
    text = own.written()[f"{name}/Cargo.toml"]
    files = {f"{name}/Cargo.toml": f"{before}{text}"}
    return workspace(name, row, own, library("low"), files=files, unstable=unstable, refused=refused)


ALL = (
    _configured(
        "host-tables",
        "[host]",
        '[host]\nrustflags = ["--cfg", "h"]\n',
        unstable="host-config = true\ntarget-applies-to-host = true\n",
    ),
    _configured("allowed", "[unstable] allow-features", unstable=f"allow-features = {json.dumps(_ALLOWED)}\n"),
    _configured("public-everywhere", "[unstable] public-dependency", unstable="public-dependency = true\n"),
    _configured("any-metadata", "[unstable] any-build-script-metadata", unstable="any-build-script-metadata = true\n"),
    _configured("bill", "[build] sbom", build="sbom = true\n", unstable="sbom = true\n"),
    _configured("other-lock", "[resolver] lockfile-path", '[resolver]\nlockfile-path = "other/Cargo.lock"\n'),
    _configured("warned", '[build] warnings = "deny"', build='warnings = "deny"\n', unstable="warnings = true\n"),
    workspace(
        "overridden-script",
        _CONFIGURED,
        program("overridden-script", 'links = "mine"\n', build="fn main() {}\n"),
        config='[target.x86_64-corpus.mine]\nrustc-cfg = ["b"]\n',
        refused="the configuration overrides the build script of overridden-script v0.1.0: [target.TRIPLE.mine]",
    ),
    workspace(
        "other-backend",
        _BACKEND,
        program("other-backend"),
        root='[profile.release]\ncodegen-backend = "cranelift"\n',
        unstable="codegen-backend = true\n",
        refused="the profile release sets codegen-backend, which this build does not support",
    ),
    _packaged(
        "artifact",
        "",
        '[build-dependencies]\nlow = { path = "../low", artifact = "staticlib" }\n',
        "uses low as an artifact, which this build does not support",
        unstable="bindeps = true\n",
    ),
    _packaged(
        "forced", "per-package-target", 'forced-target = "x86_64-unknown-linux-gnu"\n', "cargo always builds forced"
    ),
    _packaged(
        "meta", "metabuild", 'metabuild = ["low"]\n[build-dependencies]\nlow = { path = "../low" }\n', "metabuild"
    ),
    _packaged(
        "filename",
        "different-binary-name",
        '[[bin]]\nname = "filename"\npath = "c.rs"\nfilename = "other"\n',
        "filename",
    ),
    _packaged(
        "two-scripts",
        "multiple-build-scripts",
        'build = ["a.rs", "b.rs"]\n',
        "the package two-scripts has 2 build scripts",
        row="several build scripts of a package",
    ),
    _flagged("native", "-Ctarget-cpu=native", "target-cpu"),
    _flagged("argument-file", "@flags", "@flags"),
    _flagged("emitted", "--emit=asm", "--emit"),
    _flagged("temporary", "-Csave-temps", "save-temps"),
    _flagged("map-written", "-Clink-arg=-Map=map", "-Map"),
    _flagged("options-of-llvm", "-Cllvm-args=-time-passes -info-output-file=x", "info-output-file"),
    _flagged("other-linker", "-Clinker=/usr/bin/ld", "linker"),
    workspace(
        "dynamic-only",
        _TYPES,
        program("dynamic-only", needs("low")),
        library("low", '[lib]\ncrate-type = ["cdylib"]\n'),
        refused="the library of low is cdylib only, which no Rust program links",
    ),
)
