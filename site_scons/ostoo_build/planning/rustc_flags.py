"""Converts a unit to rustc's arguments and environment.

The flags are those that cargo passes for the same unit (`cargo build -v`), except that paths are portable, each output
has its own path, and a program is compiled without being linked (`-Zno-link`).
"""

from __future__ import annotations

import posixpath
from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import absolute, is_local, quote, seen_from
from ostoo_build.planning import doc_flags
from ostoo_build.planning.unit_graph import LINT
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ostoo_build.planning.manifest import Manifest
    from ostoo_build.planning.unit_graph import Profile, Unit
    from ostoo_build.rust.options import Option


class UnitKind(Enum):
    """What the action of a unit makes. Plans and records contain the value."""

    LIBRARY = "library"
    PROC_MACRO = "proc-macro"
    PROGRAM = "program"
    BUILD_SCRIPT = "build-script"
    RUN = "run"
    CHECK = "check"
    LINT = "clippy"
    DOC = "doc"

    @property
    def is_library(self) -> bool:
        """Whether its metadata is all that other libraries and checks need of it."""
        return self is UnitKind.LIBRARY or self.is_checked

    @property
    def is_checked(self) -> bool:
        """Whether it is compiled to metadata only, by rustc or by clippy."""
        return self in (UnitKind.CHECK, UnitKind.LINT)

    @property
    def has_code_of_target(self) -> bool:
        """Whether it is compiled to code that a program may contain: no check, no pages, nothing that runs here."""
        return not self.is_checked and self not in (UnitKind.BUILD_SCRIPT, UnitKind.PROC_MACRO, UnitKind.DOC)

    @staticmethod
    def of(unit: Unit) -> UnitKind:
        """Classify a unit of cargo's graph."""
        if unit.is_run:
            return UnitKind.RUN
        if unit.is_documented:
            return UnitKind.DOC
        if unit.is_checked:
            return UnitKind.LINT if unit.mode == LINT else UnitKind.CHECK
        if unit.is_test:
            return UnitKind.PROGRAM
        if unit.kind in ("bin", "example"):
            return UnitKind.PROGRAM
        return {"custom-build": UnitKind.BUILD_SCRIPT, "proc-macro": UnitKind.PROC_MACRO}.get(
            unit.kind, UnitKind.LIBRARY
        )


PROOF_FLAGS = ("-Zchecksum-hash-algorithm=sha256", "-Zunstable-options")

DEP_INFO = "dep-info.d"

_USED = frozenset(("lib", "rlib", "proc-macro", "bin"))
"""The crate types that this build makes. Cargo's others are for other languages or for dynamic linking."""


def outputs(unit: Unit, unit_id: str) -> tuple[str, ...]:
    """Return the outputs of a compilation, relative to the unit's folder. A program's objects are listed afterwards.

    rustc chooses their names. Metadata and library are in separate folders: rustc reads all matching files in a search
    path, and a library must not depend on the code of its dependencies.
    """
    name = f"lib{unit_id}"
    return {
        UnitKind.LIBRARY: (f"rmeta/{name}.rmeta", f"rlib/{name}.rlib"),
        UnitKind.PROC_MACRO: (f"{name}.so",),
        UnitKind.PROGRAM: (),
        UnitKind.DOC: (),
        UnitKind.BUILD_SCRIPT: ("build-script",),
        UnitKind.CHECK: (f"rmeta/{name}.rmeta",),
        UnitKind.LINT: (f"rmeta/{name}.rmeta",),
    }[UnitKind.of(unit)]


STD_BY_ITS_OWN_NAMES = "-Ztranslate-remapped-path-to-local-path=no"
"""Makes paths in the code of the host's std independent of whether rustc finds std's source.

It does not find it if `lib/rustlib/src/rust` is a link, as in Debian's packages.
"""


class UnitPaths(Struct, frozen=True):
    """The portable paths of a unit's root source, of its outputs, and of rustc's working directory."""

    source: str
    folder: str
    directory: str


