"""Refuses flags whose effect is not covered by the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from ostoo_build.rust.options import Option

_OUTPUT = "this build determines where outputs go; other files would be lost"
_PROCESSOR = "it depends on the machine's processor, but results are shared: name the processor"
_CODE = "it loads code that is not part of the key"
_LLVM = "LLVM does not report that it reads or writes that file"
_TOOLCHAIN = "RUSTC=, LLD= and rust-toolchain.toml choose the tools, so that their contents are in every key"

_FLAGS = {
    **dict.fromkeys(("-o", "--out-dir", "--emit", "--print", "--explain", "--error-format", "--json"), _OUTPUT),
    **dict.fromkeys(("-h", "--help", "-V", "--version"), _OUTPUT),
    **dict.fromkeys(("--crate-name", "--crate-type", "--target"), "the build names crates and targets itself"),
    "--sysroot": _TOOLCHAIN,
    "--env-set": "write the variable under [env] in .cargo/config.toml",
}
_SETTINGS = {
    **dict.fromkeys(("-C incremental", "-C extra-filename", "-C save-temps", "-Z no-link", "-Z link-only"), _OUTPUT),
    **dict.fromkeys(("-Z temps-dir", "-Z self-profile", "-Z unpretty", "-Z ls"), _OUTPUT),
    **dict.fromkeys(("-Z dump-dep-graph", "-Z dump-mir", "-Z dump-mono-stats", "-Z llvm-time-trace"), _OUTPUT),
    **dict.fromkeys(("-Z metrics-dir", "-Z nll-facts", "-Z profile-closures", "-Z remark-dir"), _OUTPUT),
    **dict.fromkeys(("-Z print-codegen-stats-json", "-Z split-dwarf-out-dir"), _OUTPUT),
    "-Z sanitizer-dataflow-abilist": "rustc does not report that it reads that file",
    **dict.fromkeys(("-Z llvm-plugins", "-Z autodiff-plugin", "-Z offload"), _CODE),
}
_NATIVE = lazy_pattern(r"(^|[=,\s])-{0,2}(m?cpu|m?tune|mtune-cpu)=native\b")
_LOADS = lazy_pattern(r"(^|[=,\s])-{1,2}load(-pass-plugin)?\b")
_FILE = lazy_pattern(r"=\S*/|(^|\s)[^-=\s]*/|(^|\s)-[\w-]*(dir|(?<!pro)file|filename|output|path)(=|\s|$)")
_VALUES = (
    ("target-cpu", lazy_pattern("^native$"), _PROCESSOR),
    ("tune-cpu", lazy_pattern("^native$"), _PROCESSOR),
    ("llvm-args", _NATIVE, _PROCESSOR),
    ("llvm-args", _LOADS, _CODE),
    ("llvm-args", _FILE, _LLVM),
    ("codegen-backend", lazy_pattern("^(?!llvm$)"), _CODE),
    (
        "split-debuginfo",
        lazy_pattern("^(?!off$)"),
        "PROGRAM.debug has it all, other files would be lost",
    ),
    ("linker", lazy_pattern(r"^(?!(.*/)?(rust-lld|lld|ld\.lld)(-\d+)?$)"), f"the toolchain's LLD links; {_TOOLCHAIN}"),
)
_WORDS = {
    "@": "write the flags themselves: the working directory differs between packages, and so would the file",
    "": "rustc would take it for a source file",
}

_OF_LLVM = lazy_pattern("^--?(plugin-opt=(?=-)|mllvm=)")
"""The prefix of LLD's options that pass an argument to LLVM; the argument follows it, or `-mllvm`."""

_TWO_WORDS = ("-mllvm", "--mllvm")
_VALUE = "write the option and its value in the same place: only both determine the effect"

