"""Queries cargo for the workspace's programs, the unit graph of one, and the configuration."""

from __future__ import annotations

import json
import os
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import activity, digest, home, layout, process, toml_file, toml_tables
from ostoo_build.base import environment as variables
from ostoo_build.base.activity import Activity
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.base.once import Once
from ostoo_build.planning import cargo_config, std_crates, unit_graph
from ostoo_build.planning.features import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ostoo_build.base.paths import PathMap
    from ostoo_build.planning.cargo_config import ConfigContext, Configuration, QueryCfgs

NO_DUMPS = {"RUSTC_ICE": "0"}
"""Keeps a crashing rustc from writing a dump file into its working directory. Its messages are shown anyway."""

_NO_WRAPPERS = {"RUSTC_WRAPPER": "", "RUSTC_WORKSPACE_WRAPPER": ""}
"""Override wrappers in the configuration: no key covers a program that runs in place of rustc."""

_JSON_SPECS = ("--config", "unstable.json-target-spec=true")
"""Allows target specs in cargos that want to be told so; `-Zjson-target-spec` is an error in older ones.

All `--config` have to stand before the command: those behind it would replace them.
"""

_DROPPED_PREFIXES = ("CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS")


class Binary(Struct, frozen=True):
    """A binary target or an example of a workspace member: what `scons NAME` builds. `option` is cargo's for its kind.

    `dependencies` is a digest of the dependencies and features that its package declares, `features` are these
    features, `required` those without which cargo does not build it, `selected` those that it is built with.
    `is_default` says that cargo builds its package if none is named.
    """

    name: str
    package: str
    manifest: Path
    dependencies: digest.Hash
    features: dict[str, tuple[str, ...]] = {}
    required: tuple[str, ...] = ()
    is_default: bool = True
    option: str = "--bin"
    selected: Selection = Selection()

    @property
    def target_name(self) -> str:
        """The name of cargo's target."""
        return self.name.rpartition("/")[2]

    @property
    def lacking(self) -> tuple[str, ...]:
        """Return the required features that are not enabled."""
        enabled = self.selected.enabled(self.features) if self.required else set()
        return tuple(name for name in self.required if name not in enabled)


