"""Lists the environment variables that this build reads, besides those that crates and build scripts ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "OSTOO_REMOTE_TOKEN"  # noqa: S105 - the variable's name

NAMES: Mapping[str, str] = {
    "BROWSER": "opens the pages of `ostoo doc --open`",
    "CARGO_HOME": "cargo's folder: its registry, and the configuration of the user",
    "CI": "set where nobody types: no build server, and a line about what runs in each half minute of silence",
    "CLICOLOR_FORCE": "colours where there is no terminal",
    "CLIPPY_CONF_DIR": "the folder of clippy's configuration",
    "FORCE_COLOR": "colours where there is no terminal",
    "GITHUB_ACTIONS": "`true`: each error and warning is also a workflow command, which shows it beside its line",
    "GITHUB_WORKSPACE": "the folder from which workflow commands name files",
    "HOME": "the user's folder, below which those of cargo, rustup and the cache are",
    "LD_LIBRARY_PATH": "given to the toolchain behind its own folders, if it needs them",
    "NO_COLOR": "no colours",
    TOKEN: "the bearer token for the team's cache and executor, if `remote_token_file=` names no file",
    "PATH": "where programs are looked for: the toolchain, `cc`, git, QEMU",
    "RUSTDOCFLAGS": "arguments of `ostoo doc` for rustdoc, behind those of cargo's configuration",
    "RUSTUP_HOME": "rustup's folder, with its toolchains",
    "TERM": "`dumb`: no status block, and no colours",
    "TMPDIR": "the folder for temporary files",
    "XDG_CACHE_HOME": "the folder in which the action cache is, if it is absolute",
}
"""Each variable with what it does."""

CARGOS = ("CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTRIES_")
"""How the names begin of the variables that cargo is given for its network."""


def read(environ: Mapping[str, str]) -> dict[str, str | None]:
    """Return the variables that this build reads or gives to cargo; None for one that is not set."""
    given = {name: value for name, value in environ.items() if name.startswith(CARGOS)}
    return {**{name: environ.get(name) for name in NAMES}, **given}
