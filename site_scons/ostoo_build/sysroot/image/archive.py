"""Finds an image in a saved archive and verifies the digest of each part.

Reads docker-archive and the OCI layout, as `docker save`, `podman save`, buildah and skopeo write them. The formats
are those of the OCI image specification 1.1 (image-layout.md, image-index.md, manifest.md, config.md) and of Docker's
1.2.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.sysroot.image import blobs as image_blobs

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ostoo_build.sysroot.image.blobs import Blobs

_MAX_JSON = 4 << 20
_MAX_LAYERS = 512
_MAX_MANIFESTS = 256

_INDEXES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}
_MANIFESTS = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
}

_CONFIGS = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
}
_SHA256 = "sha256:"
_BLOBS = "blobs/sha256/"

_Digest = Annotated[str, Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]


class _Descriptor(Struct, rename={"media_type": "mediaType", "name": "digest"}):
    media_type: str
    name: _Digest
    size: Annotated[int, Meta(ge=0)]

    @property
    def hash(self) -> digest.Hash:
        return self.name.removeprefix(_SHA256)

    @property
    def blob(self) -> str:
        return f"{_BLOBS}{self.hash}"


class _Index(Struct):
    manifests: Annotated[list[_Descriptor], Meta(max_length=_MAX_MANIFESTS)]


class _Manifest(Struct):
    config: _Descriptor
    layers: Annotated[list[_Descriptor], Meta(max_length=_MAX_LAYERS)]


class _RootFs(Struct):
    diff_ids: Annotated[list[_Digest], Meta(max_length=_MAX_LAYERS)]


class _Config(Struct):
    os: str
    architecture: str
    rootfs: _RootFs


class _Saved(Struct, rename="pascal"):
    """An image's entry in the manifest.json of a docker-archive."""

    config: str
    layers: Annotated[list[str], Meta(max_length=_MAX_LAYERS)]


_Document = TypeVar("_Document", _Index, _Manifest, _Config, list[_Saved])


class Layer(Struct, frozen=True):
    """The file of a layer in an archive.

    `packed` is its digest and size, which a docker-archive does not contain. `diff_id` is the digest of the unpacked
    tar.
    """

    blob: str
    packed: tuple[digest.Hash, int] | None
    diff_id: digest.Hash


class Image(Struct, frozen=True):
    """One image. `names` are its digests: that of its config, then those of its manifest and of the indexes above.

    `architecture` is Go's name, such as "amd64".
    """

    names: tuple[digest.Hash, ...]
    architecture: str
    layers: tuple[Layer, ...]


def find(blobs: Blobs, pinned: digest.Hash | None, architecture: str) -> Image:
    """Return the image that `pinned` names or, without a pin, the only one.

    If several match, `architecture` decides: an image with a compiler may be for any machine, regardless of the target.
    Raises `OstooError` if not exactly one remains, or a manifest is damaged or does not match its digest.
    """
    saved = _oci_images(blobs) if blobs.has("index.json") else _docker_images(blobs)
    images = tuple({image.names[0]: image for image in saved}.values())
    found = [image for image in images if pinned is None or pinned in image.names]
    if len(found) > 1:
        found = [image for image in found if image.architecture == architecture]
    if len(found) != 1:
        wanted = f"the pinned image sha256:{pinned}" if pinned else f"exactly one image for {architecture}"
        there = ", ".join(f"sha256:{image.names[0]} for {image.architecture}" for image in images)
        raise OstooError(f"the archive does not hold {wanted}, but: {there or 'none'}", where=blobs.where)
    return found[0]


@contextlib.contextmanager
def layer_tar(blobs: Blobs, layer: Layer, scratch: Path) -> Iterator[io.RawIOBase]:
    """Yield a layer's tar file: a private copy in `scratch`, whose digests were verified.

    Raises `OstooError` if a digest differs, or the layer unpacks to more than `blobs` allows.
    """
    where = f"{blobs.where}: {layer.blob}"
    with blobs.open(layer.blob) as packed:
        if layer.packed is not None and (image_blobs.sha256(packed), packed.tell()) != layer.packed:
            raise OstooError("the layer's sha256 or size differs from the manifest", where=where)
        with image_blobs.unpacked(packed, scratch, where) as tar:
            if image_blobs.sha256(tar) != layer.diff_id:
                raise OstooError("the layer does not unpack to the sha256 in the image's config", where=where)
            tar.seek(0)
            yield tar


