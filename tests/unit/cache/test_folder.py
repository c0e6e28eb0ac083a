"""Nothing is taken away in a folder that is no cache of this build."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import digest, user_cache
from ostoo_build.base.errors import OstooError
from ostoo_build.cache import folder as cache_folder
from ostoo_build.cache import upkeep as cache_upkeep
from ostoo_build.cache.disk_cache import DiskCache
from ostoo_build.cli import cache as cache_verbs
from ostoo_build.planning.answers import Cfgs
from ostoo_build.planning.memos import KEPT, Memos

if TYPE_CHECKING:
    from collections.abc import Callable

VERBS = ("clear", "gc", "verify", "stats")
CONTENT = b"what rustc made"
NAME = digest.of_bytes(CONTENT)
KEY = "ab" * 32


def write(path: Path, text: str = "theirs") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def cache_in(folder: Path) -> DiskCache:
    write(folder.parent / "made", CONTENT.decode())
    cache = DiskCache(folder, 1 << 30)
    cache.keep(folder.parent / "made", NAME)
    cache.keep_result(KEY, b"result")
    return cache


def ours_in_name(folder: Path) -> None:
    for part in cache_folder.PARTS:
        write(folder / part / "file")


def beside_a_letter(folder: Path) -> None:
    cache_in(folder)
    untagged(folder)
    write(folder / "letter.txt")


def in_its_place(folder: Path) -> None:
    folder.rmdir()
    write(folder)


def from_the_future(path: Path) -> None:
    write(path, "x")
    os.utime(path, (1 << 33, 1 << 33))


def untagged(folder: Path) -> None:
    (folder / cache_folder.TAG).unlink()


FOREIGN: dict[str, Callable[[Path], object]] = {
    "rustup's home": lambda folder: write(folder / "toolchains/nightly-x86_64-unknown-linux-gnu/bin/rustc"),
    "folders of our names": ours_in_name,
    "a folder of plans": lambda folder: write(folder / "plans/house.json"),
    "a cache beside other things": beside_a_letter,
    "another program's cache": lambda folder: write(
        folder / "CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n# of cargo\n"
    ),
    "a file": in_its_place,
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_folder_of_somebody_elses_is_refused_and_left_as_it_is(foreign: str, verb: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    FOREIGN[foreign](folder)
    before = contents(tmp_path)
    with pytest.raises(OstooError, match="this folder is not a cache of this build, and was not changed") as caught:
        cache_verbs.perform(verb, folder, 0)
    assert caught.value.where == str(folder)
    assert contents(tmp_path) == before


def test_nothing_is_kept_in_a_folder_of_somebody_elses(tmp_path: Path) -> None:
    write(tmp_path / "home/letter.txt")
    with pytest.raises(OSError, match="it contains other files"):
        cache_in(tmp_path / "home")
    assert list((tmp_path / "home").iterdir()) == [tmp_path / "home/letter.txt"]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_cache_is_tagged_when_it_is_made(tmp_path: Path, *, is_there: bool) -> None:
    folder = tmp_path / "cache"
    if is_there:
        folder.mkdir()
    cache = cache_in(folder)
    assert (folder / "CACHEDIR.TAG").read_bytes().startswith(b"Signature: 8a477f597d28d172789f06886806bc55\n")
    assert cache_upkeep.stats(cache.folder) == cache_upkeep.Stats(1, 1, cache_upkeep.stats(cache.folder).size)


def test_a_cache_without_a_tag_is_known_by_what_it_holds_and_tagged_later(tmp_path: Path) -> None:
    cache = cache_in(tmp_path / "cache")
    untagged(cache.folder)
    for name in (
        "plans/" + "c" * 64 + ".json",
        "compilers.json",
        "collected",
        "cas/.half.1",
        ".compilers.json.1.0123abcd",
    ):
        write(cache.folder / name)
    assert cache_verbs.perform("verify", cache.folder, 0) == "1 results and 2 files are intact\n"
    cache.keep_result("cd" * 32, b"result")
    assert cache_folder.is_ours(cache.folder)
    assert (cache.folder / cache_folder.TAG).is_file()


def test_notes_alone_are_a_cache_too(tmp_path: Path) -> None:
    write(tmp_path / "cache/plans" / f"{'a' * 64}.json")
    write(tmp_path / "cache/compilers.json")
    assert cache_verbs.perform("clear", tmp_path / "cache", 0).startswith("removed everything")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["compilers.json"]


def test_plans_of_all_ages_are_a_cache_too(tmp_path: Path) -> None:
    """A cache that begins with plans, some of which are not the newest, takes results later."""
    folder, question = tmp_path / "cache", Cfgs(("question",))
    for number in range(KEPT + 1):
        Memos(folder / user_cache.PLANS).keep(question, Cfgs((str(number),)))
    names = [path.name for path in (folder / user_cache.PLANS).iterdir()]
    assert len(names) == KEPT
    cache = cache_in(folder)
    assert cache_upkeep.stats(cache.folder).results == 1
    cache_upkeep.clear(folder)
    assert not (folder / user_cache.PLANS).exists()


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for verb in (*VERBS, *VERBS):
        cache_verbs.perform(verb, tmp_path / "none", 0)
    assert not (tmp_path / "none").exists()


def test_what_is_not_ours_in_a_cache_stays(tmp_path: Path) -> None:
    cache = cache_in(tmp_path / "cache")
    theirs = [
        cache.folder / name for name in ("letter.txt", "cas/letter.txt", "plans/a/letter.txt", "ac/ab/letter.txt")
    ]
    for path in theirs:
        write(path)
    (cache.folder / "cas/cd").symlink_to(tmp_path)
    for verb in ("gc", "clear"):
        cache_verbs.perform(verb, cache.folder, 0)
        assert all(path.read_text() == "theirs" for path in theirs)
    assert cache_upkeep.stats(cache.folder) == cache_upkeep.Stats(0, 0, 0)
    assert (tmp_path / "made").exists()


def test_a_cleared_cache_is_empty_and_can_be_used_again(tmp_path: Path) -> None:
    cache = cache_in(tmp_path / "cache")
    cache_verbs.perform("clear", cache.folder, 0)
    assert [path.name for path in cache.folder.iterdir()] == ["CACHEDIR.TAG"]
    assert cache_in(cache.folder).has(NAME)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a folder": lambda path: write(path / "a/b"),
    "a pipe": os.mkfifo,
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "empty": lambda path: write(path, ""),
    "of the future": from_the_future,
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_a_miss_and_can_be_kept_again(damage: str, tmp_path: Path) -> None:
    cache = cache_in(tmp_path / "cache")
    entries = [cache.folder / "cas" / NAME[:2] / NAME, cache.folder / "ac" / KEY[:2] / KEY]
    for entry in entries:
        entry.unlink()
        DAMAGES[damage](entry)
    assert cache.result(KEY) is None
    assert not cache.read(NAME, tmp_path / "back")
    assert not (tmp_path / "back").exists()
    cache_in(cache.folder)
    assert cache.result(KEY) == b"result"
    assert cache.read(NAME, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == CONTENT


def test_a_target_that_can_not_be_written_says_nothing_about_the_cache(tmp_path: Path) -> None:
    cache = cache_in(tmp_path / "cache")
    with pytest.raises(OSError, match="back"):
        cache.read(NAME, tmp_path / "no-folder/back")
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        cache.read(NAME, tmp_path / "full")
    assert cache.read(NAME, tmp_path / "back")


@pytest.mark.parametrize("first", [user_cache.COMPILERS, user_cache.DOCUMENTS, user_cache.PLANS, user_cache.TOOLCHAINS])
def test_what_checkouts_leave_in_a_users_folder_does_not_keep_the_cache_out(first: str, tmp_path: Path) -> None:
    place = tmp_path / "cache" / first
    write(place if place.suffix else place / f"{KEY}.json")
    cache = cache_in(tmp_path / "cache")
    assert (cache.folder / cache_folder.TAG).is_file()
    assert cache.has(NAME)


def test_all_that_is_left_in_a_users_folder_has_its_name_in_one_place() -> None:
    sources = Path(user_cache.__file__).parents[1].rglob("*.py")
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sources]
    joined = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.BinOp)]
    names = {ast.unparse(node.right) for node in joined if ast.unparse(node.left) == "user_cache.folder()"}
    assert names == {f"user_cache.{name}" for name in ("COMPILERS", "DOCUMENTS", "PLANS", "TOOLCHAINS")}
