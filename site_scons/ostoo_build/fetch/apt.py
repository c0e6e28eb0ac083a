"""Downloads packages with apt from the machine's sources, without root and without changing the system."""

from __future__ import annotations

import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ostoo_build.base import activity, process
from ostoo_build.base.activity import Activity
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Versions = dict[str, str]
"""Versions by package."""


@dataclass(frozen=True)
class Apt:
    """Apt with lists and cache in `folder`, an absolute path, instead of the system's."""

    folder: Path
    environ: Mapping[str, str]

    def update(self) -> None:
        """Download the package lists. Raises `OstooError` if apt gets none."""
        for part in ("lists/partial", "cache/archives/partial"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        lists = activity.of_folder(self.folder / "lists")
        try:
            with activity.during(Activity("Fetching", "Debian's package lists", lists)):
                self._get("update", "--quiet", "-oAPT::Update::Error-Mode=any")
        except OstooError:
            # of a machine's many sources one may be out of order, and needless here
            if not any(self.folder.glob("lists/*_Packages*")):
                raise

    def closure(self, packages: Iterable[str]) -> Versions:
        """Return all packages that these need on an empty machine. "name=version" requests a version.

        Raises `OstooError` if there is no such package or version.
        """
        plan = self._get("install", "--simulate", "--no-install-recommends", *packages)
        return dict(re.findall(r"^Inst (\S+) \((\S+) ", plan, re.MULTILINE))

    def download(self, versions: Versions) -> dict[str, Path]:
        """Download packages to `folder` and return their paths. Apt verifies them against the signed lists."""
        with activity.during(Activity("Fetching", f"{len(versions)} Debian packages", activity.of_folder(self.folder))):
            self._get("download", "--quiet", *(f"{name}={version}" for name, version in versions.items()))
        return {name: next(self.folder.glob(f"{name}_*.deb")) for name in versions}

    def size(self, versions: Versions) -> int:
        """Return the number of bytes that `download` would transfer."""
        names = (f"{name}={version}" for name, version in versions.items())
        listed = self._get("download", "--quiet", "--print-uris", *names)
        return sum(map(int, re.findall(r"^'\S+' \S+ (\d+)", listed, re.MULTILINE)))

    def unpack(self, archives: Iterable[Path], destination: Path) -> None:
        """Create `destination` again with the files of these packages. Does not run their scripts."""
        partial = destination.with_name(f"{destination.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        unpacking = activity.during(Activity("Unpacking", destination.name, activity.of_folder(partial)))
        with unpacking, ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(lambda archive: self._run("dpkg-deb", "--extract", str(archive), str(partial)), archives))
        shutil.rmtree(destination, ignore_errors=True)
        partial.replace(destination)

    def installed(self) -> frozenset[str]:
        """Return the names of the machine's installed packages."""
        listing = self._run("dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\n")
        return frozenset(re.findall(r"^installed (\S+)$", listing, re.MULTILINE))

    def architecture(self) -> str:
        """Return Debian's name of the architecture: "amd64", "arm64"."""
        return self._run("dpkg", "--print-architecture").strip()

    def _get(self, *arguments: str) -> str:
        settings = (
            f"Dir::State::Lists={self.folder}/lists",
            f"Dir::Cache={self.folder}/cache",
            "Dir::State::status=/dev/null",  # the same for all calls, else each creates the cache of the lists again
            "Dir::Cache::pkgcache=pkgcache.bin",  # images for containers turn it off
            "Acquire::Languages=none",  # neither translations nor icons: most of what there is to fetch
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
            "Debug::NoLocking=1",  # the lock is the system's, which nothing here changes
            "APT::Sandbox::User=root",  # the user that apt turns root into can't write here
        )
        return self._run("apt-get", *arguments, *(f"-o{setting}" for setting in settings))

    def _run(self, *argv: str) -> str:
        completed = process.run(argv, cwd=self.folder, env={**self.environ, "LC_ALL": "C"})
        if completed.returncode:
            said = completed.stderr.decode("utf-8", "replace").strip()
            raise OstooError(f"{argv[0]} {argv[1]} failed: {said}")
        return completed.stdout.decode("utf-8", "replace")
