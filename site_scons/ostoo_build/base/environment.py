"""Lists the environment variables that this build reads, besides those that crates and build scripts ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "OSTOO_REMOTE_TOKEN"  # noqa: S105 - the variable's name

NAMES = (
    "BROWSER",
    "CARGO_HOME",
    "CI",
    "CLICOLOR_FORCE",
    "CLIPPY_CONF_DIR",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "GITHUB_WORKSPACE",
    "HOME",
    "LD_LIBRARY_PATH",
    "NO_COLOR",
    TOKEN,
    "PATH",
    "RUSTDOCFLAGS",
    "RUSTUP_HOME",
    "TERM",
    "TMPDIR",
    "XDG_CACHE_HOME",
)

CARGOS = ("CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTRIES_")
"""How the names begin of the variables that cargo is given for its network."""


def read(environ: Mapping[str, str]) -> dict[str, str | None]:
    """Return the variables that this build reads or gives to cargo; None for one that is not set."""
    given = {name: value for name, value in environ.items() if name.startswith(CARGOS)}
    return {**{name: environ.get(name) for name in NAMES}, **given}
