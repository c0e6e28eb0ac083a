from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from ostoo_build.base import own_version
from ostoo_build.base.errors import OstooError
from ostoo_build.project import description, required_version

if TYPE_CHECKING:
    from pathlib import Path

RELEASES = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
CLAUSES = st.builds("{}{}".format, st.sampled_from(["==", "!=", "<=", ">=", "<", ">"]), RELEASES)
PREFIXES = st.builds("{}{}.*".format, st.sampled_from(["==", "!="]), RELEASES)
COMPATIBLE = st.builds("~={}.{}".format, RELEASES, st.integers(0, 3))
SPECIFIERS = st.lists(CLAUSES | PREFIXES | COMPATIBLE, min_size=1, max_size=3).map(",".join)


def is_held(wanted: object, running: str) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_version, "number", lambda: running)
        try:
            required_version.check(wanted, "ostoo.toml")
        except OstooError as error:
            if error.what.startswith("this project wants ostoo-build "):
                return False
            raise
    return True


@example("~=0.0.0", "0")
@given(SPECIFIERS, RELEASES)
def test_a_specifier_means_what_it_means_to_pip(wanted: str, running: str) -> None:
    assert is_held(wanted, running) == SpecifierSet(wanted).contains(running)


@given(RELEASES, RELEASES)
def test_a_number_means_all_that_begin_with_it(wanted: str, running: str) -> None:
    assert is_held(wanted, running) == SpecifierSet(f"=={wanted}.*").contains(running)


@pytest.mark.parametrize("wanted", ["", "latest", ">=", "0.2 beta", "0.2,", "~=0.*", "≥1", 2, 0.2, ["0.2"], None])
def test_what_is_no_version_is_refused(wanted: object) -> None:
    with pytest.raises(OstooError, match="is not a version") as caught:
        required_version.check(wanted, "ostoo.toml")
    assert caught.value.remedy.startswith('write version = "')


def test_another_version_is_told_with_the_command_that_brings_the_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_version, "number", lambda: "0.1.0")
    (tmp_path / "ostoo.toml").write_text('version = "0.2"\nnew_in_that_version = "on"\n')
    with pytest.raises(OstooError) as caught:
        description.read(tmp_path)
    assert str(caught.value).splitlines() == [
        "error: this project wants ostoo-build 0.2, and this is 0.1.0",
        f"  --> {tmp_path}/ostoo.toml",
        "  help: uv tool install 'ostoo-build==0.2.*', or pip install 'ostoo-build==0.2.*'",
    ]
    (tmp_path / "ostoo.toml").write_text('version = ">= 0.1, < 0.2"\nsandbox = "on"\n')
    assert description.read(tmp_path).variables["sandbox"] == "on"
