"""Several targets in one invocation: programs for other processors, and a kernel with a workspace of its own."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile
from trees import TARGET, Tree, copy_tree

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("run")]

KERNEL = "x86_64-ostoo-kernel"
MACHINES = {TARGET: "EM_X86_64", "aarch64-ostoo-user": "EM_AARCH64", "riscv64-ostoo-user": "EM_RISCV"}
WORKSPACE = {
    "Cargo.toml": """
[workspace]
resolver = "2"
members = ["kernel"]

[profile.release]
opt-level = "s"
lto = true
strip = true
""",
    ".cargo/config.toml": f"""
[build]
target = "../targets/{KERNEL}.json"
rustflags = ["--cfg", "of_the_kernel"]

[unstable]
build-std = ["core", "alloc"]
build-std-features = ["compiler-builtins-mem"]
json-target-spec = true
""",
    "kernel/Cargo.toml": '[package]\nname = "kernel"\nversion = "0.1.0"\nedition = "2021"\n',
    "kernel/src/main.rs": """
#![no_std]
#![no_main]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering};

#[cfg(not(of_the_kernel))]
compile_error!("the kernel's own configuration is not there");
#[cfg(not(panic = "abort"))]
compile_error!("the target spec says how it panics, and the profile nothing");

struct Bump([u8; 4096], AtomicUsize);

unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = self.1.fetch_add(layout.size() + layout.align(), Ordering::Relaxed);
        let address = self.0.as_ptr() as usize + start;
        ((address + layout.align() - 1) & !(layout.align() - 1)) as *mut u8
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static HEAP: Bump = Bump([0; 4096], AtomicUsize::new(0));

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

#[no_mangle]
pub extern "C" fn _start() -> ! {
    let average = alloc::vec![1.5f64, 2.5, core::hint::black_box(3.5)].iter().sum::<f64>() / 3.0;
    unsafe { core::arch::asm!("out dx, eax", in("dx") 0xf4u16, in("eax") average as u32) };
    loop {}
}
""",
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Tree:
    return copy_tree(tmp_path_factory.mktemp("targets") / "checkout", str(shared_cache))


def add_kernel(tree: Tree) -> None:
    for name, text in WORKSPACE.items():
        tree.write(f"kernel/{name}", text)
    tree.replace("kernel/kernel/src/main.rs", "#![no_std]", f"// {uuid.uuid4()}: no cache has it\n#![no_std]")


def machine(path: Path) -> str:
    with path.open("rb") as stream:
        return str(ELFFile(stream)["e_machine"])


def program(tree: Tree, target: str, name: str) -> Path:
    return tree.root / "build" / target / "release" / name


def test_one_invocation_builds_for_several_targets_with_a_std_for_each(tree: Tree) -> None:
    asked = f"target={','.join(MACHINES)}"
    tree.build(asked, "hello-rs", "hello-std")
    for target, expected in MACHINES.items():
        assert {machine(program(tree, target, name)) for name in ("hello-rs", "hello-std")} == {expected}
    alone = program(tree, TARGET, "hello-std").read_bytes()
    assert tree.build("hello-std").steps == []
    assert program(tree, TARGET, "hello-std").read_bytes() == alone
    assert tree.build(asked, "hello-std", "hello-rs").steps == []


def test_what_can_do_with_one_target_only_says_so(tree: Tree) -> None:
    refused = tree.scons(f"target={','.join(MACHINES)}", "deploy")
    assert refused.code == 2
    assert refused.stderr.endswith(
        "error: can't deploy for several targets: they would overwrite each other\n  help: deploy with one target=\n"
    )


def test_a_kernel_is_built_in_the_same_graph_and_neither_changes_the_other(tree: Tree) -> None:
    tree.build("hello-rs")
    before = program(tree, TARGET, "hello-rs").read_bytes()
    add_kernel(tree)
    done = tree.build("kernel", "hello-rs")
    assert f"Compiling kernel v0.1.0 for {KERNEL}" in done.steps
    assert not [step for step in done.steps if step.endswith(TARGET)]
    assert program(tree, TARGET, "hello-rs").read_bytes() == before
    assert machine(program(tree, KERNEL, "kernel")) == "EM_X86_64"
    assert tree.build("kernel", "hello-rs").steps == []
    deployed = [step.rpartition("/")[2] for step in tree.build("deploy").done("Deploying")]
    assert deployed == ["cat-rs", "hello-rs", "hello-std"]


def test_a_kernel_that_uses_sse_is_refused(tree: Tree) -> None:
    add_kernel(tree)
    uses_sse = '    unsafe { core::arch::asm!("xorps xmm0, xmm0") };\n    let average'
    tree.replace("kernel/kernel/src/main.rs", "    let average", uses_sse)
    refused = tree.scons("kernel")
    assert refused.code == 2
    assert "no-float-registers, address" in refused.stderr
    assert "(_start+" in refused.stderr
    assert "xorps xmm0, xmm0" in refused.stderr
