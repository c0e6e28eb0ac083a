"""Published crates of the shapes that half of the registry has, built as they are, in a program with all of std."""

from __future__ import annotations

from typing import TYPE_CHECKING

import crates
import pytest

if TYPE_CHECKING:
    from trees import Tree

pytestmark = [pytest.mark.compiler, pytest.mark.network, pytest.mark.xdist_group("published"), pytest.mark.long]

STD = "ostoo-rt = { workspace = true }\n"


@pytest.fixture(autouse=True)
def _any_loader(tree: Tree, first_developed: Tree) -> None:
    """Some of these crates choose code for AVX at run time, which ostoo's loader refuses: that is not the subject.

    They are built for development, which takes half as long; each finds what the one before compiled.
    """
    assert tree.cache == first_developed.cache, "it has std for development"
    (tree.root / "targets/x86_64-ostoo-user.loader.json").unlink()


def add(tree: Tree, name: str, asks: str, main: str, macros: tuple[str, ...]) -> None:
    """Add a program; nothing is optimized for macros, as is usual: our workspace asks for it, for whole packages."""
    crates.add(tree, name, asks, main=main)
    manifest = tree.root / "user-rs/Cargo.toml"
    tables = (f"[profile.dev.package.{macro}]\nopt-level = 0\n" for macro in macros)
    manifest.write_text(manifest.read_text() + "".join(tables))


def program(*lines: str, uses: str) -> str:
    return (
        "#![feature(restricted_std)]\n#![no_main]\nextern crate ostoo_rt;\n"
        f"{uses}\n#[no_mangle]\nfn main() -> i32 {{\n{''.join(lines)}\n0\n}}\n"
    )


def test_serde_with_derive_and_serde_json(tree: Tree) -> None:
    asks = f'[dependencies]\n{STD}serde = {{ version = "1", features = ["derive"] }}\nserde_json = "1"'
    uses = "#[derive(serde::Serialize, serde::Deserialize)]\nstruct Point { x: i32, y: Vec<u8> }"
    lines = (
        'let p: Point = serde_json::from_str(r#"{"x":1,"y":[2]}"#).unwrap();\n',
        ('println!("{}", serde_json::to_string(&p).unwrap());'),
    )
    add(tree, "published", asks, program(*lines, uses=uses), ("syn", "serde_derive"))
    result = tree.build("profile=dev", "published")
    assert tree.run("published", profile="dev") == (0, '{"x":1,"y":[2]}\n', "")
    # cargo takes the crates of std from the registry then, too: they are the same
    assert not {"std", "libc", "core"}.intersection(result.done("Compiling"))


def test_clap_with_derive(tree: Tree) -> None:
    asks = f'[dependencies]\n{STD}clap = {{ version = "4", features = ["derive"] }}'
    uses = "use clap::Parser;\n#[derive(Parser)]\nstruct Arguments { #[arg(long)] size: u32 }"
    lines = 'let a = Arguments::try_parse_from(["x", "--size", "7"]).unwrap();\n', 'println!("{}", a.size);'
    add(tree, "published", asks, program(*lines, uses=uses), ("syn", "clap_derive"))
    tree.build("profile=dev", "published")
    assert tree.run("published", profile="dev") == (0, "7\n", "")


def test_thiserror_without_and_with_std(tree: Tree) -> None:
    asks = f'[dependencies]\n{crates.RUNTIME}\nthiserror = {{ version = "2", default-features = false }}'
    uses = '#[derive(Debug, thiserror::Error)]\n#[error("bad: {0}")]\nstruct Bad(u8);'
    crates.add(tree, "published", asks, main=crates.main('println!("{}", Bad(7));', uses=uses))
    asks = f'[dependencies]\n{STD}thiserror = "1"'
    add(tree, "with-std", asks, program('println!("{}", Bad(8));', uses=uses), ("syn", "thiserror-impl"))
    tree.build("profile=dev", "published", "with-std")
    assert tree.run("published", profile="dev") == (0, "bad: 7\n", "")
    assert tree.run("with-std", profile="dev") == (0, "bad: 8\n", "")


def test_rustix_below_a_build_dependency(tree: Tree) -> None:
    asks = f'[dependencies]\n{crates.RUNTIME}\n[build-dependencies]\ntempfile = "3"'
    build = 'fn main() { tempfile::tempfile().unwrap(); println!("cargo::rustc-env=WORD=made"); }'
    crates.add(tree, "published", asks, main=crates.main('println!("{}", env!("WORD"));'), build=build)
    tree.build("profile=dev", "published")
    assert tree.run("published", profile="dev") == (0, "made\n", "")
