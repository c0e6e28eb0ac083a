"""What holds for all tests: none uses what the builds of whoever runs them have left, nor leaves anything there."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _user_cache(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Give each unit test a user of its own; whole builds share one, as a toolchain takes long to hash."""
    whole = request.path.parent.name == "e2e"
    folder = tmp_path_factory.getbasetemp().parent / "user" if whole else tmp_path_factory.mktemp("user")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
