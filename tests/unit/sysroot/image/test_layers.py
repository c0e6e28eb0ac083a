import tarfile
from pathlib import Path

import pytest
from container_images import Entry, entry, file, folder, hardlink, symlink, tar
from hypothesis import given, settings
from hypothesis import strategies as st

from ostoo_build.base.errors import OstooError
from ostoo_build.sysroot.image import layers as image_layers
from ostoo_build.sysroot.image.layers import Tree

Layer = tuple[Entry, ...]


def tree_of(folder: Path, *layers: Layer) -> Tree:
    """Lay layers on each other; `m/lib` and `m/include` are wanted."""
    tree = Tree([("m", "lib"), ("m", "include")])
    for layer in layers:
        path = folder / "layer.tar"
        path.write_bytes(tar(*layer))
        with path.open("rb", buffering=0) as stream:
            tree.add_layer(stream, "layer")
    return tree


def written(folder: Path, *layers: Layer) -> dict[str, bytes]:
    out = folder / "out"
    tree_of(folder, *layers).write(("m",), out)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def complaint(folder: Path, *layers: Layer) -> str:
    with pytest.raises(OstooError) as caught:
        written(folder, *layers)
    assert not list(folder.rglob("out/*"))
    return caught.value.what


BASE = (file("m/lib/libc.a", b"old"), file("m/include/a.h", b"a"), file("m/include/sys/b.h", b"b"))
ALL = {"lib/libc.a": b"old", "include/a.h": b"a", "include/sys/b.h": b"b"}


def without(*names: str) -> dict[str, bytes]:
    return {name: data for name, data in ALL.items() if name not in names}


def test_only_wanted_files_are_written(tmp_path: Path) -> None:
    assert written(tmp_path, (*BASE, file("m/bin/cc"), file("etc/passwd"), file("m/library"))) == ALL


def test_a_single_file_is_written_to_the_name_asked_for(tmp_path: Path) -> None:
    tree_of(tmp_path, BASE).write(("m", "lib", "libc.a"), tmp_path / "x/y")
    assert (tmp_path / "x/y").read_bytes() == b"old"


