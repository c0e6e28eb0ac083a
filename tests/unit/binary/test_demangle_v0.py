from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ostoo_build.binary.demangle import demangle
from ostoo_build.binary.demangle_v0 import NotMangledError, Reader

# From rustc-demangle's own tests, and from programs of this tree.
PAIRS = (
    ("_RNvC6_123foo3bar", "123foo::bar", "123foo"),
    ("_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y",
     "utf8_idents::საჭმელად_გემრიელი_სადილი", "utf8_idents"),
    ("_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_", "cc::spawn::{closure#0}::{closure#0}", "cc"),
    ("_RMCs4fqI2P2rA04_13const_genericINtB0_8UnsignedKhb_E", "<const_generic::Unsigned<11>>", "const_generic"),
    ("_RMCs4fqI2P2rA04_13const_genericINtB0_6SignedKsn98_E", "<const_generic::Signed<-152>>", "const_generic"),
    ("_RINvNtCsJZAo6TuEbY_5alloc3vec3fooReE", "alloc::vec::foo::<&str>", "alloc"),
    ("_RNvXsd_NtCseQVuubCcFDg_12simd_adler324hashAhjd_NtB7_11Adler32Hash4hash",
     "<[u8; 13] as simd_adler32::Adler32Hash>::hash", "simd_adler32"),
    ("_RNvXs_NtCs1_4core3fmtNtB4_9ArgumentsNtB4_7Display3fmt",
     "<core::fmt::Arguments as core::fmt::Display>::fmt", "core"),
    ("_RNvYNtC1a1bNtC1c1d1e", "<a::b as c::d>::e", "c"),
    ("_RMC1aFKCRehEu", '<extern "C" fn(&str, u8)>', "a"),
    ("_RMC1aDNtC1b1cp1dhEL_", "<dyn b::c<d = u8>>", "a"),
    ("_RMC1aThE", "<(u8,)>", "a"),
)  # fmt: skip


@pytest.mark.parametrize(("symbol", "text", "crate"), PAIRS)
def test_names_of_rustc_come_out_as_people_read_them(symbol: str, text: str, crate: str) -> None:
    found = demangle(symbol)
    assert (found.text, found.crate) == (text, crate)


def test_a_reader_stops_behind_the_path() -> None:
    reader = Reader("NvC1a1bNvC1c1d")
    assert reader.path(in_value=True) == "a::b"
    assert (reader.crate, reader.peek()) == ("a", "N")
    assert reader.path(in_value=True) == "c::d"
    assert (reader.crate, reader.peek()) == ("a", "")


@pytest.mark.parametrize("symbol", [symbol for symbol, _, _ in PAIRS])
def test_each_beginning_of_a_name_is_a_name_or_none(symbol: str) -> None:
    name = symbol.removeprefix("_R")
    for length in range(len(name)):
        reader = Reader(name[:length])
        with contextlib.suppress(NotMangledError):
            assert reader.path(in_value=True), length
            assert reader.at <= length


@given(st.text(alphabet="NvCMXYIBETRQAPOSFDKLGpsu0123456789_abchijn", max_size=60))
@example("C0")  # a crate without a name
def test_any_text_is_read_or_refused(name: str) -> None:
    reader = Reader(name)
    try:
        reader.path(in_value=True)
    except NotMangledError:
        return
    assert 0 < reader.at <= len(name)
    assert reader.crate
