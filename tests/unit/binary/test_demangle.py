from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ostoo_build.binary.demangle import demangle

# From rustc-demangle's own tests, and from programs of this tree.
PAIRS = (
    ("_ZN4testE", "test", "test"),
    ("_ZN3foo3barE", "foo::bar", "foo"),
    ("_ZN3foo17h05af221e174051e9E", "foo", "foo"),
    ("_ZN8$RF$testE", "&test", "test"),
    ("_ZN28_$u7b$$u7b$closure$u7d$$u7d$E", "{{closure}}", ""),
    ("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3barE",
     "<Test + 'static as foo::Bar<Test>>::bar", ""),
    ("_ZN3foo17h05af221e174051e9E.llvm.A5310EB9", "foo", "foo"),
    ("_ZN3fooE.cold", "foo.cold", "foo"),
)  # fmt: skip


@pytest.mark.parametrize(("symbol", "text", "crate"), PAIRS)
def test_names_of_rustc_come_out_as_people_read_them(symbol: str, text: str, crate: str) -> None:
    found = demangle(symbol)
    assert (found.text, found.crate) == (text, crate)


@pytest.mark.parametrize(
    "symbol",
    ["main", "_start", "memcpy", "_ZN", "_ZN9tooE", "_R", "_RNv", "_RNvC1", "_RB_", "_RNvB_1a", "_ZN3fooE junk"],
)
def test_what_is_no_name_of_rustc_stays(symbol: str) -> None:
    assert demangle(symbol).text == symbol
    assert demangle(symbol).crate == ""


def test_a_name_that_would_become_endless_stays() -> None:
    twice = "_RMC1a" + "".join(f"T{'B' + '0123456789abc'[i] + '_' if i else 'h'}" * 2 for i in range(9)) + "E"
    assert demangle(twice).text
    deep = "_RMC1a" + "R" * 5000 + "h"
    assert demangle(deep).text == deep


@settings(deadline=None)
@example("0E")
@given(st.text(alphabet="NvCMXYIBETRQAPOSFDKLGpsu0123456789_abchijn$.", max_size=80))
def test_any_text_gives_a_name(rest: str) -> None:
    assert demangle(f"_R{rest}").text
    assert demangle(f"_ZN{rest}").text
