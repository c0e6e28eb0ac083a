"""Packages written into a checkout's workspace by tests, few words each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trees import Tree

RUNTIME = 'ostoo-rt = { workspace = true, features = ["no_std"] }'


def add(tree: Tree, name: str, manifest: str, **files: str) -> None:
    """Write a member of `user-rs`: `manifest` is what follows `[package]`, `files` are named `main`, `lib`, `build`."""
    places = {"main": "src/main.rs", "lib": "src/lib.rs", "build": "build.rs"}
    head = f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n'
    tree.write(f"user-rs/{name}/Cargo.toml", f"{head}{manifest}\n")
    for file, text in files.items():
        tree.write(f"user-rs/{name}/{places[file]}", text)
    tree.replace("user-rs/Cargo.toml", "members = [", f'members = ["{name}", ')
    if "main" in files:
        tree.write(f"user-rs/{name}/SConscript", f'Import("env")\nenv.RustProgram("{name}")\n')


def main(*lines: str, uses: str = "") -> str:
    """Write a program without std, whose `main` is `lines`."""
    head = f"#![no_std]\n#![no_main]\nuse ostoo_rt::println;\n{uses}\n"
    return f"{head}#[no_mangle]\nfn main() -> i32 {{\n{''.join(lines)}\n0\n}}\n"


def proc_macro(name: str, body: str) -> str:
    """Write the root of a crate with one macro, which gives what the expression `body` says."""
    head = "extern crate proc_macro;\nuse proc_macro::TokenStream;\n#[proc_macro]\n"
    return f"{head}pub fn {name}(_: TokenStream) -> TokenStream {{ {body} }}\n"


def paths(*names: str) -> str:
    """Name dependencies on packages beside this one."""
    return "".join(f'{name} = {{ path = "../{name}" }}\n' for name in names)
