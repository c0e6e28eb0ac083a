"""Refuses flags that would make a result depend on what its key does not see. Does not know where they are used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ostoo_build import rustc_options
from ostoo_build.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ostoo_build.rustc_options import Option

_OUTPUT = "the build says itself where outputs go: other files would be lost, in the cache above all"
_PROCESSOR = "it means another processor on each machine, and results are shared: name the processor"
_CODE = "it loads code that no key sees"
_TOOLCHAIN = "RUSTC=, LLD= and rust-toolchain.toml choose the tools, so that their contents are in every key"

_FLAGS = {
    **dict.fromkeys(("-o", "--out-dir", "--emit", "--print", "--explain", "--error-format", "--json"), _OUTPUT),
    **dict.fromkeys(("-h", "--help", "-V", "--version"), _OUTPUT),
    **dict.fromkeys(("--crate-name", "--target"), "the build names crates and targets itself"),
    "--sysroot": _TOOLCHAIN,
    "--env-set": "write the variable under [env] in .cargo/config.toml",
}
_SETTINGS = {
    **dict.fromkeys(("-C incremental", "-C extra-filename", "-C save-temps", "-Z no-link", "-Z link-only"), _OUTPUT),
    **dict.fromkeys(("-Z temps-dir", "-Z self-profile", "-Z dump-mir", "-Z unpretty", "-Z ls"), _OUTPUT),
    **dict.fromkeys(("-Z llvm-plugins", "-Z autodiff-plugin"), _CODE),
}
_NATIVE = re.compile(r"(^|[=,\s])-{0,2}(m?cpu|m?tune|mtune-cpu)=native\b")
_LOADS = re.compile(r"(^|[=,\s])-{1,2}load(-pass-plugin)?\b")
_VALUES = (
    ("target-cpu", re.compile("^native$"), _PROCESSOR),
    ("tune-cpu", re.compile("^native$"), _PROCESSOR),
    ("llvm-args", _NATIVE, _PROCESSOR),
    ("llvm-args", _LOADS, _CODE),
    ("codegen-backend", re.compile("[./]"), _CODE),
    ("linker", re.compile(r"^(?!(.*/)?(rust-lld|lld|ld\.lld)(-\d+)?$)"), f"the toolchain's LLD links; {_TOOLCHAIN}"),
)
_WORDS = {
    "@": "write the flags themselves: cargo runs rustc in another folder for each package, and std finds no such file",
    "": "rustc would take it for a source file",
}

_LINKER_WRITES = "it writes a file beside the program, and a program from the cache comes without one"
_LINKER_READS = "the linker does not tell that it reads that file"
_LINKER = {
    **dict.fromkeys(("Map", "why-extract", "reproduce", "dependency-file", "time-trace"), _LINKER_WRITES),
    **dict.fromkeys(("print-archive-stats", "print-symbol-order", "print-gc-sections=", "out-implib"), _LINKER_WRITES),
    **dict.fromkeys(("opt-remarks-filename", "save-temps", "thinlto-cache-dir", "output", "o"), _LINKER_WRITES),
    **dict.fromkeys(("lto-sample-profile", "lto-cs-profile-file", "irpgo-profile"), _LINKER_READS),
    **dict.fromkeys(("plugin-opt=sample-profile", "plugin-opt=cs-profile-path"), _LINKER_READS),
    **dict.fromkeys(("error-handling-script", "load-pass-plugin"), _CODE),
    "chroot": _LINKER_READS,
}
"""Options of LLD without their hyphens; one with `=` at its end is refused with a value only."""


def check(flags: Iterable[str], where: str) -> None:
    """Raise `OstooError` for the first of rustc's flags that can't be allowed; `where` is who asked for it."""
    for option in rustc_options.read(flags):
        reason = _reason(option)
        if reason:
            raise OstooError(f"the flag `{' '.join(option.words)}` is not allowed", where=where, remedy=reason)
    check_linker(rustc_options.link_arguments(flags), where)


def check_linker(arguments: Iterable[str], where: str) -> None:
    """Raise `OstooError` for the first of the linker's arguments that can't be allowed."""
    for argument in arguments:
        reason = _linker_reason(argument)
        if reason:
            raise OstooError(f"the link argument `{argument}` is not allowed", where=where, remedy=reason)


def _reason(option: Option) -> str:
    if not option.flag:
        return _WORDS["@"] if option.value.startswith("@") else _WORDS[""]
    reason = _FLAGS.get(option.flag) or _SETTINGS.get(f"{option.flag} {option.name}")
    return reason or next((why for name, pattern, why in _VALUES if _has(option, name, pattern)), "")


def _has(option: Option, name: str, pattern: re.Pattern[str]) -> bool:
    return option.name == name and pattern.search(option.setting) is not None


def _linker_reason(argument: str) -> str:
    if _NATIVE.search(argument):
        return _PROCESSOR
    word = argument.removeprefix("-").removeprefix("-") if argument.startswith("-") else ""
    for option, reason in _LINKER.items():
        if word == option.removesuffix("=") and not option.endswith("="):
            return reason
        if word.startswith(option if option.endswith("=") else f"{option}="):
            return reason
    return ""
