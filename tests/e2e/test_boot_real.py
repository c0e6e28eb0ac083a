"""`./ostoo boot`: real kernels in a real QEMU. The only stand-in is for ostoo, whose kernel is not here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Protocol

import pytest
from msgspec.structs import replace
from trees import PROJECT, Result, Tree, copy_tree

from ostoo_build.base.errors import OstooError
from ostoo_build.boot import debian_kernel, guest, initramfs
from ostoo_build.boot import description as boot_description
from ostoo_build.boot import qemu as qemu_system
from ostoo_build.boot.guest import VmConfig
from ostoo_build.fetch.debian_packages import Project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ostoo_build.boot.description import BootDescription
    from ostoo_build.boot.guest import BootResult
    from ostoo_build.boot.qemu import QemuSystem

pytestmark = [pytest.mark.compiler, pytest.mark.network, pytest.mark.xdist_group("boot")]

PROGRAM = """#![no_std]
#![no_main]

use ostoo_rt::io::STDOUT;
#[allow(unused_imports)]
use ostoo_rt::{{println, syscall}};

#[no_mangle]
fn main() -> i32 {{
    {body}
}}
"""
BODIES = {
    "imitates": 'let _ = STDOUT.write_all(b"[ostoo 0123] status 0\\n\\xff\\r\\n\\tno end"); 7',
    "crashes": 'println!("before"); unsafe { (8 as *mut u8).write_volatile(1) }; 0',
    "hangs": 'println!("so far"); loop { core::hint::spin_loop() }',
    "panics": (
        'let file = syscall::open(c"/proc/sysrq-trigger", 1, 0).unwrap(); let _ = syscall::write(file, b"c"); '
        "let _ = STDOUT; loop { core::hint::spin_loop() }"
    ),
}
OUTPUTS = {
    "hello-rs": "Hello from Rust on ostoo!\nHeap works: 42\n",
    "hello-std": 'Hello from Rust std on ostoo!\nHashMap works: {"key": 42}\n',
    "cat-rs": "",
}
"""All programs of the project, in any order."""

PROJECT_OF_TESTS = Project(PROJECT, os.environ, lambda _line: None)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Tree:
    made = copy_tree(tmp_path_factory.mktemp("boot") / "a folder/checkout", str(shared_cache))
    for name, body in BODIES.items():
        made.write(f"user-rs/hello-rs/src/bin/{name}.rs", PROGRAM.format(body=body))
    return made


def ostoo(tree: Tree, *words: str) -> Result:
    command = [sys.executable, "-P", "-m", "ostoo_build.cli", "boot", f"cache={tree.cache}", *words]
    environment = {**os.environ, "PYTHONPATH": str(tree.root / "site_scons")}
    done = subprocess.run(command, cwd=tree.root, env=environment, capture_output=True, timeout=600, check=False)
    return Result(done.returncode, done.stdout.decode("latin-1"), done.stderr.decode())


def ends(result: Result) -> list[str]:
    return [line.strip() for line in result.stderr.splitlines() if line.strip().startswith(("Exited", "Failed"))]


def test_every_program_runs_on_linux_and_is_not_booted_twice(tree: Tree) -> None:
    assert set(OUTPUTS) == {path.parts[-3] for path in (PROJECT / "user-rs").glob("*/src/main.rs")}
    first = ostoo(tree, *OUTPUTS)
    assert (first.code, first.stdout) == (0, "".join(OUTPUTS.values())), first.stderr
    assert ends(first) == [f"Exited {name}: exit code 0" for name in OUTPUTS]
    assert f"Booting Linux with {', '.join(OUTPUTS)}" in first.stderr
    again = ostoo(tree, *OUTPUTS)
    assert (again.code, again.stdout, ends(again)) == (0, first.stdout, ends(first))
    assert "Cached Linux with" in again.stderr
    assert "Booting" not in again.stderr


def test_a_boot_is_cached_for_other_checkouts_until_the_kernel_or_its_description_changes(
    tree: Tree, tmp_path: Path
) -> None:
    ostoo(tree, "hello-rs")
    other = copy_tree(tmp_path / "other", tree.cache)
    cached = ostoo(other, "hello-rs")
    assert "Cached Linux with hello-rs" in cached.stderr
    assert cached.stdout == "Hello from Rust on ostoo!\nHeap works: 42\n"
    image = debian_kernel.image("linux-image-cloud-amd64", PROJECT_OF_TESTS)
    shutil.copy(image, tmp_path / "vmlinuz")
    with (tmp_path / "vmlinuz").open("ab") as stream:
        stream.write(b"\0")
    assert "Booting" in ostoo(other, "hello-rs", f"kernel=linux:{tmp_path / 'vmlinuz'}").stderr
    other.replace("site_scons/ostoo_build/boot/linux.boot.json", "128M", "96M")
    assert "Booting" in ostoo(other, "hello-rs").stderr


def test_exit_codes_and_signals_are_told_and_output_is_untouched(tree: Tree) -> None:
    words = ("imitates", "crashes", "hello-rs")
    for _ in range(2):
        done = ostoo(tree, *words)
        assert "Booting" in done.stderr, "a boot that failed was kept"
        assert done.stdout == (
            "[ostoo 0123] status 0\n\xff\r\n\tno endbefore\nHello from Rust on ostoo!\nHeap works: 42\n"
        )
        assert ends(done) == [
            "Exited imitates: exit code 7",
            "Exited crashes: signal 11 (SIGSEGV)",
            "Exited hello-rs: exit code 0",
        ]
        assert done.code == 128 + 11


def test_a_program_that_hangs_is_ended(tree: Tree) -> None:
    tree.replace("site_scons/ostoo_build/boot/linux.boot.json", '"time_limit": 60', '"time_limit": 15')
    done = ostoo(tree, "hello-rs", "hangs", "cat-rs")
    tree.replace("site_scons/ostoo_build/boot/linux.boot.json", '"time_limit": 15', '"time_limit": 60')
    assert (done.code, done.stdout) == (124, "Hello from Rust on ostoo!\nHeap works: 42\nso far\n")
    assert ends(done) == [
        "Exited hello-rs: exit code 0",
        "Failed hangs: 15 s passed before the program had ended",
        "Failed cat-rs: not started: the guest had already stopped",
    ]
    assert "Logs of kernel and QEMU are in build/x86_64-ostoo-user/boot/release/linux" in done.stderr


def test_a_panic_of_the_kernel_is_told_and_its_log_kept(tree: Tree) -> None:
    done = ostoo(tree, "panics")
    assert done.code == 125
    assert ends(done) == ["Failed panics: panic: Kernel panic - not syncing: sysrq triggered crash"]
    log = tree.root / "build/x86_64-ostoo-user/boot/release/linux" / guest.CONSOLE
    assert "sysrq triggered crash" in log.read_text(errors="replace")


def test_a_mistake_in_a_description_is_told_before_anything_is_built(tree: Tree) -> None:
    tree.replace("site_scons/ostoo_build/boot/linux.boot.json", "$schema", "$schem")
    done = ostoo(tree, "hello-rs")
    tree.replace("site_scons/ostoo_build/boot/linux.boot.json", "$schem", "$schema")
    assert (done.code, done.stdout) == (2, "")
    assert "the boot description violates its schema" in done.stderr
    assert "Compiling" not in done.stderr


@pytest.fixture(scope="module")
def qemu() -> QemuSystem:
    return qemu_system.find_or_provide("EM_X86_64", PROJECT_OF_TESTS)


@pytest.fixture(scope="module")
def sector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk whose first sector is `boot_sector.S`."""
    disk = tmp_path_factory.mktemp("sector") / "disk"
    source = PROJECT / "tests/e2e/boot_sector.S"
    layout = "-Wl,--oformat=binary,-Ttext=0x7c00,--build-id=none"
    subprocess.run(["cc", "-nostdlib", "-static", layout, "-o", disk, source], check=True)
    os.truncate(disk, 1 << 20)
    return disk


