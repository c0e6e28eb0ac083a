"""The variables of a build: `NAME=VALUE` on the command line, or in `ostoo.toml` for all. Does not act on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.base.spelling import one_of
from ostoo_build.base.toml_file import load as load_toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "ostoo.toml"

VARIABLES = {
    "target": ("target spec in targets/, without .json; or several, with commas between them", "x86_64-ostoo-user"),
    "profile": ("cargo profile", "release"),
    "sysroot": ("musl from: zig, debian, folder:PATH, container:PATH, docker:IMAGE, podman:IMAGE", "zig"),
    "cache": ("action cache: a folder, or off", "on"),
    "cache_size": ("what the action cache may take", "10 GiB"),
    "sandbox": ("on: show each action its declared inputs only", "off"),
    "remote_cache": ("the team's cache: grpc://HOST:PORT, or grpcs:// with TLS", ""),
    "remote_executor": ("service that runs actions: grpc://HOST:PORT, or grpcs:// with TLS", ""),
    "remote_jobs": ("how many it runs at once", "16"),
    "remote_instance": ("its instance name", ""),
    "remote_upload": ("on: store results there too", "off"),
    "remote_token_file": ("file with a bearer token; else the variable OSTOO_REMOTE_TOKEN", ""),
    "tls_certificate": ("PEM file of the authority that signed its certificate", ""),
    "tls_client_certificate": ("PEM file of our certificate", ""),
    "tls_client_key": ("PEM file of our key", ""),
    "kernel": ("what `ostoo boot` boots: NAME or NAME:IMAGE, as in targets/NAME.boot.json", "linux"),
    "DEPLOY_DIR": ("folder that `scons deploy` copies programs to", "user"),
    "RUSTC": ("compiler to use", ""),
    "CARGO": ("cargo to use", ""),
    "LLD": ("LLD to use", ""),
    "RUST_SRC": ("std source to use: a folder `library`", ""),
}
"""What each says, and what it is where nobody says anything."""

_NUMBER = lazy_pattern("[0-9]{1,4}")
_SWITCHES = ("remote_upload", "sandbox")
_NUMBERS = ("remote_jobs",)


def one_target(variables: Mapping[str, str]) -> str:
    """The target, for who can do with one only. Raises `OstooError` where `target=` names several."""
    target = variables["target"]
    if "," in target:
        raise OstooError(f"target={target} names several targets; this is for one", remedy="name one of them")
    return target


def read(root: Path, words: Mapping[str, str]) -> dict[str, str]:
    """Give each variable its value: `words` first, then the file, then the default.

    Raises `OstooError` for a variable that there is none of, and for a value that is none of its own.
    """
    path = root / FILE
    table = load_toml(path) if path.is_file() else {}
    for name, value in table.items():
        if not isinstance(value, str):
            raise OstooError(f"{name} is no text", where=str(path), remedy=f'write {name} = "…"')
    for origin, names in (("", words), (str(path), table)):
        for name in set(names) - set(VARIABLES):
            raise OstooError(f"there is no variable {name}", where=origin, remedy=one_of(name, list(VARIABLES)))
    values = {name: default for name, (_, default) in VARIABLES.items()} | table | dict(words)
    _refuse_wrong(values)
    return values


def _refuse_wrong(values: Mapping[str, str]) -> None:
    for name, (_, default) in VARIABLES.items():
        if default and not values[name].strip() and name != "cache":
            raise OstooError(f"{name}= is empty", remedy=f"leave it away, or write one such as {name}={default}")
        if "\0" in values[name]:
            raise OstooError(f"{name} holds a NUL character")
    for name in _SWITCHES:
        if values[name] not in ("on", "off"):
            raise OstooError(f"{name}={values[name]} is neither on nor off")
    for name in _NUMBERS:
        if not (_NUMBER.fullmatch(values[name]) and int(values[name])):
            raise OstooError(f"{name}={values[name]} is no number from 1 to 9999")
