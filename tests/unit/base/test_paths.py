from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.base import digest
from ostoo_build.base.input import Input
from ostoo_build.base.paths import PathMap, absolute, is_local, quote

MAP = PathMap(
    (
        ("root", Path("/home/me/my os")),
        ("toolchain", Path("/home/me/my os/.toolchain/usr")),
        ("rust-src", Path("/home/me/my os/.toolchain/usr/src/library")),
        ("cargo-home", Path("/home/me/.cargo")),
        ("rustc", Path("/home/me/my os/.toolchain/usr/bin/rustc")),
    )
)
SEGMENT = st.text(st.characters(exclude_characters="/\0{", codec="utf-8"), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)


@pytest.mark.parametrize(
    ("path", "portable"),
    [
        ("/home/me/my os/user-rs/rt/src/lib.rs", "user-rs/rt/src/lib.rs"),
        ("/home/me/my os", "."),
        ("/home/me/my os 2/lib.rs", "/home/me/my os 2/lib.rs"),
        ("/home/me/my os/.toolchain/usr/lib/a.so", "@{toolchain}/lib/a.so"),
        ("/home/me/my os/.toolchain/usr/src/library/core/src/lib.rs", "@{rust-src}/core/src/lib.rs"),
        ("/home/me/my os/.toolchain/usr/bin/rustc", "@{rustc}"),
        ("/home/me/.cargo/registry/src/a-1.0", "@{cargo-home}/registry/src/a-1.0"),
        ("/home/me/my os/user-rs/../targets/t.json", "targets/t.json"),
        ("/etc/passwd", "/etc/passwd"),
    ],
)
def test_a_path_is_named_after_its_innermost_place(path: str, portable: str) -> None:
    assert MAP.portable(path) == portable


@given(st.sampled_from([str(place) for _, place in MAP.places]), st.lists(SEGMENT, max_size=4))
def test_a_portable_path_leads_back(place: str, rest: list[str]) -> None:
    path = "/".join([place, *rest])
    assert MAP.expand(absolute(MAP.portable(path))).removesuffix("/.") == path


@given(st.lists(st.sampled_from(["@{", "@", "{", "}", "at", "root", "nowhere"])).map("".join))
def test_what_the_user_wrote_is_no_placeholder(text: str) -> None:
    assert MAP.expand(quote(text)) == text


@given(st.lists(SEGMENT, max_size=4))
def test_two_checkouts_have_the_same_portable_paths(rest: list[str]) -> None:
    other = PathMap((("root", Path("/srv/other")),))
    assert other.portable("/".join(["/srv/other", *rest])) == PathMap((("root", Path("/one")),)).portable(
        "/".join(["/one", *rest])
    )


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    paths = PathMap((("root", tmp_path / "link"),))
    assert paths.root == str(tmp_path / "real")
    assert paths.portable(tmp_path / "real" / "a") == paths.portable(tmp_path / "link" / "a") == "a"


def test_an_input_is_named_as_it_is_read_wherever_links_lead(tmp_path: Path) -> None:
    for name in ("checkout/real", "tools/lib", "away/real"):
        (tmp_path / name).mkdir(parents=True)
    for name, goal in (("checkout/link", "real"), ("checkout/tools", "../tools"), ("away/link", "real")):
        (tmp_path / name).symlink_to(goal)
    (tmp_path / "by-link").symlink_to("tools")
    paths = PathMap((("root", tmp_path / "checkout"), ("toolchain", tmp_path / "by-link")))
    named = {
        "checkout/link/a": "link/a",
        "checkout/link/../a": "a",
        "checkout/tools/lib/a": "tools/lib/a",
        "tools/lib/a": "@{toolchain}/lib/a",
        "by-link/lib/a": "@{toolchain}/lib/a",
        "away/link/a": f"{tmp_path}/away/link/a",
    }
    assert {path: paths.input_path(tmp_path / path) for path in named} == named
    for path, name in named.items():
        folder = f"{name.rpartition('/')[0]}/"
        assert paths.is_in(tmp_path / path, (folder,)) == (folder != "/")
    assert paths.is_in(tmp_path / "checkout/tools/lib/a", ("@{toolchain}/",))
    assert not paths.is_in(tmp_path / "checkout/link/a", ("@{toolchain}/", "lin/"))


def test_a_file_is_an_input_by_its_contents_and_portable_path(tmp_path: Path) -> None:
    paths = PathMap((("root", tmp_path / "os"), ("cargo-home", tmp_path / "home")))
    for folder, path in (("os", "a/b.rs"), ("home", "@{cargo-home}/a/b.rs")):
        file = tmp_path / folder / "a/b.rs"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"source")
        assert paths.input(file) == Input(path, digest.of_bytes(b"source"), 6)
    with pytest.raises(FileNotFoundError):
        paths.input(tmp_path / "os/a/missing.rs")


@pytest.mark.parametrize(
    ("path", "local"), [("user-rs/rt", True), (".", True), ("@{rust-src}/core", False), ("/etc", False)]
)
def test_only_what_lies_in_the_checkout_is_local(path: str, local: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_local(path) is local
    assert absolute(path) == (f"@{{root}}/{path}" if local else path)


def test_a_file_is_read_by_its_own_name_in_the_checkout_only(tmp_path: Path) -> None:
    inner = tmp_path / "os/.toolchain/library"
    inner.mkdir(parents=True)
    (tmp_path / "os/link").symlink_to(".toolchain")
    (tmp_path / "os/other").symlink_to("a")
    paths = PathMap((("root", tmp_path / "os"), ("rust-src", inner)))
    assert paths.input_path(inner / "core/lib.rs") == "@{rust-src}/core/lib.rs", "a place in the checkout is a place"
    assert paths.input_path(inner) == "@{rust-src}"
    assert paths.input_path(tmp_path / "os/.toolchain/librarian") == ".toolchain/librarian"
    assert paths.input_path(tmp_path / "os/other") == "other"
    assert paths.input_path(tmp_path / "os") == "."