def compile_flags(unit: Unit, manifest: Manifest, unit_id: str, paths: UnitPaths) -> Iterator[str]:
    """Return all arguments that are known before the build, in portable form. Omits dependencies and the target."""
    source, directory = paths.source, paths.directory
    within = directory == "." or source.startswith(f"{directory}/")
    named = seen_from(source, directory) if within else absolute(source)
    yield from ("--crate-name", unit.crate_name, f"--edition={unit.edition}", named)
    said = "diagnostic-rendered-ansi" if unit.is_documented else "diagnostic-rendered-ansi,artifacts"
    yield from ("--error-format=json", f"--json={said}")
    yield from _crate_type(unit, manifest)
    if unit.is_documented:
        yield f"--emit=invocation-specific,dep-info={seen_from(paths.folder, directory)}/{DEP_INFO}"
        yield from doc_flags.given(unit, manifest, paths.folder, directory)
        yield from ("-C", f"panic={unit.profile.panic}") if unit.profile.panic != "unwind" else ()
        yield from manifest.lints
    else:
        yield from _emit(unit, unit_id, seen_from(paths.folder, directory))
        yield from _profile_flags(unit, manifest)
    yield from _test_flags(unit, manifest)
    for feature in unit.features:
        yield from ("--cfg", f'feature="{feature}"')
    yield from ("--check-cfg", "cfg(docsrs,test)", "--check-cfg", _feature_check(unit, manifest))
    if not unit.is_documented:
        yield from ("-C", f"metadata={unit_id}", "-C", f"extra-filename=-{unit_id.rpartition('-')[2]}")
    if unit.profile.hint_mostly_unused:
        yield "-Zhint-mostly-unused"
    if unit.platform and not (unit.is_checked or unit.is_documented):
        yield "-Zemit-stack-sizes"  # costs nothing that is shipped, and `./ostoo stack` needs them
    else:
        yield STD_BY_ITS_OWN_NAMES
    if unit.is_std:
        yield from ("-Z", "force-unstable-if-unmarked")
    if not unit.is_local:
        yield from ("--cap-lints", "allow")
    yield from _remap_flags(named, directory)
    yield from PROOF_FLAGS


def _remap_flags(source: str, directory: str) -> Iterator[str]:
    """Make rustc refer to each file by its path in the checkout, wherever rustc runs and the checkout is.

    If prefixes are nested, rustc uses the last one that matches. Relative paths start in `directory`, and debug
    information puts the working directory in front of them: it is mapped to `.`, and then what it contains is mapped to
    its full path.
    """
    is_below = is_local(directory) and directory != "." and "=" not in directory
    if is_below:
        yield f"--remap-path-prefix=={directory}"
    yield "--remap-path-prefix=@{root}=."
    if is_below:
        yield f"--remap-path-prefix={absolute(directory)}=."
        top = source.partition("/")[0]
        if top != "@{root}":
            name = posixpath.join(directory, top)
            yield f"--remap-path-prefix={absolute(name)}=./{name}"
    yield from ("--remap-path-prefix=@{cargo-home}=/cargo", "--remap-path-prefix=@{rust-src}=library")


def proof_of(flags: Iterable[str]) -> Iterator[str]:
    """Return a flag that lists loaded crates in the dep-info, if other flags let rustc find crates outside the plan.

    It is omitted otherwise, because rustc then hashes every crate that it lists: 0.08 s for the libraries of std.
    """
    if any(map(_finds_crates, rustc_options.read(flags))):
        yield "-Zbinary-dep-depinfo"


def _finds_crates(option: Option) -> bool:
    return option.flag == "--extern" or (option.flag == "-L" and option.folder[0] not in ("native", "framework"))


def package_environment(unit: Unit, manifest: Manifest, package: str) -> tuple[tuple[str, str], ...]:
    """Return the variables that cargo sets for a package, in portable form; `package` is the package's folder."""
    folder = absolute(package)
    variables = {
        "CARGO": "@{cargo}",
        "CARGO_MANIFEST_DIR": folder,
        "CARGO_MANIFEST_PATH": f"{folder}/Cargo.toml",
        **{name: quote(value) for name, value in manifest.metadata},
    }
    if not unit.is_run:
        variables["CARGO_CRATE_NAME"] = unit.crate_name
    if unit.kind in ("bin", "example"):
        variables["CARGO_BIN_NAME"] = unit.target_name
    return tuple(sorted(variables.items()))


def extern_flag(name: str, path: str, options: Sequence[str]) -> tuple[str, str]:
    """Return the arguments that make a crate at one path usable under a name; `options` are such as `noprelude`."""
    return "--extern", f"{','.join(options)}{':' if options else ''}{name}={path}"


def has_libtest(unit: Unit, manifest: Manifest) -> bool:
    """Whether rustc generates the `main` of a test executable."""
    kind = unit.kind if unit.kind in ("bin", "test") else "lib"
    return unit.is_test and (kind, unit.target_name) not in manifest.without_harness


def _crate_type(unit: Unit, manifest: Manifest) -> Iterator[str]:
    if not unit.is_test:
        yield from ("--crate-type", _one_type(unit, manifest))


def _test_flags(unit: Unit, manifest: Manifest) -> Iterator[str]:
    if has_libtest(unit, manifest):
        yield "--test"
        if unit.profile.panic != "unwind":
            yield "-Zpanic-abort-tests"
    elif unit.is_test:
        yield from ("--cfg", "test")


