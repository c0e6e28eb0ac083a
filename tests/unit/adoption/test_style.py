from __future__ import annotations

from pathlib import Path

import pytest

from ostoo_build.adoption.style import Runtime, Sample, Style

START = 'pub extern "C" fn _start() -> ! {\n    exit(unsafe { ENTRY(0) })\n}\n'
HELPER = "fn helper(code: i32) -> i32 {\n    code\n}\n\n"


def style(declared: str, *sources: str) -> Style:
    runtime = Runtime("my-crt", Path("crt"), {}, f'extern "Rust" {{\n    {declared}\n}}\n{START}')
    return Style({}, [Sample(Path(f"p{at}"), {}, source) for at, source in enumerate(sources)], runtime)


@pytest.mark.parametrize(
    ("entry", "body"),
    [
        ("fn app_main() -> i32", ["    0"]),
        ('pub extern "C" fn main(argc: usize) -> usize', ["    0"]),
        ("unsafe fn boot(\n    first: *const u8,\n) -> !", ["    loop {}"]),
        ("fn go()", []),
    ],
)
def test_a_program_defines_what_its_runtime_calls_as_its_neighbour_does(entry: str, body: list[str]) -> None:
    signature = entry.removeprefix("pub ").removeprefix('extern "C" ').removeprefix("unsafe ")
    source = f"#![no_std]\n#![no_main]\n\n{HELPER}#[no_mangle]\n{entry} {{\n    helper(7)\n}}\n"
    made = style(f"{signature};", source).source("greet", std=False)
    head = ["//! greet.", "", "#![no_std]", "#![no_main]", "", "extern crate my_crt;", "", "#[no_mangle]"]
    assert made.splitlines() == [*head, *f"{entry.removeprefix('pub ')} {{".splitlines(), *body, "}"]


def test_without_a_neighbour_of_the_kind_it_has_the_main_of_c() -> None:
    made = style("fn main() -> i32;", f"{HELPER}#[no_mangle]\nfn main() -> i32 {{}}\n").source("greet", std=False)
    assert '#[no_mangle]\nextern "C" fn main() -> i32 {\n    0\n}\n' in made
