import os
import tarfile
from pathlib import Path

import pytest
from container_images import Entry, docker_archive, entry, file, gzipped, layout, save, save_folder, symlink, tar
from sysroot_trees import MACHINE, good_files, write

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.sysroot import install as sysroot
from ostoo_build.sysroot.image import (
    archive as image_archive,
)
from ostoo_build.sysroot.image import (
    blobs as image_blobs,
)
from ostoo_build.sysroot.image import (
    layers as image_layers,
)
from ostoo_build.sysroot.image import (
    provider as sysroot_image,
)

PREFIX = "/opt/x-tools/sysroot/usr"
FAKE = """#!/bin/sh -eu
echo "$*" >> calls
case "$1 $2" in
"image inspect") test -e "images/$4" || { echo "no such image: $4" >&2; exit 1; }; cat "images/$4";;
"create --pull") echo c0ffee;;
"export "*) tar -C root -cf - .;;
"cp "*)
    path=root${2#c0ffee:}
    test -e "$path" || test -L "$path" || { echo "no such file: $path" >&2; exit 1; }
    tar -C "$(dirname "$path")" -cf - "$(basename "$path")";;
"rm --force") ;;
*) exit 64;;
esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    pin(tmp_path, "ostoo-compiler")
    return tmp_path


def pin(project: Path, image: str, prefix: str = PREFIX) -> None:
    write(project, {sysroot_image.PINS: f'image = "{image}"\nprefix = "{prefix}"\n'.encode()})


def layer(*more: Entry) -> bytes:
    musl = [file(f"{PREFIX[1:]}/{name}", data) for name, data in good_files().items()]
    return tar(*musl, file(f"{PREFIX[1:]}/include/features.h"), *more)


def place(path: Path, folder: Path) -> Path:
    """Make a sysroot of the saved image."""
    sysroot.provide(sysroot_image.archive(str(path), path.parent), MACHINE, folder, Jobserver(1))
    return folder


def complaint(path: Path) -> OstooError:
    with pytest.raises(OstooError) as caught:
        place(path, path.parent / "out")
    assert not (path.parent / "out").exists()
    return caught.value


def test_a_saved_image_becomes_the_sysroot(project: Path) -> None:
    fifo = entry(f"{PREFIX[1:]}/share/fifo", tarfile.FIFOTYPE)
    path = save(docker_archive(layer(file("etc/passwd"), fifo)), project / "image.tar.gz", gzipped)
    out = place(path, project / "out")
    assert (out / "lib/libc.a").read_bytes() == good_files()["lib/libc.a"]
    assert sorted(path.name for path in out.iterdir()) == ["include", "lib", "manifest.json"]


def test_each_format_gives_the_same_sysroot(project: Path) -> None:
    docker = place(save(docker_archive(layer()), project / "image.tar"), project / "docker")
    oci = place(save_folder(layout(layer()), project / "image"), project / "oci")
    assert digest.of_file(docker / "lib/libc.a") == digest.of_file(oci / "lib/libc.a")
    assert {path.name for path in (docker / "include").iterdir()} == {path.name for path in (oci / "include").iterdir()}


def test_a_wrong_prefix_is_answered_with_the_right_ones(project: Path) -> None:
    pin(project, "ostoo-compiler", "/usr")
    error = complaint(save(docker_archive(layer()), project / "image"))
    assert error.what == "the image has no /usr/lib/libc.a"
    assert error.where == sysroot_image.PINS
    assert error.remedy == f"set the prefix to {PREFIX}"


def test_an_image_without_musl_is_refused(project: Path) -> None:
    error = complaint(save(docker_archive(tar(file("bin/sh"))), project / "image"))
    assert error.remedy == "this image contains no musl: use another one"


def test_an_image_that_breaks_the_contract_leaves_the_old_sysroot(project: Path) -> None:
    place(save(docker_archive(layer()), project / "good"), project / "out")
    before = (project / "out/manifest.json").read_bytes()
    files = [file(f"{PREFIX[1:]}/{name}", data) for name, data in good_files().items() if name != "lib/crti.o"]
    with pytest.raises(OstooError, match=r"did not create lib/crti\.o"):
        place(save(docker_archive(tar(*files)), project / "bad"), project / "out")
    assert (project / "out/manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    "evil",
    [
        symlink(f"{PREFIX[1:]}/include/evil.h", "/etc/passwd"),
        entry(f"{PREFIX[1:]}/include/evil.h", tarfile.CHRTYPE),
        file("../evil.h"),
        file("/evil.h"),
    ],
    ids=["link", "device", "upwards", "absolute"],
)
def test_a_hostile_layer_over_a_good_one_is_refused(project: Path, evil: Entry) -> None:
    error = complaint(save(docker_archive(layer(), tar(evil)), project / "image"))
    assert "evil.h" in error.what


def test_no_layer_is_looked_at_before_its_digest_is_right(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_layers.Tree, "add_layer", pytest.fail)
    files = docker_archive(layer())
    error = complaint(save({**files, "0/layer.tar": layer(file("more"))}, project / "image"))
    assert error.what == "the layer does not unpack to the sha256 in the image's config"


def test_a_missing_archive_is_refused(project: Path) -> None:
    assert complaint(project / "nowhere.tar").what == "can't read the image: No such file or directory"


def test_the_path_of_an_archive_is_needed(project: Path) -> None:
    with pytest.raises(OstooError) as caught:
        sysroot_image.archive("", project)
    assert caught.value.remedy == "write sysroot=container:PATH"


@pytest.mark.parametrize("folder", [True, False])
def test_another_image_is_another_key(project: Path, folder: bool) -> None:  # noqa: FBT001 - a parameter
    keys = set()
    for number, data in enumerate([layer(), layer(), layer(file("x"))]):
        path = project / str(number) / "image"
        path.parent.mkdir()
        saved = save_folder(layout(data), path) if folder else save(layout(data), path)
        keys.add(sysroot.key(sysroot_image.archive(str(saved), project), MACHINE))
    assert len(keys) == 2


def test_another_prefix_is_another_key(project: Path) -> None:
    path = save(docker_archive(layer()), project / "image")
    before = sysroot.key(sysroot_image.archive(str(path), project), MACHINE)
    pin(project, "ostoo-compiler", "/usr")
    assert sysroot.key(sysroot_image.archive(str(path), project), MACHINE) != before


def image_id(path: Path) -> str:
    with image_blobs.opened(path, path.parent) as blobs:
        return image_archive.find(blobs, None, "amd64").names[0]


def test_a_pinned_archive_is_only_read_when_the_sysroot_is_made(project: Path) -> None:
    path = save(docker_archive(layer()), project / "image")
    pin(project, f"ostoo-compiler@sha256:{image_id(path)}")
    place(path, project / "out")
    path.unlink()
    assert sysroot_image.archive("image", project).identity()["image"] in (project / "out/manifest.json").read_text()


def test_an_archive_without_the_pinned_image_is_refused(project: Path) -> None:
    pin(project, f"ostoo-compiler@sha256:{'0' * 64}")
    assert "the pinned image sha256:000" in complaint(save(docker_archive(layer()), project / "image")).what


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'image = "x"\n', "missing required field `prefix`"),
        (b'image = "x"\nprefix = "usr"\n', "matching regex"),
        (b'image = "x"\nprefix = "/usr"\nimgae = "y"\n', "unknown field `imgae`"),
        (b"image = \n", "not a pin: "),
        (b'image = "x@sha256:123"\nprefix = "/usr"\n', "matching regex"),
    ],
)
def test_a_pin_with_a_mistake_is_refused(project: Path, text: bytes, told: str) -> None:
    write(project, {sysroot_image.PINS: text})
    with pytest.raises(OstooError, match=told) as caught:
        sysroot_image.archive("image", project)
    assert caught.value.where.endswith(sysroot_image.PINS)


ID = "a" * 64
MANIFEST = "b" * 64


@pytest.fixture
def engine(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for docker: `root` is the image's file system, `calls` what docker was asked."""
    fake = project / "engine"
    told = f'[{{"Id": "sha256:{ID}", "RepoDigests": ["ostoo-compiler@sha256:{MANIFEST}"]}}]'
    write(fake, {"images/ostoo-compiler": told.encode(), f"images/{ID}": told.encode()})
    write(fake / "root" / PREFIX[1:], {**good_files(), "include/features.h": b""})
    (fake / "docker").write_text(FAKE.replace("#!/bin/sh -eu\n", f'#!/bin/sh -eu\ncd "{fake}"\n'))
    (fake / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}{os.pathsep}{os.environ['PATH']}")
    return fake


