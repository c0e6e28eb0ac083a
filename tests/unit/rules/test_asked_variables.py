from __future__ import annotations

import pytest

from ostoo_build.base import terminal
from ostoo_build.base.errors import OstooError
from ostoo_build.rules import asked_variables
from ostoo_build.rust import build_script
from ostoo_build.rust.dep_info import DepInfo
from ostoo_build.start import null_build

SAID = """
cargo::rerun-if-env-changed=NEW
cargo:rerun-if-env-changed=OLD
cargo::rerun-if-env-changed=DECLARED
cargo::rerun-if-env-changed=DEP_A_ROOT
cargo::rerun-if-env-changed=NUM_JOBS
cargo::rerun-if-env-changed=RUSTFLAGS
cargo::rerun-if-env-changed=NEW
said of cargo::rerun-if-env-changed=NOTHING
"""


def test_what_a_script_asks_for_is_undeclared_unless_it_is_in_the_key_or_the_builds_own() -> None:
    declared = {"DECLARED": "1", "DEP_A_ROOT": "/a"}
    assert asked_variables.of_script(build_script.parse(SAID, "a/build.rs"), declared) == ("NEW", "OLD")
    read = DepInfo({}, {"NEW": None, "OLD": "1", "DECLARED": "1", "RUSTFLAGS": None, "CARGO_MAKEFLAGS": "-j"})
    assert asked_variables.of_crate(read, declared) == ("NEW", "OLD", "RUSTFLAGS")


def test_those_that_are_set_are_given_as_portable_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEW", raising=False)
    assert asked_variables.values(["NEW"], "the script asks for", "a/build.rs") == {}
    for value, portable in (("", ""), ("@{root}", "@{at}{root}")):
        monkeypatch.setenv("NEW", value)
        assert asked_variables.values(["NEW", "OLD"], "the script asks for", "a/build.rs") == {"NEW": portable}


def test_one_that_no_key_can_hold_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW", "\udcff")
    with pytest.raises(OstooError, match="NEW is not UTF-8"):
        asked_variables.values(["NEW"], "the script asks for", "a/build.rs")


def test_those_that_each_shell_has_for_itself_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A null build does not look at them."""
    assert {name.encode() for name in terminal.OF_SHELLS} == null_build.HARMLESS
    for name in terminal.OF_SHELLS:
        monkeypatch.setenv(name, "1")
        with pytest.raises(
            OstooError, match=f"the script asks for the environment variable {name}, which each shell"
        ) as caught:
            asked_variables.values([name], "the script asks for", "a/build.rs")
        assert caught.value.where == "a/build.rs"
