import pytest

from ostoo_build.errors import OstooError


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (OstooError("it broke"), "error: it broke"),
        (OstooError("it broke", where="a.rs:3"), "error: it broke\n  --> a.rs:3"),
        (OstooError("it broke", remedy="mend it"), "error: it broke\n  help: mend it"),
        (
            OstooError("it broke\ntwice", where="a.rs\nb.rs", remedy="mend it:\nnow"),
            "error: it broke\n  twice\n  --> a.rs\n      b.rs\n  help: mend it:\n        now",
        ),
    ],
)
def test_an_error_is_one_message_whose_lines_hang_together(error: OstooError, shown: str) -> None:
    assert str(error) == shown
