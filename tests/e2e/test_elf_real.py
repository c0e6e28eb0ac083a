"""Programs of the real compiler and linker, each made wrong by a flag that somebody might pass."""

import os
import re
from pathlib import Path

import pytest

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError
from ostoo_build.binary import functions as symbols
from ostoo_build.binary import strip
from ostoo_build.binary.functions import Symbols
from ostoo_build.loader import check as loader_check
from ostoo_build.loader import contract as loader_contract
from ostoo_build.loader.rule import ProgramFacts
from ostoo_build.toolchain import find as toolchain

PROJECT = Path(__file__).parents[2]
TARGET = PROJECT / "targets/x86_64-ostoo-user.json"
CONTRACT = loader_contract.load(PROJECT / "targets/x86_64-ostoo-user.loader.json")

PROGRAM = """
#![feature(no_core, lang_items, rustc_attrs)]
#![allow(internal_features)]
#![no_core]
#![no_main]

#[lang = "pointee_sized"]
trait PointeeSized {}
#[lang = "meta_sized"]
trait MetaSized: PointeeSized {}
#[lang = "sized"]
trait Sized: MetaSized {}

#[rustc_builtin_macro]
macro_rules! global_asm { ($($text:literal),*) => {}; }

global_asm!(r#"{before}"#, ".globl _start", "_start:", "mov rdi, [rsp]", "lea rsi, [rsp + 8]");
global_asm!("mov edi, 0", "mov eax, 60", "syscall", r#"{after}"#);
"""
STRIP = "-Cstrip=symbols"
OTHER_START = ".globl other; other: jmp _start"
THREAD_LOCAL = '.section .tbss.kept,"awTR",@nobits; .zero 8'
HUGE_STATIC = '.section .bss.kept,"awR",@nobits; .zero 0x4000000'
POINTER = '.section .data.kept,"awR"; .quad _start'


def build(folder: Path, *flags: str, before: str = "", after: str = "") -> Path:
    tools = toolchain.find(PROJECT, {}, os.environ)
    (folder / "main.rs").write_text(PROGRAM.replace("{before}", before).replace("{after}", after))
    target = ("-Zunstable-options", f"--target={TARGET}", f"-Clinker={tools.lld}")
    argv = [str(tools.rustc), "--edition=2021", *target, *flags, "-o", "program", "main.rs"]
    done = process.run(argv, cwd=folder, env={**os.environ, **dict(tools.env)})
    assert done.returncode == 0, done.stderr.decode()
    return folder / "program"


def facts(program: Path, *, uses_std: bool) -> ProgramFacts:
    packages = frozenset({"ostoo-rt"})
    return ProgramFacts("example", uses_std, 32 << 10, packages, private_folders=(str(program.parent),))


def broken_rules(program: Path, *, uses_std: bool = False) -> set[str]:
    with pytest.raises(OstooError) as caught:
        loader_check.verify(program, CONTRACT, facts(program, uses_std=uses_std), lambda: symbols.load(program))
    return set(re.findall(r"^([a-z-]+), ", caught.value.what, re.MULTILINE))


MORE = {
    "nothing else": "",
    "data of each kind": f'{THREAD_LOCAL}\n{POINTER}\n.section .bss.more,"awR",@nobits; .zero 0x3456\n'
    '.section .rodata.more,"aR"; .asciz "text"',
    "sections that nobody loads": '.section .mine,"R"; .quad 7\n.section .other,"MSR",@progbits,1; .asciz "text"',
    "debug information and symbols": '.section .debug_mine,""; .quad 7\nname: .local name\n.globl global; global: nop',
    "a note": '.section .note.mine,"aR",@note; .long 4, 4, 1; .asciz "abc"; .long 5',
}
LINKS = {
    "as usual": (),
    "relocatable": ("-Crelocation-model=pie", "-Clink-arg=-pie"),
    "one segment": ("-Clink-arg=--no-rosegment", "-Clink-arg=-znoseparate-code"),
    "separate code": ("-Clink-arg=-zseparate-code",),
    "a build id": ("-Clink-arg=--build-id=0x1234",),
    "a large page": ("-Clink-arg=-zmax-page-size=65536",),
    "debug information": ("-Cdebuginfo=2",),
}


