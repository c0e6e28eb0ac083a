from __future__ import annotations

from ostoo_build.base import rendered

TEXT = """\
error[E0425]: cannot find value `missing` in this scope
  --> user-rs/a.rs:3:9
   |
3  |     missing
   |     ^^^^^^^ not found in this scope

warning: unused
  of two lines

error: aborting due to 1 previous error; 1 warning emitted

"""


def test_diagnostics_are_read_with_their_places() -> None:
    first, second = rendered.read(TEXT)
    assert first[:6] == ("error", "E0425", "cannot find value `missing` in this scope", "user-rs/a.rs", "3", "9")
    assert first.text.endswith("not found in this scope\n\n")
    assert second[:6] == ("warning", "", "unused\n  of two lines", "", "", "")
    assert list(rendered.read("nothing is wrong")) == []
