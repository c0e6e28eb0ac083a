"""What stands in rustc's place, and that all that decides what it says is in the key."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import check_units as units
import fake_toolchains as fake
import pytest

from ostoo_build.actions.action import Action
from ostoo_build.base.paths import PathMap
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import drivers

if TYPE_CHECKING:
    from pathlib import Path

ACTION = Action("Rustc", ("@{rustc}", "--crate-name", "a"), (("A", "b"),), (), ("out",))


class Scene:
    """A toolchain with both programs, and what the user asks of them."""

    def __init__(self, root: Path) -> None:
        self.tools = root / "toolchain/bin"
        for name in ("clippy-driver", "rustdoc"):
            fake.script(self.tools / name, "exit 0")
        self.paths = PathMap((("root", root / "checkout"), ("toolchain", root / "toolchain")))

    def driven(self, kind: UnitKind, *, lints: tuple[str, ...] = (), asked: tuple[str, ...] = ()) -> Action:
        toolchain = SimpleNamespace(rustc=self.tools / "rustc", version="1.99.0", reason="here")
        planner: Any = SimpleNamespace(paths=self.paths, units={}, tools=SimpleNamespace(toolchain=toolchain))
        invocation = SimpleNamespace(lints=lints, for_rustdoc=asked)
        services: Any = SimpleNamespace(snapshot=Snapshot(), invocation=invocation)
        return drivers.driven(planner, services, units.checked("a", kind), ACTION)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    for name in ("CLIPPY_CONF_DIR", "RUSTDOCFLAGS"):
        monkeypatch.delenv(name, raising=False)
    return Scene(tmp_path)


def test_only_what_is_linted_or_documented_has_another_driver(scene: Scene) -> None:
    assert all(scene.driven(kind) is ACTION for kind in UnitKind if kind not in (UnitKind.LINT, UnitKind.DOC))
    assert scene.driven(UnitKind.LINT).arguments[0] == "@{toolchain}/bin/clippy-driver"
    assert scene.driven(UnitKind.DOC).arguments[0] == "@{toolchain}/bin/rustdoc"


@pytest.mark.parametrize(("kind", "name"), [(UnitKind.LINT, "clippy-driver"), (UnitKind.DOC, "rustdoc")])
def test_another_driver_has_another_key(kind: UnitKind, name: str, scene: Scene) -> None:
    before = scene.driven(kind)
    assert scene.driven(kind).key == before.key
    fake.script(scene.tools / name, "exit 1")
    assert scene.driven(kind).key != before.key


def test_what_the_user_asks_of_clippy_is_in_the_key(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, denied = scene.driven(UnitKind.LINT), scene.driven(UnitKind.LINT, lints=("-D", "warnings"))
    assert dict(denied.environment)["CLIPPY_ARGS"] == "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__"
    monkeypatch.setenv("CLIPPY_CONF_DIR", f"{scene.paths.root}/conf")
    elsewhere = scene.driven(UnitKind.LINT)
    assert dict(elsewhere.environment)["CLIPPY_CONF_DIR"] == "@{root}/conf"
    assert len({plain.key, denied.key, elsewhere.key}) == 3


def test_what_the_user_asks_of_rustdoc_is_in_the_key(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = scene.driven(UnitKind.DOC)
    monkeypatch.setenv("RUSTDOCFLAGS", f"-D warnings --html-in-header {scene.paths.root}/x")
    asked = scene.driven(UnitKind.DOC)
    assert asked.arguments[-4:] == ("-D", "warnings", "--html-in-header", "@{root}/x")
    assert asked.key != plain.key
