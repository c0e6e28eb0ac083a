from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.actions import record
from ostoo_build.actions.learned import Learned
from ostoo_build.actions.record import Output, Record
from ostoo_build.base import digest, state_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.text(min_size=1).filter(lambda name: not name.startswith("/") and ".." not in name)
RECORDS = st.builds(
    Record,
    key=HEX,
    outputs=st.dictionaries(NAMES, st.builds(Output, HEX, st.integers(0, 2**60), st.booleans())),
    stdout=st.text(),
    stderr=st.text(),
    bound_to=st.just("") | HEX,
    folders=st.lists(NAMES, max_size=2).map(tuple),
    learned=st.builds(
        Learned,
        st.lists(NAMES, max_size=2).map(tuple),
        st.lists(st.text(), max_size=2).map(tuple),
        st.none() | st.lists(NAMES, max_size=2).map(tuple),
    ),
    is_answer=st.booleans(),
)


@pytest.fixture
def saved(tmp_path: Path) -> Record:
    (tmp_path / "lib.rlib").write_bytes(b"library")
    (tmp_path / "script").write_bytes(b"script")
    (tmp_path / "script").chmod(0o755)
    made = Record("k" * 64, {name: record.observe(tmp_path / name) for name in ("lib.rlib", "script")})
    record.save(tmp_path, made)
    return made


def is_record(data: bytes) -> bool:
    try:
        Record.from_bytes(data)
    except ValueError:
        return False
    return True


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(made: Record) -> None:
    assert Record.from_bytes(made.to_bytes()) == made


def test_a_saved_record_counts(saved: Record, tmp_path: Path) -> None:
    assert record.load(tmp_path) == saved
    assert record.is_intact(tmp_path, saved)
    assert saved.outputs["script"].executable
    assert not saved.outputs["lib.rlib"].executable


@given(st.binary())
def test_garbage_is_no_record(garbage: bytes) -> None:
    assert not is_record(garbage)


@given(RECORDS, st.data())
def test_half_a_record_is_no_record(made: Record, data: st.DataObject) -> None:
    whole = made.to_bytes()
    assert not is_record(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "1",
        "{}",
        '{"key": "k", "outputs": []}',
        '{"key": "k", "outputs": {"a": {}}, "stderr": ""}',
        '{"key": "k", "outputs": {}, "stderr": null}',
        '{"key": "k", "outputs": {"/etc/x": {"sha256": "0", "size": 0, "executable": false}}}',
        '{"key": "k", "outputs": {"out/../../x": {"sha256": "0", "size": 0, "executable": false}}}',
    ],
)
def test_json_of_another_shape_is_no_record(text: str, tmp_path: Path) -> None:
    (tmp_path / record.NAME).write_text(text)
    assert record.load(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"key": "k", "outputs": {"a": {"sha256": 1, "size": "1", "executable": null}}, "stderr": ""}',
        '{"key": "k", "outputs": {}, "stdout": []}',
        "[" * 100_000,
    ],
)
def test_fields_of_another_type_are_no_record(text: str) -> None:
    assert not is_record(text.encode())


def edit(path: Path) -> None:
    path.write_bytes(b"Library")


def truncate(path: Path) -> None:
    os.truncate(path, 3)


def make_executable(path: Path) -> None:
    path.chmod(0o755)


def replace_by_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [edit, truncate, make_executable, replace_by_link, replace_by_folder, os.unlink])
def test_an_altered_output_does_not_count(harm: Callable[[Path], None], saved: Record, tmp_path: Path) -> None:
    harm(tmp_path / "lib.rlib")
    assert not record.is_intact(tmp_path, saved)


def test_an_output_that_was_never_fetched_is_not_missed(saved: Record, tmp_path: Path) -> None:
    (tmp_path / "script").unlink()
    record.save(tmp_path, saved)
    assert record.is_intact(tmp_path, saved)
    (tmp_path / "script").write_bytes(b"another")
    assert not record.is_intact(tmp_path, saved)


