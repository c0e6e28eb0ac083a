"""Images made by the real tools. No daemon, no network."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.sysroot import providers as sysroot_providers
from ostoo_build.sysroot.image import (
    archive as image_archive,
)
from ostoo_build.sysroot.image import (
    blobs as image_blobs,
)
from ostoo_build.sysroot.image import (
    provider as sysroot_image,
)
from ostoo_build.sysroot.image import (
    tar as tar_members,
)
from ostoo_build.sysroot.install import MACHINES, RawTree

PREFIX = "/home/ctng/x-tools/sysroot/usr"

BUILD = f"""
edit() {{ container=$(buildah from "$1"); cd "$(buildah mount "$container")"; }}
save() {{ cd /; buildah umount "$container"; buildah commit --quiet "$container" "$1"; buildah rm "$container"; }}

edit scratch
mkdir -p .{PREFIX}/lib .{PREFIX}/include/sys etc
for name in libc.a crt1.o crti.o crtn.o; do echo "$name" > .{PREFIX}/lib/$name; done
for name in features.h gone.h a.h sys/old.h; do echo "$name" > .{PREFIX}/include/$name; done
echo root > etc/passwd
ln -s /lib/libc.so .{PREFIX}/lib/ld-musl-x86_64.so.1
save base

edit base
rm .{PREFIX}/include/gone.h
rm -r .{PREFIX}/include/sys
mkdir .{PREFIX}/include/sys
echo new > .{PREFIX}/include/sys/new.h
echo newer > .{PREFIX}/lib/libc.a
ln -s sys/new.h .{PREFIX}/include/soft.h
ln .{PREFIX}/include/a.h .{PREFIX}/include/hard.h
save ostoo-compiler

edit scratch
buildah config --arch arm64 "$container"
echo other > file
save other
buildah manifest create many
buildah manifest add many ostoo-compiler
buildah manifest add many other

edit ostoo-compiler
ln -s ../../../../../../etc/passwd .{PREFIX}/include/evil.h
save evil-link

edit ostoo-compiler
mkfifo .{PREFIX}/include/evil.h
save evil-fifo

