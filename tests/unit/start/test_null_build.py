from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import layout, state_file
from ostoo_build.start import null_build
from ostoo_build.start.null_build import StampSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.base import stamps

SITE_SCONS = Path(__file__).parents[3] / "site_scons"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    top = tmp_path / "checkout"
    for name in (
        "SConstruct",
        "a/src/main.rs",
        "a/src/target/kept.rs",
        "a/target/CACHEDIR.TAG",
        "a/target/debug/a",
        "a/__pycache__/a.pyc",
        "site_scons/tool/__pycache__/a.pyc",
        "build/a",
        ".git/HEAD",
        "other/build/b.rs",
    ):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    (top / "link").symlink_to("SConstruct")
    return top


def targets(root: str, asked: null_build.Question) -> list[str] | None:
    found = null_build.proof(root, asked)
    return found.targets if found else None


def look(top: Path) -> StampSet:
    return StampSet.of([(str(top), ["build"])], [str(top / "build/a"), str(top / "absent")])


def swap(path: Path) -> None:
    """Change contents, and keep size and mtime."""
    before = path.stat()
    path.write_text("".join(reversed(path.read_text())))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(top: Path) -> None:
    """Put an equal file with equal times in its place."""
    shutil.copy2(top / "SConstruct", top / "copy")
    (top / "copy").replace(top / "SConstruct")


