"""Repositories of others, as small look-alikes of real ones: their layout, their cargo files, no file of this build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
USER = "x86_64-ostoo-user"

_NIGHTLY = '[toolchain]\nchannel = "nightly"\ncomponents = ["rust-src"]\n'

PANIC = """
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
"""

_EXIT = """
#[no_mangle]
pub extern "C" fn _start() -> ! {
    unsafe { core::arch::asm!("syscall", in("rax") 231, in("rdi") CODE, options(noreturn)) }
}
"""


class ForeignTree(Struct, frozen=True):
    """A repository by its files; `programs` are those that `ostoo init` must find, each with its target."""

    files: dict[str, str]
    programs: dict[str, str]

    def write(self, root: Path) -> None:
        for name, text in self.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")


def spec(name: str, **changed: Any) -> str:
    """One of this repository's target specs; a value of None takes a key away."""
    document = json.loads((PROJECT / f"targets/{name}.json").read_bytes()) | changed
    return json.dumps({key: value for key, value in document.items() if value is not None}, indent=2)


def config(target: str, *crates: str, more: str = "") -> str:
    return (
        f"[build]\ntarget = {json.dumps(target)}\n\n[unstable]\nbuild-std = {json.dumps(crates)}\n"
        f'build-std-features = ["compiler-builtins-mem"]\njson-target-spec = true\n{more}'
    )


def package(name: str, edition: str = "2021", more: str = "") -> str:
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "{edition}"\n{more}'


def program(code: int, more: str = "") -> str:
    return f"#![no_std]\n#![no_main]\n{more}\nconst CODE: u64 = {code};\n{_EXIT}{PANIC}"


_ABORTS = '\n[profile.dev]\npanic = "abort"\n\n[profile.release]\npanic = "abort"\n'
_RELEASE = (
    '\n[profile.release]\nopt-level = "s"\nlto = true\npanic = "abort"\nstrip = true\ndebug = "line-tables-only"\n'
)


def own_system() -> ForeignTree:
    """The first user's: the kernel is the workspace at the top, user-rs a second one with its spec in it."""
    rt = {
        f"user-rs/rt/{path.relative_to(PROJECT / 'user-rs/rt').as_posix()}": path.read_text(encoding="utf-8")
        for path in (PROJECT / "user-rs/rt/src").rglob("*.rs")
    }
    own_rt = '\n[dependencies]\nostoo-rt = { path = "../rt"MORE }\n'
    hello = {name: (PROJECT / f"user-rs/{name}/src/main.rs").read_text() for name in ("hello-rs", "hello-std")}
    return ForeignTree(
        files={
            "rust-toolchain.toml": _NIGHTLY,
            ".gitignore": "/target\n/user-rs/target\n/sysroot\n",
            "x86_64-os.json": spec("x86_64-ostoo-kernel"),
            ".cargo/config.toml": config("x86_64-os.json", "core", "compiler_builtins", "alloc"),
            "Cargo.toml": '[workspace]\nmembers = [".", "osl", "libkernel"]\nexclude = ["user-rs"]\n\n'
            + package("kernel", more='\n[dependencies]\nosl = { path = "osl" }\nlibkernel = { path = "libkernel" }\n')
            + _ABORTS,
            "src/main.rs": '#![no_std]\n#![no_main]\n#[no_mangle]\npub extern "C" fn _start() -> ! {\n'
            f"    osl::go(libkernel::VALUE);\n    loop {{}}\n}}\n{PANIC}",
            "osl/Cargo.toml": package("osl"),
            "osl/src/lib.rs": "#![no_std]\npub fn go(x: u32) {\n    core::hint::black_box(x);\n}\n",
            "libkernel/Cargo.toml": package("libkernel"),
            "libkernel/src/lib.rs": "#![no_std]\npub const VALUE: u32 = 7;\n",
            f"user-rs/{USER}.json": spec(USER),
            "user-rs/.cargo/config.toml": config(
                f"{USER}.json",
                *("std", "panic_abort"),
                more=f'\n[target.{USER}]\nrustflags = ["-Lnative=../sysroot/{USER}/lib"]\n',
            ),
            "user-rs/Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["rt", "hello-rs", "hello-std"]\n' + _RELEASE,
            "user-rs/rt/Cargo.toml": package("ostoo-rt", more='\n[features]\ndefault = ["no_std"]\nno_std = []\n'),
            **rt,
            "user-rs/hello-rs/Cargo.toml": package("hello-rs", more=own_rt.replace("MORE", "")),
            "user-rs/hello-rs/src/main.rs": hello["hello-rs"],
            "user-rs/hello-std/Cargo.toml": package(
                "hello-std", more=own_rt.replace("MORE", ", default-features = false")
            ),
            "user-rs/hello-std/src/main.rs": hello["hello-std"],
        },
        programs={"kernel": "x86_64-os", "hello-rs": USER, "hello-std": USER},
    )