edit scratch
mkdir -p .{PREFIX}/include etc
echo root > etc/passwd
ln etc/passwd .{PREFIX}/include/evil.h
save evil-hardlink
"""

TREE = {
    "lib/libc.a": "newer",
    **{f"lib/{name}": name for name in ("crt1.o", "crti.o", "crtn.o")},
    **{f"include/{name}": name for name in ("features.h", "a.h")},
    **{f"include/{name}": "new" for name in ("sys/new.h", "soft.h")},
    "include/hard.h": "a.h",
}


def set_environment(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Have the engines keep their images there, and what an ordinary user's podman knows of containers."""
    patch.setenv("CONTAINERS_STORAGE_CONF", str(folder / "storage.conf"))
    patch.setenv("XDG_DATA_HOME", str(folder / "data"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with buildah's and podman's images, and a project that pins the musl in them."""
    folder = tmp_path_factory.mktemp("images")
    text = f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    (folder / "storage.conf").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        set_environment(folder, patch)
        run(folder, "sh", "-euc", BUILD)
    (folder / "sysroot").mkdir()
    (folder / sysroot_image.PINS).write_text(f'image = "ostoo-compiler"\nprefix = "{PREFIX}"\n')
    return folder


@pytest.fixture(autouse=True)
def _uses_the_store(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(store, monkeypatch)


def run(folder: Path, *argv: str) -> str:
    process.run(["buildah", "--version"], cwd=folder, env=os.environ)  # else the shell's complaint hides the cause
    in_a_user_namespace = () if os.geteuid() == 0 else ("buildah", "unshare")
    done = process.run([*in_a_user_namespace, *argv], cwd=folder, env=os.environ)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def raw_tree(sysroot: str, store: Path, folder: Path) -> dict[str, str]:
    folder.mkdir()
    sysroot_providers.choose(sysroot, store, store).write_raw(RawTree(folder, MACHINES["x86_64"], Jobserver(1)))
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    return {
        path.relative_to(folder).as_posix(): path.read_text().strip() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(
    "push",
    [
        ["push", "ostoo-compiler", "docker-archive:{}"],
        ["push", "ostoo-compiler", "oci-archive:{}"],
        ["push", "ostoo-compiler", "oci:{}"],
        ["push", "--compression-format", "zstd", "ostoo-compiler", "oci:{}"],
        ["push", "--compression-format", "zstd", "ostoo-compiler", "oci-archive:{}"],
        ["manifest", "push", "--all", "many", "oci:{}"],
    ],
    ids=["docker-archive", "oci-archive", "oci folder", "oci folder zstd", "oci-archive zstd", "many platforms"],
)
def test_an_image_saved_by_buildah_is_read(store: Path, tmp_path: Path, push: list[str]) -> None:
    image = tmp_path / "image"
    run(store, "buildah", *(word.format(image) for word in push))
    assert raw_tree(f"container:{image}", store, tmp_path / "raw") == TREE


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_an_image_saved_by_podman_and_packed_is_read(
    store: Path, tmp_path: Path, form: str, pack: Callable[[bytes], bytes]
) -> None:
    image = tmp_path / "image"
    run(store, "podman", "save", "--format", form, "--output", str(image), "ostoo-compiler")
    image.write_bytes(pack(image.read_bytes()))
    assert raw_tree(f"container:{image}", store, tmp_path / "raw") == TREE


def test_the_image_has_the_layers_and_whiteouts_that_these_tests_are_about(store: Path, tmp_path: Path) -> None:
    run(store, "buildah", "push", "ostoo-compiler", f"oci:{tmp_path / 'image'}")
    names = []
    with image_blobs.opened(tmp_path / "image", tmp_path) as blobs:
        for layer in image_archive.find(blobs, None, "amd64").layers:
            with image_archive.layer_tar(blobs, layer, tmp_path) as tar:
                names.append({member.path[-1] for member in tar_members.members(tar, "layer") if member.path})
    assert "gone.h" in names[0]
    assert {".wh.gone.h", "hard.h"} <= names[1]


def test_an_image_of_podmans_is_copied_and_no_container_is_left(store: Path, tmp_path: Path) -> None:
    assert raw_tree("podman", store, tmp_path / "raw") == TREE
    assert run(store, "podman", "ps", "--all", "--quiet") == ""


@pytest.mark.parametrize("key", ["Id", "Digest"])
def test_podman_serves_a_pinned_image_only(store: Path, tmp_path: Path, key: str) -> None:
    pinned = run(store, "podman", "image", "inspect", "--format", f"{{{{.{key}}}}}", "ostoo-compiler").strip()[-64:]
    assert raw_tree(f"podman:ostoo-compiler@sha256:{pinned}", store, tmp_path / "raw") == TREE
    with pytest.raises(OstooError, match="podman shows no image"):
        raw_tree(f"podman:ostoo-compiler@sha256:{pinned[::-1]}", store, tmp_path / "other")


def test_podman_and_an_archive_tell_the_same_id(store: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    run(store, "podman", "save", "--quiet", "--output", str(image), "ostoo-compiler")
    with image_blobs.opened(image, tmp_path) as blobs:
        names = image_archive.find(blobs, None, "amd64").names
    assert names == (sysroot_providers.choose("podman", store, store).identity()["image"],)


@pytest.mark.parametrize(
    ("source", "image"),
    [
        ("archive", "evil-link"),
        ("archive", "evil-fifo"),
        ("archive", "evil-hardlink"),  # podman copies a hard link as the file that it is
        ("podman", "evil-link"),
        ("podman", "evil-fifo"),
    ],
)
def test_a_hostile_image_made_by_the_real_tools_is_refused(
    store: Path, tmp_path: Path, source: str, image: str
) -> None:
    if source == "archive":
        run(store, "buildah", "push", image, f"oci-archive:{tmp_path / 'image'}")
        sysroot = f"container:{tmp_path / 'image'}"
    else:
        sysroot = f"podman:{image}"
    with pytest.raises(OstooError, match=r"evil\.h"):
        raw_tree(sysroot, store, tmp_path / "raw")
    assert not list((tmp_path / "raw").rglob("evil.h"))
    assert run(store, "podman", "ps", "--all", "--quiet") == ""


def test_a_flipped_bit_in_a_real_archive_is_refused(store: Path, tmp_path: Path) -> None:
    image = tmp_path / "image"
    run(store, "buildah", "push", "ostoo-compiler", f"docker-archive:{image}")
    data = image.read_bytes()
    image.write_bytes(data.replace(b"newer\n", b"never\n"))
    with pytest.raises(OstooError, match="does not unpack to the sha256 in the image's config"):
        raw_tree(f"container:{image}", store, tmp_path / "raw")


@pytest.mark.parametrize("source", ["container:{}", "podman:ostoo-compiler"])
def test_the_right_prefix_is_told(store: Path, tmp_path: Path, source: str) -> None:
    run(store, "buildah", "push", "ostoo-compiler", f"oci:{tmp_path / 'image'}")
    (tmp_path / "sysroot").mkdir()
    (tmp_path / sysroot_image.PINS).write_text('image = "ostoo-compiler"\nprefix = "/usr"\n')
    with pytest.raises(OstooError) as caught:
        raw_tree(source.format(tmp_path / "image"), tmp_path, tmp_path / "raw")
    assert caught.value.remedy == f"set the prefix to {PREFIX}"
