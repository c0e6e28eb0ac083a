"""Finds and interprets cargo's configuration files.

The rules are those of cargo's reference, "Configuration".
"""

from __future__ import annotations

import os
import posixpath
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import digest, home, toml_entries, toml_file, toml_tables
from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import quote
from ostoo_build.rust import crate_root, flag_rules
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ostoo_build.base.paths import PathMap
    from ostoo_build.rust.options import Option

_NAMES = ("config.toml", "config")
_MOST = 64
"""The maximum number of included files; cargo itself refuses circles."""


class Configuration(Struct, frozen=True):
    """Cargo's merged configuration for one target: flags for every unit, linkers, and `[env]`. All texts are portable.

    `given` contains the flags as the user wrote them. `rustflags` omits the sysroot's folder, and `behind_sysroot`
    counts the folders that rustc searches for native libraries after it. Build scripts get `linker` and `host_linker`.
    `variables` are those of the user's environment that override an entry of `[env]`, or would if they were set.
    """

    rustflags: tuple[str, ...]
    rustdocflags: tuple[str, ...]
    behind_sysroot: int
    given: tuple[str, ...]
    linker: str
    host_linker: str
    env: tuple[tuple[str, str], ...]
    variables: tuple[str, ...]


def files(workspace: Path, variables: Mapping[str, str]) -> list[Path]:
    """Return all configuration files that cargo reads for a workspace, and all paths at which it searches for one."""
    folders = [folder / ".cargo" for folder in (workspace, *workspace.parents)]
    found = [folder / name for folder in (*folders, home.cargo(variables)) for name in _NAMES]
    for path in found:  # the loop extends it
        found += [each for each in _included(path) if each not in found and len(found) < _MOST + 2 * len(folders)]
    return found


def inherited_profiles(files: Iterable[Path]) -> dict[str, str]:
    """Map each profile in the configuration files to the one that it inherits from; the nearest file wins."""
    found: dict[str, str] = {}
    for path in files:
        profiles = _document(path).get("profile")
        for name, profile in profiles.items() if isinstance(profiles, dict) else ():
            if isinstance(profile, dict) and isinstance(profile.get("inherits"), str):
                found.setdefault(name, profile["inherits"])
    return found


def _document(path: Path) -> dict[str, Any]:
    """Parse a configuration file. Returns an empty document if that fails: cargo reports the error."""
    try:
        with digest.opened(path) as stream:
            return toml_file.parse(stream.read())
    except (OSError, ValueError, RecursionError):
        return {}


def _included(path: Path) -> Iterator[Path]:
    """Return the files that a file includes. Entries are paths relative to its folder, or tables with a `path`."""
    listed = _document(path).get("include", ())
    for entry in listed if isinstance(listed, list) else [listed]:
        name = entry.get("path") if isinstance(entry, dict) else entry
        if isinstance(name, str):
            yield path.parent / name


QueryCfgs = Callable[[tuple[str, ...]], frozenset[str]]
"""Asks rustc for the target's cfgs under some flags. Raises `OstooError` for unsupported flags."""


class ConfigContext(Struct, frozen=True):
    """What the meaning of a configuration depends on: the workspace, the user's environment, the target and the host.

    `host_cfgs` are the cfgs that rustc prints for the host.
    """

    workspace: Path
    variables: Mapping[str, str]
    target: str
    host: str
    host_cfgs: frozenset[str]


_UNKNOWN = "this build does not support"
REFUSED = {
    "[host]": "has no effect on this build",
    "[unstable] allow-features": _UNKNOWN,
    "[unstable] any-build-script-metadata": _UNKNOWN,
    "[unstable] dual-proc-macros": _UNKNOWN,
    "[unstable] root-dir": _UNKNOWN,
    "[unstable] public-dependency": "this build supports only in a manifest's cargo-features",
    "[build] sbom": _UNKNOWN,
    "[resolver] lockfile-path": _UNKNOWN,
    '[build] warnings = "deny"': f"{_UNKNOWN}: use `-Dwarnings` in rustflags instead",
}
"""Settings that change cargo's build but not this one, each with the reason for the message."""


