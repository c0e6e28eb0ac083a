"""Converts a unit to rustc's arguments and environment.

The flags are those that cargo passes for the same unit (`cargo build -v`), except that paths are portable texts, that
each output has a place of its own, and that a program is compiled without being linked (`-Zno-link`).
"""

from __future__ import annotations

import posixpath
from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import absolute, is_local, quote, seen_from
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ostoo_build.planning.manifest import Manifest
    from ostoo_build.planning.unit_graph import Profile, Unit
    from ostoo_build.rust.options import Option


class Kind(Enum):
    """What an action on a unit makes; the value names it in plans and records."""

    LIBRARY = "library"
    PROC_MACRO = "proc-macro"
    PROGRAM = "program"
    BUILD_SCRIPT = "build-script"
    RUN = "run"

    @staticmethod
    def of(unit: Unit) -> Kind:
        """Sort a unit by cargo's own words."""
        if unit.is_run:
            return Kind.RUN
        if unit.is_test:
            return Kind.PROGRAM
        return {"custom-build": Kind.BUILD_SCRIPT, "proc-macro": Kind.PROC_MACRO, "bin": Kind.PROGRAM}.get(
            unit.kind, Kind.LIBRARY
        )


PROOF_FLAGS = ("-Zchecksum-hash-algorithm=sha256", "-Zunstable-options")

DEP_INFO = "dep-info.d"

_USED = frozenset(("lib", "rlib", "proc-macro", "bin"))
"""Cargo's other types are for who is no Rust program, or links dynamically."""


def outputs(unit: Unit, unit_id: str) -> tuple[str, ...]:
    """The files of a compiled unit, relative to its folder; rustc names a program's objects, they are found afterwards.

    Metadata and library lie in folders of their own: rustc reads all that matches in a folder it searches, and a
    library must not depend on the code of its dependencies.
    """
    name = f"lib{unit_id}"
    return {
        Kind.LIBRARY: (f"rmeta/{name}.rmeta", f"rlib/{name}.rlib"),
        Kind.PROC_MACRO: (f"{name}.so",),
        Kind.PROGRAM: (),
        Kind.BUILD_SCRIPT: ("build-script",),
    }[Kind.of(unit)]


STD_BY_ITS_OWN_NAMES = "-Ztranslate-remapped-path-to-local-path=no"
"""Else code of the host's std has the names of its source where rustc finds that, and other ones where it does not.

It does not where `lib/rustlib/src/rust` is a link, as in Debian's packages.
"""


class Layout(Struct, frozen=True):
    """Where a unit's root source lies, where its outputs go, and where rustc runs; all are portable paths."""

    source: str
    folder: str
    directory: str


def compile_flags(unit: Unit, manifest: Manifest, unit_id: str, layout: Layout) -> Iterator[str]:
    """All arguments that are known before anything is built: portable, without dependencies and target."""
    source, directory = layout.source, layout.directory
    within = directory == "." or source.startswith(f"{directory}/")
    named = seen_from(source, directory) if within else absolute(source)
    yield from ("--crate-name", unit.crate_name, f"--edition={unit.edition}", named)
    yield from ("--error-format=json", "--json=diagnostic-rendered-ansi,artifacts")
    yield from _crate_type(unit, manifest)
    yield from _emit(unit, unit_id, seen_from(layout.folder, directory))
    yield from _profile_flags(unit, manifest)
    yield from _test_flags(unit, manifest)
    for feature in unit.features:
        yield from ("--cfg", f'feature="{feature}"')
    yield from ("--check-cfg", "cfg(docsrs,test)", "--check-cfg", _feature_check(unit, manifest))
    yield from ("-C", f"metadata={unit_id}", "-C", f"extra-filename=-{unit_id.rpartition('-')[2]}")
    if unit.profile.hint_mostly_unused:
        yield "-Zhint-mostly-unused"
    if unit.platform:
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
    """Have rustc call each file by one name, as seen from the root, wherever it runs and the checkout lies.

    Where prefixes are nested, rustc lets the later one win. Relative names come from below `directory`, and debug
    information puts the working folder before them: so that one becomes `.`, and what lies in it gets its name back.
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
    """More of a proof, for flags that let rustc find crates beyond those that the plan names.

    Without such flags it can't read others; and rustc hashes all that it names: 0.08 s for the libraries of std.
    """
    if any(map(_finds_crates, rustc_options.read(flags))):
        yield "-Zbinary-dep-depinfo"


def _finds_crates(option: Option) -> bool:
    return option.flag == "--extern" or (option.flag == "-L" and option.folder[0] not in ("native", "framework"))


def package_environment(unit: Unit, manifest: Manifest, package: str) -> tuple[tuple[str, str], ...]:
    """The variables that cargo sets of a package, in portable form; `package` is the package's folder."""
    folder = absolute(package)
    variables = {
        "CARGO": "@{cargo}",
        "CARGO_MANIFEST_DIR": folder,
        "CARGO_MANIFEST_PATH": f"{folder}/Cargo.toml",
        **{name: quote(value) for name, value in manifest.metadata},
    }
    if not unit.is_run:
        variables["CARGO_CRATE_NAME"] = unit.crate_name
    if unit.kind == "bin":
        variables["CARGO_BIN_NAME"] = unit.target_name
    return tuple(sorted(variables.items()))


