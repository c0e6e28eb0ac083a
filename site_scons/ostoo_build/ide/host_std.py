"""Adds the crates of std that only build scripts and macros use.

They are in no plan: the toolchain has them compiled for the host. A document has one crate of each name, so those of
the target serve the host too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.ide.project import Dependency, Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ostoo_build.ide.project import Crate

_NEEDS = {"alloc": ("core",), "std": ("alloc", "core"), "proc_macro": ("core", "std")}
"""The crates that host code names besides core, each with those of them that it needs, in this order."""


def completed(crates: Sequence[Crate], source: str, users: Iterable[Crate]) -> tuple[Crate, ...]:
    """Return the crates of std with those that host crates among `users` need too.

    `source` is the folder of std's source. core is in every plan, and std's own crates have its edition.
    """
    core = next((crate for crate in crates if crate.display_name == "core"), None)
    if core is None or all(crate.target for crate in users):
        return tuple(crates)
    found = [*crates]
    for name, needs in _NEEDS.items():
        places = {crate.display_name: number for number, crate in enumerate(found)}
        if name not in places:
            folder = f"{source}/{name}"
            added = replace(
                core,
                display_name=name,
                root_module=f"{folder}/src/lib.rs",
                deps=tuple(Dependency(places[each], each) for each in needs),
                source=Sources((folder,), ()),
                cfg=(),
                target=None,
            )
            found.append(added)
    return tuple(found)
