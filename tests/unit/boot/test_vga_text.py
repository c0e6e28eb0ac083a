from ostoo_build.boot import vga_text


def memory(*rows: bytes) -> bytes:
    cells = b"".join(row.ljust(80, b"\0") for row in rows)
    return b"".join(bytes((cell, 0x07)) for cell in cells)


def test_rows_are_read_without_colours_and_blanks_at_the_end() -> None:
    assert vga_text.lines(memory(b"ostoo:/> ", b"", b"  two  words ")) == ["ostoo:/>", "", "  two  words"]


def test_characters_are_those_of_code_page_437() -> None:
    assert vga_text.lines(memory(b"\xfe\x81")) == ["\u25a0\u00fc"]


def test_a_cell_that_was_never_written_is_a_blank() -> None:
    assert vga_text.lines(memory(b"a\0b")) == ["a b"]


def test_so_many_rows_take_so_many_bytes() -> None:
    assert vga_text.size(25) == 4000 == len(memory(*[b""] * 25))
