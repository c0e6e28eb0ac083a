"""What holds for all tests: none uses what the builds of whoever runs them have left, nor leaves anything there."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import folder_in_memory
import pytest
from hypothesis import settings

from ostoo_build.start import provided_tools

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDER = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Let tests find the tools that `./sconsw test` fetched, and let no property depend on how fast the machine is.

    Each run has a folder in memory if there is enough; what failed in it stays until the next run.
    """
    if not (config.option.basetemp or hasattr(config, "workerinput")) and (folder := folder_in_memory.make()):
        config.option.basetemp = str(folder / "run")
        config.stash[_FOLDER] = folder
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
    os.environ["CI"] = "true"  # else builds of tests leave servers; tests of the server take it away
    os.environ["PATH"] = provided_tools.on_path(os.environ, Path(__file__).parents[1])


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (folder := session.config.stash.get(_FOLDER, None)) and session.testsfailed == 0:
        shutil.rmtree(folder)


def pytest_xdist_auto_num_workers() -> int:
    """Three workers more than processors: often some wait for a guest, a server, a disk, or the `first` checkout."""
    return len(os.sched_getaffinity(0)) + 3


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _refuse_split_groups(config, items)
    items[:] = _with_work_for_all(items)


def _with_work_for_all(items: list[pytest.Item]) -> list[pytest.Item]:
    """Have one worker make the `first` checkout, for which most tests wait, while the others run unit tests.

    What waits for a clock comes then, too. Large groups follow, as one worker runs each from its begin to its end, then
    what takes long; what is quick comes last.
    """
    unit, whole = _parted(items, lambda item: Path(__file__).parent / "unit" in item.path.parents)
    sizes = Counter(map(_group_of, whole))
    whole.sort(key=lambda item: -max(sizes[group] if (group := _group_of(item)) else 0, _A_GROUP * _is_long(item)))
    makes = next((item for item in whole[::-1] if "first" in getattr(item, "fixturenames", ())), None)
    begin, rest = _parted(whole, lambda item: item is makes)
    waiting, quick = _parted(unit, lambda item: item.path.parent.name == "remote" or _is_long(item))
    return [*begin, *waiting, *quick[::2], *rest, *quick[1::2]]


def _parted(
    items: list[pytest.Item], is_first: Callable[[pytest.Item], bool]
) -> tuple[list[pytest.Item], list[pytest.Item]]:
    parts: tuple[list[pytest.Item], list[pytest.Item]] = ([], [])
    for item in items:
        parts[not is_first(item)].append(item)
    return parts


_A_GROUP = 9
"""What takes long counts as so many tests, that one worker runs."""


def _is_long(item: pytest.Item) -> bool:
    return item.get_closest_marker("long") is not None


def _group_of(item: pytest.Item) -> str:
    marker = item.get_closest_marker("xdist_group")
    return str(marker.args[0]) if marker else ""


def _refuse_split_groups(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to run a group's tests side by side: with pytest 9.2, pytest-xdist 3.8 forgets groups (its issue 1386)."""
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
            raise pytest.UsageError(f"{item.nodeid}: pytest-xdist does not see its group; is pytest 9.1 installed?")


@pytest.fixture(autouse=True)
def _user_cache(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Give each unit test a user of its own; those of `e2e` share one."""
    if request.path.parent.name != "e2e":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user")))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, and a server's and a client's certificate from it."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signed)
    return folder
