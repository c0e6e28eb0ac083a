"""Finds a Rust compiler with the matching cargo, std source and LLD. Downloads nothing."""

from __future__ import annotations

import os
import platform
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import home, user_cache
from ostoo_build.base.errors import OstooError
from ostoo_build.fetch import places
from ostoo_build.toolchain import channel, compiler
from ostoo_build.toolchain import named as toolchain_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ostoo_build.toolchain.channel import NamedToolchain
    from ostoo_build.toolchain.compiler import Compiler

OLDEST = (1, 96)
"""Before 1.96, cargo and rustc need other flags for JSON targets than this build passes."""

SOURCE = Path("lib/rustlib/src/rust/library")
"""The path of std's source in a sysroot: rustup's component `rust-src` and cargo's build-std use it."""


class NoToolchainError(OstooError):
    """There is no suitable toolchain in any of the searched folders."""


class Toolchain(Struct, frozen=True):
    """The programs and sources of one compiler release.

    `rust_src` is the folder `library` of std's source. `version` is rustc's release ("1.96.0", "1.97.0-nightly"),
    `host` its triple. `env` contains the variables that the programs need. `libraries` are the shared libraries with
    the compiler. `host_linker` links build scripts and proc macros; it is None if the machine has none. `reason` is one
    line for the user: which toolchain was chosen, and why.
    """

    rustc: Path
    cargo: Path
    lld: Path
    rust_src: Path
    version: str
    host: str
    env: tuple[tuple[str, str], ...]
    libraries: tuple[Path, ...]
    host_linker: Path | None
    reason: str

    @property
    def rustlib(self) -> Path:
        """The folder with std's libraries and tools by target."""
        return self.rustc.parent.parent / "lib" / "rustlib"

    @property
    def host_std(self) -> Path:
        """The folder with std's libraries for the host, which build scripts and proc macros are linked with."""
        return self.rustlib / self.host / "lib"

    @property
    def host_tools(self) -> Path:
        """The folder with rustc's own tools for host links, which some toolchains lack."""
        return self.host_std.parent / "bin"


def no_linker() -> OstooError:
    """Return the error about a machine without a linker for build scripts, which each build of std needs."""
    return OstooError("no C linker for build scripts was found", remedy="install a C compiler named cc")


class Choice(Struct, frozen=True):
    """A toolchain; `rejected` says why those that were preferred are unsuitable, `others` what else there is.

    Others are looked for while somebody asks for them: a build does not, and depends on none.
    """

    toolchain: Toolchain
    rejected: tuple[str, ...] = ()
    others: Iterable[str] = ()


def find(root: Path, variables: Mapping[str, str], environ: Mapping[str, str]) -> Toolchain:
    """Choose a toolchain for the project in `root`. The arguments and errors are those of `choose`."""
    return choose(root, variables, environ).toolchain


def choose(root: Path, variables: Mapping[str, str], environ: Mapping[str, str]) -> Choice:
    """Choose a toolchain for the project in `root`, and say what else there was.

    `variables` contains RUSTC, CARGO, LLD and RUST_SRC: paths, or for the programs names on PATH. Raises
    `NoToolchainError` if no suitable one is found, and `OstooError` if one that the user named is unsuitable; then no
    other is tried.
    """
    named = toolchain_named.read(root, variables, environ)
    words = ", ".join(f"{name}={variables[name]}" for name in named)
    if "RUSTC" in named:
        try:
            return Choice(_complete(named["RUSTC"], "named by RUSTC=", named, environ))
        except OstooError as error:
            remedy = error.remedy or f"name others, or none: {words}"
            raise OstooError(error.what, where=error.where, remedy=remedy) from error
    wanted = channel.read(root)
    if wanted.folder is not None:
        return Choice(_complete(wanted.folder / "bin/rustc", f"{wanted.name}, {wanted.reason}", named, environ))
    rejected: list[str] = []
    candidates = _candidates(root, wanted, environ)
    for rustc, reason in candidates:
        try:
            found = _complete(rustc, reason, named, environ)
            return Choice(found, tuple(rejected), (f"{other}: {why}" for other, why in candidates))
        except OstooError as error:
            rejected.append(f"{reason}: {error.what}")
    if named:
        raise OstooError(
            f"no suitable Rust toolchain was found for {words}",
            where="\n".join(rejected),
            remedy="also name its compiler, RUSTC=..., or remove them",
        )
    raise NoToolchainError(
        "no suitable Rust toolchain was found",
        where="\n".join(rejected),
        remedy="install rustup and the toolchain that rust-toolchain.toml names, with its component rust-src,\n"
        "or name one: RUSTC=..., and CARGO=, LLD=, RUST_SRC= where they are not beside it",
    )