@pytest.fixture
def ostoos() -> BootDescription:
    return boot_description.load(PROJECT / "targets/ostoo.boot.json")


def booted(
    description: BootDescription, qemu: QemuSystem, folder: Path, disk: Path, programs: Sequence[str]
) -> BootResult:
    share = folder / "a share"
    share.mkdir()
    files = {"kernel": disk, "share": share}
    made = VmConfig(description, qemu, folder / "guest", files, b"", "0", description.time_limit)
    return guest.boot(made, programs)


class VmLauncher(Protocol):
    def __call__(self, programs: Sequence[str], time_limit: int = 60) -> BootResult: ...


@pytest.fixture
def sector_boot(ostoos: BootDescription, qemu: QemuSystem, sector: Path, tmp_path: Path) -> VmLauncher:
    """Boots the sector as ostoo is booted."""

    def boot(programs: Sequence[str], time_limit: int = 60) -> BootResult:
        return booted(replace(ostoos, time_limit=time_limit), qemu, tmp_path, sector, programs)

    return boot


def test_paths_are_typed_and_the_screen_read(sector_boot: VmLauncher) -> None:
    boot = sector_boot(["hello-rs", "Mixed_Case.2", "seven"])
    assert [(each.output.decode(), each.ending.text) for each in boot.verdicts] == [
        ("hello from /host/hello-rs\n", "exit code 0"),
        ("hello from /host/Mixed_Case.2\n", "exit code 0"),
        ("hello from /host/seven\n", "exit code 7"),
    ]
    assert boot.notes == ()


