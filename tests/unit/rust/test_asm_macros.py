from __future__ import annotations

import pytest

from ostoo_build.rust import asm_macros


@pytest.mark.parametrize(
    "text",
    [
        "fn main() {}",
        "use core::arch::{asm, global_asm};",
        "mod asm; pub use crate::asm::halt;",
        "global_asm!(include!());".replace("include!()", '".globl x", "x: .byte 0"'),
        'asm!("mov {}, {}", out(reg) a, in(reg) b, options(nomem));',
        "// asm!(concat!())\nfn f() {}",
        'let text = "asm!(concat!())";',
        "let plasma = 1;",
    ],
)
def test_literals_alone_hide_nothing(text: str) -> None:
    assert not asm_macros.may_hide(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        'global_asm!(concat!(".inc", "bin \\"x\\""));',
        'core::arch::global_asm ! [concat!(".", "x")];',
        'global_asm!{ include_str!("a.s") }',
        "macro_rules! m { ($d:literal) => { asm!($d) } }",
        "use core::arch::asm as other;",
        'naked_asm!("nop", stringify!(x));',
        'invoke!(asm, "nop")'.replace("asm,", "asm =>"),
        '/* " */ asm!(concat!("a"))',
    ],
)
def test_a_macro_within_assembly_may_hide_something(text: str) -> None:
    assert asm_macros.may_hide(text.encode())


@pytest.mark.parametrize(
    ("text", "hands_on"),
    [
        ('#[macro_export] macro_rules! inc { ($f:expr) => { $crate::asm!(concat!(".incbin ", $f)) } }', True),
        ("pub macro inc($f:expr) { core::arch::global_asm!($f) }", True),
        ("macro_rules! a { () => { { ( [ ] ) } } } #[macro_export] macro_rules! b [ () => { asm!() } ];", True),
        ("macro_rules! b [ () => { asm!() } ];", False),
        ('#[macro_export] macro_rules! a { () => { "}" } } fn f() { unsafe { asm!("nop") } }', False),
        ("#[macro_export] macro_rules! a { () => { 1 } } use core::arch::asm;", False),
        ("#[macro_export] macro_rules! a { () => { /* asm */ } }", False),
    ],
)
def test_a_library_hands_on_what_its_macros_say(text: str, hands_on: bool) -> None:  # noqa: FBT001 - a table
    assert asm_macros.exports_asm(text.encode()) == hands_on


@pytest.mark.parametrize("text", ['"global_asm!(\\"nop\\")".parse()', "quote! { core::arch::asm!(#x) }"])
def test_a_procedural_macro_may_write_any_word_that_it_has(text: str) -> None:
    assert asm_macros.mentions_asm(text.encode())
    assert not asm_macros.mentions_asm(b"plasma, asmr // as in asm!()")
