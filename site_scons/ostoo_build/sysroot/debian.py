"""The `debian` provider: musl from Debian's musl-dev package, downloaded without root."""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from ostoo_build.base import activity, digest, process, toml_tables
from ostoo_build.base.activity import Activity
from ostoo_build.base.console import fetching
from ostoo_build.base.errors import OstooError
from ostoo_build.base.toml_file import load as load_toml
from ostoo_build.sysroot import folder as sysroot_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ostoo_build.sysroot.install import RawTree

PINS = Path(__file__).with_name("debian-pins.toml")
"""The packages' versions and digests by Debian release."""

_DEBIAN_ARCH = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64"}


class DebianMusl(Struct, frozen=True):
    """The provider.

    `version` and `sha256`, by Debian's name of the architecture, are the pins for the current release.
    """

    version: str
    sha256: Mapping[str, str]
    has_headers: ClassVar[bool] = True

    def identity(self) -> Mapping[str, str]:
        return {"name": "debian", "version": self.version, **self.sha256}

    def write_raw(self, raw: RawTree) -> None:
        arch = _DEBIAN_ARCH[raw.machine.arch]
        if arch not in self.sha256:
            raise OstooError(f"no musl-dev is pinned for {arch}", where=str(PINS))
        with tempfile.TemporaryDirectory() as name:
            scratch = Path(name)
            fetching(f"Debian's musl-dev {self.version}: 1 MB")
            with activity.during(Activity("Fetching", "musl-dev", activity.of_folder(scratch))):
                _run(["apt-get", "download", f"musl-dev:{arch}={self.version}"], scratch)
            (package,) = scratch.glob("*.deb")
            if digest.of_file(package) != self.sha256[arch]:
                raise OstooError(f"the sha256 of {package.name} differs from the pin", where=str(PINS))
            _run(["dpkg-deb", "--extract", package.name, "."], scratch)
            triple = f"{raw.machine.arch}-linux-musl"
            sysroot_folder.copy(scratch / "usr/lib" / triple, scratch / "usr/include" / triple, raw.folder)


def factory(argument: str, project: Path) -> DebianMusl:  # noqa: ARG001 - all providers are asked so
    """Create the provider for this machine's Debian release. Raises `OstooError` if the release has no pin."""
    if argument:
        raise OstooError("the debian sysroot takes no argument", where=f"sysroot=debian:{argument}")
    pins = load_toml(PINS)
    release = _release()
    if release not in pins:
        raise OstooError(
            f"no musl-dev is pinned for {release}",
            where=str(PINS),
            remedy=f"choose another sysroot=, or add [{release}] with what `apt-cache show musl-dev` prints",
        )
    where = f"{PINS}: [{release}]"
    pin = toml_tables.table(pins, release, where=where)
    sha256 = toml_tables.table(pin, "sha256", where=where)
    return DebianMusl(
        toml_tables.text(pin, "version", where), {arch: toml_tables.text(sha256, arch, where) for arch in sha256}
    )


def _release() -> str:
    try:
        names = platform.freedesktop_os_release()
    except OSError as error:
        raise OstooError("the debian sysroot needs a Debian machine", remedy="remove sysroot=") from error
    return f"{names['ID']}-{names.get('VERSION_ID', 'unstable')}"


def _run(argv: Sequence[str], folder: Path) -> None:
    done = process.run(argv, cwd=folder, env=os.environ)  # apt obeys the user's proxy and configuration
    if done.returncode != 0:
        raise OstooError(f"{argv[0]} failed:\n{done.stderr.decode(errors='replace').strip()}", where=" ".join(argv))
