"""The variables of a build: `NAME=VALUE` on the command line, or in `ostoo.toml`."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.base.spelling import one_of

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLES = {
    "target": ("target spec in targets/, without .json; several are separated by commas", "x86_64-ostoo-user"),
    "profile": ("cargo profile", "release"),
    "sysroot": ("source of musl: zig, debian, folder:PATH, container:PATH, docker:IMAGE, podman:IMAGE, rustup", "zig"),
    "cache": ("folder of the action cache, or off", "on"),
    "cache_size": ("maximum size of the action cache", "10 GiB"),
    "locked": ("on: it is an error if Cargo.lock is missing or out of date", "off"),
    "server": ("off: build without a server, which keeps everything loaded for the next build", "on"),
    "sandbox": ("on: run each action with access to its declared inputs only", "off"),
    "remote_cache": ("the team's cache: grpc://HOST:PORT, or grpcs:// with TLS", ""),
    "remote_executor": ("remote execution service: grpc://HOST:PORT, or grpcs:// with TLS", ""),
    "remote_jobs": ("number of actions that it runs at once", "16"),
    "remote_instance": ("its instance name", ""),
    "remote_upload": ("on: also store results there", "off"),
    "remote_token_file": ("file with a bearer token (default: the variable OSTOO_REMOTE_TOKEN)", ""),
    "tls_certificate": ("PEM file of the certificate authority", ""),
    "tls_client_certificate": ("PEM file of the client certificate", ""),
    "tls_client_key": ("PEM file of the client key", ""),
    "kernel": ("kernel for `ostoo boot`: NAME or NAME:IMAGE, as in targets/NAME.boot.json", "linux"),
    "DEPLOY_DIR": ("folder that `scons deploy` copies programs to", "user"),
    "RUSTC": ("compiler to use", ""),
    "CARGO": ("cargo to use", ""),
    "LLD": ("LLD to use", ""),
    "RUST_SRC": ("std source to use: a folder `library`", ""),
}
"""Description and default of each variable."""

_NUMBER = lazy_pattern("[0-9]{1,4}")
_SWITCHES = ("locked", "remote_upload", "sandbox", "server")
_NUMBERS = ("remote_jobs",)


class Source(Enum):
    """Where the value of a variable is from; the last of these that has one wins."""

    DEFAULT = "default"
    FILE = "ostoo.toml"
    COMMAND_LINE = "command line"


class Setting(NamedTuple):
    """The value of a variable, and where it is from."""

    value: str
    source: Source


def settings(described: Mapping[str, str], words: Mapping[str, str]) -> dict[str, Setting]:
    """Return each variable: from `words`, else as described in `ostoo.toml`, else the default.

    Raises `OstooError` for an unknown variable in `words`, or an invalid value.
    """
    for name in set(words) - set(VARIABLES):
        raise OstooError(f"unknown variable {name}", remedy=one_of(name, list(VARIABLES)))
    defaults = {name: default for name, (_, default) in VARIABLES.items()}
    sources = ((defaults, Source.DEFAULT), (described, Source.FILE), (words, Source.COMMAND_LINE))
    found = {name: Setting(value, source) for values, source in sources for name, value in values.items()}
    _refuse_wrong({name: setting.value for name, setting in found.items()})
    return found


def values(described: Mapping[str, str], words: Mapping[str, str]) -> dict[str, str]:
    """Return the value of each variable. Raises `OstooError` as `settings` does."""
    return {name: setting.value for name, setting in settings(described, words).items()}


def _refuse_wrong(values: Mapping[str, str]) -> None:
    for name, (_, default) in VARIABLES.items():
        if default and not values[name].strip() and name != "cache":
            raise OstooError(f"{name}= is empty", remedy=f"remove it, or set a value such as {name}={default}")
        if "\0" in values[name]:
            raise OstooError(f"{name} contains a NUL character")
    for name in _SWITCHES:
        if values[name] not in ("on", "off"):
            raise OstooError(f"{name}={values[name]} is neither on nor off")
    for name in _NUMBERS:
        if not (_NUMBER.fullmatch(values[name]) and int(values[name])):
            raise OstooError(f"{name}={values[name]} is not a number from 1 to 9999")