@pytest.mark.compiler
@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("more", MORE)
def test_a_program_is_stripped_as_lld_does_it(more: str, link: str, tmp_path: Path) -> None:
    """The option changes nothing else, so what it leaves is what our own code has to leave, byte for byte."""
    made = [
        build(tmp_path, *LINKS[link], option, after=MORE[more].replace("\n", ";")).read_bytes()
        for option in ("-Cstrip=none", STRIP)
    ]
    assert len(made[1]) < len(made[0])
    assert strip.stripped(made[0]) == made[1]


@pytest.mark.compiler
@pytest.mark.parametrize("uses_std", [False, True])
def test_what_rustc_and_lld_make_by_the_target_fits(tmp_path: Path, *, uses_std: bool) -> None:
    program = build(tmp_path, STRIP)
    report = loader_check.verify(program, CONTRACT, facts(program, uses_std=uses_std), lambda: Symbols(()))
    assert report.file_size == program.stat().st_size
    assert (report.syscalls, report.hidden_syscalls) == ((60,), ())
    assert process.run([str(program)], cwd=tmp_path, env={}).returncode == 0


@pytest.mark.compiler
@pytest.mark.parametrize(
    ("rules", "flags"),
    [
        ({"stripped"}, ()),
        ({"stripped"}, ("-Cdebuginfo=2",)),
        ({"forbidden-address"}, (STRIP, "-Clink-arg=--image-base=0x1000000000")),
        ({"forbidden-address"}, (STRIP, "-Clink-arg=--image-base=0x7ffff0000000")),
        ({"forbidden-address"}, (STRIP, "-Clink-arg=--image-base=0xffffffff80000000")),
        ({"executable-stack"}, (STRIP, "-Clink-arg=-zexecstack")),
        ({"entry-executable"}, (STRIP, "-Clink-arg=--entry=0")),
        ({"entry-instructions"}, (STRIP, "-Clink-arg=--entry=other")),
        ({"write-xor-execute"}, (STRIP, "-Clink-arg=--omagic")),
    ],
)
def test_a_wrong_flag_breaks_exactly_its_rule(tmp_path: Path, rules: set[str], flags: tuple[str, ...]) -> None:
    assert broken_rules(build(tmp_path, *flags, before=OTHER_START)) == rules


@pytest.mark.compiler
@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("no-avx", "vaddps ymm0, ymm1, ymm2"),
        ("no-avx", "vaddps zmm0, zmm1, zmm2"),
        ("no-avx", "pdep rax, rbx, rcx"),
        ("syscall-numbers", "push 102; pop rax; syscall"),
        ("no-tls", THREAD_LOCAL),
        ("memory-limit", HUGE_STATIC),
    ],
)
def test_wrong_code_breaks_exactly_its_rule(tmp_path: Path, rule: str, code: str) -> None:
    assert broken_rules(build(tmp_path, STRIP, after=code)) == {rule}


@pytest.mark.compiler
def test_a_dynamic_executable_is_told_by_all_that_is_wrong_with_it(tmp_path: Path) -> None:
    flags = ("-Crelocation-model=pic", "-Clink-arg=-pie", "-Clink-arg=-dynamic-linker=/lib/ld.so")
    program = build(tmp_path, STRIP, *flags, after=POINTER)
    assert {"elf-type", "no-interpreter", "no-dynamic", "no-relocations"} <= broken_rules(program)


@pytest.mark.compiler
def test_a_violation_names_the_function_of_an_unstripped_program(tmp_path: Path) -> None:
    code = ".globl wide; .type wide, @function; wide: nop; vzeroupper; .size wide, . - wide"
    program = build(tmp_path, after=code)
    with pytest.raises(OstooError, match=r"no-avx, address 0x[0-9a-f]+ \(wide\+0x1\): vzeroupper"):
        loader_check.verify(program, CONTRACT, facts(program, uses_std=False), lambda: symbols.load(program))
