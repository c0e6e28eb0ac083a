"""Reads the options of the remote cache: address and credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base.environment import TOKEN
from ostoo_build.base.errors import OstooError
from ostoo_build.remote.channel import RemoteOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def read(address: str, root: Path, variables: Mapping[str, str], environ: Mapping[str, str]) -> RemoteOptions:
    """Convert the variables `remote_…` and `tls_…` to options. Paths are relative to `root`.

    Raises `OstooError` for an invalid address, file or token.
    """

    def path(name: str) -> Path | None:
        return root / variables[name] if variables[name] else None

    return RemoteOptions(
        address=address,
        instance=variables["remote_instance"],
        certificate_authority=path("tls_certificate"),
        client_certificate=path("tls_client_certificate"),
        client_key=path("tls_client_key"),
        token=_token(path("remote_token_file"), environ),
        writable=variables["remote_upload"] == "on",
    )


def _token(file: Path | None, environ: Mapping[str, str]) -> str:
    """Return the token, which is never part of a command line, key or message, where others could read it."""
    if file is None:
        return environ.get(TOKEN, "").strip()
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OstooError("can't read the token", where=str(file)) from error