def test_only_regular_files_are_outputs(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    assert record.observe(tmp_path / "file") == Output(digest.of_bytes(b""), 0, executable=False)
    with pytest.raises(OSError, match="not a regular file"):
        record.observe(tmp_path / "link")


def test_a_touched_output_is_hashed_once_more_and_counts(
    saved: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(tmp_path / "lib.rlib", (1, 1))
    assert record.is_intact(tmp_path, saved)
    monkeypatch.setattr(digest, "of_file", lambda path: pytest.fail(f"{path} is hashed again"))
    assert record.is_intact(tmp_path, saved)


@pytest.mark.parametrize("memo", [b"", b"[]", b'{"lib.rlib": 1}'])
def test_damaged_stamps_cost_time_only(memo: bytes, saved: Record, tmp_path: Path) -> None:
    (tmp_path / ".stamps.json").write_bytes(memo)
    assert record.is_intact(tmp_path, saved)
    edit(tmp_path / "lib.rlib")
    assert not record.is_intact(tmp_path, saved)


def test_what_was_remembered_is_not_hashed_again(
    saved: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".stamps.json").unlink()
    record.remember(tmp_path, saved, saved.outputs)
    monkeypatch.setattr(digest, "of_file", lambda path: pytest.fail(f"{path} is hashed again"))
    assert record.is_intact(tmp_path, saved)


def test_an_output_that_is_fetched_later_is_looked_at_once(
    saved: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (tmp_path / "script").read_bytes()
    (tmp_path / "script").unlink()
    record.save(tmp_path, saved)
    (tmp_path / "script").write_bytes(whole)
    (tmp_path / "script").chmod(0o755)
    assert record.is_intact(tmp_path, saved)
    with monkeypatch.context() as patch:
        patch.setattr(digest, "of_file", lambda path: pytest.fail(f"{path} is hashed again"))
        assert record.is_intact(tmp_path, saved)
    (tmp_path / "script").unlink()
    assert not record.is_intact(tmp_path, saved), "once it was there it is missed"


@pytest.mark.usefixtures("saved")
def test_a_discarded_record_leaves_nothing_that_counts(tmp_path: Path) -> None:
    record.discard(tmp_path)
    assert record.load(tmp_path) is None
    record.discard(tmp_path)


def test_each_flipped_bit_of_a_record_is_seen(tmp_path: Path) -> None:
    known = Record("ab" * 32, {"a": Output("cd" * 32, 3, executable=False)}, "cargo::rustc-cfg=a", "warning", "ef")
    good = known.to_bytes()
    assert Record.from_bytes(good) == known
    for bit in range(8 * len(good)):
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        (tmp_path / "action.json").write_bytes(flipped)
        assert record.load(tmp_path) in (None, known)  # the name of an empty field may be altered, and means nothing


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "content", [b"", b"[" * 100_000, b'{"key":' * 100_000, b"\xff", b"{}", b"1"], ids=lambda content: repr(content[:9])
)
def test_a_record_that_is_damaged_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "action.json").write_bytes(content)
    assert record.load(tmp_path) is None


def test_a_file_of_another_size_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    output = record.observe(path)
    assert record.holds(path, output)
    path.write_bytes(b"abd")
    assert not record.holds(path, output)
    os.truncate(path, 1 << 40)
    monkeypatch.setattr(digest, "of_file", lambda name: pytest.fail(f"{name} is read"))
    assert not record.holds(path, output)


def test_what_lies_beside_outputs_is_taken_away(saved: Record, tmp_path: Path) -> None:
    """Whatever it is; but what rustc wants to find again, and the folders of other actions."""
    other = tmp_path / "linked"
    other.mkdir()
    record.save(other, Record("l" * 64, {}))
    for name in ("junk", "closed/deep/junk", "incremental/kept", "unsound/action.json", "linked/kept"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"{}")
    (tmp_path / "link").symlink_to("linked")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "closed/deep").chmod(0o500)
    (tmp_path / "closed").chmod(0o100)
    record.keep_only(tmp_path, saved)
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    kept = ["incremental/kept", "lib.rlib", "linked/.stamps.json", "linked/action.json", "linked/kept", "script"]
    assert left == kept
    assert sorted(path.name for path in tmp_path.iterdir()) == ["incremental", "lib.rlib", "linked", "script"]


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"LIBRARY"), lambda path: path.chmod(0o755)])
def test_an_output_that_is_not_what_it_should_be_is_taken_away(
    damage: Callable[[Path], object], saved: Record, tmp_path: Path
) -> None:
    damage(tmp_path / "lib.rlib")
    record.keep_only(tmp_path, saved)
    assert [path.name for path in tmp_path.iterdir()] == ["script"]


def test_a_record_of_another_version_is_none_and_no_damage(tmp_path: Path) -> None:
    good = json.loads(Record("k", {}).to_bytes())
    assert good["format"] == state_file.FORMAT
    others = ({**good, "format": number} for number in (0, 1, state_file.FORMAT + 1))
    for other in (*others, {name: value for name, value in good.items() if name != "format"}):
        (tmp_path / record.NAME).write_text(json.dumps(other))
        state_file.damaged.clear()
        assert record.load(tmp_path) is None
        assert not state_file.damaged
    (tmp_path / record.NAME).write_text(json.dumps({**good, "key": "x"}))
    assert record.load(tmp_path) is None
    assert state_file.damaged


@pytest.mark.parametrize("name", ["/etc/x", "../x", "out/../../x", "out/.."])
def test_a_sealed_record_of_what_lies_elsewhere_is_none(name: str) -> None:
    output = Output("cd" * 32, 3, executable=False)
    for made in (Record("k", {"good": output, name: output}), Record("k", {"good": output}, folders=("out", name))):
        with pytest.raises(ValueError, match="outside the action's folder"):
            Record.from_bytes(made.to_bytes())
    assert is_record(Record("k", {"..a/b..": output}).to_bytes())


