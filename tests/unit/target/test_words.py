from __future__ import annotations

from typing import Any

import pytest

from ostoo_build.target import words


@pytest.mark.parametrize(
    ("spec", "reached"),
    [
        ({}, []),
        ({"pre-link-args": {"ld.lld": ["-T", "a.ld"]}}, ["-T", "a.ld"]),
        ({"late-link-args-static": {"gnu-lld": ["-x"]}}, ["-x"]),
        ({"post-link-objects": {"static-nopic-exe": ["crtn.o"]}}, ["crtn.o"]),
        ({"pre-link-objects-self-contained": {"dynamic": ["crt.o"]}}, ["crt.o"]),
        ({"link-script": "SECTIONS { . = 1; }"}, ["SECTIONS", "{", ".", "=", "1;", "}"]),
        ({"link-script": None}, []),
        ({"linker": "rust-lld", "cpu": "x86-64"}, []),
        ({"pre-link-args": ["-a", {"b": "-c"}, 5]}, ["-a", "-c"]),
    ],
)
def test_the_words_that_reach_the_linker(spec: dict[str, Any], reached: list[str]) -> None:
    assert list(words.of_linker(spec)) == reached


@pytest.mark.parametrize(
    ("spec", "flags"),
    [
        ({"cpu": "native"}, [(("cpu",), ("-Ctarget-cpu=native",))]),
        ({"linker": "ld"}, [(("linker",), ("-Clinker=ld",))]),
        ({"llvm-args": ["-a", "-b"]}, [(("llvm-args",), ("-Cllvm-args=-a", "-Cllvm-args=-b"))]),
        ({"default-codegen-backend": "x"}, [(("default-codegen-backend",), ("-Zcodegen-backend=x",))]),
        ({"split-debuginfo": "packed"}, [(("split-debuginfo",), ("-Csplit-debuginfo=packed",))]),
        (
            {"post-link-args": {"a": ["-x", "-y"], "b": ["-z"]}},
            [
                (("post-link-args", "a"), ("-Clink-arg=-x", "-Clink-arg=-y")),
                (("post-link-args", "b"), ("-Clink-arg=-z",)),
            ],
        ),
        ({"features": "+sse", "cpu": 5}, []),
    ],
)
def test_what_a_spec_says_in_the_words_of_flags(spec: dict[str, Any], flags: list[tuple[Any, ...]]) -> None:
    assert list(words.as_flags(spec)) == flags