CHANGES: dict[str, Callable[[Path], object]] = {
    "edit": lambda top: (top / "a/src/main.rs").write_text("another text"),
    "swap": lambda top: swap(top / "a/src/main.rs"),
    "touch": lambda top: (top / "SConstruct").touch(),
    "chmod": lambda top: (top / "SConstruct").chmod(0o755),
    "add": lambda top: (top / "a/src/new.rs").touch(),
    "add a hidden file": lambda top: (top / "a/.new").touch(),
    "add a folder": lambda top: (top / "a/src/bin").mkdir(),
    "remove": lambda top: (top / "a/src/main.rs").unlink(),
    "rename": lambda top: (top / "a/src/main.rs").rename(top / "a/src/lib.rs"),
    "replace": replace,
    "edit what is in a folder that is called target": lambda top: swap(top / "a/src/target/kept.rs"),
    "edit what is deeper in a folder that is called build": lambda top: swap(top / "other/build/b.rs"),
    "edit a single file": lambda top: swap(top / "build/a"),
    "remove a single file": lambda top: (top / "build/a").unlink(),
    "add a single file": lambda top: (top / "absent").touch(),
    "edit what looks like Python's": lambda top: swap(top / "a/__pycache__/a.pyc"),
    "add a file beside folders of git": lambda top: (top / ".gitignore").touch(),
    "edit what a link leads to": lambda top: swap(top / "link"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_seen(change: str, top: Path) -> None:
    before = look(top)
    assert before.change() is None
    assert before.changes(look(top)) == set()
    CHANGES[change](top)
    assert before.change() in before.changes(look(top))


def test_a_walk_says_all_that_it_came_by(top: Path) -> None:
    found = look(top).walked()
    assert {str(top / name) for name in ("a", "a/src/main.rs", "link", "other/build/b.rs", "a/target")} < found
    assert not {str(top / name) for name in ("build", "build/a", "a/target/debug/a", "absent")} & found


@pytest.mark.parametrize(
    "name",
    ["a/target/debug/new", "site_scons/tool/__pycache__/new", "site_scons/__pycache__/new", "build/new", ".git/new"],
)
def test_what_others_write_is_not_looked_at(name: str, top: Path) -> None:
    before = look(top)
    (top / name).parent.mkdir(exist_ok=True)
    (top / name).write_text("")
    assert before.change() is None


def test_the_environment_is_part_of_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    before = null_build.ask(["a"])
    monkeypatch.setenv("OLDPWD", "elsewhere")
    assert null_build.ask(["a"]) == before
    assert null_build.ask(["a", "b"]) != before
    monkeypatch.setenv("RUSTUP_HOME", "elsewhere")
    assert null_build.ask(["a"]) != before


@pytest.mark.parametrize(
    "name", ["_", "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "TERM_SESSION_ID", "WINDOWID", "PATH", "_X"]
)
def test_what_shells_and_terminals_change_is_no_part_of_the_question(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environb", {b"HOME": b"/", name.encode(): b"1"})
    before = null_build.ask([])
    monkeypatch.setattr(os, "environb", {name.encode(): b"2", b"HOME": b"/"})
    assert (null_build.ask([]) != before) is (name in ("PATH", "_X"))


def test_the_order_of_variables_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environb", {b"A": b"1", b"B": b"2"})
    before = null_build.ask([])
    monkeypatch.setattr(os, "environb", {b"B": b"2", b"A": b"1"})
    assert null_build.ask([]) == before


def test_what_the_environment_says_is_not_in_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "s3cr3t-w0rd")
    assert "s3cr3t-w0rd" not in repr(null_build.ask(["a"]))
    assert "API_TOKEN" not in repr(null_build.ask(["a"]))


def test_variables_that_run_into_each_other_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environb", {b"A": b"1", b"B": b"2"})
    before = null_build.ask([])
    for other in ({b"A": b"1B=2"}, {b"A": b"1", b"B=2": b""}, {b"A=1": b"", b"B": b"2"}, {b"A": b"1", b"B": b"\xff"}):
        monkeypatch.setattr(os, "environb", other)
        assert null_build.ask([]) != before


def test_what_changed_is_named(top: Path) -> None:
    before = look(top)
    (top / "a/src/main.rs").write_text("another text")
    assert before.change() == str(top / "a/src/main.rs")
    (top / "build/a").unlink()
    assert before.change() == str(top / "build/a"), "single places are looked at first"
    (top / "a/src/new.rs").touch()
    names = ("a/src/main.rs", "a/src/new.rs", "build/a")
    assert before.changes(look(top)) == {str(top / name) for name in names}


NOTHING: list[stamps.Stamps] = [{}]


def test_a_part_of_a_sight_that_is_left_out_decides_too(top: Path) -> None:
    known = look(top)
    for trees, places, entries in (
        ([("/elsewhere", [])], known.places, known.entries),
        (known.trees, {**known.places, "/": None}, known.entries),
        (known.trees, known.places, NOTHING),
    ):
        other = StampSet(trees, places, entries)
        try:
            assert other.change() is not None
        except FileNotFoundError:
            assert trees is not known.trees


OTHER_NOTES: dict[str, object] = {
    "question": ("3", "python", ["b"], b""),
    "stamps": StampSet([], {"/": None}, []),
    "targets": ["b"],
    "said": "warning: another\n",
}


OTHER_ANSWERS = {"targets": (["b"], ""), "said": (["a"], "warning: another\n")}


def test_each_field_of_a_note_decides(top: Path) -> None:
    asked, trees, places = ("3", "python", ["a"], b""), [(str(top), ["build"])], [str(top / "absent")]
    good = null_build.Note(asked, StampSet.of(trees, places), ["a"], "")
    path = Path(null_build.place(str(top), asked))
    path.parent.mkdir(parents=True)
    path.write_bytes(good.to_bytes())
    assert targets(str(top), asked) == ["a"]
    assert set(OTHER_NOTES) == set(null_build.Note.__slots__)
    for name, other in OTHER_NOTES.items():
        known = null_build.Note.from_bytes(good.to_bytes())
        assert known is not None
        setattr(known, name, other)
        path.write_bytes(known.to_bytes())
        found = null_build.proof(str(top), asked)
        assert (found and (found.targets, found.said)) == OTHER_ANSWERS.get(name), name


def test_it_is_told_why_there_may_be_work(top: Path) -> None:
    asked = ("3", "python", ["a"], b"")
    assert null_build.doubt(str(top), asked) == "no build of this command has noted what it depends on"
    path = Path(null_build.place(str(top), asked))
    path.parent.mkdir(parents=True)
    outside = top.parent / "outside"
    known = null_build.Note(asked, StampSet.of([(str(top), ["build"])], [str(outside)]), ["a"], "")
    path.write_bytes(known.to_bytes())
    assert null_build.doubt(str(top), asked) is None
    assert null_build.doubt(str(top), (*asked[:3], b"other")) == "Python or the environment is another one"
    (top / "a/src/main.rs").write_text("another text")
    assert null_build.doubt(str(top), asked) == "a/src/main.rs changed"
    outside.touch()
    assert null_build.doubt(str(top), asked) == f"{outside} changed"
    path.write_bytes(b"damaged")
    assert null_build.doubt(str(top), asked) == "no build of this command has noted what it depends on"


def test_a_tree_that_can_not_be_looked_through_is_named(tmp_path: Path) -> None:
    asked, gone = ("3", "python", ["a"], b""), tmp_path / "toolchain"
    path = Path(null_build.place(str(tmp_path), asked))
    path.parent.mkdir(parents=True)
    path.write_bytes(null_build.Note(asked, StampSet([(str(gone), [])], {}, [{}]), ["a"], "").to_bytes())
    assert targets(str(tmp_path), asked) is None
    assert null_build.doubt(str(tmp_path), asked) == "toolchain changed"


def test_a_command_with_options_is_answered_by_the_note_of_the_one_without() -> None:
    asked = ("3", "python", ["--debug=explain", "a", "-s", "cache=off"], b"e")
    assert null_build.plain(asked) == ("3", "python", ["a", "cache=off"], b"e")


@pytest.mark.parametrize("content", [b"", b"\0", b"(\x05", b"N", b"\xe9\0\0\0\0"])
def test_a_damaged_note_proves_nothing(content: bytes, tmp_path: Path) -> None:
    asked = null_build.ask(["a"])
    path = Path(null_build.place(str(tmp_path), asked))
    path.parent.mkdir(parents=True)
    number, seal = b"%d\n" % state_file.FORMAT, null_build.digest(content)
    for damage in (content, number + content, number + seal + content, number + content + seal):
        path.write_bytes(damage)
        assert targets(str(tmp_path), asked) is None


@pytest.mark.parametrize("number", [b"", b"1\n", b"%d\n" % (state_file.FORMAT + 1), b"%d0\n" % state_file.FORMAT])
def test_a_note_of_another_version_proves_nothing_and_is_no_damage(number: bytes, tmp_path: Path) -> None:
    asked = null_build.ask(["a"])
    path = Path(null_build.place(str(tmp_path), asked))
    content = null_build.Note(asked, StampSet([], {}, []), ["a"], "").to_bytes()
    state_file.write(path, content)
    assert targets(str(tmp_path), asked) == ["a"]
    own = b"%d\n" % state_file.FORMAT
    assert content.startswith(own)
    state_file.write(path, number + content.removeprefix(own))
    state_file.damaged.clear()
    assert targets(str(tmp_path), asked) is None
    assert null_build.doubt(str(tmp_path), asked) == "no build of this command has noted what it depends on"
    assert not state_file.damaged


def test_each_flipped_bit_of_a_note_is_seen(tmp_path: Path) -> None:
    asked = null_build.ask(["a"])
    path = Path(null_build.place(str(tmp_path), asked))
    path.parent.mkdir(parents=True)
    good = null_build.Note(asked, StampSet([], {}, []), ["a"], "").to_bytes()
    path.write_bytes(good)
    assert targets(str(tmp_path), asked) == ["a"]
    for bit in range(8 * len(good)):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert targets(str(tmp_path), asked) is None


def test_what_takes_long_to_import_is_not_imported() -> None:
    code = "import ostoo_build.base.streams, ostoo_build.start.null_build, sys; print(*sys.modules)"
    command = [sys.executable, "-S", "-P", "-c", code]
    said = subprocess.run(command, env={"PYTHONPATH": str(SITE_SCONS)}, capture_output=True, text=True, check=True)
    assert "ostoo_build.start.null_build" in said.stdout
    assert not {"pathlib", "typing", "re", "json", "site", "SCons"} & set(said.stdout.split())


def test_the_last_null_build_is_kept_with_its_note(top: Path) -> None:
    asked = null_build.ask(["hello"])
    assert null_build.last(str(top)) is None
    null_build.remember(str(top), asked, 5)
    assert null_build.last(str(top)) is None, "it has no note any more"
    note = null_build.Note(asked, StampSet((), {}, []), ["hello"], "")
    state_file.write(null_build.place(str(top), asked), note.to_bytes())
    found = null_build.last(str(top))
    assert found is not None
    assert (found[0], found[1].question, found[1].targets) == (5, asked, ["hello"])
    for content in (b"", b"5", b"x 1", b"5 ../../x", b"\xff \xff"):
        state_file.write(f"{top}/{layout.LAST_NULL_BUILD}", content)
        assert null_build.last(str(top)) is None
