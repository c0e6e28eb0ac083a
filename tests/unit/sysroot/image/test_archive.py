import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from container_images import (
    OCI,
    Layout,
    config,
    docker_archive,
    encode,
    file,
    gzipped,
    hardlink,
    layout,
    save,
    save_folder,
    symlink,
    tar,
    unpacked,
    zstd,
)

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.sysroot.image import archive as image_archive
from ostoo_build.sysroot.image import blobs as image_blobs
from ostoo_build.sysroot.image import tar as tar_members

LAYERS = (tar(file("a", b"lower")), tar(file("b", b"upper")))
IMAGE_ID = digest.of_bytes(config(LAYERS))


def layers_of(path: Path, pinned: str | None = None, architecture: str = "amd64") -> list[bytes]:
    scratch = path.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    found = []
    with image_blobs.opened(path, scratch) as blobs:
        for layer in image_archive.find(blobs, pinned, architecture).layers:
            with image_archive.layer_tar(blobs, layer, scratch) as stream:
                found.append(stream.read() or b"")
    assert list(scratch.iterdir()) == []
    return found


def complaint(path: Path, pinned: str | None = None) -> str:
    with pytest.raises(OstooError) as caught:
        layers_of(path, pinned)
    assert str(path) in caught.value.where
    return caught.value.what


def names_in(path: Path) -> tuple[str, ...]:
    with image_blobs.opened(path, path.parent) as blobs:
        return image_archive.find(blobs, None, "amd64").names


@pytest.mark.parametrize("pack", [unpacked, gzipped, zstd])
@pytest.mark.parametrize("files", [docker_archive(*LAYERS), layout(*LAYERS)], ids=["docker", "oci"])
def test_a_saved_file_is_read_plain_and_packed(
    tmp_path: Path, files: dict[str, bytes], pack: Callable[[bytes], bytes]
) -> None:
    assert layers_of(save(files, tmp_path / "image", pack)) == list(LAYERS)


