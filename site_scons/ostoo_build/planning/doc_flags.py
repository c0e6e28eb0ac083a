"""Converts a unit that is documented to rustdoc's arguments, which are those of cargo doc.

Each crate has a folder of its own, with pages and with what rustdoc merges for all crates of a program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base.paths import seen_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.planning.manifest import Manifest
    from ostoo_build.planning.unit_graph import Unit

PAGES, PARTS = "pages", "parts"
"""Within a unit's folder: the crate's pages, and what is merged."""


def given(unit: Unit, manifest: Manifest, folder: str, directory: str) -> Iterator[str]:
    """Return the arguments that only rustdoc has, in portable form; `folder` is the unit's, seen from `directory`."""
    place = seen_from(folder, directory)
    yield from ("--out-dir", f"{place}/{PAGES}", "--merge=none", f"--parts-out-dir={place}/{PARTS}")
    yield from ("--crate-version", dict(manifest.metadata)["CARGO_PKG_VERSION"])
    if unit.kind == "proc-macro":
        yield from ("--extern", "proc_macro")
    if unit.kind in ("bin", "example"):
        # cargo's: a program has no other items, and always shows them
        yield from ("--document-private-items", "-Arustdoc::private-intra-doc-links")