def read(said: str, context: ConfigContext, query: QueryCfgs, paths: PathMap) -> Configuration:
    """Interpret the output of `cargo config get --format=toml --show-origin`.

    Raises `OstooError` for unsupported settings.
    """
    document, where = tomllib.loads(said), f"{context.workspace}/.cargo/config.toml"
    for what in (what for what in REFUSED if _is_said(document, what)):
        raise OstooError(
            f"cargo's configuration has {what}, which {REFUSED[what]}",
            where=where,
            remedy="remove it, or move it out of the workspace's reach",
        )
    workspace, variables = context.workspace, context.variables
    tables = _Tables(document, where)
    # which tables hold goes by the flags of the target's own, and what flags there are by the tables (cargo's rule)
    given = tables.flags("rustflags", context.target, query(tables.flags("rustflags", context.target, None)))
    env = toml_tables.table(document, "env", where=where)
    for name, entry in env.items():
        _refuse_odd(name, entry, where)
    folders = _Folders.of(said)
    linker, named = tables.linker(context.target, query(given), folders)
    flags = rustc_options.read(given)
    of_sysroot = [option for option in flags if _is_of_sysroot(option, workspace, paths)]
    if named:
        flag_rules.check(("-C", f"linker={named}"), f".cargo/config.toml: linker for {context.target}")
    return Configuration(
        rustflags=tuple(
            paths.portable_text(word) for option in flags if option not in of_sysroot for word in option.words
        ),
        rustdocflags=tuple(map(paths.portable_text, tables.flags("rustdocflags", context.target, query(given)))),
        behind_sysroot=_searched_behind(flags, of_sysroot),
        given=given,
        linker=paths.portable_text(linker),
        host_linker=paths.portable_text(tables.linker(context.host, context.host_cfgs, folders)[0]),
        env=tuple(sorted(_environment(env, folders.env, variables, paths))),
        variables=tuple(sorted(name for name, entry in env.items() if not _is_forced(entry))),
    )


def _is_said(document: dict[str, Any], what: str) -> bool:
    """Whether a configuration contains `[TABLE]`, `[TABLE] KEY` or `[TABLE] KEY = VALUE`."""
    table, _, pair = what.removeprefix("[").partition("]")
    key, equals, value = pair.strip().partition(" = ")
    said = document.get(table)
    if not key or not isinstance(said, dict):
        return bool(said) and not key
    return f'"{said.get(key)}"' == value if equals else said.get(key) not in (None, False)