def from_engine(project: Path, argument: str = "") -> Path:
    sysroot.provide(sysroot_image.docker(argument, project), MACHINE, project / "out", Jobserver(1))
    return project / "out"


def calls(engine: Path) -> list[str]:
    return (engine / "calls").read_text().splitlines()


def test_an_image_of_docker_becomes_the_sysroot(project: Path, engine: Path) -> None:
    out = from_engine(project)
    assert (out / "lib/libc.a").read_bytes() == good_files()["lib/libc.a"]
    assert calls(engine) == [
        "image inspect -- ostoo-compiler",
        "image inspect -- ostoo-compiler",
        f"create --pull never sha256:{ID} nothing",
        *(f"cp c0ffee:{PREFIX}/{name} -" for name in (*sysroot.RAW_FILES, "include")),
        "rm --force --volumes c0ffee",
    ]


def test_the_container_is_removed_when_something_fails(project: Path, engine: Path) -> None:
    (engine / "root" / PREFIX[1:] / "include/evil.h").symlink_to("/etc/passwd")
    with pytest.raises(OstooError, match="which is not one of the files to take"):
        from_engine(project)
    assert calls(engine)[-1] == "rm --force --volumes c0ffee"
    assert "export c0ffee" not in calls(engine)


def test_a_missing_file_of_an_image_is_told_in_dockers_words(project: Path, engine: Path) -> None:
    (engine / "root" / PREFIX[1:] / "lib/crti.o").unlink()
    with pytest.raises(OstooError, match=r"no such file: root/opt/.*/crti\.o"):
        from_engine(project)