class Cargo(Struct, frozen=True, dict=True):
    """A cargo, and the workspace that it reads.

    `folder` is where cargo runs, so that its configuration applies: the workspace's, or that of a member. `environment`
    contains the variables that cargo needs, `vendor` is the folder with std's own crates. `std_options` select crates
    and features of std. `locked` says that a lock file which is missing or out of date is an error.
    """

    program: Path
    folder: Path
    workspace: Path
    environment: Mapping[str, str]
    vendor: Path | None
    std_options: tuple[str, ...] = ()
    locked: bool = False

    def __post_init__(self) -> None:
        self._lock_own_crates  # noqa: B018 - creates it: the threads that ask for unit graphs share this value

    def binaries(self) -> tuple[Binary, ...]:
        """Return the programs of the workspace's members, or of the member in `folder`.

        Raises `OstooError` with cargo's error message.
        """
        document = self._members()
        defaults = document.get("workspace_default_members")
        found = [
            Binary(
                layout.example(target["name"]) if is_example else target["name"],
                package["name"],
                Path(package["manifest_path"]),
                _dependencies(package),
                {name: tuple(enabled) for name, enabled in package["features"].items()},
                tuple(target.get("required-features", ())),
                not is_example and (defaults is None or package["id"] in defaults),
                "--example" if is_example else "--bin",
            )
            for package in document["packages"]
            if self.folder in (self.workspace, Path(package["manifest_path"]).parent)
            for target in package["targets"]
            if "bin" in target["crate_types"] and not {"bin", "example"}.isdisjoint(target["kind"])
            for is_example in ("example" in target["kind"],)
        ]
        return tuple(sorted(found, key=lambda binary: binary.name))

    def roots(self) -> set[tuple[str, Path]]:
        """Return the root files of all targets of the workspace's members, each with its edition.

        Raises `OstooError` with cargo's error message.
        """
        document = self._members()
        return {
            (target["edition"], Path(target["src_path"]))
            for package in document["packages"]
            for target in package["targets"]
        }

    def _members(self) -> dict[str, Any]:
        """Return what cargo says of the workspace's members."""
        found: dict[str, Any] = json.loads(self._run("metadata", "--no-deps", "--format-version=1"))
        return found

    def unit_graphs(self, binaries: Sequence[Binary], profile: str, target: Path) -> list[unit_graph.UnitGraph]:
        """Return the unit graph of each program, as if cargo built that program alone, so that no other adds features.

        All programs must declare the same dependencies and features, and have the same ones selected; then cargo's
        unification adds nothing. Raises `OstooError` for a program that lacks a required feature.
        """
        for binary in binaries:
            _refuse_lacking(binary)
        chosen = (("--package", binary.package, binary.option, binary.target_name) for binary in binaries)
        asked = (*chain.from_iterable(chosen), *binaries[0].selected.words)
        graphs = {graph.name: graph for graph in self._graphs(profile, target, *asked)}
        return [graphs[binary.target_name] for binary in binaries]

    def test_graphs(self, binaries: Sequence[Binary], profile: str, target: Path) -> list[list[unit_graph.UnitGraph]]:
        """Return the unit graphs of each program's test executables: its own, its library's, and those in `tests/`.

        The programs must be alike, as for `unit_graphs`. Cargo selects the executables, but `profile` is one of
        programs', so that tests use the same std.
        """
        packages = (("--package", name) for name in dict.fromkeys(binary.package for binary in binaries))
        asked = (*chain.from_iterable(packages), "--tests", "-Zpanic-abort-tests", *binaries[0].selected.words)
        graphs = self._graphs(profile, target, *asked)
        folders = [os.path.realpath(unit_graph.manifest_path(graph.units[-1])) for graph in graphs]
        return [
            [
                graph
                for graph, manifest in zip(graphs, folders, strict=True)
                if manifest == os.path.realpath(binary.manifest) and _is_test_of(binary, graph.units[-1])
            ]
            for binary in binaries
        ]

    def _graphs(self, profile: str, target: Path, *chosen: str) -> list[unit_graph.UnitGraph]:
        arguments = (
            *(*self._std_crates(), *_JSON_SPECS, "build", "--unit-graph", "-Zunstable-options", "--profile", profile),
            *("--target", str(target), *chosen, *self._options_for_std(profile)),
        )
        graphs = unit_graph.parse(self._run(*arguments), self._std_source)
        for unit in chain.from_iterable(graph.units for graph in graphs):
            if unit.platform and Path(unit.platform).name != target.name:
                raise OstooError(
                    f"cargo always builds {unit.target_name} for {unit.platform}",
                    where=str(unit_graph.manifest_path(unit)),
                    remedy="remove `forced-target`, or the dependency's `target`",
                )
        return graphs

    def _std_source(self, source: Path) -> Path:
        """Return a source of std as it is beside std, if it comes with that."""
        registry = home.cargo(self.environment) / "registry/src"
        return source if self.vendor is None else std_crates.vendored(source, registry, self.vendor)

    def _std_crates(self) -> tuple[str, ...]:
        """Return flags that make cargo take std's crates from `vendor`.

        First lets cargo lock the workspace's own crates.
        """
        lock, own = self.workspace / "Cargo.lock", ("--locked",) if self.locked else ()
        if self.vendor is None or std_crates.uses_registry(lock):
            return own
        if not self.locked:
            self._lock_own_crates.get()
        return own if std_crates.uses_registry(lock) else std_crates.redirect(self.vendor)

    @cached_property
    def _lock_own_crates(self) -> Once[str]:
        return Once(partial(self._run, "update", "--workspace"))

    def configuration(self, context: ConfigContext, query: QueryCfgs, paths: PathMap) -> Configuration:
        """Read the merged configuration (`cargo config get`)."""
        return cargo_config.read(self.said_configuration(), context, query, paths)

    def said_configuration(self) -> str:
        """Return what cargo says of its merged configuration, with the origin of each value."""
        return self._run("-Zunstable-options", "config", "get", "--format=toml", "--show-origin")

    @cached_property
    def configuration_digest(self) -> digest.Hash:
        """Digest of the configuration files that cargo merges, as they are at the first call."""
        files = ((os.path.relpath(file, self.folder), file) for file in self.configuration_files())
        own = os.path.relpath(home.cargo(self.environment), self.folder)
        found = {name: digest.of_file(file) for name, file in files if file.is_file()}
        # where cargo's home is does not matter, which files of it are read does
        return digest.of_json({name.replace(own, "@{cargo-home}", 1): sha256 for name, sha256 in found.items()})

    def configuration_files(self) -> list[Path]:
        """Return all paths at which cargo searches configuration, including missing ones."""
        return cargo_config.files(self.folder, self.environment)

    def _options_for_std(self, profile: str) -> Iterator[str]:
        """Return the options for std: a profile's features go before those of all profiles."""
        features = [*self.std_features(profile)]
        replaced = "-Zbuild-std-features=" if features else None
        yield from (option for option in self.std_options if replaced is None or not option.startswith(replaced))
        yield from features

    def std_features(self, profile: str) -> Iterator[str]:
        """Return the flag for std's features that the workspace sets for a profile or one that it inherits from.

        Cargo itself reads `build-std-features` only from its configuration, where they apply to all profiles.
        """
        path = self.workspace / "Cargo.toml"
        metadata = toml_tables.table(toml_file.load(path), "workspace", where=str(path)).get("metadata")
        where = f"{path}: workspace.metadata.ostoo"
        asked = toml_tables.table(metadata, "ostoo", "profile", where=where) if isinstance(metadata, dict) else {}
        for name in self._line(profile):
            if name in asked:
                features = toml_tables.texts(toml_tables.table(asked, name, where=where), "build-std-features", where)
                yield f"-Zbuild-std-features={','.join(features)}"
                return

    def inherited(self, profile: str) -> str:
        """Return cargo's `PROFILE`: `debug` or `release`, by the built-in profile from which a profile inherits."""
        *_, last = self._line(profile)
        return "debug" if last in ("dev", "test") else "release"

    def _line(self, profile: str) -> Iterator[str]:
        """Return a profile and those that it inherits from, in this order."""
        path = self.workspace / "Cargo.toml"
        tables = toml_tables.table(toml_file.load(path), "profile", where=str(path))
        configured = cargo_config.inherited_profiles(self.configuration_files())
        seen = set()
        while profile and profile not in seen:
            seen.add(profile)
            yield profile
            profile = configured.get(profile) or toml_tables.table(tables, profile, where=str(path)).get("inherits", "")

    def _run(self, *arguments: str) -> str:
        for name in ("Cargo.toml", "Cargo.lock"):
            if (self.workspace / name).exists():
                digest.opened(self.workspace / name).close()  # cargo would wait for a pipe for ever
        with activity.during(Activity("Planning", f"with cargo {arguments[0]}")):
            completed = process.run([str(self.program), *arguments], cwd=self.folder, env=self.environment)
        if completed.returncode:
            said = _error_in(completed.stderr.decode("utf-8", "replace"))
            of_lock = "--locked was passed" in said
            raise OstooError(
                f"cargo can't plan the build: {said}",
                where=str(self.workspace / ("Cargo.lock" if of_lock else "Cargo.toml")),
                remedy="build without locked=on, and commit Cargo.lock" if of_lock and self.locked else "",
            )
        return completed.stdout.decode()