def _one_type(unit: Unit, manifest: Manifest) -> str:
    """Return the crate type to build. If a library has several, it is the one that Rust programs link."""
    found = [each for each in unit.crate_types if each in _USED]
    if not found:
        raise OstooError(
            f"the library of {manifest.name} is {' and '.join(unit.crate_types)} only, which no Rust program links",
            where=str(manifest.path),
            remedy='add "lib" to its `crate-type`',
        )
    return found[0]


def _emit(unit: Unit, unit_id: str, folder: str) -> Iterator[str]:
    dep_info = f"dep-info={folder}/{DEP_INFO}"
    match UnitKind.of(unit):
        case UnitKind.LIBRARY:
            metadata, library = outputs(unit, unit_id)
            yield f"--emit={dep_info},metadata={folder}/{metadata},link={folder}/{library}"
        case UnitKind.CHECK | UnitKind.LINT:
            yield f"--emit={dep_info},metadata={folder}/{outputs(unit, unit_id)[0]}"
        case UnitKind.PROGRAM:
            # the link's output is named here, so that no suffix of the target's is added
            yield from (f"--emit={dep_info},link={folder}/{unit_id}", "-Zno-link")
        case _:
            yield f"--emit={dep_info},link={folder}/{outputs(unit, unit_id)[0]}"
    # what has no name of its own goes there too: objects, while rustc runs; those of a program, and its .rlink
    yield from ("--out-dir", folder)


def _profile_flags(unit: Unit, manifest: Manifest) -> Iterator[str]:
    """Return the profile's flags in cargo's order and without defaults: later flags of the user build on both."""
    profile = unit.profile
    if unit.kind == "proc-macro":
        yield from ("-C", "prefer-dynamic", "--extern", "proc_macro")
    if profile.opt_level != "0":
        yield from ("-C", f"opt-level={profile.opt_level}")
    if profile.panic != "unwind":
        # cargo's value also for a profile without one, which means the target's own strategy
        yield from ("-C", f"panic={profile.panic}")
    yield from _lto_flags(unit)
    if profile.codegen_units is not None:
        yield from ("-C", f"codegen-units={profile.codegen_units}")
    if profile.debuginfo != "0":
        yield from ("-C", f"debuginfo={profile.debuginfo}")
    yield from manifest.lints
    yield from for_libraries(profile.rustflags) if UnitKind.of(unit) is UnitKind.LIBRARY else profile.rustflags
    yield from _check_flags(profile)


def for_libraries(flags: Sequence[str]) -> tuple[str, ...]:
    """Leave out what only the linker gets. A library links nothing, and rustc does not track these flags.

    (`UNTRACKED` in its `options.rs`.) So std is the same for programs that are linked in different ways.
    """
    kept = (option for option in rustc_options.read(flags) if option.name not in rustc_options.LINK_ARGUMENTS)
    return tuple(word for option in kept for word in option.words)


def _check_flags(profile: Profile) -> Iterator[str]:
    """Return flags for assertions and overflow checks that differ from rustc's defaults.

    By default, assertions are on without optimization, and overflow checks are on with assertions.
    """
    debug, overflow = profile.debug_assertions, profile.overflow_checks
    switches = {True: "on", False: "off"}
    if debug != (profile.opt_level == "0"):
        yield from ("-C", f"debug-assertions={switches[debug]}")
    if overflow != debug:
        yield from ("-C", f"overflow-checks={switches[overflow]}")


def _lto_flags(unit: Unit) -> Iterator[str]:
    """Return the flags for the program's LTO mode. With LTO, dependencies contain bitcode instead of code.

    Cargo's graph contains the mode for every unit. A check has the flags of a build.
    """
    lto, kind = unit.profile.lto, UnitKind.of(unit)
    if kind.is_checked:
        kind = UnitKind.LIBRARY if unit.is_of_library else UnitKind.PROGRAM
    match kind:
        case UnitKind.PROGRAM | UnitKind.LIBRARY if lto == "off" and unit.platform is not None:
            # this also disables LTO within a crate, so cargo passes it to each
            yield from ("-C", "lto=off", "-C", "embed-bitcode=no")
        case UnitKind.PROGRAM if lto != "false":
            # rustc accepts many values
            yield from ("-C", "lto=fat" if lto == "true" else f"lto={lto}")
        case UnitKind.LIBRARY if lto != "false" and unit.platform is not None:
            yield from ("-C", "linker-plugin-lto")
        case _:
            yield from ("-C", "embed-bitcode=no")


def _feature_check(unit: Unit, manifest: Manifest) -> str:
    """Return the cfg that declares the features.

    For std any is valid: std sets some that its manifests do not declare.
    """
    if unit.is_std:
        return "cfg(feature, values(any()))"
    names = ", ".join(f'"{name}"' for name in manifest.feature_names)
    return f"cfg(feature, values({names}))"