def a_script_each(count: int) -> ForeignTree:
    """Programs of one workspace, each with a cargo configuration and a linker script in its own folder."""
    names = [f"p{number:02}" for number in range(count)]
    files = {
        "rust-toolchain.toml": _NIGHTLY,
        "x86_64-bare.json": spec(USER, os="none", env=None, **{"target-family": None, "crt-static-default": None}),
        "Cargo.toml": f'[workspace]\nresolver = "3"\nmembers = ["programs/*"]\n{_ABORTS}',
    }
    for number, name in enumerate(names):
        flags = f'\n[target.x86_64-bare]\nrustflags = ["-Clink-arg=-Tprograms/{name}/link.ld"]\n'
        files |= {
            f"programs/{name}/Cargo.toml": package(name, "2024"),
            f"programs/{name}/.cargo/config.toml": config("../../x86_64-bare.json", "core", more=flags),
            f"programs/{name}/link.ld": _script(0x40_0000 + (number << 20)),
            f"programs/{name}/src/main.rs": program(number).replace("#[no_mangle]", "#[unsafe(no_mangle)]"),
        }
    return ForeignTree(files, dict.fromkeys(names, "x86_64-bare"))


def _script(base: int, flags: str = "") -> str:
    phdrs = f"PHDRS {{ all PT_LOAD{flags}; }}\n" if flags else ""
    place = " :all" if flags else ""
    return (
        f"ENTRY(_start)\n{phdrs}SECTIONS\n{{\n    . = {base:#x};\n    .text : {{ *(.text .text.*) }}{place}\n"
        f"    .rodata : {{ *(.rodata .rodata.*) }}{place}\n    .data : {{ *(.data .data.* .bss .bss.*) }}{place}\n}}\n"
    )


def no_workspace(count: int) -> ForeignTree:
    """Packages side by side, without a workspace and each with its own lock; programs have a suffix."""
    names = [f"game{number:02}" for number in range(count)]
    files = {
        "rust-toolchain": "nightly\n",
        "x86_64-games.json": spec(USER, **{"os": "none", "env": None, "target-family": None, "exe-suffix": ".elf"}),
        ".cargo/config.toml": config("x86_64-games.json", "core"),
    }
    for number, name in enumerate(names):
        files |= {
            f"games/{name}/Cargo.toml": package(name, more=_ABORTS),
            f"games/{name}/src/main.rs": program(number),
        }
    return ForeignTree(files, dict.fromkeys(names, "x86_64-games"))


_ARM = """#![no_std]
#![no_main]
#[no_mangle]
pub extern "C" fn _start() -> ! {
    unsafe { core::arch::asm!("svc 0", in("x8") 94, in("x0") CODE, options(noreturn)) }
}
"""


def writable_code() -> ForeignTree:
    """Programs for aarch64 in one segment that can be read, written and executed, as their linker script says."""
    target = "aarch64-bare"
    flags = f'\n[target.{target}]\nrustflags = ["-Clink-arg=-Tlink.ld", "-Clink-arg=-znognustack"]\n'
    names = ("init", "shell", "echo")
    return ForeignTree(
        files={
            "user/rust-toolchain.toml": _NIGHTLY,
            f"user/{target}.json": spec("aarch64-ostoo-user", os=None, env=None, **{"target-family": None}),
            "user/.cargo/config.toml": config(f"{target}.json", "core", more=flags),
            "user/link.ld": _script(0x40_0000, " FLAGS(7)"),
            "user/Cargo.toml": f"[workspace]\nmembers = {json.dumps(names)}\n{_ABORTS}",
            **{f"user/{name}/Cargo.toml": package(name) for name in names},
            **{
                f"user/{name}/src/main.rs": f"{_ARM}\nconst CODE: u64 = {number};\n{PANIC}"
                for number, name in enumerate(names)
            },
        },
        programs=dict.fromkeys(names, target),
    )


