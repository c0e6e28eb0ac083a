"""Creates a workspace with many programs: chains of shared crates with different features."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CHAINS, DEPTH, FEATURES = 10, 4, 3
"""How many chains of crates there are, how long each is, and how many features its crates hand down."""


def add(root: Path, count: int) -> list[str]:
    """Add programs without std, and their shared crates, to a checkout. Returns the programs' names."""
    user_rs = root / "user-rs"
    for chain in range(CHAINS):
        for depth in range(DEPTH):
            _write_library(user_rs, chain, depth)
    names = [f"p{number:04}" for number in range(count)]
    for number, name in enumerate(names):
        _write_program(user_rs, name, number)
    libraries = [_library(chain, depth) for chain in range(CHAINS) for depth in range(DEPTH)]
    manifest = user_rs / "Cargo.toml"
    text = manifest.read_text(encoding="utf-8")
    members = "".join(f'    "{name}",\n' for name in (*libraries, *names))
    manifest.write_text(text.replace("members = [\n", f"members = [\n{members}", 1), encoding="utf-8")
    return names


def _library(chain: int, depth: int) -> str:
    return f"c{chain:02}-{depth}"


def _write_library(user_rs: Path, chain: int, depth: int) -> None:
    """Write a crate of a chain, which passes features on and has different code for each."""
    below = _library(chain, depth - 1) if depth else ""
    handed = [f'f{n} = ["{below}/f{n}"]' if below else f"f{n} = []" for n in range(FEATURES)]
    dependency = f'{below} = {{ path = "../{below}" }}\n' if below else ""
    _write_package(user_rs / _library(chain, depth), f"{dependency}\n[features]\n" + "\n".join(handed))
    inner = f"{below.replace('-', '_')}::work(x)" if below else "x"
    steps = "".join(
        f'    #[cfg(feature = "f{number}")]\n    let x = x.rotate_left({number + depth + 1});\n'
        for number in range(FEATURES)
    )
    own = chain * DEPTH + depth
    source = f"#![no_std]\npub fn work(x: u64) -> u64 {{\n    let x = {inner};\n{steps}    x ^ {own}\n}}\n"
    (user_rs / _library(chain, depth) / "src/lib.rs").write_text(source, encoding="utf-8")


def _write_program(user_rs: Path, name: str, number: int) -> None:
    """Write a program that depends on one chain with one of its features."""
    top = _library(number % CHAINS, DEPTH - 1)
    feature = f"f{number // CHAINS % FEATURES}"
    _write_package(
        user_rs / name,
        f'ostoo-rt = {{ workspace = true, features = ["no_std"] }}\n'
        f'{top} = {{ path = "../{top}", features = ["{feature}"] }}\n',
    )
    source = (
        "#![no_std]\n#![no_main]\n\nextern crate ostoo_rt;\n\n#[no_mangle]\nfn main() -> i32 {\n"
        f'    ostoo_rt::println!("{name} says {{}}", {top.replace("-", "_")}::work({number}));\n    0\n}}\n'
    )
    (user_rs / name / "src/main.rs").write_text(source, encoding="utf-8")


def _write_package(folder: Path, dependencies: str) -> None:
    (folder / "src").mkdir(parents=True)
    text = f'[package]\nname = "{folder.name}"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\n{dependencies}\n'
    (folder / "Cargo.toml").write_text(text, encoding="utf-8")