def extern_flag(name: str, path: str, options: Sequence[str]) -> tuple[str, str]:
    """Make one crate visible under a name, at exactly one path; `options` are rustc's words, such as `noprelude`."""
    return "--extern", f"{','.join(options)}{':' if options else ''}{name}={path}"


def has_libtest(unit: Unit, manifest: Manifest) -> bool:
    """Whether rustc makes the `main` of an executable with tests."""
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
    """What of a crate is used here: of a library that is several things, what Rust programs are linked with."""
    found = [each for each in unit.crate_types if each in _USED]
    if not found:
        raise OstooError(
            f"the library of {manifest.name} is {' and '.join(unit.crate_types)} only, and no program here links that",
            where=str(manifest.path),
            remedy='add "lib" to its `crate-type`',
        )
    return found[0]


def _emit(unit: Unit, unit_id: str, folder: str) -> Iterator[str]:
    dep_info = f"dep-info={folder}/{DEP_INFO}"
    match Kind.of(unit):
        case Kind.LIBRARY:
            metadata, library = outputs(unit, unit_id)
            yield f"--emit={dep_info},metadata={folder}/{metadata},link={folder}/{library}"
        case Kind.PROGRAM:
            # the link's output is named here, so that no suffix of the target's is added
            yield from (f"--emit={dep_info},link={folder}/{unit_id}", "-Zno-link")
        case _:
            yield f"--emit={dep_info},link={folder}/{outputs(unit, unit_id)[0]}"
    # what has no name of its own goes there too: objects, while rustc runs; those of a program, and its .rlink
    yield from ("--out-dir", folder)


def _profile_flags(unit: Unit, manifest: Manifest) -> Iterator[str]:
    """In cargo's order, and without what cargo leaves out: flags of the profile's own, and of users, go by that."""
    profile = unit.profile
    if Kind.of(unit) is Kind.PROC_MACRO:
        yield from ("-C", "prefer-dynamic", "--extern", "proc_macro")
    if profile.opt_level != "0":
        yield from ("-C", f"opt-level={profile.opt_level}")
    if profile.panic != "unwind":
        # cargo's word for a profile that says nothing too: then it is the target's own strategy
        yield from ("-C", f"panic={profile.panic}")
    yield from _lto_flags(unit)
    if profile.codegen_units is not None:
        yield from ("-C", f"codegen-units={profile.codegen_units}")
    if profile.debuginfo != "0":
        yield from ("-C", f"debuginfo={profile.debuginfo}")
    yield from manifest.lints
    yield from profile.rustflags
    yield from _check_flags(profile)


def _check_flags(profile: Profile) -> Iterator[str]:
    """What rustc would not do by itself at this level: assertions come without optimization, checks with assertions."""
    debug, overflow = profile.debug_assertions, profile.overflow_checks
    switches = {True: "on", False: "off"}
    if debug != (profile.opt_level == "0"):
        yield from ("-C", f"debug-assertions={switches[debug]}")
    if overflow != debug:
        yield from ("-C", f"overflow-checks={switches[overflow]}")


def _lto_flags(unit: Unit) -> Iterator[str]:
    """Cargo's graph names the program's LTO for every unit; its dependencies then carry bitcode instead of code."""
    lto = unit.profile.lto
    match Kind.of(unit):
        case Kind.PROGRAM | Kind.LIBRARY if lto == "off" and unit.platform is not None:
            # within a crate it is off too, so cargo says it of each
            yield from ("-C", "lto=off", "-C", "embed-bitcode=no")
        case Kind.PROGRAM if lto != "false":
            # the words are rustc's, and many
            yield from ("-C", "lto=fat" if lto == "true" else f"lto={lto}")
        case Kind.LIBRARY if lto != "false" and unit.platform is not None:
            yield from ("-C", "linker-plugin-lto")
        case _:
            yield from ("-C", "embed-bitcode=no")


def _feature_check(unit: Unit, manifest: Manifest) -> str:
    """Std sets some features by other means than its manifests; cargo lets any pass there."""
    if unit.is_std:
        return "cfg(feature, values(any()))"
    names = ", ".join(f'"{name}"' for name in manifest.feature_names)
    return f"cfg(feature, values({names}))"
