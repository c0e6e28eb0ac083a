"""What manifests say of a package's targets, and where packages lie."""

from __future__ import annotations

from workspaces import NO_CORE, Package, bins, for_host, library, main, needs, program, script, workspace

_DECLARED = "features, `[dependencies]`, `[profile.*]`, `[lints]`, `[workspace.*]`"
_FEATURES = "[features]\nmore = []\n"
_TYPES = "`crate-type` with `staticlib`, `cdylib` or `dylib` beside `lib` or `rlib`"
_SHARED = '`[[bin]] path = "../shared/main.rs"`'

ALL = (
    workspace(
        "library-beside",
        _DECLARED,
        Package(
            "library-beside",
            f'[lib]\nname = "besides"\npath = "lib/lib.rs"\n{needs("low")}',
            {"src/main.rs": main("besides"), "lib/lib.rs": f"{NO_CORE}extern crate low as _;\n", "build.rs": script()},
        ),
        library("low"),
    ),
    workspace(
        "several-bins",
        _DECLARED,
        Package(
            "several-bins",
            '[[bin]]\nname = "named-bin"\npath = "src/named.rs"\n',
            {
                "src/named.rs": main(),
                "src/main.rs": main(),
                "src/bin/found-bin.rs": main(),
                "src/bin/folder-bin/main.rs": main(),
            },
        ),
        programs=bins("several-bins", "several-bins", "named-bin", "found-bin", "folder-bin"),
    ),
    workspace(
        "no-autobins",
        "`default-run`",
        Package(
            "no-autobins",
            'autobins = false\nautolib = false\ndefault-run = "no-autobins"\n'
            '[[bin]]\nname = "no-autobins"\npath = "a.rs"\n',
            {"a.rs": main(), "src/main.rs": "fails", "src/lib.rs": "fails"},
        ),
    ),
    workspace(
        "bin-outside",
        _SHARED,
        Package("bin-outside", '[[bin]]\nname = "bin-outside"\npath = "../shared/main.rs"\n', {"build.rs": script()}),
        files={"shared/main.rs": main()},
    ),
    workspace(
        "lib-outside",
        _SHARED,
        program("lib-outside", needs("low"), uses="low"),
        Package("low", '[lib]\npath = "../shared/lib.rs"\n', {}),
        files={"shared/lib.rs": NO_CORE},
    ),
    workspace(
        "static-too",
        _TYPES,
        program("static-too", needs("low"), uses="low"),
        library("low", '[lib]\ncrate-type = ["staticlib", "lib"]\n'),
    ),
    workspace(
        "dynamic-too",
        _TYPES,
        program("dynamic-too", needs("low") + needs("for-here", kind="build-dependencies"), uses="low", build=script()),
        library("low", '[lib]\ncrate-type = ["cdylib", "rlib"]\n'),
        for_host("for-here", '[lib]\ncrate-type = ["lib", "cdylib"]\n', text="pub fn f() {}\n"),
    ),
    workspace(
        "build-elsewhere",
        _DECLARED,
        program(
            "build-elsewhere",
            f'build = "made/by.rs"\n{needs("no-script")}',
            uses="no_script",
            **{"made/by.rs": script()},
        ),
        library("no-script", "build = false\n", build="fails"),
    ),
    workspace(
        "root-package",
        _DECLARED,
        library("low"),
        files={
            "Cargo.toml": '[package]\nname = "root-package"\nversion = "1.2.3-rc.1+b"\nedition = "2021"\n'
            '[workspace]\n[dependencies]\nlow = { path = "low" }\n',
            "src/main.rs": main("low"),
            "build.rs": script(),
        },
    ),
    workspace(
        "members-by-pattern",
        "`default-members`",
        program("members-by-pattern", '[dependencies]\na = { path = "../crates/a" }\n', uses="a"),
        library("crates/a", needs("b"), text="extern crate b as _;\n"),
        library("crates/b"),
        library("crates/not", build="fails"),
        files={
            "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["members-by-*", "crates/*"]\n'
            'exclude = ["crates/not"]\n'
            'default-members = ["crates/a"]\n'
        },
    ),
    workspace(
        "nested",
        _DECLARED,
        program(
            "nested",
            '[dependencies]\nlow = { path = "deep/.hidden/low" }\n',
            uses="low",
            build=script("rerun-if-changed=deep/.hidden/x"),
        ),
        library("nested/deep/.hidden/low", build=script()),
        files={"nested/deep/.hidden/x": "1"},
    ),
    workspace(
        "examples-beside",
        _DECLARED,
        program(
            "examples-beside",
            "",
            build=script(
                "rustc-link-arg-examples=--no-such",
                "rustc-link-arg-tests=--no-such",
                "rustc-link-arg-benches=--no-such",
            ),
            **{"examples/beside.rs": "fails", "tests/tested.rs": "fails", "benches/timed.rs": "fails"},
        ),
    ),
    workspace(
        "examples",
        "examples",
        Package(
            "examples",
            f'{_FEATURES}[[example]]\nname = "needs-more"\nrequired-features = ["more"]\n'
            f"[lib]\n{needs('low')}{needs('high', kind='dev-dependencies')}",
            {
                "src/lib.rs": NO_CORE,
                "src/bin/shown.rs": main("examples"),
                "examples/shown.rs": main("examples low high"),
                "examples/needs-more.rs": main(),
                "examples/SConscript": "",
                "build.rs": script("rustc-link-arg-examples=--no-gc-sections", "rustc-link-arg-bins=--build-id=none"),
                "SConscript": 'Import("env")\nenv.RustProgram("examples/needs-more", features=["more"])\n',
            },
        ),
        library("low", _FEATURES),
        library("high", '[dependencies]\nlow = { path = "../low", features = ["more"] }\n'),
        programs={
            "shown": "--package examples --bin shown",
            "examples/shown": "--package examples --example shown",
            "examples/needs-more": "--package examples --example needs-more --features more",
        },
    ),
    workspace(
        "other-suffix",
        _DECLARED,
        program("other-suffix", needs("low"), uses="low"),
        library("low", build=script()),
        target="x86_64-corpus-elf",
    ),
    workspace(
        "two-names",
        _DECLARED,
        program("two-names", needs("a", "b"), uses="same_a same_b"),
        Package("a", '[lib]\nname = "same_a"\n', {"src/lib.rs": NO_CORE}),
        Package("b", '[lib]\nname = "same_b"\ndoctest = false\nbench = false\n', {"src/lib.rs": NO_CORE}),
    ),
    workspace(
        "from-windows",
        _DECLARED,
        program("from-windows", needs("low"), uses="low"),
        Package(
            "low",
            "",
            {
                "src/lib.rs": NO_CORE,
                "Cargo.toml": '\ufeff[package]\r\nname = "low"\r\nversion = "0.1.0"\r\nedition = "2021"\r\n'
                'metadata.x = {\n  a = 1, # TOML 1.1\n  b = "\\x41\\e",\n}\n',
            },
        ),
    ),
)
