"""What build scripts say and are told."""

from __future__ import annotations

from workspaces import for_host, library, needs, proc_macro, program, script, workspace

_DECLARED = "features, `[dependencies]`, `[profile.*]`, `[lints]`, `[workspace.*]`"

_ALL_BUT_LINKS = (
    "rustc-cfg=made",
    'rustc-cfg=key=\\"v\\"',
    "rustc-check-cfg=cfg(made)",
    "rustc-env=MADE=1",
    "warning=w",
)
_OUT = 'println!("cargo::rustc-link-search={}", out);println!("cargo::rustc-env=MADE_IN={}/x", out);'

ALL = (
    workspace(
        "script-words",
        _DECLARED,
        program(
            "script-words",
            needs("low-sys"),
            uses="low_sys",
            build=script(*_ALL_BUT_LINKS, "rustc-link-arg=--no-gc-sections", "rustc-link-arg-bins=--build-id=none"),
        ),
        library("low-sys", 'links = "low-thing"\n', build=script(*_ALL_BUT_LINKS, "metadata=include-dir=/low")),
    ),
    workspace(
        "script-searches",
        _DECLARED,
        program(
            "script-searches", needs("low", "words"), uses="low", build=script("rustc-link-search=native=/a", more=_OUT)
        ),
        library("low", build=script("rustc-link-search=/b", "rustc-flags=-L /c -L native=/d", more=_OUT)),
        proc_macro("words", build=script("rustc-link-search=/e", more=_OUT)),
    ),
    workspace(
        "script-of-bin",
        _DECLARED,
        program(
            "script-of-bin",
            build=script(
                "rustc-link-arg-bin=script-of-bin=--no-gc-sections",
                "rustc-link-arg-bins=--sort-section=name",
                "rustc-cdylib-link-arg=--no-such",
            ),
        ),
    ),
    workspace(
        "script-old-words",
        _DECLARED,
        program(
            "script-old-words",
            "rust-version = '1.60'\n",
            build=script(
                more='println!("cargo:rustc-cfg=made");println!("cargo:rustc-env=OLD=a=b");println!("cargo:any=thing");'
            ),
        ),
    ),
    workspace(
        "script-of-macro",
        _DECLARED,
        program("script-of-macro", needs("words"), build=script()),
        proc_macro("words", needs("below"), build=script("rustc-cfg=made", "rustc-env=M=1", "rustc-link-arg=-Wl,-O1")),
        for_host("below", 'links = "below"\n', text="pub fn b() {}\n", build=script("rustc-cfg=made", "metadata=k=v")),
    ),
    workspace(
        "script-needs",
        _DECLARED,
        program("script-needs", needs("helper", kind="build-dependencies"), build=script(more="helper::h();")),
        for_host("helper", needs("helped"), text="pub fn h() { helped::h() }\n", build=script("rustc-env=H=1")),
        for_host("helped", text="pub fn h() {}\n"),
    ),
    workspace(
        "script-reruns",
        _DECLARED,
        program(
            "script-reruns",
            build=script("rerun-if-changed=../beside", "rerun-if-changed=none", "rerun-if-env-changed=CORPUS_UNSET"),
        ),
        files={"beside": "1"},
    ),
    workspace(
        "script-asks",
        _DECLARED,
        program(
            "script-asks",
            build=script(
                "rerun-if-env-changed=CORPUS_ASKED",
                "rerun-if-env-changed=CORPUS_UNSET",
                more='println!("cargo::rustc-env=TOLD={}", std::env::var("CORPUS_ASKED").unwrap());',
            ),
        ),
    ),
)
