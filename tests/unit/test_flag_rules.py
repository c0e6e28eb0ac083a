from __future__ import annotations

import pytest

from ostoo_build import flag_rules
from ostoo_build.errors import OstooError

NATIVE = "another processor on each machine"


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["-Ctarget-cpu=native"], NATIVE),
        (["-C", "target-cpu=native"], NATIVE),
        (["--codegen", "target_cpu=native"], NATIVE),
        (["--codegen=target-cpu=native"], NATIVE),
        (["-gCtarget-cpu=native"], NATIVE),
        (["-Ztune-cpu=native"], NATIVE),
        (["-Cllvm-args=-mcpu=native"], NATIVE),
        (["-Clink-arg=-plugin-opt=mcpu=native"], NATIVE),
        (["-Clink-args=-z now -mllvm -mcpu=native"], NATIVE),
        (["-Zpre-link-arg=--plugin-opt=mcpu=native"], NATIVE),
        (["@flags"], "write the flags themselves"),
        (["-Clinker=/usr/bin/gold"], "LLD links"),
        (["-C", "linker=clang"], "LLD links"),
        (["--sysroot", "/other"], "choose the tools"),
        (["--emit=asm"], "where outputs go"),
        (["-o", "x"], "where outputs go"),
        (["-Csave-temps"], "where outputs go"),
        (["main.rs"], "source file"),
        (["-Zllvm-plugins=/x.so"], "no key sees"),
        (["-Cllvm-args=-load=/x.so"], "no key sees"),
        (["-Zcodegen-backend=./x.so"], "no key sees"),
        (["-Zcodegen-backend=cranelift"], "no key sees"),
        (["-Csplit-debuginfo=unpacked"], "PROGRAM.debug is whole"),
        (["-C", "split_debuginfo=packed"], "PROGRAM.debug is whole"),
        (["-Cllvm-args=-pass-remarks-output=x.yaml"], "LLVM does not tell"),
        (["-Cllvm-args=-a -memprof-use=./x"], "LLVM does not tell"),
        (["--crate-type=cdylib"], "names crates"),
        (["-Zremark-dir=x"], "where outputs go"),
        (["-Zllvm-time-trace"], "where outputs go"),
        (["-llink-arg:+verbatim=-Map=x"], "where it is seen"),
        (["-Clink-arg=--lto-obj-path=x"], "writes a file"),
        (["-Clink-arg=--thinlto-distributor=x"], "no key sees"),
        (["-Clink-args=-mllvm -stats-file=x"], "LLVM does not tell"),
        (["-Clink-arg=--mllvm=-x=a/b"], "LLVM does not tell"),
        (["-Clink-arg=-plugin-opt=-load=x.so"], "no key sees"),
        (["-Zsanitizer-dataflow-abilist=x"], "does not tell that it reads"),
        (["-Clink-arg=--lto-basic-block-sections=x"], "does not tell"),
        (["-Clink-arg=-Map=kernel.map"], "writes a file"),
        (["-Clink-args=--Map kernel.map"], "writes a file"),
        (["-Clink-arg=--error-handling-script=x"], "no key sees"),
        (["-Clink-arg=--lto-sample-profile=x"], "does not tell"),
        (["-Cllvm-args=-pass-remarks-output x.yaml"], "LLVM does not tell"),
        (["-Cllvm-args=-pass-remarks-output", "-Cllvm-args=x.yaml"], "LLVM does not tell"),
        (["-Cllvm-args=-memprof-use a/b"], "LLVM does not tell"),
        (["-Clink-args=-mllvm -stats-file -mllvm x"], "LLVM does not tell"),
        (["-Clink-args=-mllvm -memprof-use -mllvm a/b"], "LLVM does not tell"),
        (["-Clink-arg=-z", "-Clink-arg=-mllvm"], "told by both"),
    ],
)
def test_what_a_key_would_not_see_is_refused_by_name(flags: list[str], reason: str) -> None:
    with pytest.raises(OstooError, match="is not allowed") as caught:
        flag_rules.check(["-Copt-level=1", *flags], ".cargo/config.toml")
    assert reason in caught.value.remedy
    assert caught.value.where == ".cargo/config.toml"


@pytest.mark.parametrize(
    "flags",
    [
        ["-Ctarget-cpu=x86-64-v3", "-Ztune-cpu=generic"],
        ["-Clinker=rust-lld", "-C", "linker=/usr/bin/ld.lld-22"],
        ["-C", "link-arg=-Tlink.ld", "-Clink-arg=--print-gc-sections", "-Clink-arg=-M"],
        ["-Zcodegen-backend=llvm", "--cfg", "native", "-Lnative=libs", "-lfoo", "-Csplit-debuginfo=off"],
        ["-Cllvm-args=-inline-threshold=100 -profile-guided-section-prefix=true", "-lstatic:+whole-archive=foo"],
        ["-Clink-arg=--defsym=cpu=1", "-Clink-arg=@response", "-Clink-args=-mllvm -inline-threshold=1 -Ta/b"],
    ],
)
def test_all_else_reaches_rustc(flags: list[str]) -> None:
    flag_rules.check(flags, "")