class _Tables(Struct, frozen=True):
    """The parts of an unvalidated configuration about targets. `where` is the file for error messages."""

    document: dict[str, Any]
    where: str

    def flags(self, key: str, target: str, cfgs: frozenset[str] | None) -> tuple[str, ...]:
        """Return the target's flags below a key, else those of `[build]`.

        Cargo does not add them up (its reference, `build.rustflags`).
        """
        of_target = [flag for _, table in self.of(target, cfgs) for flag in _flags_in(table, key, self.where)]
        return tuple(
            of_target or _flags_in(toml_tables.table(self.document, "build", where=self.where), key, self.where)
        )

    def of(self, target: str, cfgs: frozenset[str] | None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return the target's own table and, if cfgs are known, those whose cfg holds.

        The order is cargo's; the last wins.
        """
        names = toml_tables.table(self.document, "target", where=self.where)
        holding = (name for name in sorted(names) if name.startswith("cfg(") and cfgs is not None)
        own = (target,) if target in names else ()
        for name in (*own, *(name for name in holding if crate_root.holds(name[4:], cfgs or frozenset()))):
            yield name, toml_tables.table(self.document, "target", name, where=self.where)

    def linker(self, target: str, cfgs: frozenset[str], folders: _Folders) -> tuple[str, str]:
        """Return the target's linker as cargo resolves it and as the configuration spells it, or two empty texts."""
        found = {name: str(table["linker"]) for name, table in self.of(target, cfgs) if "linker" in table}
        if target not in found and len(found) > 1:
            where = ", ".join(f"[target.'{name}']" for name in found)
            raise OstooError(f"several tables name a linker for {target}", where=f"{self.where}: {where}")
        for name, linker in found.items():
            # a name without a slash is looked for in PATH
            return str(folders.linkers[name] / linker) if "/" in linker and name in folders.linkers else linker, linker
        return "", ""


def _flags_in(table: dict[str, Any], key: str, where: str) -> list[str]:
    value = table.get(key)
    return value.split() if isinstance(value, str) else toml_tables.texts(table, key, where)


def _refuse_odd(name: str, entry: Any, where: str) -> None:
    """Raise `OstooError` for an entry of `[env]` that cargo would reject."""
    value = entry.get("value") if isinstance(entry, dict) else entry
    switches = [entry[key] for key in ("force", "relative") if key in entry] if isinstance(entry, dict) else []
    if not isinstance(value, str) or not all(isinstance(switch, bool) for switch in switches):
        remedy = f'write {name} = "…", or {name} = {{ value = "…", relative = true }}'
        raise OstooError(f"env.{name} is neither a string nor a table with one", where=where, remedy=remedy)


def _is_of_sysroot(option: Option, workspace: Path, paths: PathMap) -> bool:
    """Whether the option names the sysroot's folder. Only links use it, and they get it from the sysroot's node."""
    if not option.searches_native:
        return False
    folder, _, below = paths.portable(workspace / option.folder[1]).rpartition("/")
    return below == "lib" and folder == paths.sysroot(posixpath.basename(folder))


def _searched_behind(flags: Sequence[Option], of_sysroot: Sequence[Option]) -> int:
    """Count the folders that are searched after the sysroot's.

    If a folder is named twice, its first position counts.
    """
    behind = flags[flags.index(of_sysroot[0]) :] if of_sysroot else ()
    return sum(option.searches_native and option not in of_sysroot for option in behind)


def _is_forced(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("force") is True


def _environment(
    env: dict[str, Any], folders: dict[str, Path], variables: Mapping[str, str], paths: PathMap
) -> Iterator[tuple[str, str]]:
    """Return the variables of `[env]`: the user's value wins unless `force` is set (cargo's reference)."""
    for name, entry in env.items():
        if name in variables and not _is_forced(entry):
            yield name, of_user(name, variables[name])
            continue
        value = entry["value"] if isinstance(entry, dict) else entry
        if isinstance(entry, dict) and entry.get("relative") is True and name in folders:
            yield name, quote(value) if value.startswith("/") else f"{paths.named(folders[name])}/{quote(value)}"
        else:
            yield name, quote(value)


def of_user(name: str, value: str) -> str:
    """Return a value of the user's environment as a portable text. Raises `OstooError` if it is not UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        what = f"the environment variable {name} is not UTF-8: {os.fsencode(value)!r}"
        remedy = f"unset {name}, or give its entry under [env] in .cargo/config.toml `force = true`"
        raise OstooError(what, remedy=remedy) from error
    return quote(value)


class _Folders(Struct, frozen=True):
    """The folders that relative paths start from, by variable and by target table.

    Cargo resolves a path from the folder that contains the `.cargo` folder of its file.
    """

    env: dict[str, Path]
    linkers: dict[str, Path]

    @staticmethod
    def of(said: str) -> _Folders:
        env: dict[str, Path] = {}
        linkers: dict[str, Path] = {}
        for _, text, document in toml_entries.entries(said):
            folder = Path(comment(text)).parent.parent
            values, targets = _items(document.get("env")), _items(document.get("target"))
            env |= {name: folder for name, entry in values if "value" in dict(_items(entry))}
            linkers |= {name: folder for name, entry in targets if "linker" in dict(_items(entry))}
        return _Folders(env, linkers)


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def comment(text: str, parse: Callable[[str], object] = tomllib.loads) -> str:
    """Return the comment of an entry: the text behind the first `#` that is not part of the value.

    `parse` raises `ValueError` for a text that ends within a value.
    """
    at = text.find(" # ")
    while at >= 0:
        try:
            parse(text[:at])
        except ValueError:
            at = text.find(" # ", at + 1)
        else:
            return text[at + 3 :].rstrip("\n")
    return ""
