"""Values that all plans of one profile share."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.planning import manifest, rustc_flags, std_environment, unit_graph
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rust import crate_root
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.base.paths import PathMap
    from ostoo_build.base.snapshot import Snapshot
    from ostoo_build.planning.manifest import Manifest
    from ostoo_build.planning.script_environment import ScriptContext
    from ostoo_build.planning.unit_graph import Unit
    from ostoo_build.rust.crate_root import StdView

_STD = "@{rust-src}"


class PlanContext(Struct, frozen=True):
    """Values that all plans of one profile share.

    `cfgs`, `rustflags`, `rustdocflags` and `behind_sysroot` are the target's, `env` is cargo's `[env]`. `workspace`
    is the portable path of the Cargo workspace. Manifests and sources are read through `snapshot`.
    """

    paths: PathMap
    workspace: str
    target: str
    cfgs: frozenset[str]
    rustflags: tuple[str, ...]
    rustdocflags: tuple[str, ...]
    behind_sysroot: int
    env: tuple[tuple[str, str], ...]
    scripts: ScriptContext
    snapshot: Snapshot

    def manifest(self, unit: Unit) -> Manifest:
        """Return the manifest of a unit's package. Raises `OstooError` if it is invalid."""
        path = self.snapshot.get(("manifest of", unit.pkg_id, unit.src_path), partial(unit_graph.manifest_path, unit))
        return self.snapshot.get(path, partial(manifest.read, path))

    def portable(self, path: Path) -> str:
        """Return the portable form of a path. Links in it are kept, as cargo does."""
        return self.snapshot.get(("portable", path), partial(self.paths.input_path, path))

    def flags_of(self, unit: Unit) -> tuple[str, ...]:
        """Return the configuration's flags for the tool that makes a unit: rustc, or rustdoc."""
        return self.rustdocflags if unit.is_documented else self.rustflags_of(unit)

    def rustflags_of(self, unit: Unit) -> tuple[str, ...]:
        """Return the target's flags that are for a unit.

        Std's packages have no folder that a relative path could mean.
        """
        if not unit.platform:
            return ()
        if unit.is_run or UnitKind.of(unit) is not UnitKind.LIBRARY:
            return self.rustflags
        kept = rustc_options.read(rustc_flags.for_libraries(self.rustflags))
        return tuple(word for option in kept if option.flag != "-L" or not unit.is_std for word in option.words)

    def env_of(self, unit: Unit) -> Iterator[tuple[str, str]]:
        """Return the entries of cargo's `[env]` that apply to a unit.

        A crate of std gets only those that it may read.
        """
        if not (unit.is_std and self.env) or unit.is_run:
            yield from self.env
            return
        source = self.portable(unit.src_path)
        folder = Path(self.paths.expand(_STD)) if source.startswith(f"{_STD}/") else self.manifest(unit).path.parent
        names = tuple(name for name, _ in self.env)
        asked = self.snapshot.get(("asks for", folder), partial(std_environment.read_by, folder, names))
        yield from ((name, value) for name, value in self.env if name in asked)

    def view(self, unit: Unit) -> StdView:
        """Return which of std's crates a unit can see."""
        cfgs = cfgs_of(unit.is_test, self.cfgs)
        of_unit = partial(crate_root.view, unit.src_path, unit.features, cfgs, self.snapshot)
        return self.snapshot.get(("view", unit.src_path, unit.features, unit.is_test), of_unit)


def cfgs_of(is_test: bool, cfgs: frozenset[str]) -> frozenset[str]:  # noqa: FBT001 - a unit's word, alone with cfgs
    """Return the cfgs that a unit of the target is compiled with."""
    return cfgs | {"test"} if is_test else cfgs