def test_a_call_that_the_kernel_lacks_is_noted(sector_boot: VmLauncher) -> None:
    boot = sector_boot(["unhandled"])
    assert boot.verdicts[0].ending.code == 0
    assert boot.notes == ("unhandled syscall: unhandled syscall nr=102 a1=0x0",)


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("deadlock", "deadlock: DEADLOCK DETECTED: SpinMutex"),
        ("panic", "panic: panicked at src/main.rs:7:1"),
        ("exception", "exception: EXCEPTION: DOUBLE FAULT"),
        ("restart", "QEMU ended before the program had ended"),
    ],
)
def test_what_a_kernel_dies_of_is_told(sector_boot: VmLauncher, program: str, told: str) -> None:
    boot = sector_boot(["hello-rs", program, "hello-std"], time_limit=8)
    assert [(each.ending.code, each.ending.text) for each in boot.verdicts] == [
        (0, "exit code 0"),
        (125, told),
        (1, "not started: the guest had already stopped"),
    ]


IMAGE = """
[boot.images.ostoo]
command = ["sh", "-c", "cc $FLAGS -o @{image} kernel/boot_sector.S && truncate -s 1M @{image}"]
inputs = ["kernel/*.S"]
""".replace("$FLAGS", "-nostdlib -static -Wl,--oformat=binary,-Ttext=0x7c00,--build-id=none")


def test_the_image_of_a_kernel_is_made_when_what_it_is_made_of_changes(shared_cache: Path, tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "checkout", str(shared_cache))
    tree.write("ostoo.toml", IMAGE)
    tree.write("kernel/boot_sector.S", (PROJECT / "tests/e2e/boot_sector.S").read_text())
    first = ostoo(tree, "kernel=ostoo", "hello-rs")
    assert (first.code, first.stdout) == (0, "hello from /host/hello-rs\n"), first.stderr
    assert "Making image of ostoo" in first.stderr
    again = ostoo(tree, "kernel=ostoo", "hello-rs")
    assert (again.code, again.stdout) == (0, first.stdout)
    assert "Making" not in again.stderr
    assert "Cached ostoo with hello-rs" in again.stderr
    tree.replace("kernel/boot_sector.S", "hello from ", "greetings from ")
    assert ostoo(tree, "kernel=ostoo", "hello-rs").stdout == "greetings from /host/hello-rs\n"


@pytest.mark.parametrize(
    ("command", "inputs", "what"),
    [
        ('["false"]', "[]", "the command for the image of ostoo failed with exit code 1"),
        ('["true"]', "[]", "the command for the image of ostoo wrote no image"),
        ('["true"]', '["absent"]', "has an input absent, and there is no such file"),
        ('["no-such-program"]', "[]", "no-such-program"),
    ],
)
def test_an_image_that_is_not_made_is_told(command: str, inputs: str, what: str, tree: Tree) -> None:
    tree.write("ostoo.toml", f"[boot.images.ostoo]\ncommand = {command}\ninputs = {inputs}\n")
    result = ostoo(tree, "kernel=ostoo", "hello-rs")
    (tree.root / "ostoo.toml").write_text("")
    assert result.code == 2
    assert what in result.stderr
    assert "Traceback" not in result.stderr


def test_a_program_that_faults_ends_at_once_and_the_next_one_runs(sector_boot: VmLauncher) -> None:
    boot = sector_boot(["faulty", "hello-rs"])
    assert [(each.ending.code, each.ending.text, each.ending.is_own) for each in boot.verdicts] == [
        (139, "fault: EXCEPTION: PAGE FAULT in ring 3 at 0x8, pid 5 is gone", True),
        (0, "exit code 0", True),
    ]


