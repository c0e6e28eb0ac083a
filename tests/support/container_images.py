"""Saved container images, made member by member: also such as no tool would write."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import zstandard

from ostoo_build.base import digest

OCI = "application/vnd.oci.image"
Entry = tuple[tarfile.TarInfo, bytes]


def entry(name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", target: str = "") -> Entry:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(data)
    info.linkname = target
    return info, data


def file(name: str, data: bytes = b"contents") -> Entry:
    return entry(name, data=data)


def folder(name: str) -> Entry:
    return entry(name, tarfile.DIRTYPE)


def symlink(name: str, target: str) -> Entry:
    return entry(name, tarfile.SYMTYPE, target=target)


def hardlink(name: str, target: str) -> Entry:
    return entry(name, tarfile.LNKTYPE, target=target)


def tar(*entries: Entry) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def unpacked(data: bytes) -> bytes:
    return data


def config(layers: Sequence[bytes], architecture: str = "amd64", system: str = "linux") -> bytes:
    diff_ids = [f"sha256:{digest.of_bytes(layer)}" for layer in layers]
    return encode({"architecture": architecture, "os": system, "rootfs": {"type": "layers", "diff_ids": diff_ids}})


def encode(value: Any) -> bytes:
    return json.dumps(value).encode()


def docker_archive(*layers: bytes) -> dict[str, bytes]:
    """Return the files of a docker-archive that holds one image."""
    data = config(layers)
    name = f"{digest.of_bytes(data)}.json"
    files = {f"{number}/layer.tar": layer for number, layer in enumerate(layers)}
    manifest = [{"Config": name, "RepoTags": ["ostoo-compiler:latest"], "Layers": list(files)}]
    return {**files, name: data, "manifest.json": encode(manifest)}


class Layout:
    """The files of an OCI layout. `index` are the descriptors of its index.json."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.index: list[dict[str, Any]] = []

    def add(self, data: bytes, media_type: str) -> dict[str, Any]:
        name = digest.of_bytes(data)
        self.blobs[f"blobs/sha256/{name}"] = data
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(data)}

    def image(
        self,
        *layers: bytes,
        pack: Callable[[bytes], bytes] = gzipped,
        architecture: str = "amd64",
        system: str = "linux",
    ) -> dict[str, Any]:
        made = self.add(config(layers, architecture, system), f"{OCI}.config.v1+json")
        packed = [self.add(pack(layer), f"{OCI}.layer.v1.tar+{pack.__name__}") for layer in layers]
        return self.add(encode({"schemaVersion": 2, "config": made, "layers": packed}), f"{OCI}.manifest.v1+json")

    def files(self) -> dict[str, bytes]:
        return {**self.blobs, "index.json": encode({"schemaVersion": 2, "manifests": self.index})}


def layout(*layers: bytes, pack: Callable[[bytes], bytes] = gzipped) -> dict[str, bytes]:
    """Return the files of an OCI layout that holds one image."""
    made = Layout()
    made.index.append(made.image(*layers, pack=pack))
    return made.files()


def save(files: dict[str, bytes], path: Path, pack: Callable[[bytes], bytes] = unpacked) -> Path:
    path.write_bytes(pack(tar(*(file(name, data) for name, data in files.items()))))
    return path


def save_folder(files: dict[str, bytes], path: Path) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path
