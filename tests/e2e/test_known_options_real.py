"""Whatever cargo, rustc and LLD of the toolchain know was looked at: what no key would see of it is refused."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from typing import TYPE_CHECKING

import pytest
from trees import PROJECT, cargo

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import cargo_config
from ostoo_build.rust import flag_rules
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.toolchain.find import Toolchain

pytestmark = pytest.mark.compiler

FILES = re.compile(r"file|path|dir\b|directory|folder|write|dump|output|load|plugin|\bprog|json|script", re.IGNORECASE)
"""What the help of an option says that may have to do with a file."""

HARMLESS = {
    "-C": {
        "default-linker-libraries": "which libraries",
        "dwarf-version": "code",
        "embed-bitcode": "code",
        "instrument-coverage": "the program writes, when it runs",
        "linker": "another than LLD is refused by its value",
        "linker-plugin-lto": "code: a plugin's path is LLD's to ignore",
        "llvm-args": "refused by its value",
        "no-stack-check": "nothing",
        "profile-generate": "the program writes, when it runs",
        "profile-use": "an input",
        "relro-level": "code",
        "remark": "stderr",
        "rpath": "nothing is linked dynamically",
        "split-debuginfo": "refused by its value",
        "strip": "two links from one compilation",
    },
    "-Z": {
        "annotate-moves": "code",
        "assert-incr-state": "a check",
        "checksum-hash-algorithm": "ours is behind it or before it: files are hashed here too",
        "codegen-backend": "refused by its value",
        "codegen-source-order": "code",
        "debug-info-for-profiling": "code",
        "dep-info-omit-d-target": "the proof reads either form",
        "disable-fast-paths": "time",
        "dual-proc-macros": "macros are inputs",
        "dump-mir-dataflow": "with dump-mir, which is refused",
        "dump-mir-dir": "likewise",
        "dump-mir-exclude-alloc-bytes": "likewise",
        "dump-mir-exclude-pass-number": "likewise",
        "dump-mir-graphviz": "likewise",
        "dump-mono-stats-format": "with dump-mono-stats, which is refused",
        "eagerly-emit-delayed-bugs": "errors",
        "emscripten-wasm-eh": "another system's",
        "graphviz-dark-mode": "with dump-mir, which is refused",
        "graphviz-font": "likewise",
        "ignore-directory-in-diagnostics-source-blocks": "messages",
        "input-stats": "stdout",
        "llvm-writable": "code",
        "location-detail": "code",
        "macro-stats": "stderr",
        "move-size-limit": "a lint",
        "nll-facts-dir": "with nll-facts, which is refused",
        "no-codegen": "leaves nothing, which is an error",
        "no-profiler-runtime": "which libraries",
        "osx-rpath-install-name": "another system's",
        "parse-crate-root-only": "leaves nothing, which is an error",
        "pre-link-arg": "the linker's rules",
        "pre-link-args": "the linker's rules",
        "profile-sample-use": "an input",
        "profiler-runtime": "the name of a crate",
        "remap-cwd-prefix": "a text",
        "self-profile-counter": "with self-profile, which is refused",
        "self-profile-events": "likewise",
        "shell-argfiles": "argument files are refused",
        "simulate-remapped-rust-src-base": "a text",
        "split-dwarf-inlining": "code",
        "split-dwarf-kind": "with split-debuginfo, which is refused",
        "src-hash-algorithm": "code",
        "terminal-urls": "messages",
        "time-passes-format": "stderr",
        "track-diagnostics": "messages",
        "translate-remapped-path-to-local-path": "a text",
        "trim-diagnostic-paths": "messages",
        "ui-testing": "messages",
        "verbose-asm": "code",
        "write-long-types-to-disk": "messages",
    },
    "lld": {
        **dict.fromkeys(("call-graph-ordering-file", "dynamic-list", "export-dynamic-symbol-list"), "told"),
        **dict.fromkeys(("in-implib", "remap-inputs", "remap-inputs-file", "retain-symbols-file"), "told"),
        **dict.fromkeys(("symbol-ordering-file", "just-symbols", "version-script", "script", "T"), "told"),
        **dict.fromkeys(("default-script", "dT"), "told"),
        **dict.fromkeys(("library-path", "L", "rpath", "R"), "folders are searched"),
        **dict.fromkeys(("android-memtag-mode", "compress-sections", "orphan-handling", "O", "plugin-opt=O"), "a word"),
        **dict.fromkeys(("shuffle-sections", "sort-section", "time-trace-granularity"), "a word"),
        **dict.fromkeys(("warn-backrefs-exclude", "plugin-opt=jobs", "plugin-opt=lto-partitions"), "a word"),
        **dict.fromkeys(("opt-remarks-hotness-threshold", "plugin-opt=opt-remarks-hotness-threshold"), "a word"),
        **dict.fromkeys(
            ("opt-remarks-passes", "plugin-opt=opt-remarks-passes", "plugin-opt=opt-remarks-format"), "a word"
        ),
        **dict.fromkeys(
            ("plugin-opt=thinlto-object-suffix-replace", "plugin-opt=thinlto-prefix-replace"), "for an index"
        ),
        "plugin": "ignored by LLD",
        "plugin-opt=-": "refused by its value",
    },
}
"""Options whose help speaks of files all the same, each with the reason why its key sees all: by the tool."""

NO_VALUE = ("1", "x")


@cache
def found() -> Toolchain:
    return toolchain.find(PROJECT, {}, os.environ)


def help_of(*command: str | Path) -> str:
    environment = {**os.environ, **dict(found().env)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def is_refused(*flags: str) -> bool:
    try:
        flag_rules.check(flags, "")
    except OstooError:
        return True
    return False


def of_rustc(kind: str) -> Iterator[tuple[str, str]]:
    """Names and help of rustc's options, as `-Zhelp` prints them: a line each, and what is indented more behind it."""
    for match in re.finditer(
        rf"^ +{kind} +([\w-]+)=val -- (.*(?:\n {{8}}(?! *{kind} ).*)*)",
        help_of(found().rustc, f"{kind}help"),
        re.MULTILINE,
    ):
        yield match[1], match[2]


