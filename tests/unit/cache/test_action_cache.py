from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from typing import TYPE_CHECKING, cast

import pytest
from msgspec.structs import replace

from ostoo_build.actions import record as records
from ostoo_build.actions.action import Action
from ostoo_build.actions.record import Record
from ostoo_build.base import state_file
from ostoo_build.base.console import Console
from ostoo_build.cache.action_cache import ActionCache, OutputLocation
from ostoo_build.cache.disk_cache import DiskCache
from ostoo_build.remote import results

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.remote.store import RemoteStore

ACTION = Action("Rustc", ("a.rs",), (), (), ("build/units/core/",))
OTHER = replace(ACTION, arguments=("b.rs",))
LIMIT = 1 << 30
HERE, ELSEWHERE = "0" * 64, "1" * 64


def cache_at(folder: Path, root: str = HERE) -> ActionCache:
    return ActionCache(DiskCache(folder, LIMIT), root, Console(colour=False, quiet=False))


@pytest.fixture
def cache(tmp_path: Path) -> ActionCache:
    return cache_at(tmp_path / "cache")


@pytest.fixture
def place(tmp_path: Path) -> OutputLocation:
    """A result in the folder `made`."""
    folder = tmp_path / "made"
    (folder / "out").mkdir(parents=True)
    (folder / "out/lib.rlib").write_bytes(b"library")
    (folder / "script").write_bytes(b"script")
    (folder / "script").chmod(0o755)
    return OutputLocation("build/units/core", folder)


@pytest.fixture
def made(place: OutputLocation) -> Record:
    outputs = {name: records.observe(place.folder / name) for name in ("out/lib.rlib", "script")}
    return Record(ACTION.key, outputs, stdout="cargo::rustc-cfg=a\n", stderr="warning: unused\n")


@pytest.fixture
def stored(cache: ActionCache, made: Record, place: OutputLocation) -> Record:
    store(cache, made, place)
    return made


def store(cache: ActionCache, made: Record, place: OutputLocation) -> None:
    cache.store(ACTION, made, place)
    cache.flush()


def fetch(cache: ActionCache, made: Record, folder: Path) -> list[str]:
    missing = cache.fetch((folder / name, output) for name, output in made.outputs.items())
    return [path.name for path in missing]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_a_stored_result_comes_back_whole(
    cache: ActionCache, stored: Record, place: OutputLocation, tmp_path: Path
) -> None:
    assert cache.lookup(ACTION, place) == stored
    assert fetch(cache, stored, tmp_path / "back") == []
    assert files(tmp_path / "back") == ["out/lib.rlib", "script"]
    back = {name: records.observe(tmp_path / "back" / name) for name in stored.outputs}
    assert back == stored.outputs


