"""Where packages come from: vendored, replaced, patched, from git, from elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

from workspaces import NO_CORE, library, needs, program, script, workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workspaces import Package

_SOURCES = "vendored and replaced sources, local registries, `[patch]`, `[replace]`, `paths`, git, path crates"

_LOUD = "#![deny(warnings)]\nmod Loud {}\n"
"""What fails in a package that was not downloaded."""


def _published(*packages: Package) -> dict[str, str | bytes]:
    """Write packages as `cargo vendor` does, into the folder `vendor`."""
    found: dict[str, str | bytes] = {}
    for package in packages:
        files = package.written()
        sums = json.dumps({"files": {}, "package": "0" * 64})
        found |= {f"vendor/{name}": text for name, text in files.items()}
        found[f"vendor/{package.name}/.cargo-checksum.json"] = sums
    return found


def _local_registry(package: Package) -> dict[str, str | bytes]:
    """Write a package as a registry in the folder `registry`."""
    archive = _archive(package.written(), f"{package.name}-0.1.0")
    sum_ = hashlib.sha256(archive).hexdigest()
    entry = {"name": package.name, "vers": "0.1.0", "deps": [], "cksum": sum_, "features": {}, "yanked": False}
    place = f"{package.name[:2]}/{package.name[2:4]}/{package.name}"
    return {f"registry/index/{place}": json.dumps(entry), f"registry/{package.name}-0.1.0.crate": archive}


def _archive(files: Mapping[str, str], folder: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{folder}/{name.partition('/')[2]}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(packed.getvalue(), mtime=0)


_VENDORED = '[source.crates-io]\nreplace-with = "mine"\n[source.mine]\ndirectory = "vendor"\n'

ALL = (
    workspace(
        "vendored",
        _SOURCES,
        program("vendored", '[dependencies]\nloud-low = "0.1"\n', uses="loud_low"),
        config=_VENDORED,
        files=_published(library("loud-low", text=_LOUD, build=script("rustc-cfg=made"))),
    ),
    workspace(
        "local-registry",
        _SOURCES,
        program("local-registry", '[dependencies]\npacked-low = "0.1"\n', uses="packed_low"),
        config='[source.crates-io]\nreplace-with = "mine"\n[source.mine]\nlocal-registry = "registry"\n',
        files=_local_registry(library("packed-low", text=_LOUD, build=script())),
    ),
    workspace(
        "patched",
        _SOURCES,
        program("patched", '[dependencies]\nlow = "0.1"\nhigh = "0.1"\n', uses="low high"),
        library("low", build=script()),
        root='[patch.crates-io]\nlow = { path = "low" }\n',
        config=_VENDORED,
        files=_published(library("low", text=_LOUD), library("high", '[dependencies]\nlow = "0.1"\n', text=_LOUD)),
    ),
    workspace(
        "patched-by-configuration",
        _SOURCES,
        program("patched-by-configuration", '[dependencies]\nlow = "0.1"\n', uses="low"),
        config=f'{_VENDORED}[patch.crates-io]\nlow = {{ path = "mine/low" }}\n',
        files=_published(library("low", text=_LOUD)) | library("mine/low", build=script()).written(),
    ),
    workspace(
        "replaced",
        _SOURCES,
        program("replaced", '[dependencies]\nlow = "0.1"\n', uses="low"),
        root='[replace]\n"low:0.1.0" = { path = "mine/low" }\n',
        config=_VENDORED,
        files=_published(library("low", text=_LOUD)) | library("mine/low", build=script()).written(),
    ),
    workspace(
        "from-git",
        _SOURCES,
        program("from-git", '[dependencies]\nlow = { git = "file://{root}/from-git/low.git" }\n', uses="low"),
        files=library("low.git/low", needs("beside"), text=_LOUD, build=script()).written()
        | library("low.git/beside", "build = false\n", text=_LOUD).written(),
        repositories=("low.git",),
    ),
    workspace(
        "from-git-by-tag",
        _SOURCES,
        program(
            "from-git-by-tag",
            '[dependencies]\nlow = { git = "file://{root}/from-git-by-tag/low.git", tag = "t", package = "tagged" }\n',
            uses="low",
        ),
        files={
            "low.git/Cargo.toml": '[package]\nname = "tagged"\nversion = "0.2.0"\n',
            "low.git/src/lib.rs": NO_CORE,
        },
        repositories=("low.git",),
    ),
    workspace(
        "patched-git",
        _SOURCES,
        program("patched-git", '[dependencies]\nlow = { git = "file://{root}/patched-git/kept" }\n', uses="low"),
        library("low", build=script()),
        root='[patch."file://{root}/patched-git/kept"]\nlow = { path = "low" }\n',
        files=library("kept/low", text=_LOUD).written(),
        repositories=("kept",),
    ),
    workspace(
        "outside",
        _SOURCES,
        program("outside", '[dependencies]\nlow = { path = "../../../outside/low" }\n', uses="low"),
        files=library("../../outside/low", needs("under"), build=script()).written()
        | library("../../outside/under").written(),
    ),
    workspace(
        "other-members",
        _SOURCES,
        program("other-members", needs("low"), uses="low"),
        library("low", 'workspace = "../../other-members-of"\nversion.workspace = true\n', before=""),
        files={
            "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["other-members"]\nexclude = ["low"]\n',
            "low/Cargo.toml": '[package]\nname = "low"\nversion.workspace = true\nworkspace = "../other"\n',
            "other/Cargo.toml": '[workspace]\nmembers = ["../low"]\n[workspace.package]\nversion = "3.4.5"\n',
        },
    ),
)
