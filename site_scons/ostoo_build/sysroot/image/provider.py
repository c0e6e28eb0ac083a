"""The `container`, `docker` and `podman` providers: musl from a container image."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, ClassVar

import msgspec
from msgspec import Meta, Struct

from ostoo_build.base import digest, process
from ostoo_build.base.errors import OstooError
from ostoo_build.sysroot.image import archive as image_archive
from ostoo_build.sysroot.image import blobs as image_blobs
from ostoo_build.sysroot.image.layers import Parts, Tree
from ostoo_build.sysroot.install import RAW_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ostoo_build.sysroot.install import RawTree

PINS = "sysroot/container-pins.toml"
"""The image, and the path of musl in it. The path is relative to the project."""

_WANTED = tuple(tuple(name.split("/")) for name in (*RAW_FILES, "include"))
_LIBC, _FEATURES = ("lib", "libc.a"), ("include", "features.h")
_GO_ARCH = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64"}


class _Pins(Struct, forbid_unknown_fields=True):
    image: Annotated[str, Meta(pattern=r"\A[^@]+(@sha256:[0-9a-f]{64})?\Z")]
    prefix: Annotated[str, Meta(pattern=r"\A(/[^/\0]+)+\Z")]

    @property
    def parts(self) -> Parts:
        return tuple(self.prefix.split("/")[1:])


class _Inspected(Struct, rename="pascal"):
    """The output of docker and podman about a local image."""

    id: Annotated[str, Meta(pattern=r"\A(sha256:)?[0-9a-f]{64}\Z")]
    repo_digests: list[str] | None = None

    @property
    def names(self) -> set[digest.Hash]:
        return {name[-64:] for name in (self.id, *(self.repo_digests or ()))}


class ArchiveMusl(Struct, frozen=True):
    """The provider for a saved image. `identified_by` is the pinned digest, else that of the archive."""

    path: Path
    prefix: Parts
    pinned: digest.Hash | None
    identified_by: digest.Hash
    has_headers: ClassVar[bool] = True

    def identity(self) -> Mapping[str, str]:
        return _identity(self.identified_by, self.prefix)

    def write_raw(self, raw: RawTree) -> None:
        tree = Tree([(*self.prefix, *path) for path in _WANTED])
        try:
            with image_blobs.opened(self.path, raw.folder) as blobs:
                image = image_archive.find(blobs, self.pinned, _GO_ARCH[raw.machine.arch])
                for layer in image.layers:
                    with image_archive.layer_tar(blobs, layer, raw.folder) as tar:
                        tree.add_layer(tar, f"{blobs.where}: {layer.blob}")
        except OSError as error:
            raise OstooError(f"can't read the image: {error.strerror}", where=str(self.path)) from error
        _require_musl(tree, self.prefix)
        for path in _WANTED:
            tree.write((*self.prefix, *path), raw.folder.joinpath(*path))


class EngineMusl(Struct, frozen=True):
    """The provider for `image` in `engine`, docker or podman, which knows it as `reference`."""

    engine: str
    reference: str
    prefix: Parts
    image: digest.Hash
    has_headers: ClassVar[bool] = True

    def identity(self) -> Mapping[str, str]:
        return _identity(self.image, self.prefix)

    def write_raw(self, raw: RawTree) -> None:
        found = _inspect(self.engine, self.reference, self.image)
        if self.image not in found.names:
            raise OstooError(f"{self.reference} is not sha256:{self.image} but {found.id}", where=self.engine)
        with _container(self.engine, found.id) as container:
            for path in _WANTED:
                self._copy(container, path, raw.folder)

    def _copy(self, container: str, path: Parts, raw: Path) -> None:
        place = "/" + "/".join((*self.prefix, *path))
        tree = Tree([path[-1:]])
        with tempfile.TemporaryFile(dir=raw) as file:
            try:
                self._save_output(["cp", f"{container}:{place}", "-"], file, raw)
            except OstooError:
                self._explain_missing(container, raw)
                raise
            tree.add_layer(file.raw, f"{self.reference}: {place}")
        tree.write(path[-1:], raw.joinpath(*path))

    def _explain_missing(self, container: str, raw: Path) -> None:
        tree = Tree([])
        with tempfile.TemporaryFile(dir=raw) as file:
            self._save_output(["export", container], file, raw)
            tree.add_layer(file.raw, self.reference)
        _require_musl(tree, self.prefix)

    def _save_output(self, arguments: list[str], file: BinaryIO, folder: Path) -> None:
        argv = [self.engine, *arguments]
        process.copy_output(argv, cwd=folder, env=os.environ, sink=file, limit=image_blobs.MAX_UNPACKED)
        file.flush()


def archive(argument: str, project: Path) -> ArchiveMusl:
    """Create the provider for a saved image. A relative path starts at the project.

    Raises `OstooError` if it is missing.
    """
    if not argument:
        raise OstooError("sysroot=container needs the path of a saved image", remedy="write sysroot=container:PATH")
    pins = _pins(project)
    path = project / argument
    pinned = _digest_in(pins.image)
    return ArchiveMusl(path, pins.parts, pinned, pinned or _contents(path))


def docker(argument: str, project: Path) -> EngineMusl:
    """Create the provider for an image of docker's. Raises `OstooError` if docker does not have it."""
    return _of_engine("docker", argument, project)


