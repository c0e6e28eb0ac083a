from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.rust import asm_files
from ostoo_build.rust.asm_files import Inclusion

VARIABLES = {"CARGO_MANIFEST_DIR": "@{root}/user-rs/a", "OUT_DIR": "@{root}/build/out"}


def of_rust(text: str) -> list[str | None]:
    return [taken.name for taken in asm_files.named(text.encode(), "src/main.rs", VARIABLES)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r'global_asm!(".incbin \"../x.bin\"");', "../x.bin"),
        ('global_asm!(r#".incbin "x.bin""#);', "x.bin"),
        ('global_asm!(r#"\nlabel: .incbin "x.bin", 4, 8\n"#);', "x.bin"),
        (r'global_asm!("a:\n.INCBIN \"x.bin\"\nb:");', "x.bin"),
        (r'asm!("nop", ".include \"x.s\"", "nop");', "x.s"),
        (r'global_asm!("nop; .incbin \"x\"");', "x"),
        (r'global_asm!(concat!(".incbin \"", "x", ".bin\""));', "x.bin"),
        (r'global_asm!(concat!(".incbin \"", env!("CARGO_MANIFEST_DIR"), "/x.bin\""));', "@{root}/user-rs/a/x.bin"),
        ('global_asm!(concat!(r#".incbin ""#, env!("OUT_DIR"), r#"/x.bin""#));', "@{root}/build/out/x.bin"),
        (r'global_asm!(concat!(".incbin \"", $file, "\""));', None),
        (r'global_asm!(concat!(".incbin \"", env!("OTHER"), "/x\""));', None),
        (r'global_asm!(concat!(".incbin \"", stringify!(x), "\""));', None),
        (r'asm!(".incbin \"{}\"", const X);', None),
        (r'global_asm!(".macro m f", ".incbin \"\\f\"", ".endm");', None),
        (r'global_asm!(".incbin ", "x");', None),
        (r'global_asm!(".macro m n\n.\\n \"x\"\n.endm\nm incbin");', None),
        (r'global_asm!(".macro m", ".inc\\()bin \"x\"", ".endm");', None),
        ('global_asm!(r#".irp n, incbin\n.\\n "x"\n.endr"#);', None),
    ],
)
def test_a_name_is_read_as_rust_and_the_assembler_read_it_or_told_to_be_unknown(text: str, name: str | None) -> None:
    assert of_rust(text) == [name]


@pytest.mark.parametrize(
    "text",
    [
        '// .incbin "x"\nfn main() {}',
        '/* a /* nested */ global_asm!(".incbin \\"x\\""); */',
        '/// `.incbin "x"` is refused\nfn f() {}',
        'let q = \'"\'; // .incbin "x"',
        r'let a = "incbin \"x\"";',
        'let s = "file.include";',
        r'global_asm!(".macro m n", "jmp .Lx\\@", ".Lx\\@: .section .text.\\n", ".endm");',
        r'let s = "a .macro. \n done.\n";',
    ],
)
def test_what_is_no_directive_is_left_alone(text: str) -> None:
    assert of_rust(text) == []


def test_a_quote_as_a_character_and_a_lifetime_begin_no_string() -> None:
    assert of_rust('fn f<\'a>(x: &\'a u8) { let q = \'"\'; global_asm!(".incbin \\"x\\""); }') == ["x"]


def test_lines_are_told() -> None:
    text = 'fn main() {}\n\nglobal_asm!(\n    ".incbin \\"x\\"",\n);\n'
    assert asm_files.named(text.encode(), "main.rs", {}) == [Inclusion(4, "x")]
    assert asm_files.named(b'/* a\n*/ nop\n.include "y.s"\n', "boot.S", {}) == [Inclusion(3, "y.s")]


def test_assembly_has_comments_of_its_own() -> None:
    text = b'# .incbin "a"\n// .incbin "b"\n/* .incbin "c" */ .incbin "d" # "e"\nx: .incbin "f#g"\n.incbin \\file\n'
    assert [taken.name for taken in asm_files.named(text, "boot.s", {})] == ["d", "f#g", None]


def test_other_files_are_data_unless_they_name_a_file() -> None:
    assert asm_files.named(b".include is a directive", "README.md", {}) == []
    assert asm_files.named(b'.incbin "x"', "boot.txt", {}) == [Inclusion(1, "x")]
    assert asm_files.named(b'\0.incbin "x"', "image.bin", {}) == []


@given(st.binary(max_size=200), st.sampled_from(["a.rs", "a.s", "a"]))
def test_any_bytes_are_read(data: bytes, file: str) -> None:
    asm_files.named(data + b'\n.incbin "', file, {})


NAMES = st.text(st.characters(codec="ascii", exclude_characters='"\\{}\n\0\r'), min_size=1, max_size=20)


@given(NAMES, st.integers(0, 3))
def test_any_name_is_found_whatever_stands_before(name: str, noise: int) -> None:
    before = ["", '// "\n', "let c = '\"'; /* \" /* */ */\n", 'let a = r##"\n"#"##; let b = "\\"";\n'][noise]
    assert of_rust(f'{before}global_asm!(".incbin \\"{name}\\"");') == [name]
