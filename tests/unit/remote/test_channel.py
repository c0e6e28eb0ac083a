from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from fake_reapi import FakeServer

from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.remote.channel import RemoteOptions
from ostoo_build.remote.store import RemoteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "ab" * 32
RESULT = api.ActionResult(exit_code=0, stderr_raw=b"note").SerializeToString()
SITE_SCONS = Path(__file__).parents[3] / "site_scons"


@pytest.fixture(scope="module")
def address(certificates: Path) -> Iterator[str]:
    """A server that asks for client certificates."""
    own = ((certificates / "server.key").read_bytes(), (certificates / "server.pem").read_bytes())
    authority = (certificates / "ca.pem").read_bytes()
    server, port = FakeServer(results={KEY: RESULT}).start(grpc.ssl_server_credentials([own], authority, True))  # noqa: FBT003 - grpc's own order
    yield f"grpcs://127.0.0.1:{port}"
    server.stop(None)


def result(options: RemoteOptions) -> bytes | None:
    store = RemoteStore(options, Console(colour=False, quiet=False))
    found = store.result(KEY, 1)
    store.close()
    return found


def test_both_sides_know_each_other_by_certificates(certificates: Path, address: str) -> None:
    options = RemoteOptions(
        address,
        certificate_authority=certificates / "ca.pem",
        client_certificate=certificates / "client.pem",
        client_key=certificates / "client.key",
        token="sent in TLS",  # noqa: S106
    )
    assert result(options) == RESULT


STRANGERS: list[Callable[[Path, str], RemoteOptions]] = [
    lambda folder, address: RemoteOptions(address, certificate_authority=folder / "ca.pem"),
    lambda folder, address: RemoteOptions(
        address, client_certificate=folder / "client.pem", client_key=folder / "client.key"
    ),
    lambda folder, address: RemoteOptions(
        address,
        certificate_authority=folder / "ca.pem",
        client_certificate=folder / "client.pem",
        client_key=folder / "server.key",
    ),
    lambda _, address: RemoteOptions(address.replace("grpcs", "grpc")),
]


@pytest.mark.parametrize("stranger", STRANGERS, ids=["no certificate", "other authority", "other key", "no TLS"])
def test_strangers_are_not_served(
    stranger: Callable[[Path, str], RemoteOptions],
    certificates: Path,
    address: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert result(stranger(certificates, address)) is None
    assert capsys.readouterr().err.count("warning:") == 1


def test_grpc_itself_says_nothing(certificates: Path, address: str) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from ostoo_build.remote.channel import RemoteOptions\n"
        "from ostoo_build.remote.store import RemoteStore\n"
        "from ostoo_build.base.console import Console\n"
        "options = RemoteOptions(sys.argv[1], certificate_authority=Path(sys.argv[2]))\n"
        "RemoteStore(options, Console(colour=False, quiet=False)).result('ab' * 32, 1)\n"
    )
    command = [sys.executable, "-c", code, address, str(certificates / "client.pem")]
    done = subprocess.run(command, cwd=SITE_SCONS, capture_output=True, text=True, check=True)
    assert done.stderr.startswith(f"warning: the remote cache {address} is disabled")
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("address", ["grpc://:80", "grpc://host:0", "grpc://host:65536", "grpc://host:80/path"])
def test_what_nobody_can_connect_to_is_refused(address: str) -> None:
    with pytest.raises(OstooError, match="is not a valid address of a remote cache"):
        RemoteOptions(address)


@pytest.mark.parametrize("half", ["client_certificate", "client_key"])
def test_half_a_client_certificate_is_refused(half: str, tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="must be given together") as caught:
        RemoteOptions("grpcs://host:80", **{half: tmp_path / "a.pem"})  # type: ignore[arg-type] # paths, by name
    assert caught.value.where == str(tmp_path / "a.pem")


@pytest.mark.parametrize("token", ["two\nlines", "umläut"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(OstooError, match="can't be sent") as caught:
        RemoteOptions("grpcs://host:80", token=token)
    assert token not in str(caught.value)


def test_what_is_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("garbage")
    with pytest.raises(OstooError, match="not a certificate or key in PEM format") as caught:
        RemoteOptions("grpcs://host:80", certificate_authority=tmp_path / "ca.pem").open()
    assert caught.value.where == str(tmp_path / "ca.pem")
