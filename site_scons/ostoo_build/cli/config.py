"""Implements `ostoo config`: shows each value that a build heeds, and where it is from."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from msgspec import Struct, to_builtins

from ostoo_build.base import environment, home, own_files, user_cache
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.base.spelling import one_of
from ostoo_build.invocation import planner
from ostoo_build.invocation import tools as invocation_tools
from ostoo_build.invocation.targets import Targets
from ostoo_build.planning import cargo, config_origins
from ostoo_build.project import description
from ostoo_build.project.variables import VARIABLES, Source, settings
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ostoo_build.base.toml_entries import Key
    from ostoo_build.cli.run import Runner
    from ostoo_build.planning.config_origins import Configured

_FORMAT = 1
"""The number of the form of the JSON document."""

_HIDDEN = "(set, and not shown)"
_SECRET = lazy_pattern("(?i)token|secret|password")
_CREDENTIALS = lazy_pattern(r"(?<=://)[^/@\s]+@")
_BARE = lazy_pattern(r"[A-Za-z0-9_-]+")
"""A key of TOML that needs no quotes (its specification, "Keys")."""


class Setting(Struct, frozen=True):
    """A value, None for a variable that is not set. `kind` is a heading of the answer, `origin` is for the user."""

    kind: str
    name: str
    value: Any
    origin: str


def answer(runner: Runner, names: Sequence[str], *, as_json: bool) -> str:
    """Return all values, or those called `names` or below one. Raises `OstooError` for a name that there is not."""
    found = [*_settings(runner)]
    for name in names:
        if not any(_is_below(setting.name, name) for setting in found):
            raise OstooError(f"there is no setting {name}", remedy=one_of(name, [each.name for each in found]))
    chosen = [each for each in found if not names or any(_is_below(each.name, name) for name in names)]
    if as_json:
        return json.dumps({"format": _FORMAT, "settings": to_builtins(chosen)}, indent=1) + "\n"
    return "\n".join(_shown(chosen)) + "\n"


def _is_below(name: str, above: str) -> bool:
    return name == above or name.startswith(f"{above}.")


def _shown(found: Iterable[Setting]) -> Iterator[str]:
    """Yield lines in the form of `cargo config get --show-origin`."""
    kind = ""
    for each in found:
        if each.kind != kind:
            yield from ("",) * bool(kind)
            yield f"# {each.kind}"
            kind = each.kind
        if each.value is None:
            yield f"# {each.name} is not set"
        else:
            yield f"{each.name} = {json.dumps(each.value, ensure_ascii=False)} # {each.origin}"


def _settings(runner: Runner) -> Iterator[Setting]:
    yield from _variables(runner)
    yield from _description(runner.root)
    yield from _environment()
    yield from _places()
    try:
        yield from _of_cargo(runner)
    except OstooError as error:
        runner.console.warn_once(f"cargo's configuration is not shown: {error.what}")


def _variables(runner: Runner) -> Iterator[Setting]:
    words = dict(word.split("=", 1) for word in runner.words)
    written = description.written(runner.root)
    for name, (value, source) in settings(runner.options.described.variables, words).items():
        origin = _place(written[(name,)]) if source is Source.FILE else source.value
        yield Setting("Variables", name, _public(value), origin)


def _description(root: Path) -> Iterator[Setting]:
    """Yield what the project's file says besides variables."""
    for key, written in description.written(root).items():
        if key[0] not in VARIABLES:
            yield Setting("Project", _name(key), written.value, _place(written))


def _place(written: description.Written) -> str:
    return f"{description.FILE}:{written.line}"


def _environment() -> Iterator[Setting]:
    for name, value in environment.read(os.environ).items():
        shown = value and (_HIDDEN if _SECRET.search(name) else _public(value))
        yield Setting("Environment", name, shown, "environment")
    for name in cargo.ignored_variables():
        yield Setting("Environment", name, _public(os.environ[name]), "environment, ignored by this build")


def _places() -> Iterator[Setting]:
    places = {
        "home": home.place(os.environ),
        "cargo-home": home.cargo_place(os.environ),
        "rustup-home": home.rustup_place(os.environ),
        "user-cache": user_cache.place(),
    }
    for name, place in places.items():
        yield Setting("Folders", name, str(place.path), place.decided_by)
    yield Setting("Folders", "ostoo-build", str(own_files.PACKAGE), "the running code")


def _of_cargo(runner: Runner) -> Iterator[Setting]:
    """Yield the configuration of each workspace as the build has cargo read it; what several have comes once."""
    seen = set()
    for each in _configured(runner):
        name = _name(each.key)
        value = _HIDDEN if _SECRET.search(name) else _public(each.value)
        setting = Setting("Cargo's configuration", name, value, _origin(each.origin, runner.root))
        if (name, str(value), setting.origin) not in seen:
            seen.add((name, str(value), setting.origin))
            yield setting


def _configured(runner: Runner) -> Iterator[Configured]:
    options = runner.options
    chosen = toolchain.find(runner.root, invocation_tools.named(options.variables), os.environ)
    seen = invocation_tools.environment(chosen)
    targets = Targets.find(runner.root, options.described, options.variables["target"])
    for group in targets.groups:
        yield from config_origins.read(planner.cargo_of(targets, group, chosen, seen, options).said_configuration())


def _name(key: Key) -> str:
    return ".".join(word if _BARE.fullmatch(word) else json.dumps(word) for word in key)


def _origin(origin: str, root: Path) -> str:
    return origin.removeprefix(f"{root}{os.sep}")


def _public(value: Any) -> Any:
    """Return a value without the user and password of an address in it."""
    return _CREDENTIALS.sub("…@", value) if isinstance(value, str) else value