def test_a_full_disk_is_no_miss(
    cache: ActionCache, stored: Record, place: OutputLocation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ostoo_build.cache.disk_cache._decompress", full)
        with pytest.raises(OSError, match="No space left"):
            fetch(cache, stored, tmp_path / "back")
    assert files(tmp_path / "back") == []
    assert cache.lookup(ACTION, place) == stored
    assert fetch(cache, stored, tmp_path / "back") == []


@pytest.mark.usefixtures("stored")
def test_another_action_is_a_miss(cache: ActionCache, place: OutputLocation) -> None:
    assert cache.lookup(OTHER, place) is None


def test_a_result_of_another_place_is_a_miss(cache: ActionCache, stored: Record, place: OutputLocation) -> None:
    assert stored
    assert cache.lookup(ACTION, replace(place, path="build/units/std")) is None


def test_a_file_that_differs_is_replaced_and_one_that_does_not_is_left_alone(
    cache: ActionCache, stored: Record, place: OutputLocation
) -> None:
    (place.folder / "out/lib.rlib").write_bytes(b"another")
    before = (place.folder / "script").stat()
    assert fetch(cache, stored, place.folder) == []
    assert (place.folder / "out/lib.rlib").read_bytes() == b"library"
    assert (place.folder / "script").stat() == before


def test_a_file_that_the_cache_has_lost_is_told(cache: ActionCache, stored: Record, tmp_path: Path) -> None:
    sha256 = stored.outputs["script"].sha256
    (tmp_path / "cache/cas" / sha256[:2] / sha256).unlink()
    assert fetch(cache, stored, tmp_path / "back") == ["script"]
    assert files(tmp_path / "back") == ["out/lib.rlib"]


def test_a_forgotten_result_is_a_miss(cache: ActionCache, stored: Record, place: OutputLocation) -> None:
    assert cache.lookup(ACTION, place) == stored
    cache.forget(ACTION)
    assert cache.lookup(ACTION, place) is None


def test_a_result_that_holds_a_checkouts_path_is_for_that_checkout(
    cache: ActionCache, made: Record, place: OutputLocation, tmp_path: Path
) -> None:
    bound = replace(made, bound_to=HERE)
    store(cache, bound, place)
    assert cache.lookup(ACTION, place) == bound
    other = cache_at(tmp_path / "cache", ELSEWHERE)
    assert other.lookup(ACTION, place) is None
    store(other, replace(made, bound_to=ELSEWHERE), place)
    assert cache.lookup(ACTION, place) == bound, "two checkouts' results do not push each other out"
    cache.forget(ACTION)
    assert cache.lookup(ACTION, place) is None


def test_a_cache_that_is_off_keeps_and_knows_nothing(made: Record, place: OutputLocation, tmp_path: Path) -> None:
    off = ActionCache(None, HERE, Console(colour=False, quiet=False))
    store(off, made, place)
    assert off.lookup(ACTION, place) is None
    assert sorted(fetch(off, made, tmp_path / "back")) == ["lib.rlib", "script"]
    assert fetch(off, made, place.folder) == [], "what is there need not be had"


def test_an_output_that_changed_meanwhile_is_not_kept(cache: ActionCache, made: Record, place: OutputLocation) -> None:
    (place.folder / "script").write_bytes(b"edited")
    store(cache, made, place)
    assert cache.lookup(ACTION, place) is None
    assert cache.disk


def test_a_folder_that_can_not_be_used_is_said_once_and_has_nothing(
    made: Record, place: OutputLocation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    cache = cache_at(tmp_path / "file")
    store(cache, made, place)
    store(cache, made, place)
    assert cache.lookup(ACTION, place) is None
    said = capsys.readouterr().err
    assert re.fullmatch(r"warning: the action cache can't store new results: Not a directory \(.*/file/cas.*\)\n", said)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO])
def test_a_cache_that_takes_nothing_still_gives_what_it_has(
    number: int,
    stored: Record,
    place: OutputLocation,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cache, back = cache_at(place.folder.with_name("cache")), place.folder.with_name("back")

    def refuse(path: Path, *_: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(state_file, "replace", refuse)
    monkeypatch.setattr(os, "utime", refuse)
    (place.folder / "new").write_bytes(b"new")
    new = Record(OTHER.key, {"new": records.observe(place.folder / "new")})
    for _ in range(2):
        cache.store(OTHER, new, place)
        cache.flush()
    assert cache.lookup(ACTION, place) == stored
    assert fetch(cache, stored, back) == []
    assert cache.lookup(OTHER, place) is None
    said = capsys.readouterr().err
    assert said.count("warning: the action cache can't store new results") == 1
    assert os.strerror(number) in said


def test_a_result_that_is_none_hides_no_other(cache: ActionCache, made: Record, place: OutputLocation) -> None:
    bound = replace(made, bound_to=HERE)
    store(cache, bound, place)
    assert cache.disk
    cache.disk.keep_result(ACTION.key, b"no message")
    assert cache.lookup(ACTION, place) == bound


def test_a_cache_that_kept_nothing_yet_has_nothing_to_give_up(
    cache: ActionCache, made: Record, place: OutputLocation
) -> None:
    (place.folder / "out/lib.rlib").write_bytes(b"edited")
    store(cache, made, place)
    assert not (cache.disk and cache.disk.folder.exists())


LIBRARY = Action("Rustc", ("a.rs",), (), (), ("build/units/core/core.d", "build/units/core/script"))
OUTPUT = records.Output("0" * 64, 1, executable=False)


@dataclass(frozen=True)
class Answer:
    """A result with files of these names, and whether it can be the action's."""

    action: Action
    names: tuple[str, ...]
    is_one: bool
    promised: tuple[str, ...] = ()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(LIBRARY, ("script",), is_one=True),
        Answer(LIBRARY, (), is_one=False),
        Answer(LIBRARY, ("core.d",), is_one=False),
        Answer(LIBRARY, ("script", "other"), is_one=False),
        Answer(LIBRARY, ("script", "action.json"), is_one=False),
        Answer(LIBRARY, ("deep/script",), is_one=False),
        Answer(ACTION, ("script", "other"), is_one=True),
        Answer(ACTION, (), is_one=True),
        Answer(ACTION, ("other",), is_one=False, promised=("script",)),
        Answer(ACTION, ("script", "other"), is_one=True, promised=("script",)),
    ],
)
def test_a_result_that_the_action_can_not_have_is_a_miss(
    answer: Answer, cache: ActionCache, place: OutputLocation
) -> None:
    """Whoever stored it: with fewer files it would promise what nobody made, with more it would overwrite others."""
    key = answer.action.key
    content = results.from_record(Record(key, dict.fromkeys(answer.names, OUTPUT)), place.path)
    assert cache.disk
    cache.disk.keep_result(key, content)
    found = cache.lookup(answer.action, replace(place, promised=answer.promised))
    assert (found is not None) is answer.is_one