def _docker_images(blobs: Blobs) -> Iterator[Image]:
    for saved in _decode(_read(blobs, "manifest.json"), list[_Saved], f"{blobs.where}: manifest.json"):
        where = f"{blobs.where}: {saved.config}"
        data = _read(blobs, saved.config)
        name = digest.of_bytes(data)
        if saved.config not in {f"{name}.json", f"{_BLOBS}{name}"}:
            raise OstooError("the sha256 of the image's config differs from its name", where=where)
        config = _decode(data, _Config, where)
        yield _image((name,), config, [(blob, None) for blob in saved.layers], where)


def _oci_images(blobs: Blobs) -> Iterator[Image]:
    index = _decode(_read(blobs, "index.json"), _Index, f"{blobs.where}: index.json")
    waiting: list[tuple[tuple[digest.Hash, ...], _Descriptor]] = [((), each) for each in index.manifests]
    seen = 0
    while waiting:
        above, descriptor = waiting.pop()
        if not blobs.has(descriptor.blob):
            continue  # an index lists all platforms, also those that were not saved
        seen += 1
        if seen > _MAX_MANIFESTS:
            raise OstooError(f"the archive contains more than {_MAX_MANIFESTS} manifests", where=blobs.where)
        names = (descriptor.hash, *above)
        if descriptor.media_type in _INDEXES:
            waiting += [(names, each) for each in _document(blobs, descriptor, _Index).manifests]
        elif descriptor.media_type in _MANIFESTS:
            yield from _oci_image(blobs, names, _document(blobs, descriptor, _Manifest))


def _oci_image(blobs: Blobs, names: tuple[digest.Hash, ...], manifest: _Manifest) -> Iterator[Image]:
    if manifest.config.media_type not in _CONFIGS:
        return  # a signature or another thing that is stored like an image
    config = _document(blobs, manifest.config, _Config)
    if config.os == "linux":  # an attestation is an image for the system "unknown"
        layers = [(each.blob, (each.hash, each.size)) for each in manifest.layers]
        yield _image((manifest.config.hash, *names), config, layers, blobs.where)


def _image(
    names: tuple[digest.Hash, ...],
    config: _Config,
    blobs: Sequence[tuple[str, tuple[digest.Hash, int] | None]],
    where: str,
) -> Image:
    diff_ids = config.rootfs.diff_ids
    if len(diff_ids) != len(blobs):
        raise OstooError(f"the image has {len(blobs)} layers, and its config {len(diff_ids)}", where=where)
    layers = [Layer(*blob, diff_id.removeprefix(_SHA256)) for blob, diff_id in zip(blobs, diff_ids, strict=True)]
    return Image(names, config.architecture, tuple(layers))


def _document(blobs: Blobs, descriptor: _Descriptor, kind: type[_Document]) -> _Document:
    data = _read(blobs, descriptor.blob)
    where = f"{blobs.where}: {descriptor.blob}"
    if (digest.of_bytes(data), len(data)) != (descriptor.hash, descriptor.size):
        raise OstooError("the sha256 or size differs from the archive's manifest", where=where)
    return _decode(data, kind, where)


def _read(blobs: Blobs, name: str) -> bytes:
    with blobs.open(name) as file:
        data = file.read(_MAX_JSON + 1) or b""
    if len(data) > _MAX_JSON:
        raise OstooError(f"{name} is larger than {_MAX_JSON >> 20} MiB: no manifest is", where=blobs.where)
    return data


def _decode(data: bytes, kind: type[_Document], where: str) -> _Document:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise OstooError(f"unexpected contents: {error}", where=where) from error