def podman(argument: str, project: Path) -> EngineMusl:
    """Create the provider for an image of podman's. Raises `OstooError` if podman does not have it."""
    return _of_engine("podman", argument, project)


def _of_engine(engine: str, argument: str, project: Path) -> EngineMusl:
    pins = _pins(project)
    reference = argument or pins.image
    pinned = _digest_in(reference) or _digest_in(pins.image)
    image = pinned or _inspect(engine, reference).id[-64:]
    return EngineMusl(engine, reference, pins.parts, image)


def _pins(project: Path) -> _Pins:
    path = project / PINS
    try:
        return msgspec.toml.decode(digest.text_of(path), type=_Pins)
    except OSError as error:
        raise OstooError(f"can't read the pin: {error.strerror}", where=str(path)) from error
    except msgspec.MsgspecError as error:
        raise OstooError(f"not a pin: {error}", where=str(path)) from error


def _digest_in(reference: str) -> digest.Hash | None:
    found = re.search(r"@sha256:([0-9a-f]{64})\Z", reference)
    return found[1] if found else None


def _contents(path: Path) -> digest.Hash:
    """Return the digest of a saved file, or of a folder's index, which contains the digests of all other files."""
    index = path / "index.json" if path.is_dir() else path
    with image_blobs.open_regular(index, 0, str(index)) as file:
        return image_blobs.sha256(file)


def _identity(image: digest.Hash, prefix: Parts) -> Mapping[str, str]:
    return {"name": "container", "image": image, "prefix": "/".join(prefix)}


def _inspect(engine: str, *names: str) -> _Inspected:
    """Inspect the first of `names` that exists. A pinned image is known by its ID or as NAME@DIGEST."""
    complaints = []
    for name in names:
        done = process.run([engine, "image", "inspect", "--", name], cwd=Path.cwd(), env=os.environ)
        if done.returncode == 0:
            return _decode_inspected(done.stdout, engine)
        complaints.append(done.stderr.decode(errors="replace").strip())
    raise OstooError(f"{engine} shows no image {names[0]}:\n{complaints[0]}", remedy="build or pull the image")


def _decode_inspected(told: bytes, engine: str) -> _Inspected:
    try:
        return msgspec.json.decode(told, type=tuple[_Inspected])[0]
    except msgspec.MsgspecError as error:
        raise OstooError(f"can't parse the output of `{engine} image inspect`: {error}") from error


@contextlib.contextmanager
def _container(engine: str, image: str) -> Iterator[str]:
    """Create a container from an image, without starting it, and remove it at the end."""
    made = _run([engine, "create", "--pull", "never", image, "nothing"])
    container = made.decode().strip()
    try:
        yield container
    finally:
        _run([engine, "rm", "--force", "--volumes", container])


def _run(argv: Sequence[str]) -> bytes:
    done = process.run(argv, cwd=Path.cwd(), env=os.environ)  # the user's settings say where the engine is
    if done.returncode != 0:
        raise OstooError(f"{argv[0]} failed:\n{done.stderr.decode(errors='replace').strip()}", where=" ".join(argv))
    return done.stdout


def _require_musl(tree: Tree, prefix: Parts) -> None:
    """Raise `OstooError` if there is no libc.a below `prefix`. The error names prefixes with one."""
    if tree.has_file((*prefix, *_LIBC)):
        return
    there = tree.folders_with([_LIBC, _FEATURES])
    raise OstooError(
        f"the image has no /{'/'.join((*prefix, *_LIBC))}",
        where=PINS,
        remedy=f"set the prefix to {' or '.join(there)}" if there else "this image contains no musl: use another one",
    )