def _error_in(said: str) -> str:
    """Return cargo's error message, without what it did before: it waits for others, updates, or warns."""
    lines = said.strip().splitlines()
    first = next((at for at, line in enumerate(lines) if line.startswith("error: ")), 0)
    return "\n".join(lines[first:]).removeprefix("error: ")


def _is_test_of(binary: Binary, root: unit_graph.Unit) -> bool:
    """Whether a test executable belongs to the program or to its whole package. Tests of proc macros are excluded.

    Those run on the host.
    """
    return root.is_test and root.platform is not None and (root.kind != "bin" or root.target_name == binary.name)


def _refuse_lacking(binary: Binary) -> None:
    if binary.lacking:
        names = ", ".join(f'"{name}"' for name in binary.lacking)
        raise OstooError(
            f"the program {binary.name} requires features of its package that are not selected: {names}",
            where=str(binary.manifest),
            remedy=f'select them in the SConscript beside it: env.RustProgram("{binary.name}", features=[{names}])',
        )


def _dependencies(package: dict[str, Any]) -> digest.Hash:
    return digest.of_json([package["dependencies"], package["features"]])


def environment(toolchain: Mapping[str, str]) -> dict[str, str]:
    """Return the user's environment for cargo, without variables that would make plans differ between machines."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "CARGO_HOME" or name.startswith(variables.CARGOS) or not name.startswith(_DROPPED_PREFIXES)
    }
    return {**kept, **NO_DUMPS, **_NO_WRAPPERS, **toolchain}


_IGNORED = lazy_pattern(
    r"(CARGO_ENCODED_|CARGO_BUILD_)?RUSTFLAGS|CARGO_BUILD_WARNINGS|CARGO_(PROFILE|UNSTABLE)_.+|CARGO_TARGET_.+_(RUSTFLAGS|LINKER)"
)


def ignored_variables() -> list[str]:
    """Return the variables in the user's environment that would change cargo's build, but do not affect this one."""
    return sorted(name for name, value in os.environ.items() if value and _IGNORED.fullmatch(name))
