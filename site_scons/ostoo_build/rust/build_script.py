"""Parses the instructions that a build script prints.

They are cargo's (reference, "Build Scripts"): `cargo::KEY=VALUE`, and the older `cargo:KEY=VALUE`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ostoo_build.rust.package_targets import Target


@dataclass
class Instructions:
    """The instructions of one run, in the order in which the script printed them.

    `link_args` are pairs of an instruction's suffix, such as `-bins`, and its value. `new` is the first instruction in
    the newer spelling, without its value.
    """

    cfgs: list[str] = field(default_factory=list)
    check_cfgs: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    link_libs: list[str] = field(default_factory=list)
    link_searches: list[str] = field(default_factory=list)
    link_args: list[tuple[str, str]] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    changed_files: list[str] = field(default_factory=list)
    changed_variables: list[str] = field(default_factory=list)
    new: str = ""

    def link_args_of(self, kind: str, target: str) -> list[str]:
        """Return the linker arguments for a program of the package or for its tests, by cargo's kind and name."""
        found = []
        for whose, argument in self.link_args:
            name, _, rest = argument.partition("=")
            if whose == "" or (whose, kind) in (("-bins", "bin"), ("-examples", "example"), ("-tests", "test")):
                found.append(argument)
            elif (whose, kind, name) == ("-bin", "bin", target):
                found.append(rest)
        return found

    def link_flags(self, kind: str, target: str) -> Iterator[str]:
        """Return the same arguments as flags of rustc."""
        for argument in self.link_args_of(kind, target):
            yield from ("-C", f"link-arg={argument}")

    def library_flags(self) -> Iterator[str]:
        """Return the flags for the native libraries that the script names."""
        for library in self.link_libs:
            yield from ("-l", library)

    def cfg_flags(self) -> Iterator[str]:
        """Return the flags for each crate of the script's package."""
        for flag, values in (("--cfg", self.cfgs), ("--check-cfg", self.check_cfgs)):
            yield from (part for value in values for part in (flag, value))


class Package(Struct, frozen=True):
    """What determines which instructions are valid: the package's targets, and its minimum Rust version."""

    targets: tuple[Target, ...]
    rust_version: str


class ScriptOutput(Struct, frozen=True):
    """The instructions of a run, and the path of its `OUT_DIR` as it appears in them."""

    instructions: Instructions
    out: str


def search_flags(said: Iterable[ScriptOutput]) -> Iterator[str]:
    """Return the flags for all search paths. Those within the script's own `OUT_DIR` come first, as in cargo."""
    named = [(search, _folder(search), each.out) for each in said for search in each.instructions.link_searches]
    for search, _, _ in sorted(named, key=lambda each: f"{each[1]}/".startswith(f"{each[2]}/"), reverse=True):
        yield from ("-L", search)


def _folder(search: str) -> str:
    kind, equals, folder = search.partition("=")
    return folder if equals and kind in ("all", "crate", "dependency", "framework", "native") else search


_LISTS = {
    "rustc-cfg": "cfgs",
    "rustc-check-cfg": "check_cfgs",
    "rustc-link-lib": "link_libs",
    "rustc-link-search": "link_searches",
    "warning": "warnings",
    "error": "errors",
    "rerun-if-changed": "changed_files",
    "rerun-if-env-changed": "changed_variables",
}


_NEW = frozenset({"error"})
"""Instructions that only the newer spelling has: `cargo:error=…` is metadata."""

_LINK_ARG = "rustc-link-arg"
_KINDS = {"-bins": "bin", "-tests": "test", "-examples": "example", "-benches": "bench", "-cdylib": "cdylib"}
_LINK_ARGS = {f"{_LINK_ARG}{whose}": whose for whose in ("", "-bin", *_KINDS)} | {"rustc-cdylib-link-arg": "-cdylib"}

_NEW_SINCE = (1, 77)
"""The release of Rust that introduced the newer spelling."""


