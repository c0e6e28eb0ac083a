"""What may differ between cargo's build of a workspace and ours: a table with a reason for each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ostoo_build.rules import link_proof

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from invocations import Build, Compilation, Key

Side = Literal["cargo", "ours", "both"]
"""Who has it: one alone, or both with different values."""

Row = tuple[str, str, Side]
"""Where something differs (`rustc`, `link`, `env`, `script`), what, and who has it."""

_PLACES = "each output has a place of its own"
_BY_CONTENTS = "by contents: two checkouts make the same bytes"
_PROOF = "the proof of what was read"
_OF_CARGO = "cargo's own folders; what the toolchain needs is added where it runs"

ACCEPTED: dict[Row, str] = {
    ("rustc", "--emit", "both"): _PLACES,
    ("rustc", "--out-dir", "both"): _PLACES,
    ("rustc", "-L dependency", "both"): "each dependency has a folder of its own",
    ("rustc", "-L dependency", "cargo"): "a crate that needs none is shown none",
    ("rustc", "--json", "both"): "cargo asks for reports on the future, too",
    ("rustc", "--remap-path-prefix", "ours"): "no path of a machine gets into a result",
    ("rustc", "--remap-path-prefix", "both"): "no path of a machine gets into a result",
    ("rustc", "--remap-path-scope", "cargo"): "without effect, as the manual says",
    ("rustc", "--crate-type", "both"): "what Rust programs link is made, as the manual says",
    ("rustc", "-C metadata", "both"): _BY_CONTENTS,
    ("rustc", "-C extra-filename", "both"): _BY_CONTENTS,
    ("rustc", "-C extra-filename", "ours"): _BY_CONTENTS,
    ("rustc", "-C incremental", "cargo"): "where rustc runs: each unit has a folder of its own",
    ("rustc", "-C linker", "cargo"): "the toolchain's LLD links, in a step of its own",
    ("rustc", "-C strip", "cargo"): "programs are linked twice, with and without symbols; what runs here keeps them",
    ("rustc", "-C rpath", "cargo"): "without effect, as the manual says",
    ("rustc", "-C linker", "ours"): "rustc's own choice for this machine, by name",
    ("rustc", "-Z checksum-hash-algorithm", "ours"): _PROOF,
    ("rustc", "-Z binary-dep-depinfo", "ours"): _PROOF,
    ("rustc", "-Z unstable-options", "ours"): _PROOF,
    ("rustc", "-Z unstable-options", "both"): "once is enough",
    ("rustc", "-Z emit-stack-sizes", "ours"): "for reports: costs nothing that is shipped",
    ("rustc", "-Z no-link", "ours"): "the link is a step of its own",
    ("rustc", "-Z translate-remapped-path-to-local-path", "ours"): "no result depends on where std's source lies",
    ("link", f"-C link-arg={link_proof.OPTION}", "ours"): _PROOF,
    ("env", "CARGO_MAKEFLAGS", "cargo"): "the jobserver of the moment: added where rustc runs",
    ("env", "LD_LIBRARY_PATH", "cargo"): _OF_CARGO,
    ("script", "CARGO_MAKEFLAGS", "both"): "the jobserver of the moment",
    ("script", "LD_LIBRARY_PATH", "cargo"): _OF_CARGO,
    ("script", "NUM_JOBS", "both"): "the cores of this build, as the manual says",
    ("script", "RUSTC_ICE", "ours"): "a crashing rustc leaves no file",
    ("script", "RUSTC_LOG", "ours"): "what rustc says is a result",
    ("script", "RUSTDOC", "both"): "cargo knows the path only where rustup started it",
}


OF_STD: dict[Row, str] = {
    ("units", "", "cargo"): "what of std a program can't see is not built",
    ("rustc", "--extern of std", "both"): "a crate is shown what of std it can see",
    ("rustc", "--extern of std", "cargo"): "rustc finds std's crates in the folders that it searches for a program",
    ("rustc", "--check-cfg", "both"): "std has features that its manifests do not declare; nobody sees its warnings",
    ("link", "-L", "cargo"): "the sysroot's folder is for the link of a program only",
    ("link", "-L", "both"): "what std may need of the C library has a folder of its own, where nobody made the whole",
    ("env", "RUSTC_BOOTSTRAP", "cargo"): "a nightly needs none; others are given it where they run",
    ("directory", "", "both"): "no result depends on where std's source lies",
}
"""The same for programs with std, or core."""

_OF_THE_MACHINE = {"SSL_CERT_DIR", "SSL_CERT_FILE"}
"""Cargo sets them on machines that have certificates where it searches."""


@dataclass(frozen=True)
class Difference:
    """One difference of a unit."""

    row: Row
    unit: Key
    theirs: Any
    ours: Any

    def __str__(self) -> str:
        where, what, _ = self.row
        return f"{' '.join(self.unit)}: {where} {what}\n    cargo: {self.theirs}\n    ours:  {self.ours}"


def between(cargo: Build, ours: Build, users: Mapping[str, str]) -> Iterator[Difference]:
    """Yield all differences; `users` are the variables of whoever started cargo."""
    yield from _of_keys("units", cargo.compilations, ours.compilations)
    yield from _of_keys("runs", cargo.scripts, ours.scripts)
    for unit in cargo.compilations.keys() & ours.compilations.keys():
        yield from _of_compilations(unit, cargo.compilations[unit], ours.compilations[unit], users)
    for unit in cargo.scripts.keys() & ours.scripts.keys():
        told = _told(cargo.scripts[unit], ours.scripts[unit], users)
        yield from _of_tables("script", unit, told, ours.scripts[unit])


def _of_keys(what: str, cargo: Mapping[Key, Any], ours: Mapping[Key, Any]) -> Iterator[Difference]:
    for unit in cargo.keys() ^ ours.keys():
        side: Side = "cargo" if unit in cargo else "ours"
        yield Difference((what, "", side), unit, cargo.get(unit), ours.get(unit))


def _of_compilations(
    unit: Key, cargo: Compilation, ours: Compilation, users: Mapping[str, str]
) -> Iterator[Difference]:
    told = _told(cargo.environment, ours.environment, users)
    yield from _of_tables("rustc", unit, _unlinked(cargo), _unlinked(ours))
    yield from _of_tables("link", unit, _of_links(unit, cargo), ours.linked)
    yield from _of_tables("env", unit, told, ours.environment)
    yield from _of_tables("directory", unit, {"": cargo.directory}, {"": ours.directory})


def _of_links(unit: Key, compilation: Compilation) -> dict[str, list[str]]:
    """Leave out arguments of links that cargo gives to a library, which links nothing; rustc does not track them."""
    names = {"-C link-arg", "-C link-args", "-Z pre-link-arg", "-Z pre-link-args"} if "library" in unit else set()
    return {name: values for name, values in compilation.linked.items() if name not in names}


def _told(cargo: Mapping[str, str], ours: Mapping[str, str], users: Mapping[str, str]) -> dict[str, str]:
    """Leave out the user's own variables: the manual says which of them are passed on."""
    own = {name for name in users if cargo.get(name) == users[name] and name not in ours}
    return {name: value for name, value in cargo.items() if name not in own | _OF_THE_MACHINE}


def _unlinked(compilation: Compilation) -> dict[str, list[str]]:
    return {name: values for name, values in compilation.options.items() if name not in compilation.linked}


def _of_tables(where: str, unit: Key, cargo: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted({*cargo, *ours}):
        if cargo.get(name) != ours.get(name):
            side: Side = "both" if name in cargo and name in ours else "cargo" if name in cargo else "ours"
            yield Difference((where, name, side), unit, cargo.get(name), ours.get(name))