def _candidates(root: Path, wanted: NamedToolchain, environ: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Yield compilers in order of preference, each with the reason to choose it."""
    wished = rustup_sysroots(wanted.name, environ)
    for sysroot in wished:
        yield sysroot / "bin" / "rustc", f"rustup's {wanted.name}, {wanted.reason}"
    instead = "" if wished else f"; rustup has no {wanted.name}, {wanted.reason}"
    if (rustc := root / places.DEBIAN / "usr" / "bin" / "rustc").exists():
        yield rustc, f"the project's own, in .toolchain{instead}"
    for folder in _search_path(environ):
        rustc = folder / "rustc"
        # rustup's toolchains were examined above without starting a process
        if rustc.is_file() and not toolchain_named.is_rustup(rustc):
            yield rustc, f"the system's, on PATH{instead}"


def _search_path(environ: Mapping[str, str]) -> list[Path]:
    return [Path(folder) for folder in environ.get("PATH", os.defpath).split(os.pathsep)]


def installed(environ: Mapping[str, str]) -> list[Path]:
    """Return the folders of all toolchains that rustup has here."""
    return sorted((home.rustup(environ) / "toolchains").glob("*"))


def rustup_sysroots(name: str, environ: Mapping[str, str]) -> list[Path]:
    """Return the toolchains that rustup has for a channel on this machine, or by this very name."""
    folder = home.rustup(environ) / "toolchains"
    if channel.is_channel(name):
        machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
        return sorted(folder.glob(f"{name}-{machine}-*"))
    return [path for path in [folder / name] if path.is_dir()]


def _complete(rustc: Path, reason: str, named: Mapping[str, Path], environ: Mapping[str, str]) -> Toolchain:
    """Find the other tools of a compiler's release. Raises `OstooError` if one is missing or from another release."""
    found = compiler.identify(rustc, user_cache.folder() / user_cache.COMPILERS, environ)
    check_age(found)
    sysroot = Path(found.sysroot)
    cargo = sysroot / "bin" / "cargo"
    if "CARGO" in named and not toolchain_named.is_rustup(named["CARGO"]):
        cargo = named["CARGO"]
    if not cargo.is_file():
        raise OstooError("no cargo was found beside rustc", where=str(cargo), remedy="name one: CARGO=...")
    lld = named.get("LLD") or _lld(found, environ)
    rust_src = named.get("RUST_SRC", sysroot / SOURCE)
    _check_source(found, rust_src)
    linker = shutil.which("cc", path=environ.get("PATH"))
    return Toolchain(
        rustc=Path(found.rustc),
        cargo=cargo,
        lld=lld,
        rust_src=rust_src.resolve(),
        version=found.version,
        host=found.host,
        env=_environment(found, rust_src, environ),
        libraries=tuple(found.libraries()),
        host_linker=Path(linker) if linker else None,
        reason=f"Rust {found.described}: {reason}",
    )


def release(version: str) -> tuple[int, int]:
    """Return the major and minor number of a compiler's or package's version. Debian's may begin with an epoch.

    Raises `OstooError` if there is none.
    """
    numbers = re.search(r"(\d{1,9})\D+(\d{1,9})", version.rpartition(":")[2])
    if not numbers:
        raise OstooError(f"{version} is not a compiler version")
    return int(numbers[1]), int(numbers[2])


def check_age(found: Compiler) -> None:
    """Raise `OstooError` if a compiler is too old."""
    if release(found.version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise OstooError(f"rustc {found.version} is too old, at least {oldest} is required", where=found.rustc)


def _environment(found: Compiler, rust_src: Path, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    variables = {"RUSTC": found.rustc, **compiler.library_path(Path(found.sysroot), environ)}
    if "nightly" not in found.version:
        variables["RUSTC_BOOTSTRAP"] = "1"
    if rust_src != Path(found.sysroot) / SOURCE:
        # the only way to make cargo use a std source outside of the sysroot
        variables["__CARGO_TESTS_ONLY_SRC_ROOT"] = str(rust_src)
    return tuple(sorted(variables.items()))


def own_lld(sysroot: Path, host: str) -> Path:
    """Return the path at which a sysroot has its own LLD, if it has one."""
    return sysroot / "lib" / "rustlib" / host / "bin" / "rust-lld"


def _lld(found: Compiler, environ: Mapping[str, str]) -> Path:
    """Find LLD: `rust-lld` in rustup's toolchains, in Debian `ld.lld-22`, or `ld.lld` for the default version."""
    sysroot = Path(found.sysroot)
    if (own := own_lld(sysroot, found.host)).is_file():
        return own
    for folder in (sysroot / "bin", *_search_path(environ)):
        linkers = [path for path in folder.glob("ld.lld*") if re.fullmatch(r"ld\.lld(-\d+)?", path.name)]
        if linkers:
            return max(linkers, key=lambda path: int(path.name.partition("-")[2] or 0))
    raise OstooError(
        "no LLD was found beside rustc or on PATH", where=found.rustc, remedy="install lld, or name one: LLD=..."
    )


def _check_source(found: Compiler, rust_src: Path) -> None:
    """Raise `OstooError` unless std's source is from the compiler's release: others fail with hundreds of errors."""
    if not (rust_src / "std" / "Cargo.toml").is_file():
        raise OstooError(f"rustc {found.version} has no std source", where=str(rust_src))
    source = source_version(rust_src)
    if source and not f"{found.described} ".replace("-nightly", "").startswith(source.replace("-nightly", "") + " "):
        raise OstooError(
            f"rustc is {found.described}, but the std source is of {source}",
            where=f"{found.rustc}\n{rust_src}",
            remedy="name the source of the same release, RUST_SRC=.../library, or the compiler, RUSTC=...",
        )


def version_files(rust_src: Path) -> tuple[Path, Path]:
    """Return the files with the release of std's source: in Rust's own tree, and rustup's list of components."""
    return rust_src.parent / "src" / "version", rust_src.parents[2] / "multirust-channel-manifest.toml"


def source_version(rust_src: Path) -> str:
    """Return the release of std's source ("1.96.0", or "1.97.0-nightly (e50aa6fba 2026-05-19)"), or ""."""
    version, manifest = version_files(rust_src)
    if version.is_file():
        return version.read_text(encoding="utf-8").strip()
    if not manifest.is_file():
        return ""
    match = re.search(rb'\n\[pkg\.rust-src\]\nversion = "([^"]+)"', manifest.read_bytes())
    return match[1].decode() if match else ""