def of_lld() -> Iterator[tuple[str, str]]:
    text = help_of(found().lld, "-flavor", "gnu", "--help")
    for match in re.finditer(r"^  (-\S+)(.*(?:\n {10,}.*)*)", text, re.MULTILINE):
        yield match[1], match[2]


@pytest.mark.parametrize("kind", ["-C", "-Z"])
def test_each_option_of_rustc_that_may_name_a_file_was_looked_at(kind: str) -> None:
    options = dict(of_rustc(kind))
    assert len(options) > 40
    unknown = [
        name
        for name, text in options.items()
        if FILES.search(f"{name} {text}")
        and name not in HARMLESS[kind]
        and not any(is_refused(kind, f"{name}={value}") for value in NO_VALUE)
    ]
    assert unknown == []


def test_each_option_of_lld_that_may_name_a_file_was_looked_at() -> None:
    options = {name: text for name, text in of_lld() if "=<" in name or text.lstrip().startswith("<")}
    assert len(options) > 60
    named = {option.lstrip("-").partition("<")[0].removesuffix("="): option for option in options}
    unknown = [
        name
        for name, option in named.items()
        if FILES.search(f"{option} {options[option]}")
        and name not in HARMLESS["lld"]
        and not any(is_refused(f"-Clink-arg={word}") for word in (f"{option.partition('<')[0]}x", option))
    ]
    assert unknown == []


OF_CARGO = {
    **dict.fromkeys(("asymmetric-token", "avoid-dev-deps", "git", "gitoxide", "no-index-update"), "fetching"),
    **dict.fromkeys(("direct-minimal-versions", "minimal-versions", "msrv-policy"), "what is locked"),
    **dict.fromkeys(("feature-unification", "build-std", "build-std-features", "json-target-spec"), "in the graph"),
    **dict.fromkeys(("panic-abort-tests", "panic-immediate-abort", "profile-rustflags"), "in the graph"),
    **dict.fromkeys(("rustdoc-depinfo", "rustdoc-map", "rustdoc-mergeable-info", "rustdoc-scrape-examples"), "rustdoc"),
    **dict.fromkeys(
        ("build-analysis", "section-timings", "gc", "mtime-on-use", "publish-timeout"), "cargo's own state"
    ),
    **dict.fromkeys(("binary-dep-depinfo", "checksum-freshness", "fine-grain-locking"), "when cargo builds"),
    **dict.fromkeys(("build-dir-new-layout", "no-embed-metadata", "profile-hint-mostly-unused"), "the same programs"),
    **dict.fromkeys(("cargo-lints", "rustc-unicode", "fix-edition", "script"), "messages, or no workspace's"),
    "bindeps": "artifacts are refused",
    "codegen-backend": "refused where the graph has it",
    "host-config": "[host] is refused",
    "lockfile-path": "[resolver] lockfile-path is refused",
    "sbom": "[build] sbom is refused",
    "target-applies-to-host": "without [host] the same",
    "trim-paths": "scripts are told, else without effect, as the manual says",
    "unstable-options": "of the command line",
    "warnings": "[build] warnings is refused where it fails builds",
}
"""What each unstable flag of cargo is about that may stand under `[unstable]` and is not refused there."""


def test_each_unstable_flag_of_cargo_was_looked_at(tmp_path: Path) -> None:
    flags = re.findall(r"^    -Z (\S+)", cargo(tmp_path, "-Zhelp"), re.MULTILINE)
    assert len(flags) > 30
    refused = {what.removeprefix("[unstable] ") for what in cargo_config.REFUSED if what.startswith("[unstable]")}
    assert set(flags) - set(OF_CARGO) - refused == set()