def test_nothing_is_written_where_nothing_is(tmp_path: Path) -> None:
    tree_of(tmp_path, BASE).write(("m", "share"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_upper_layer_replaces_a_file(tmp_path: Path) -> None:
    assert written(tmp_path, BASE, (file("m/lib/libc.a", b"new"),)) == {**ALL, "lib/libc.a": b"new"}


@pytest.mark.parametrize(
    ("whiteout", "left"),
    [
        ("m/include/.wh.a.h", without("include/a.h")),
        ("m/include/.wh.sys", without("include/sys/b.h")),
        ("m/include/.wh..wh..opq", without("include/a.h", "include/sys/b.h")),
        ("m/.wh.include", without("include/a.h", "include/sys/b.h")),
        (".wh.m", {}),
        (".wh..wh..opq", {}),
        ("m/include/.wh.missing", ALL),
        ("missing/.wh.a", ALL),
        ("m/lib/libc.a/.wh.x", ALL),
        ("m/include/.wh..wh.plnk", ALL),
    ],
)
def test_a_whiteout_hides_what_lies_below(tmp_path: Path, whiteout: str, left: dict[str, bytes]) -> None:
    assert written(tmp_path, BASE, (file(whiteout, b""),)) == left


@pytest.mark.parametrize("whiteout", ["m/include/.wh.a.h", "m/include/.wh..wh..opq", ".wh.m"])
@pytest.mark.parametrize("first", [True, False])
def test_a_whiteout_spares_its_own_layer(tmp_path: Path, whiteout: str, first: bool) -> None:  # noqa: FBT001 - a parameter
    new, hide = file("m/include/a.h", b"new"), file(whiteout, b"")
    assert written(tmp_path, BASE, (hide, new) if first else (new, hide))["include/a.h"] == b"new"


def test_a_whiteout_counts_for_the_layers_below_only(tmp_path: Path) -> None:
    assert written(tmp_path, (file("m/include/.wh.a.h", b""),), BASE) == ALL


@pytest.mark.parametrize("name", ["m/include/.wh.", "m/include/.wh..", "m/include/.wh..."])
def test_a_whiteout_of_the_parent_is_refused(tmp_path: Path, name: str) -> None:
    assert complaint(tmp_path, BASE, (file(name, b""),)) == f"the whiteout {name!r} names no file"


def test_a_file_in_the_place_of_a_folder_hides_it(tmp_path: Path) -> None:
    assert written(tmp_path, BASE, (file("m/include/sys", b"x"),)) == {
        **without("include/sys/b.h"),
        "include/sys": b"x",
    }


def test_a_folder_in_the_place_of_a_file_hides_it(tmp_path: Path) -> None:
    layer = (folder("m/include/a.h"), file("m/include/a.h/c", b"c"))
    assert written(tmp_path, BASE, layer) == {**without("include/a.h"), "include/a.h/c": b"c"}


def test_a_folder_over_a_folder_keeps_its_files(tmp_path: Path) -> None:
    assert written(tmp_path, BASE, (folder("."), folder("m"), folder("m/include"))) == ALL


def test_a_link_in_the_place_of_the_prefix_leads_nowhere(tmp_path: Path) -> None:
    assert written(tmp_path, BASE, (symlink("m", "/etc"),)) == {}


@pytest.mark.parametrize(
    "target", ["a.h", "sys/../a.h", "/m/include/a.h", "../include/a.h", "../../../../m/include/a.h"]
)
def test_a_link_to_a_wanted_file_becomes_that_file(tmp_path: Path, target: str) -> None:
    assert written(tmp_path, (*BASE, symlink("m/include/l.h", target))) == {**ALL, "include/l.h": b"a"}


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "../../etc/passwd", "../bin/cc", "sys", "l.h", "missing", "/", "a\0b"]
)
def test_a_link_to_anything_else_is_refused(tmp_path: Path, target: str) -> None:
    outside = (file("etc/passwd"), file("m/bin/cc"))
    assert complaint(tmp_path, (*BASE, *outside, symlink("m/include/l.h", target)))


def test_a_chain_of_links_is_not_followed(tmp_path: Path) -> None:
    chain = (symlink("m/include/one", "a.h"), symlink("m/include/two", "one"))
    assert "which is not one of the files to take" in complaint(tmp_path, (*BASE, *chain))


@pytest.mark.parametrize("link", ["m/include/up", "m/include", "m"])
def test_a_file_below_a_link_is_refused(tmp_path: Path, link: str) -> None:
    escape = (symlink(link, "../../.."), file("m/include/up/evil.h"))
    assert complaint(tmp_path, escape) == "'m/include/up/evil.h' is below something that is not a folder"


def test_a_file_below_a_link_of_another_layer_is_refused(tmp_path: Path) -> None:
    assert "is below" in complaint(tmp_path, (symlink("m", "/"),), (file("m/include/evil.h"),))


def test_what_lies_below_a_link_elsewhere_is_of_no_interest(tmp_path: Path) -> None:
    assert written(tmp_path, (*BASE, symlink("lib", "usr/lib"), file("lib/x"))) == ALL


def test_a_hard_link_to_a_wanted_file_becomes_that_file(tmp_path: Path) -> None:
    assert written(tmp_path, BASE, (hardlink("m/include/l.h", "m/include/a.h"),)) == {**ALL, "include/l.h": b"a"}


@pytest.mark.parametrize("target", ["etc/passwd", "m/include", "m/include/s.h", "missing", "../x", "/m/include/a.h"])
def test_a_hard_link_to_anything_else_is_refused(tmp_path: Path, target: str) -> None:
    others = (file("etc/passwd"), symlink("m/include/s.h", "a.h"))
    assert complaint(tmp_path, (*BASE, *others, hardlink("m/include/l.h", target)))


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_special_file_among_the_wanted_is_refused(tmp_path: Path, kind: bytes) -> None:
    assert complaint(tmp_path, (*BASE, entry("m/include/x", kind))) == "'m/include/x' is a special file"


