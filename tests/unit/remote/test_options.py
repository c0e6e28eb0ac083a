from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.remote import options as remote_options
from ostoo_build.remote.channel import RemoteOptions

if TYPE_CHECKING:
    from pathlib import Path

WORDS = {
    "remote_cache": "grpcs://cache.example:443",
    "remote_instance": "main",
    "remote_upload": "on",
    "remote_token_file": "",
    "tls_certificate": "ca.pem",
    "tls_client_certificate": "",
    "tls_client_key": "",
}


def test_the_users_words_become_options(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    found = remote_options.read(WORDS["remote_cache"], tmp_path, WORDS, {"OSTOO_REMOTE_TOKEN": "from-variable"})
    assert found == RemoteOptions(
        WORDS["remote_cache"],
        "main",
        certificate_authority=tmp_path / "ca.pem",
        token="from-variable",  # noqa: S106
        writable=True,
    )
    words = {**WORDS, "remote_token_file": "token"}
    assert remote_options.read(WORDS["remote_cache"], tmp_path, words, {}) == replace(
        found,
        token="from-file",  # noqa: S106
    )


@pytest.mark.parametrize("name", ["remote_token_file", "tls_certificate"])
def test_a_file_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(OstooError) as caught:
        remote_options.read(WORDS["remote_cache"], tmp_path, {**WORDS, name: "none"}, {}).open()
    assert caught.value.where == str(tmp_path / "none")


@pytest.mark.parametrize("content", [b"\xff", None])
def test_a_token_that_can_not_be_read_is_one_message(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    with pytest.raises(OstooError, match="can't read the token") as caught:
        remote_options.read(WORDS["remote_cache"], tmp_path, {**WORDS, "remote_token_file": "token"}, {})
    assert caught.value.where == str(tmp_path / "token")
    assert "xff" not in str(caught.value)


def test_who_may_only_read_says_so(tmp_path: Path) -> None:
    words = {**WORDS, "remote_upload": "off", "tls_client_certificate": "me.pem", "tls_client_key": "me.key"}
    found = remote_options.read(WORDS["remote_cache"], tmp_path, words, {})
    assert (found.writable, found.token) == (False, "")
    assert (found.client_certificate, found.client_key) == (tmp_path / "me.pem", tmp_path / "me.key")