@dataclass
class Team:
    """The part of a team's server that is asked here."""

    takes_results: bool = True
    stored: dict[str, bytes] = field(default_factory=dict)
    asked: int = 0

    def result(self, key: str, _size: int) -> bytes | None:
        self.asked += 1
        return self.stored.get(key)

    def keep(self, key: str, _size: int, result: bytes, _blobs: object) -> None:
        self.stored[key] = result


def of_team(folder: Path, team: Team) -> ActionCache:
    return replace_fields(cache_at(folder), remote=cast("RemoteStore", team))


def learned(cache: ActionCache, *told: str) -> list[str]:
    for text in told:
        cache.learn(ACTION, text)
    cache.flush()
    return list(cache.learned(ACTION))


def test_what_runs_told_is_told_to_all_the_latest_first(cache: ActionCache) -> None:
    assert learned(cache) == []
    assert learned(cache, "one", "two", "one") == ["one", "two"]
    assert list(cache.learned(OTHER)) == []
    many = [str(number) for number in range(40)]
    assert learned(cache, *many) == many[:-17:-1]
    large = "x" * (200 << 10)
    assert learned(cache, large, f"{large}y") == [f"{large}y"]
    assert learned(cache, "z") == ["z", f"{large}y"]


def test_what_runs_told_is_known_to_the_team(tmp_path: Path) -> None:
    team = Team()
    assert learned(of_team(tmp_path / "one", team), "one") == ["one"]
    other = of_team(tmp_path / "other", team)
    assert learned(other) == ["one"]
    assert learned(other, "two") == ["two", "one"]
    assert learned(of_team(tmp_path / "third", team)) == ["two", "one"]


def test_who_may_only_read_tells_nothing_and_asks_nothing_for_it(tmp_path: Path) -> None:
    team = Team(takes_results=False)
    reader = of_team(tmp_path / "one", team)
    reader.learn(ACTION, "one")
    reader.flush()
    assert (team.stored, team.asked) == ({}, 0)
    assert list(reader.learned(ACTION)) == ["one"]


@pytest.mark.parametrize("stdout", ["", "{", '"one"', "[1, {}]", "[" * 100_000])
def test_what_tells_of_nothing_is_nothing(stdout: str, cache: ActionCache) -> None:
    assert cache.disk is not None
    cache.disk.keep_result(ACTION.key, results.from_record(Record(ACTION.key, {}, stdout=stdout), ""))
    assert list(cache.learned(ACTION)) == []
    cache.disk.keep_result(ACTION.key, b"\xff")
    assert learned(cache, "one") == ["one"]