@pytest.fixture
def tree(tmp_path: Path) -> Record:
    """What lies in a script's `out`: a file, one that is deeper, and a folder with nothing in it."""
    for name in ("out/a", "out/deep/er/b"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "out/none").mkdir()
    outputs = {name: record.observe(tmp_path / name) for name in ("out/a", "out/deep/er/b")}
    return Record("k" * 64, outputs, folders=("out/none",))


ADDED: dict[str, Callable[[Path], object]] = {
    "a file": lambda out: (out / "deep/c").touch(),
    "an empty folder": lambda out: (out / "deep/more").mkdir(),
    "a folder in the empty one": lambda out: (out / "none/more").mkdir(),
    "a file in the empty one": lambda out: (out / "none/c").touch(),
    "a link to a folder": lambda out: (out / "link").symlink_to("deep"),
    "a link to nothing": lambda out: (out / "link").symlink_to("nowhere"),
    "folders": lambda out: (out / "more/and/more").mkdir(parents=True),
}


@pytest.mark.parametrize("what", ADDED)
def test_what_lies_in_a_tree_and_no_record_names_is_seen(what: str, tree: Record, tmp_path: Path) -> None:
    assert record.is_all(tmp_path, "out", tree)
    ADDED[what](tmp_path / "out")
    assert not record.is_all(tmp_path, "out", tree)


def test_a_tree_may_be_one_file_or_one_folder_deep_in_it(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one/a").touch()
    (tmp_path / "two/deep/empty").mkdir(parents=True)
    assert record.is_all(tmp_path, "one", Record("k", {"one/a": record.observe(tmp_path / "one/a")}))
    assert record.is_all(tmp_path, "two", Record("k", {}, folders=("two/deep/empty",)))
    assert not record.is_all(tmp_path, "two", Record("k", {}, folders=("two/deep",)))


def test_a_tree_that_is_not_there_is_not_all(tree: Record, tmp_path: Path) -> None:
    assert not record.is_all(tmp_path, "other", tree)
    (tmp_path / "other").mkdir()
    assert record.is_all(tmp_path, "other", tree)


def test_what_was_never_fetched_may_be_absent_from_a_tree(tree: Record, tmp_path: Path) -> None:
    (tmp_path / "out/a").unlink()
    assert record.is_all(tmp_path, "out", tree)
    (tmp_path / "out/deep/er/b").unlink()
    assert record.is_all(tmp_path, "out", tree), "the folders above it are no others"


def test_an_empty_folder_that_was_taken_away_is_missed(tree: Record, tmp_path: Path) -> None:
    record.save(tmp_path, tree)
    assert record.is_intact(tmp_path, tree)
    (tmp_path / "out/none").rmdir()
    assert not record.is_intact(tmp_path, tree)


def test_outputs_that_lie_deep_stay_and_what_lies_beside_them_goes(tree: Record, tmp_path: Path) -> None:
    others = ("o/junk", "out/dee/junk", "out/incremental/junk", "out/linked/junk")
    record.save(tmp_path / "out/linked", Record("l" * 64, {}))
    for name in ("out/deep/junk", "out/other/junk", "out/none/junk", "top/junk", *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    record.keep_only(tmp_path, tree)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left == {"out", "out/a", "out/deep", "out/deep/er", "out/deep/er/b", "out/none"}
    assert record.is_all(tmp_path, "out", tree)


def test_what_is_shut_is_opened_to_be_tidied(tree: Record, tmp_path: Path) -> None:
    (tmp_path / "out/deep/er/junk").touch()
    (tmp_path / "out/deep/er").chmod(0o500)
    (tmp_path / "out").chmod(0o100)
    record.keep_only(tmp_path, tree)
    assert record.is_all(tmp_path, "out", tree)


def test_an_edit_of_what_was_kept_is_seen_though_the_record_is_written_after_it(saved: Record, tmp_path: Path) -> None:
    kept = record.keep_only(tmp_path, saved)
    assert kept.keys() == saved.outputs.keys()
    edit(tmp_path / "lib.rlib")
    record.save(tmp_path, saved, kept)
    assert not record.is_intact(tmp_path, saved)


def test_an_edit_beside_what_was_fetched_is_seen(saved: Record, tmp_path: Path) -> None:
    edit(tmp_path / "lib.rlib")
    record.remember(tmp_path, saved, ["script"])
    assert not record.is_intact(tmp_path, saved)


def test_a_link_to_itself_is_no_output(saved: Record, tmp_path: Path) -> None:
    (tmp_path / "script").unlink()
    (tmp_path / "script").symlink_to("script")
    assert record.keep_only(tmp_path, saved).keys() == saved.outputs.keys() - {"script"}
    assert not (tmp_path / "script").is_symlink()