_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""The characters that Rust's `trim` removes; Python's `strip` removes more."""


def decoded(output: bytes) -> str:
    """Decode a build script's output. Lines that are not UTF-8 are left out, as cargo ignores them."""
    try:
        return output.decode()
    except UnicodeDecodeError:
        return "\n".join(line.decode() for line in output.split(b"\n") if _is_text(line))


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def parse(stdout: str, script: str) -> Instructions:
    """Parse a build script's output. Raises `OstooError` for an instruction that cargo rejects too."""
    found = Instructions()
    for line in (each.strip(_SPACES) for each in stdout.split("\n")):
        if line.startswith("cargo::"):
            found.new = found.new or line.partition("=")[0]
            _apply(found, line.removeprefix("cargo::"), script, strict=True)
        elif line.startswith("cargo:"):
            _apply(found, line.removeprefix("cargo:"), script, strict=False)
    return found


_BOOTSTRAP = "RUSTC_BOOTSTRAP"
"""A variable that no script may set, because it enables unstable features."""


def _apply(found: Instructions, instruction: str, script: str, *, strict: bool) -> None:
    key, value = _pair(instruction, instruction, script)
    if key in _LISTS and (strict or key not in _NEW):
        getattr(found, _LISTS[key]).append(value)
    elif key in _LINK_ARGS:
        found.link_args.append((_LINK_ARGS[key], value))
        if key == f"{_LINK_ARG}-bin":
            _pair(value, instruction, script)
    elif key == "rustc-env":
        name, text = _pair(value, instruction, script)
        if name == _BOOTSTRAP:
            found.warnings.append(f"the build script can't set {_BOOTSTRAP}={text}: it has no effect")
        else:
            found.env[name] = text
    elif key == "rustc-flags":
        _split_flags(found, value, script)
    elif key == "metadata" and strict:
        name, text = _pair(value, instruction, script)
        found.metadata[name] = text
    elif not strict:
        found.metadata[key] = value
    else:
        raise OstooError(f"the build script printed the unknown instruction `{key}`", where=script)


def check(said: Instructions, package: Package, script: str) -> None:
    """Raise `OstooError` for an instruction that cargo rejects for this package."""
    for whose, argument in said.link_args:
        name = argument.partition("=")[0] if whose == "-bin" else ""
        kind = "bin" if name else _KINDS.get(whose, "")
        # for one that is no cdylib cargo warns only
        if kind and whose != "-cdylib" and not any(kind == each and name in ("", of) for each, of in package.targets):
            missing = f"no {kind} target{name and f' {name}'}"
            raise OstooError(
                f"the build script printed `{_LINK_ARG}{whose}`, but its package has {missing}",
                where=script,
                remedy=f"`{_LINK_ARG}` applies to all targets of a package",
            )
    oldest = tuple(int(part) for part in package.rust_version.partition("-")[0].split(".") if part.isdigit())
    if said.new and oldest and oldest < _NEW_SINCE:
        raise OstooError(
            f"the build script printed `{said.new}`, which Rust {package.rust_version} does not know",
            where=script,
            remedy=f"print it with one colon, or raise the package's rust-version to {_NEW_SINCE[0]}.{_NEW_SINCE[1]}",
        )


def _pair(text: str, instruction: str, script: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        what = "no `=`" if text == instruction else "no second `=`"
        raise OstooError(f"the build script printed `{instruction}`, which has {what}", where=script)
    return name, value


def _split_flags(found: Instructions, value: str, script: str) -> None:
    words = iter(value.split())
    for word in words:
        flag, rest = word[:2], word[2:]
        argument = rest or next(words, "")
        if flag == "-l":
            found.link_libs.append(argument)
        elif flag == "-L":
            found.link_searches.append(argument)
        else:
            raise OstooError(f"the build script printed the flag `{word}`; only -l and -L are allowed", where=script)
