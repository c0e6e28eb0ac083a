from __future__ import annotations

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.rules import asked_variables
from ostoo_build.rust import build_script

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


@pytest.mark.parametrize("name", ["NEW", "OLD"])
@pytest.mark.parametrize("value", ["", "x", "\udcff"])
def test_one_that_is_set_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("NEW", "OLD"):
        monkeypatch.delenv(each, raising=False)
    names = ("NEW", "OLD")
    asked_variables.refuse(names, "a/build.rs")
    assert asked_variables.are_unset(names)
    monkeypatch.setenv(name, value)
    assert not asked_variables.are_unset(names)
    with pytest.raises(OstooError, match=f"reads the environment variable {name}, which is set but not declared"):
        asked_variables.refuse(names, "a/build.rs")


def test_names_in_a_record_are_read_back() -> None:
    assert asked_variables.from_text(asked_variables.to_text(["B", "A", "B"])) == ("A", "B")
    assert asked_variables.to_text([]) == ""
    assert asked_variables.from_text("") == ()
    with pytest.raises(ValueError, match="Expecting value"):
        asked_variables.from_text("A, B")
