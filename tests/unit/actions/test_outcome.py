from __future__ import annotations

from ostoo_build.actions.outcome import ToolFailed, undeclared
from ostoo_build.base.errors import OstooError


def test_a_tool_that_failed_brings_its_words() -> None:
    failed = ToolFailed("a failed", ("first", "second"))
    assert isinstance(failed, OstooError)
    assert (failed.what, failed.messages) == ("a failed", ("first", "second"))


def test_a_file_that_nobody_declared_is_named_with_the_way_to_declare_it() -> None:
    assert str(undeclared("user-rs/secret.txt", "user-rs/a/Cargo.toml")) == (
        "error: the crate reads user-rs/secret.txt, which is not among its declared inputs\n"
        "  --> user-rs/a/Cargo.toml\n"
        "  help: move the file into the package, or declare it there, relative to the package:\n"
        "        [package.metadata.ostoo]\n"
        '        inputs = ["../path/to/file"]'
    )