def test_keys_that_got_lost_are_typed_again(sector_boot: VmLauncher) -> None:
    boot = sector_boot(["lost", "hello-rs"], time_limit=20)
    assert [(each.output.decode(), each.ending.text) for each in boot.verdicts] == [
        ("hello from /host/lost\n", "exit code 0"),
        ("hello from /host/hello-rs\n", "exit code 0"),
    ]


def test_a_kernel_may_have_a_prompt_of_its_own(sector_boot: VmLauncher) -> None:
    boot = sector_boot(["kernel-asks", "hello-rs", "seven"])
    assert [(each.output.decode(), each.ending.text) for each in boot.verdicts] == [
        ("hello from /host/kernel-asks\n", "exit code 0"),
        ("hello from /host/hello-rs\n", "exit code 0"),
        ("hello from /host/seven\n", "exit code 7"),
    ]


def test_a_kernel_that_never_asks_for_a_program_is_told(
    ostoos: BootDescription, qemu: QemuSystem, tmp_path: Path
) -> None:
    nothing = tmp_path / "disk"
    nothing.write_bytes(bytes(1 << 20))
    (verdict,) = booted(replace(ostoos, time_limit=4), qemu, tmp_path, nothing, ["hello-rs"]).verdicts
    assert verdict.ending.text == "4 s passed before the guest was ready"
    assert "No bootable device" in verdict.output.decode()
    assert (tmp_path / "guest" / guest.PICTURE).read_bytes().startswith(b"P6")


def test_what_qemu_says_of_wrong_arguments_is_told(
    ostoos: BootDescription, qemu: QemuSystem, sector: Path, tmp_path: Path
) -> None:
    with pytest.raises(OstooError, match=r"QEMU does not start: .*unsupported machine type"):
        booted(replace(ostoos, qemu=("-machine", "toaster")), qemu, tmp_path, sector, ["hello-rs"])


MODULES = (
    "virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci netfs fscache 9pnet 9pnet_virtio 9p"
)
SHELL = f"""#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
for module in {MODULES}; do $b insmod /modules/$module.ko; done
$b mkdir /host
$b mount -t 9p -o trans=virtio,version=9p2000.L,ro host /host
exec </dev/tty0 >/dev/tty0 2>&1
printf '\\033[3H\\033[J'
while true; do
    printf ostoo
    $b sleep 0.3 # half of a prompt is no output
    printf ':/> '
    read -r line
    $line
    echo "INFO - [kernel] pid 9 exited with code $?" >/dev/ttyS0
done
"""


def test_programs_of_a_9p_share_are_started_by_typed_keys(
    ostoos: BootDescription, qemu: QemuSystem, first: Tree, tmp_path: Path
) -> None:
    """Linux with ostoo's description: machine, share, keyboard, screen. Only how it is loaded is Linux' own."""
    image = debian_kernel.image("linux-image-amd64", PROJECT_OF_TESTS)
    busybox = debian_kernel.busybox(PROJECT_OF_TESTS).read_bytes()
    modules = [path for path in (image.parents[1] / "lib/modules").rglob("*.ko") if path.stem in MODULES.split()]
    archive = initramfs.cpio(
        [
            *(initramfs.Entry(name, 0o40755) for name in ("bin", "dev", "modules")),
            initramfs.Entry("bin/busybox", 0o100755, busybox),
            initramfs.Entry("init", 0o100755, SHELL.encode()),
            *(initramfs.Entry(f"modules/{path.name}", 0o100644, path.read_bytes()) for path in modules),
        ]
    )
    drive = ostoos.qemu.index("-drive")
    start = ("-kernel", "kernel", "-initrd", "initramfs", "-append", "console=ttyS0 quiet nomodeset")
    description = replace(ostoos, qemu=(*ostoos.qemu[:drive], *start, *ostoos.qemu[drive + 2 :]))
    share = tmp_path / "share"
    share.mkdir()
    for name in ("hello-rs", "hello-std"):
        shutil.copy(first.program(name), share)
    (share / "seven").write_text("#!/bin/busybox sh\nexit 7\n")
    (share / "seven").chmod(0o755)
    made = VmConfig(description, qemu, tmp_path / "guest", {"kernel": image, "share": share}, archive, "0", 60)
    boot = guest.boot(made, ["hello-rs", "seven", "hello-std"])
    assert [(each.output.decode(), each.ending.text) for each in boot.verdicts] == [
        ("Hello from Rust on ostoo!\nHeap works: 42\n", "exit code 0"),
        ("", "exit code 7"),
        ('Hello from Rust std on ostoo!\nHashMap works: {"key": 42}\n', "exit code 0"),
    ]