_LINKER_WRITES = "it writes a file beside the program, which would be missing if the program comes from the cache"
_LINKER_READS = "the linker does not report that it reads that file"
_LINKER = {
    **dict.fromkeys(("Map", "why-extract", "reproduce", "dependency-file", "time-trace"), _LINKER_WRITES),
    **dict.fromkeys(("print-archive-stats", "print-symbol-order", "print-gc-sections=", "out-implib"), _LINKER_WRITES),
    **dict.fromkeys(("opt-remarks-filename", "save-temps", "thinlto-cache-dir", "output", "o"), _LINKER_WRITES),
    **dict.fromkeys(("lto-sample-profile", "lto-cs-profile-file", "irpgo-profile"), _LINKER_READS),
    **dict.fromkeys(("plugin-opt=sample-profile", "plugin-opt=cs-profile-path"), _LINKER_READS),
    **dict.fromkeys(("lto-obj-path", "lto-emit-asm", "lto-emit-llvm", "plugin-opt=obj-path"), _LINKER_WRITES),
    **dict.fromkeys(("plugin-opt=emit-asm", "plugin-opt=emit-llvm", "plugin-opt=opt-remarks-filename"), _LINKER_WRITES),
    **dict.fromkeys(("plugin-opt=thinlto-index-only", "thinlto-index-only"), _LINKER_WRITES),
    **dict.fromkeys(("plugin-opt=dwo_dir", "plugin-opt=stats-file", "plugin-opt=time-trace"), _LINKER_WRITES),
    **dict.fromkeys(("thinlto-emit-imports-files", "thinlto-emit-index-files"), _LINKER_WRITES),
    **dict.fromkeys(("plugin-opt=thinlto-emit-imports-files", "plugin-opt=save-temps"), _LINKER_WRITES),
    **dict.fromkeys(("lto-basic-block-sections=", "plugin-opt=basic-block-sections="), _LINKER_READS),
    **dict.fromkeys(
        ("error-handling-script", "load-pass-plugin", "thinlto-distributor", "thinlto-remote-compiler"), _CODE
    ),
    "chroot": _LINKER_READS,
}
"""Options of LLD without their hyphens. One that ends with `=` is refused only with a value."""


def check(flags: Iterable[str], where: str) -> None:
    """Raise `OstooError` for the first of rustc's flags that is not allowed; `where` is the source of the flags."""
    words = tuple(flags)
    for option in rustc_options.read(words):
        reason = _reason(option)
        if reason:
            raise OstooError(f"the flag `{' '.join(option.words)}` is not allowed", where=where, remedy=reason)
    check_linker(rustc_options.link_arguments(words), where)


def check_linker(arguments: Iterable[str], where: str) -> None:
    """Raise `OstooError` for the first of the linker's arguments that is not allowed."""
    before = ""
    for argument in arguments:
        reason = _linker_reason(argument, before)
        if reason:
            raise OstooError(f"the link argument `{argument}` is not allowed", where=where, remedy=reason)
        before = argument
    if before in _TWO_WORDS:
        raise OstooError(f"the link argument `{before}` is not allowed without a value", where=where, remedy=_VALUE)


def _reason(option: Option) -> str:
    if not option.flag:
        return _WORDS["@"] if option.value.startswith("@") else _WORDS[""]
    if option.flag == "-l" and option.value.startswith("link-arg"):
        return "write it as `-C link-arg=`, so that this build sees the files that it names"
    reason = _FLAGS.get(option.flag) or _SETTINGS.get(f"{option.flag} {option.name}")
    return reason or next((why for name, pattern, why in _VALUES if _has(option, name, pattern)), "")


def _has(option: Option, name: str, pattern: re.Pattern[str]) -> bool:
    return option.name == name and pattern.search(option.setting) is not None


def _linker_reason(argument: str, before: str) -> str:
    if _NATIVE.search(argument):
        return _PROCESSOR
    of_llvm = argument if before in _TWO_WORDS else _OF_LLVM.sub("", argument)
    if of_llvm != argument or before in _TWO_WORDS:
        return next((why for pattern, why in ((_LOADS, _CODE), (_FILE, _LLVM)) if pattern.search(of_llvm)), "")
    word = argument.removeprefix("-").removeprefix("-") if argument.startswith("-") else ""
    for option, reason in _LINKER.items():
        if word == option.removesuffix("=") and not option.endswith("="):
            return reason
        if word.startswith(option if option.endswith("=") else f"{option}="):
            return reason
    return ""