def test_a_special_file_elsewhere_is_of_no_interest(tmp_path: Path) -> None:
    assert written(tmp_path, (*BASE, entry("dev/null", tarfile.CHRTYPE), file("m/é.h"))) == ALL


def test_a_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    assert complaint(tmp_path, (*BASE, file("m/include/a.h", b"other"))) == "'m/include/a.h' occurs twice"


@pytest.mark.parametrize("name", ["\u202egnp.h", "é.h", "a\nb.h", "\udcff.h"])
def test_odd_names_among_the_wanted_are_refused(tmp_path: Path, name: str) -> None:
    odd, _ = entry(f"m/include/{name}")
    path = tmp_path / "layer.tar"
    path.write_bytes(odd.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape") + bytes(1024))
    with path.open("rb", buffering=0) as stream, pytest.raises(OstooError, match="is not a valid name for a header"):
        Tree([("m", "include")]).add_layer(stream, "layer")


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_FILE", 9), ("MAX_TOTAL", 29), ("MAX_FILES", 2)], ids=["one file", "all", "number"]
)
@pytest.mark.parametrize("third", [file("m/lib/c", b"x" * 10), hardlink("m/lib/c", "m/lib/a"), symlink("m/lib/c", "a")])
def test_links_count_like_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, third: Entry
) -> None:
    layer = (file("m/lib/a", b"x" * 10), file("m/lib/b", b"x" * 10), third)
    assert len(written(tmp_path, layer)) == 3
    monkeypatch.setattr(image_layers, limit, value)
    with pytest.raises(OstooError, match="this is more than a musl"):
        written(tmp_path, layer)


def test_folders_that_a_path_implies_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_layers, "MAX_NODES", 20)
    assert complaint(tmp_path, (file("/".join("a" * 30).lstrip("/")),)) == "the image holds more than 20 files"


def test_names_that_the_file_system_takes_for_one_are_refused(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, BASE)
    (tmp_path / "out/include").mkdir(parents=True)
    (tmp_path / "out/include/a.h").touch()  # as on a file system without case: A.h was there first
    with pytest.raises(OstooError, match="have the same name here"):
        tree.write(("m",), tmp_path / "out")


def test_the_folders_that_hold_a_musl_are_found(tmp_path: Path) -> None:
    both = [(f"{root}/lib/libc.a", f"{root}/include/features.h") for root in ("usr", "x/sysroot/usr", "m")]
    tree = tree_of(tmp_path, (*(file(name) for pair in both for name in pair), file("y/lib/libc.a")))
    assert tree.folders_with([("lib", "libc.a"), ("include", "features.h")]) == ["/m", "/usr", "/x/sysroot/usr"]


NAMES = st.sampled_from(
    ["m", "m/include", "m/include/a", "m/include/a/b", "m/lib", "etc", "etc/p", "m/include/.wh.a", ".wh.m"]
)
TARGETS = st.sampled_from(["..", "../..", "/etc/p", "etc/p", "m/include/a", "a", "../../etc", "/"])
ENTRIES = st.one_of(
    st.builds(file, NAMES),
    st.builds(folder, NAMES),
    st.builds(symlink, NAMES, TARGETS),
    st.builds(hardlink, NAMES, TARGETS),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.lists(ENTRIES, max_size=6), max_size=3))
def test_whatever_the_layers_hold_only_plain_files_below_the_destination_come_of_it(
    tmp_path_factory: pytest.TempPathFactory, layers: list[list[Entry]]
) -> None:
    scratch = tmp_path_factory.mktemp("fuzz")
    tree = Tree([("m", "include")])
    try:
        for layer in layers:
            path = scratch / "layer.tar"
            path.write_bytes(tar(*layer))
            with path.open("rb", buffering=0) as stream:
                tree.add_layer(stream, "layer")
        tree.write(("m", "include"), scratch / "out")
    except OstooError:
        pass
    left = [path for path in scratch.rglob("*") if path.name != "layer.tar"]
    assert all(path.is_relative_to(scratch / "out") and not path.is_symlink() for path in left)
    assert all(path.read_bytes() == b"contents" for path in left if path.is_file())