def test_a_wrong_prefix_in_docker_is_answered_with_the_right_one(project: Path, engine: Path) -> None:
    pin(project, "ostoo-compiler", "/usr")
    with pytest.raises(OstooError) as caught:
        from_engine(project)
    assert caught.value.remedy == f"set the prefix to {PREFIX}"
    assert calls(engine)[-1] == "rm --force --volumes c0ffee"


@pytest.mark.parametrize("pinned", [ID, MANIFEST])
def test_a_pinned_image_is_not_asked_for_at_each_start(project: Path, engine: Path, pinned: str) -> None:
    pin(project, f"ostoo-compiler@sha256:{pinned}")
    assert sysroot_image.docker("", project).identity()["image"] == pinned
    assert not (engine / "calls").exists()


def test_an_image_that_docker_knows_by_its_id_only_is_found(project: Path, engine: Path) -> None:
    pin(project, f"ostoo-compiler@sha256:{ID}")
    assert (from_engine(project) / "lib/libc.a").exists()
    assert calls(engine)[:2] == [f"image inspect -- ostoo-compiler@sha256:{ID}", f"image inspect -- {ID}"]


def test_another_image_under_the_pinned_ones_name_is_refused(project: Path, engine: Path) -> None:
    pin(project, f"ostoo-compiler@sha256:{'0' * 64}")
    with pytest.raises(OstooError) as caught:
        from_engine(project, "ostoo-compiler")
    assert caught.value.what == f"ostoo-compiler is not sha256:{'0' * 64} but sha256:{ID}"
    assert not any(call.startswith("create") for call in calls(engine))


def test_a_name_that_looks_like_an_option_stays_a_name(project: Path, engine: Path) -> None:
    with pytest.raises(OstooError, match="no such image: --format=x"):
        sysroot_image.docker("--format=x", project)
    assert calls(engine) == ["image inspect -- --format=x"]


@pytest.mark.parametrize("told", [b"", b"[]", b'[{"Id": "--privileged"}]', b"[{}]", b"{"])
def test_an_answer_that_is_none_is_refused(project: Path, engine: Path, told: bytes) -> None:
    write(engine, {"images/ostoo-compiler": told})
    with pytest.raises(OstooError, match="can't parse the output of `docker image inspect`"):
        sysroot_image.docker("", project)


def test_output_without_end_is_cut_off(project: Path, engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_blobs, "MAX_UNPACKED", 5000)
    (engine / "root" / PREFIX[1:] / "lib/libc.a").write_bytes(bytes(5000))
    with pytest.raises(OstooError, match="docker writes more output than allowed"):
        from_engine(project)


def test_an_engine_that_is_not_installed_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(OstooError) as caught:
        sysroot_image.podman("", project)
    assert caught.value.what == "podman is not installed"