def kernel_with_tools() -> ForeignTree:
    """A workspace at the top with a kernel, programs of its own spec, and tools for the host.

    Two tools are no members: cargo would build `symbols` for the kernel's target, and `flash` for the host.
    """
    linked = '\n[target.x86_64-kernel]\nrustflags = ["-Clink-arg=-Tlinker/kernel.ld"]\n'
    return ForeignTree(
        files={
            "rust-toolchain.toml": _NIGHTLY,
            "linker/kernel.ld": _script(0x20_0000),
            "x86_64-kernel.json": spec("x86_64-ostoo-kernel"),
            ".cargo/config.toml": config("x86_64-kernel.json", "core", more=linked),
            "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["kernel", "tools/*", "lib"]\n'
            'exclude = ["user", "flash", "symbols"]\n'
            f'default-members = ["kernel"]\n{_ABORTS}',
            "lib/Cargo.toml": package("shared"),
            "lib/src/lib.rs": "#![no_std]\npub const MAGIC: u32 = 0x1badb002;\n",
            "kernel/Cargo.toml": package("kernel", more='\n[dependencies]\nshared = { path = "../lib" }\n'),
            "kernel/src/main.rs": '#![no_std]\n#![no_main]\n#[no_mangle]\npub extern "C" fn _start() -> ! {\n'
            f"    core::hint::black_box(shared::MAGIC);\n    loop {{}}\n}}\n{PANIC}",
            "tools/image/Cargo.toml": package("image", more='\n[dependencies]\nshared = { path = "../../lib" }\n'),
            "tools/image/src/main.rs": 'fn main() {\n    println!("{}", shared::MAGIC);\n}\n',
            "flash/.cargo/config.toml": '[build]\ntarget = "host-tuple"\n',
            "flash/Cargo.toml": package("flash"),
            "flash/src/main.rs": "fn main() {}\n",
            "symbols/Cargo.toml": package("symbols"),
            "symbols/src/main.rs": "fn main() {}\n",
            "user/x86_64-apps.json": spec(USER, os="none", env=None, **{"target-family": None}),
            "user/.cargo/config.toml": config("x86_64-apps.json", "core"),
            "user/Cargo.toml": f'[workspace]\nmembers = ["apps/*"]\n{_ABORTS}',
            "user/apps/ls/Cargo.toml": package("ls"),
            "user/apps/ls/src/main.rs": program(3),
        },
        programs={"kernel": "x86_64-kernel", "ls": "x86_64-apps"},
    )


def options_in_scripts() -> ForeignTree:
    """No cargo configuration: a Makefile gives cargo the target and std's crates."""
    target = "x86_64-made"
    build = "cargo build -Z json-target-spec -Z build-std=core,alloc -Zbuild-std-features=compiler-builtins-mem"
    return ForeignTree(
        files={
            "rust-toolchain.toml": _NIGHTLY,
            "Makefile": f"all:\n\tcd apps && {build} --target ../specs/{target}.json\n",
            f"specs/{target}.json": spec(USER, os="none", env=None, **{"target-family": None}),
            "apps/Cargo.toml": f'[workspace]\nmembers = ["cat", "mkfs"]\n{_ABORTS}',
            "apps/cat/Cargo.toml": package("cat"),
            "apps/cat/src/main.rs": program(5),
            "apps/mkfs/Cargo.toml": package("mkfs"),
            "apps/mkfs/src/main.rs": "fn main() {}\n",
        },
        programs={"cat": target},
    )


def all_trees() -> Iterator[tuple[str, ForeignTree]]:
    yield "own system", own_system()
    yield "a script each", a_script_each(6)
    yield "no workspace", no_workspace(5)
    yield "writable code", writable_code()
    yield "kernel with tools", kernel_with_tools()
    yield "options in scripts", options_in_scripts()