@pytest.mark.parametrize("pack", [unpacked, gzipped, zstd])
def test_an_oci_folder_is_read_with_each_kind_of_layer(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    assert layers_of(save_folder(layout(*LAYERS, pack=pack), tmp_path / "image")) == list(LAYERS)


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_several_gzip_members_and_zstd_frames_are_one_stream(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    def twice(data: bytes) -> bytes:
        return compress(data[:100]) + compress(b"") + compress(data[100:])

    assert layers_of(save_folder(layout(*LAYERS, pack=twice), tmp_path / "image")) == list(LAYERS)


def test_an_archive_in_both_formats_is_read_as_oci(tmp_path: Path) -> None:
    both = {**docker_archive(tar(file("other"))), **layout(*LAYERS)}
    assert layers_of(save(both, tmp_path / "image")) == list(LAYERS)


def test_the_image_goes_by_the_same_id_in_each_format(tmp_path: Path) -> None:
    docker = names_in(save(docker_archive(*LAYERS), tmp_path / "docker"))
    oci = names_in(save_folder(layout(*LAYERS), tmp_path / "oci"))
    assert docker == (IMAGE_ID,)
    assert oci[0] == IMAGE_ID


def test_a_pin_names_the_config_or_the_manifest(tmp_path: Path) -> None:
    path = save_folder(layout(*LAYERS), tmp_path / "image")
    for name in names_in(path):
        assert layers_of(path, pinned=name) == list(LAYERS)
    assert complaint(path, pinned="0" * 64) == (
        f"the archive does not hold the pinned image sha256:{'0' * 64}, but: sha256:{IMAGE_ID} for amd64"
    )


def many() -> Layout:
    """An index within the index: two machines, one more that was not saved, an attestation and a signature."""
    made = Layout()
    amd, arm = made.image(LAYERS[0]), made.image(LAYERS[1], architecture="arm64")
    attestation = made.image(tar(file("statement")), architecture="unknown", system="unknown")
    signature = made.add(
        encode({"config": made.add(b"{}", "application/x-signature"), "layers": []}), f"{OCI}.manifest.v1+json"
    )
    missing = {"mediaType": f"{OCI}.manifest.v1+json", "digest": f"sha256:{'1' * 64}", "size": 9}
    inner = encode({"manifests": [amd, arm, attestation, signature, missing]})
    made.index.append(made.add(inner, f"{OCI}.index.v1+json"))
    return made


@pytest.mark.parametrize(("architecture", "layer"), [("amd64", LAYERS[0]), ("arm64", LAYERS[1])])
def test_of_many_platforms_the_targets_own_is_taken(tmp_path: Path, architecture: str, layer: bytes) -> None:
    path = save_folder(many().files(), tmp_path / "image")
    assert layers_of(path, architecture=architecture) == [layer]


def test_the_digest_of_an_index_pins_what_is_below(tmp_path: Path) -> None:
    made = many()
    path = save_folder(made.files(), tmp_path / "image")
    assert layers_of(path, pinned=made.index[0]["digest"].removeprefix("sha256:")) == [LAYERS[0]]


def test_the_only_image_is_taken_whatever_machine_its_compiler_runs_on(tmp_path: Path) -> None:
    made = Layout()
    made.index.append(made.image(*LAYERS, architecture="arm64"))
    made.index.append(made.image(tar(file("attestation")), architecture="unknown", system="unknown"))
    assert layers_of(save_folder(made.files(), tmp_path / "image")) == list(LAYERS)


def test_two_images_without_a_pin_are_refused_and_listed(tmp_path: Path) -> None:
    made = Layout()
    made.index += [made.image(LAYERS[0]), made.image(LAYERS[1])]
    told = complaint(save_folder(made.files(), tmp_path / "image"))
    assert told.startswith("the archive does not hold exactly one image for amd64, but: ")
    assert told.count("sha256:") == 2


def test_an_archive_without_an_image_is_refused(tmp_path: Path) -> None:
    assert complaint(save({"manifest.json": b"[]"}, tmp_path / "image")).endswith("but: none")


def test_a_tar_that_is_no_image_is_refused(tmp_path: Path) -> None:
    assert complaint(save({"x": b""}, tmp_path / "image")) == "contains no regular file manifest.json"


def flipped(files: dict[str, bytes], name: str) -> dict[str, bytes]:
    data = bytearray(files[name])
    data[len(data) // 2] ^= 1
    return {**files, name: bytes(data)}


@pytest.mark.parametrize("number", range(4))
def test_a_flipped_bit_in_any_blob_of_an_oci_archive_is_refused(tmp_path: Path, number: int) -> None:
    files = layout(*LAYERS)
    blob = [name for name in files if name.startswith("blobs/")][number]
    told = complaint(save(flipped(files, blob), tmp_path / "image"))
    assert "sha256" in told


@pytest.mark.parametrize("number", range(3))
def test_a_flipped_bit_in_any_file_of_a_docker_archive_is_refused(tmp_path: Path, number: int) -> None:
    files = docker_archive(*LAYERS)
    assert "sha256" in complaint(save(flipped(files, list(files)[number]), tmp_path / "image"))


def test_a_layer_that_fits_the_manifest_but_not_the_config_is_refused(tmp_path: Path) -> None:
    made = Layout()
    image = made.image(*LAYERS, pack=lambda data: gzipped(data + b"x"))
    made.index.append(image)
    told = complaint(save_folder(made.files(), tmp_path / "image"))
    assert told == "the layer does not unpack to the sha256 in the image's config"


def test_a_size_that_lies_is_refused(tmp_path: Path) -> None:
    made = Layout()
    made.index.append({**made.image(*LAYERS), "size": 1})
    assert "size differs from" in complaint(save_folder(made.files(), tmp_path / "image"))


def test_a_layer_that_the_config_does_not_know_is_refused(tmp_path: Path) -> None:
    files = docker_archive(*LAYERS)
    manifest = files["manifest.json"].replace(b'"1/layer.tar"', b'"1/layer.tar", "0/layer.tar"')
    path = save({**files, "manifest.json": manifest}, tmp_path / "image")
    assert complaint(path) == "the image has 3 layers, and its config 2"


@pytest.mark.parametrize("size", [100, 700, 1500])
def test_a_truncated_archive_is_refused(tmp_path: Path, size: int) -> None:
    path = save(docker_archive(*LAYERS), tmp_path / "image")
    path.write_bytes(path.read_bytes()[:size])
    assert complaint(path).startswith("invalid tar file")


@pytest.mark.parametrize("pack", [gzipped, zstd])
def test_a_truncated_packed_archive_is_refused(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = save(docker_archive(*LAYERS, os.urandom(5000)), tmp_path / "image", pack)
    path.write_bytes(path.read_bytes()[:-3000])
    assert complaint(path)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(tar(file("manifest.json"), file("./manifest.json")))
    assert complaint(tmp_path / "image") == "contains manifest.json twice"


@pytest.mark.parametrize("link", [symlink("manifest.json", "/etc/passwd"), hardlink("manifest.json", "x")])
def test_a_link_in_the_archive_is_not_followed(tmp_path: Path, link: Any) -> None:
    (tmp_path / "image").write_bytes(tar(file("x", b"[]"), link))
    assert complaint(tmp_path / "image") == "contains no regular file manifest.json"


def first_layer(folder: Path) -> Path:
    return next(path for path in folder.glob("blobs/sha256/*") if path.read_bytes() == LAYERS[0])


def test_a_blob_that_is_a_link_is_refused_though_its_contents_are_right(tmp_path: Path) -> None:
    folder = save_folder(layout(*LAYERS, pack=unpacked), tmp_path / "image")
    blob = first_layer(folder)
    blob.rename(tmp_path / "elsewhere")
    blob.symlink_to(tmp_path / "elsewhere")
    assert complaint(folder).startswith("can't read the image: ")


def test_a_blob_that_is_a_fifo_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    folder = save_folder(layout(*LAYERS, pack=unpacked), tmp_path / "image")
    blob = first_layer(folder)
    blob.unlink()
    os.mkfifo(blob)
    assert complaint(folder) == "not a regular file"


def test_a_fifo_in_the_place_of_the_archive_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "image")
    assert complaint(tmp_path / "image") == "not a regular file"


ZEROS = bytes(32 << 20)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_layer_that_unpacks_without_measure_is_refused(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = save_folder(layout(ZEROS, pack=pack), tmp_path / "image")
    assert complaint(path) == "can't unpack: it is larger than an image's layer can be"


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_an_archive_that_unpacks_without_measure_is_refused(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "image").write_bytes(pack(ZEROS))
    assert complaint(tmp_path / "image") == "can't unpack: it is larger than an image's layer can be"


def test_a_layer_larger_than_any_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_blobs, "MAX_UNPACKED", 5000)
    path = save_folder(layout(tar(file("a", os.urandom(5000))), pack=unpacked), tmp_path / "image")
    assert complaint(path) == "can't unpack: it is larger than an image's layer can be"


def test_a_zstd_frame_that_asks_for_much_memory_is_refused(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=False)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    path = save_folder(layout(LAYERS[0], pack=lambda data: stream.compress(data) + stream.flush()), tmp_path / "image")
    assert complaint(path).startswith("can't unpack: ")


@pytest.mark.parametrize("junk", [b"\x1f\x8b" + b"x" * 99, b"\x28\xb5\x2f\xfd" + b"x" * 99])
def test_a_layer_that_is_badly_packed_is_refused(tmp_path: Path, junk: bytes) -> None:
    path = save_folder(layout(LAYERS[0], pack=lambda _: junk), tmp_path / "image")
    assert complaint(path).startswith("can't unpack: ")


@pytest.mark.parametrize(
    "manifest",
    [
        b"[" * 1_000_000,
        b'{"manifests":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"x":' * 100_000 + b"1" + b"}" * 100_000,
        b"",
        b"null",
        b'{"manifests": 5}',
        b'{"manifests": ["\xff"]}',
        b'{"manifests": [{"mediaType": "m", "digest": "sha256:../../etc/passwd", "size": 1}]}',
        b'{"manifests": [{"mediaType": "m", "digest": "md5:00", "size": 1}]}',
        b'{"manifests": [{"mediaType": "m", "digest": "sha256:' + b"0" * 64 + b'\\n", "size": 1}]}',
        b'{"manifests": [{"mediaType": "m", "digest": "sha256:' + b"0" * 64 + b'", "size": -1}]}',
    ],
    ids=range(11),
)
def test_a_hostile_index_is_refused(tmp_path: Path, manifest: bytes) -> None:
    assert complaint(save({"index.json": manifest}, tmp_path / "image")).startswith("unexpected contents: ")


def test_a_manifest_without_measure_is_not_read(tmp_path: Path) -> None:
    path = save({"manifest.json": b" " * (5 << 20)}, tmp_path / "image")
    assert complaint(path) == "manifest.json is larger than 4 MiB: no manifest is"


def test_a_manifest_of_many_layers_is_refused(tmp_path: Path) -> None:
    manifest = [{"Config": "x", "Layers": ["a"] * 100_000}]
    told = complaint(save({"manifest.json": encode(manifest)}, tmp_path / "image"))
    assert told == "unexpected contents: Expected `array` of length <= 512 - at `$[0].Layers`"


def test_indexes_that_multiply_are_refused(tmp_path: Path) -> None:
    made = Layout()
    below = [made.image(*LAYERS)] * 250
    for _ in range(3):
        below = [made.add(encode({"manifests": below}), f"{OCI}.index.v1+json")] * 250
    made.index = below
    assert complaint(save_folder(made.files(), tmp_path / "image")) == "the archive contains more than 256 manifests"


def test_a_config_that_is_named_by_another_path_is_refused(tmp_path: Path) -> None:
    files = docker_archive(*LAYERS)
    manifest = encode([{"Config": "config", "Layers": []}])
    path = save({**files, "config": files[f"{IMAGE_ID}.json"], "manifest.json": manifest}, tmp_path / "image")
    assert complaint(path) == "the sha256 of the image's config differs from its name"


def test_an_archive_of_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_members, "MAX_MEMBERS", 2)
    assert "more than 2 members" in complaint(save(docker_archive(*LAYERS), tmp_path / "image"))
