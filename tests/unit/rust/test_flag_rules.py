from __future__ import annotations

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.rust import flag_rules

NATIVE = "depends on the machine's processor"


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
        (["-Zllvm-plugins=/x.so"], "not part of the key"),
        (["-Cllvm-args=-load=/x.so"], "not part of the key"),
        (["-Zcodegen-backend=./x.so"], "not part of the key"),
        (["-Zcodegen-backend=cranelift"], "not part of the key"),
        (["-Csplit-debuginfo=unpacked"], "PROGRAM.debug has it all"),
        (["-C", "split_debuginfo=packed"], "PROGRAM.debug has it all"),
        (["-Cllvm-args=-pass-remarks-output=x.yaml"], "LLVM does not report"),
        (["-Cllvm-args=-a -memprof-use=./x"], "LLVM does not report"),
        (["--crate-type=cdylib"], "names crates"),
        (["-Zremark-dir=x"], "where outputs go"),
        (["-Zllvm-time-trace"], "where outputs go"),
        (["-llink-arg:+verbatim=-Map=x"], "so that this build sees"),
        (["-Clink-arg=--lto-obj-path=x"], "writes a file"),
        (["-Clink-arg=--thinlto-distributor=x"], "not part of the key"),
        (["-Clink-args=-mllvm -stats-file=x"], "LLVM does not report"),
        (["-Clink-arg=--mllvm=-x=a/b"], "LLVM does not report"),
        (["-Clink-arg=-plugin-opt=-load=x.so"], "not part of the key"),
        (["-Zsanitizer-dataflow-abilist=x"], "does not report that it reads"),
        (["-Clink-arg=--lto-basic-block-sections=x"], "does not report"),
        (["-Clink-arg=-Map=kernel.map"], "writes a file"),
        (["-Clink-args=--Map kernel.map"], "writes a file"),
        (["-Clink-arg=--error-handling-script=x"], "not part of the key"),
        (["-Clink-arg=--lto-sample-profile=x"], "does not report"),
        (["-Cllvm-args=-pass-remarks-output x.yaml"], "LLVM does not report"),
        (["-Cllvm-args=-pass-remarks-output", "-Cllvm-args=x.yaml"], "LLVM does not report"),
        (["-Cllvm-args=-memprof-use a/b"], "LLVM does not report"),
        (["-Clink-args=-mllvm -stats-file -mllvm x"], "LLVM does not report"),
        (["-Clink-args=-mllvm -memprof-use -mllvm a/b"], "LLVM does not report"),
        (["-Clink-arg=-z", "-Clink-arg=-mllvm"], "only both"),
    ],
)
def test_what_a_key_would_not_see_is_refused_by_name(flags: list[str], reason: str) -> None:
    with pytest.raises(OstooError, match="is not allowed") as caught:
        flag_rules.check(["-Copt-level=1", *flags], ".cargo/config.toml")
    assert reason in caught.value.remedy
    assert caught.value.where == ".cargo/config.toml"


BY_NAME = {
    "where outputs go": (
        "-o=x --out-dir=x --emit=asm --print=cfg --explain=E1 --error-format=short --json=artifacts"
        " -h --help -V --version -Cincremental=x -Cextra-filename=x -Csave-temps -Zno-link -Zlink-only -Ztemps-dir=x"
        " -Zself-profile=x"
        " -Zunpretty=expanded -Zls=all -Zdump-dep-graph -Zdump-mir=all -Zdump-mono-stats -Zllvm-time-trace"
        " -Zmetrics-dir=x -Znll-facts -Zprofile-closures -Zremark-dir=x -Zprint-codegen-stats-json=x"
        " -Zsplit-dwarf-out-dir=x"
    ),
    "names crates and targets itself": "--crate-name=x --crate-type=lib --target=x",
    "choose the tools": "--sysroot=x",
    "write the variable under": "--env-set=A=b",
    "does not report that it reads": "-Zsanitizer-dataflow-abilist=x",
    "not part of the key": "-Zllvm-plugins=x -Zautodiff-plugin=x -Zoffload=x",
}
BY_NAME_TO_THE_LINKER = {
    "writes a file beside": (
        "Map why-extract reproduce dependency-file time-trace print-archive-stats print-symbol-order print-gc-sections="
        " out-implib opt-remarks-filename save-temps thinlto-cache-dir output o lto-obj-path lto-emit-asm lto-emit-llvm"
        " plugin-opt=obj-path plugin-opt=emit-asm plugin-opt=emit-llvm plugin-opt=opt-remarks-filename"
        " plugin-opt=thinlto-index-only thinlto-index-only plugin-opt=dwo_dir plugin-opt=stats-file"
        " plugin-opt=time-trace thinlto-emit-imports-files thinlto-emit-index-files"
        " plugin-opt=thinlto-emit-imports-files plugin-opt=save-temps"
    ),
    "does not report that it reads": (
        "lto-sample-profile lto-cs-profile-file irpgo-profile plugin-opt=sample-profile plugin-opt=cs-profile-path"
        " lto-basic-block-sections= plugin-opt=basic-block-sections= chroot"
    ),
    "not part of the key": "error-handling-script load-pass-plugin thinlto-distributor thinlto-remote-compiler",
}


@pytest.mark.parametrize(("reason", "flag"), [(why, flag) for why, flags in BY_NAME.items() for flag in flags.split()])
def test_each_flag_that_is_refused_by_its_name_is_refused(reason: str, flag: str) -> None:
    forms = [[flag]]
    if flag[:2] in ("-C", "-Z"):
        forms += [[flag[:2], flag[2:]], [flag[:2], flag[2:].replace("-", "_")]]
    for form in forms:
        with pytest.raises(OstooError, match="is not allowed") as caught:
            flag_rules.check(form, "")
        assert reason in caught.value.remedy, form


@pytest.mark.parametrize(
    ("reason", "name"), [(why, name) for why, names in BY_NAME_TO_THE_LINKER.items() for name in names.split()]
)
def test_each_option_of_the_linker_that_is_refused_by_its_name_is_refused(reason: str, name: str) -> None:
    words = [f"{name}x"] if name.endswith("=") else [name, f"{name}=x"]
    for argument in (f"{hyphens}{word}" for hyphens in ("-", "--") for word in words):
        with pytest.raises(OstooError, match="is not allowed") as caught:
            flag_rules.check(["-C", f"link-arg={argument}"], "")
        assert reason in caught.value.remedy, argument


def test_what_is_refused_by_name_is_listed_here_whole() -> None:
    """A name that is added to the rules gets its test too."""
    tables = flag_rules._FLAGS, flag_rules._SETTINGS, flag_rules._LINKER  # noqa: SLF001 - what is not tried otherwise
    assert sum(map(len, tables)) == sum(
        len(names.split()) for each in (BY_NAME, BY_NAME_TO_THE_LINKER) for names in each.values()
    )


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
