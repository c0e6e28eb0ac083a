from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import check_units as units
import pytest
from msgspec.structs import replace

from ostoo_build.actions import compiler_output
from ostoo_build.actions import record as records
from ostoo_build.actions.record import Record
from ostoo_build.base import layout, stamps
from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import PathMap
from ostoo_build.check import cargo_messages, forms, results, sarif
from ostoo_build.planning.rustc_flags import UnitKind

if TYPE_CHECKING:
    from ostoo_build.planning.planned_unit import CompileUnit

BEGAN = 10**18


def source(root: Path) -> results.Source:
    places = {"root": root, "rust-src": root.parent / "library", "cargo-home": root.parent / "cargo"}
    return results.Source(root, PathMap(tuple(places.items())), BEGAN)


def reached(root: Path, unit: CompileUnit, said: str = "", *, at: int = BEGAN) -> None:
    place = root / unit.folder / layout.CHECKED
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(said, encoding="utf-8")
    os.utime(place, ns=(at, at))


def made(root: Path, unit: CompileUnit, diagnostics: str = "") -> None:
    (root / unit.folder).mkdir(parents=True, exist_ok=True)
    records.save(root / unit.folder, Record("0" * 64, {}, stdout=compiler_output.joined("", diagnostics)), {})


def test_only_crates_that_this_check_reached_have_a_result(tmp_path: Path) -> None:
    good, bad, late, never = (units.checked(name) for name in ("good", "bad", "late", "never"))
    std = units.checked("core", package="@{rust-src}/core")
    for unit in (good, late, never, std):
        made(tmp_path, unit, units.line("w", f"of {unit.id}"))
    for unit in (good, std):
        reached(tmp_path, unit)
    reached(tmp_path, bad, units.line("E0001", "is bad"))
    reached(tmp_path, late, at=BEGAN - 2 * stamps.TICK)
    found = list(results.collect([std, good, bad, late, never, good], source(tmp_path)))
    assert [(each.unit.id, each.is_made) for each in found] == [("good-1", True), ("bad-1", False)]
    assert [each.diagnostics[0]["message"] for each in found] == ["of good-1", "is bad"]


def test_what_clippy_looked_at_is_told_by_clippy_alone(tmp_path: Path) -> None:
    built, linted = (units.checked("a", kind) for kind in (UnitKind.BUILD_SCRIPT, UnitKind.LINT))
    linted = replace(linted, id="a-2", folder=f"{linted.folder}2")
    for unit in (built, linted):
        made(tmp_path, unit, units.line("w", f"of {unit.id}"))
        reached(tmp_path, unit)
    found = list(results.collect([built, linted], source(tmp_path)))
    assert [each.unit.id for each in found] == ["a-2"]
    assert [each.unit.id for each in results.collect([built], source(tmp_path))] == ["a-1"]


def test_files_elsewhere_are_named_as_they_are_on_this_machine(tmp_path: Path) -> None:
    unit = units.checked("a")
    names = ("user-rs/a.rs", "library/core/src/lib.rs", "/cargo/registry/b.rs", "@{root}/c.rs", "@{at}{root}/d.rs")
    made(tmp_path, unit, "".join(units.line("w", "x", file=name) for name in names))
    reached(tmp_path, unit)
    (found,) = results.collect([unit], source(tmp_path))
    shown = [each["spans"][0]["file_name"] for each in found.diagnostics]
    above = os.path.realpath(tmp_path.parent)
    assert shown == [
        "user-rs/a.rs",
        f"{above}/library/core/src/lib.rs",
        f"{above}/cargo/registry/b.rs",
        f"{os.path.realpath(tmp_path)}/c.rs",
        "@{root}/d.rs",
    ]


@pytest.fixture
def one(tmp_path: Path) -> results.Checked:
    unit = units.checked("a")
    made(tmp_path, unit, units.line("E0001", "é") + units.line("", "1 warning emitted", file=""))
    reached(tmp_path, unit)
    (found,) = results.collect([unit], source(tmp_path))
    return found


def messages(found: list[results.Checked], *, is_done: bool) -> list[dict[str, Any]]:
    paths = PathMap((("root", Path("/os")),))
    return [json.loads(line) for line in cargo_messages.lines(found, (), paths, is_done=is_done)]


def test_messages_are_cargos(one: results.Checked) -> None:
    first, artifact, last = messages([one], is_done=True)  # cargo leaves out how many warnings there were
    assert (first["message"]["message"], artifact["reason"]) == ("é", "compiler-artifact")
    assert first["package_id"] == "path+file:///os/user-rs/a%20b#a@1.0.0"
    assert first["target"]["src_path"] == "/os/user-rs/a/src/lib.rs"
    assert artifact["filenames"] == [f"/os/{one.unit.folder}/{one.unit.outputs[0]}"]
    assert artifact["features"] == ["f"]
    assert last == {"reason": "build-finished", "success": True}
    *_, failed = messages([results.Checked(one.unit, (), is_made=False)], is_done=False)
    assert failed == {"reason": "build-finished", "success": False}
    assert len(messages([results.Checked(one.unit, (), is_made=False)], is_done=False)) == 1, "no artifact was made"


def test_sarif_has_each_finding_once_with_its_place(one: results.Checked) -> None:
    document = json.loads(sarif.document([one, one], "1.99.0"))
    (run,) = document["runs"]
    assert (document["version"], run["tool"]["driver"]["version"]) == ("2.1.0", "1.99.0")
    (result,) = run["results"]
    assert (result["ruleId"], result["level"], result["message"]["text"]) == ("E0001", "error", "é")
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"] == {"uri": "user-rs/a.rs", "uriBaseId": "TOP"}
    assert place["physicalLocation"]["region"]["startLine"] == 3
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {"E0001"}


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("json", '"reason":"build-finished","success":false}'),
        ("github", "::error file=user-rs/a.rs,line=3,col=1,title=E0001::é\n"),
        ("sarif", '"ruleId": "E0001"'),
    ],
)
def test_each_form_is_kept_where_it_is_asked_for(form: str, said: str, tmp_path: Path) -> None:
    unit = units.checked("a")
    reached(tmp_path, unit, units.line("E0001", "é"))
    (tmp_path / "user-rs").mkdir()
    (tmp_path / "user-rs/a.rs").touch()
    here = source(tmp_path)
    asked = forms.asked(tmp_path, ["two", "one"], form)
    assert asked.take().decode() == ('{"reason":"build-finished","success":false}\n' if form == "json" else "")
    crates = tuple(results.collect([unit], here))
    told = forms.Said(crates, (), here.root, here.paths, "1.99.0", is_done=False)
    forms.keep(forms.Asked.of_option(asked.option.partition("=")[2]), told)
    assert said in asked.take().decode()
    asked.forget()
    assert not asked.file.exists()


def test_equal_requests_share_a_file(tmp_path: Path) -> None:
    asked = forms.asked(tmp_path, ["two", "one"], "json")
    assert forms.asked(tmp_path, ["one", "two", "one"], "json") == asked
    others = {forms.asked(tmp_path, ["one"], form).file for form in ("json", "sarif")}
    assert len({*others, asked.file}) == 3


@pytest.mark.parametrize("text", ["json", "jsn:/a", ":", "", "json:"])
def test_what_names_no_form_and_file_is_refused(text: str) -> None:
    with pytest.raises(OstooError, match="is not of the form FORM:FILE"):
        forms.Asked.of_option(text)
