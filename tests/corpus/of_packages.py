"""What manifests say of packages, dependencies and features."""

from __future__ import annotations

from workspaces import (
    Package,
    bins,
    depends,
    for_host,
    library,
    main,
    needs,
    proc_macro,
    program,
    script,
    workspace,
)

_DECLARED = "features, `[dependencies]`, `[profile.*]`, `[lints]`, `[workspace.*]`"

_SELECTED = "features on cargo's command line"

_FEATURES = """[features]
default = ["a"]
a = ["b"]
b = []
c = []
"""
_EITHER = '#![cfg_attr(not(feature = "std"), feature(no_core), no_core)]\n'
"""The head of a library that is for this machine if it has the feature."""

_METADATA = """authors = ["A <a@b>", "C"]
description = "it's \\"quoted\\""
homepage = "h"
repository = "r"
documentation = "d"
license-file = "LICENSE"
rust-version = "1.80"
"""


def _sconscript(name: str, words: str) -> str:
    """Write the SConscript of a program."""
    return f'Import("env")\nenv.RustProgram("{name}", {words})\n'


ALL = (
    workspace(
        "features",
        _DECLARED,
        program("features", f"{_FEATURES}{needs('low')}", uses="low"),
        library("low", _FEATURES),
    ),
    workspace(
        "each-alone",
        _DECLARED,
        program("each-alone", depends(low='features = ["c"]'), uses="low"),
        program("each-other", depends(low="default-features = false"), uses="low"),
        library("low", _FEATURES),
        programs=bins("each-alone", "each-alone") | bins("each-other", "each-other"),
    ),
    workspace(
        "weak-features",
        _DECLARED,
        program(
            "weak-features",
            '[features]\ndefault = ["maybe?/c", "dep:sure"]\n'
            + depends(maybe="optional = true", sure="optional = true"),
            uses="sure",
        ),
        library("maybe", _FEATURES),
        library("sure", _FEATURES),
    ),
    workspace(
        "odd-features",
        _DECLARED,
        program(
            "odd-features",
            '[features]\ndefault = ["a-b", "c.d", "e+f"]\na-b = []\n"c.d" = []\n"e+f" = []\n',
            build=script(),
        ),
    ),
    workspace(
        "selected-features",
        _SELECTED,
        program("selected-features", f"{_FEATURES}{needs('low')}", uses="low", build=script()),
        program("no-default", f"{_FEATURES}{needs('low')}", uses="low"),
        library("low", _FEATURES),
        programs=bins("selected-features", "selected-features", words="--features c")
        | bins("no-default", "no-default", words="--no-default-features --features b"),
        files={
            "selected-features/SConscript": _sconscript("selected-features", 'features=["c"]'),
            "no-default/SConscript": _sconscript("no-default", 'features=["b"], default_features=False'),
        },
    ),
    workspace(
        "requires-features",
        "`required-features`",
        Package(
            "requires-features",
            f'{_FEATURES}[[bin]]\nname = "requires-features"\npath = "a.rs"\nrequired-features = ["a", "c"]\n'
            '[[bin]]\nname = "requires-none"\npath = "b.rs"\n',
            {
                "a.rs": main(),
                "b.rs": main(),
                "SConscript": _sconscript("requires-features", 'features=["c"]'),
            },
        ),
        programs=bins("requires-features", "requires-features", words="--features c")
        | bins("requires-features", "requires-none"),
    ),
    workspace(
        "renamed",
        _DECLARED,
        program("renamed", '[dependencies]\nother-name = { package = "low", path = "../low" }\n', uses="other_name"),
        library("low"),
    ),
    workspace(
        "inherited",
        _DECLARED,
        program(
            "inherited",
            "authors.workspace = true\ndescription.workspace = true\nlints.workspace = true\nreadme.workspace = true\n"
            '[dependencies]\nlow = { workspace = true, features = ["c"] }\n',
            uses="low",
            build=script(),
        ),
        library("low", _FEATURES),
        root='[workspace.package]\nauthors = ["A", "B"]\ndescription = "it\'s"\nreadme = "READ"\n'
        '[workspace.dependencies]\nlow = { path = "low", default-features = false }\n'
        '[workspace.lints.rust]\nunused = "warn"\nunexpected_cfgs = { level = "warn", check-cfg = ["cfg(x)"] }\n'
        '[workspace.lints.clippy]\nall = { level = "allow", priority = -1 }\n',
        files={"READ": "r"},
    ),
    workspace(
        "lints",
        _DECLARED,
        program(
            "lints",
            '[lints.rust]\nunused = { level = "allow", priority = -1 }\ndead_code = "warn"\nunsafe_code = "allow"\n'
            '[lints.rustdoc]\nbroken_intra_doc_links = "allow"\n[lints.clippy]\nall = "warn"\n',
            build=script(),
        ),
    ),
    workspace(
        "metadata",
        _DECLARED,
        program(
            "metadata", f"{_METADATA}{needs('read-me', 'read-none', 'no-version')}", uses="read_me", build=script()
        ),
        library("read-me", 'readme = "docs/READ.md"\n', build=script(), **{"docs/READ.md": "r"}),
        library("read-none", "readme = false\n", build=script(), **{"README.md": "r"}),
        Package("no-version", "", {"src/lib.rs": "#![feature(no_core)]\n#![no_core]\n", "build.rs": script()}),
        files={"metadata/README.md": "r"},
    ),
    workspace(
        "of-target",
        _DECLARED,
        program(
            "of-target",
            depends("target.'cfg(target_os = \"none\")'.dependencies", low="optional = false")
            + needs("high", kind="target.'cfg(unix)'.dependencies")
            + needs("own", kind="target.x86_64-corpus.dependencies"),
            uses="low own",
        ),
        library("low"),
        library("high"),
        library("own"),
    ),
    workspace(
        "of-two-platforms",
        _DECLARED,
        program(
            "of-two-platforms",
            needs("low") + depends("build-dependencies", low='features = ["std"]'),
            uses="low",
            build=script(),
        ),
        Package("low", "[features]\nstd = []\n", {"src/lib.rs": _EITHER, "build.rs": script()}),
    ),
    workspace(
        "resolver-1",
        _DECLARED,
        program(
            "resolver-1",
            needs("low") + depends("build-dependencies", low='features = ["c"]'),
            uses="low",
            build=script(),
        ),
        Package("low", _FEATURES, {"src/lib.rs": "#![feature(no_core)]\n#![no_core]\n"}),
        files={"Cargo.toml": '[workspace]\nresolver = "1"\nmembers = ["resolver-1", "low"]\n'},
    ),
    workspace(
        "resolver-3",
        _DECLARED,
        program("resolver-3", needs("low"), uses="low", edition="2024"),
        library("low", edition="2024"),
        files={"Cargo.toml": '[workspace]\nresolver = "3"\nmembers = ["resolver-3", "low"]\n'},
    ),
    workspace(
        "for-tests",
        _DECLARED,
        program("for-tests", f"{needs('low')}{needs('high', kind='dev-dependencies')}", uses="low"),
        library("low", _FEATURES),
        library("high", depends(low='features = ["c"]')),
    ),
    workspace(
        "editions",
        _DECLARED,
        program("editions", needs("of-2015", "of-2018", "of-none"), uses="of_2015 of_2018 of_none", edition="2021"),
        library("of-2015", edition="2015"),
        library("of-2018", edition="2018"),
        library("of-none", edition=""),
    ),
    workspace(
        "macros",
        _DECLARED,
        program("macros", needs("middle"), uses="middle"),
        library("middle", needs("words"), text="pub use words::none;\n"),
        proc_macro("words", needs("below"), build=script()),
        for_host("below", text="pub fn b() {}\n", build=script()),
    ),
    workspace(
        "macro-also-built",
        _DECLARED,
        program(
            "macro-also-built", needs("words") + needs("words", "below", kind="build-dependencies"), build=script()
        ),
        proc_macro("words", needs("below")),
        for_host("below", text="pub fn b() {}\n"),
    ),
    workspace(
        "linked-chain",
        _DECLARED,
        program("linked-chain", needs("top-sys"), uses="top_sys", build=script()),
        library("top-sys", f'links = "top"\n{needs("low-sys")}', build=script("metadata=t=1")),
        library("low-sys", 'links = "low-thing"\n', build=script("metadata=include-dir=/low", "metadata=a.b=2")),
    ),
    workspace(
        "public",
        _DECLARED,
        program("public", needs("high"), uses="high"),
        library(
            "high",
            depends(open="public = true", closed="public = false"),
            before='cargo-features = ["public-dependency"]\n',
        ),
        library("open"),
        library("closed"),
    ),
)
