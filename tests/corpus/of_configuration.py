"""What `.cargo/config.toml` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workspaces import library, needs, program, script, workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workspaces import Workspace

_FLAGS = "`[target.*] rustflags`, `[build] rustflags`, `[env]` in `.cargo/config.toml`"
_PATHS = "paths in rustflags"
_ENV = "`[env]`: `relative`, `force`, a variable that is already set"
_NO_EFFECT = (
    "`rustc`, `rustc-wrapper`, `rustc-workspace-wrapper`, the host's `linker`, `jobs`, `target-dir`, `runner` in"
    " `.cargo/config.toml`"
)


def _of(
    name: str,
    row: str,
    config: str = "",
    *,
    build: str = "",
    unstable: str = "",
    files: Mapping[str, str] | None = None,
) -> Workspace:
    """Describe a program and a library with a build script each."""
    return workspace(
        name,
        row,
        program(name, needs("low"), uses="low", build=script()),
        library("low", build=script()),
        config=config,
        build=build,
        unstable=unstable,
        files=files,
    )


ALL = (
    _of("flags-of-build", _FLAGS, build='rustflags = "--cfg mine -C force-frame-pointers=yes"\n'),
    _of(
        "flags-of-cfg",
        _FLAGS,
        "[target.'cfg(target_os = \"none\")']\nrustflags = ['--cfg=mine', '-Copt-level=1']\n"
        "[target.x86_64-corpus]\nrustflags = ['-C', 'overflow_checks=on']\n",
        build='rustflags = ["--cfg", "dropped"]\n',
    ),
    _of(
        "flags-that-contradict",
        _FLAGS,
        "[profile.release]\nopt-level = 2\n",
        build='rustflags = ["-Copt-level=1", "-Copt-level=3", "-Adead_code", "-Wdead_code", "--warn=unused"]\n',
    ),
    _of(
        "flags-spelt-oddly",
        _FLAGS,
        build='rustflags = ["--codegen", "link-arg=--no-gc-sections", "--codegen=debug_assertions=on", "-O", "-g",'
        ' "-Zlocation-detail=none", "--cap-lints=warn", "-Ctarget-feature=+rdrand"]\n',
    ),
    _of(
        "script-of-linker",
        _PATHS,
        build='rustflags = ["-Clink-arg=-Tlink.ld", "-Lnative=folder"]\n',
        files={"link.ld": "SECTIONS { . = 0x100000; .text : { *(.text*) } }\n", "folder/x": ""},
    ),
    _of(
        "env",
        _ENV,
        '[env]\nPLAIN = "1"\nRELATIVE = { value = "data/b", relative = true }\n'
        'FORCED = { value = "f", force = true }\n'
        'XDG_CACHE_HOME = { value = "/h", force = true }\nLC_ALL = "C"\n',
    ),
    _of(
        "included",
        "`include` in `.cargo/config.toml`",
        files={
            ".cargo/config.toml": 'include = ["more.toml", { path = "none.toml", optional = true }]\n'
            '[build]\ntarget = "../targets/x86_64-corpus.json"\n'
            "[unstable]\njson-target-spec = true\nconfig-include = true\n",
            ".cargo/more.toml": '[build]\nrustflags = ["--cfg", "included"]\n'
            '[env]\nI = { value = "i", relative = true }\n',
        },
    ),
    _of(
        "old-name",
        _FLAGS,
        '[env]\nNEW = "1"\n',
        files={
            ".cargo/config": '[build]\ntarget = "../targets/x86_64-corpus.json"\n'
            '[unstable]\njson-target-spec = true\n[env]\nOLD = "1"\n'
        },
    ),
    _of(
        "linker",
        "`linker` for the target",
        '[target.x86_64-corpus]\nlinker = "rust-lld"\n',
    ),
    _of(
        "of-the-run",
        _NO_EFFECT,
        '[target.x86_64-corpus]\nrunner = "qemu"\n[alias]\nb = "build"\n'
        "[net]\noffline = true\n[term]\nverbose = false\n"
        "[http]\nmultiplexing = false\n[future-incompat-report]\nfrequency = 'never'\n[cargo-new]\nvcs = 'none'\n",
        build="jobs = 1\nincremental = false\ntarget-dir = 'elsewhere'\n",
    ),
    _of("other-defaults", _NO_EFFECT, build="dep-info-basedir = '.'\n", unstable="panic-abort-tests = true\n"),
    workspace(
        "config-patch",
        _FLAGS,
        program("config-patch", '[dependencies]\nlow = { path = "../low" }\n', uses="low"),
        library("low"),
        config='paths = ["other"]\n',
        files={
            "other/Cargo.toml": '[package]\nname = "low"\nversion = "0.1.0"\n',
            "other/src/lib.rs": "#![feature(no_core)]\n#![no_core]\n",
        },
    ),
)
