"""The format of rust-analyzer's `rust-project.json` (its manual, "Non-Cargo Based Projects")."""

from __future__ import annotations

import msgspec
from msgspec import Struct


class Dependency(Struct, frozen=True):
    """A crate by its index in the list of crates, under the name by which another one uses it."""

    crate: int
    name: str


class Sources(Struct, frozen=True):
    """The folders whose files a crate may consist of."""

    include_dirs: tuple[str, ...]
    exclude_dirs: tuple[str, ...]


class BuildInfo(Struct, frozen=True):
    """What commands call a crate that users edit: `label` replaces `{label}` in a runnable."""

    label: str
    build_file: str
    target_kind: str


class Crate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One crate with the cfgs and variables that rustc gets; all paths are absolute.

    Without `target` rust-analyzer adds the cfgs of the host.
    """

    display_name: str
    root_module: str
    edition: str
    version: str
    deps: tuple[Dependency, ...]
    is_workspace_member: bool
    source: Sources
    cfg: tuple[str, ...]
    env: dict[str, str]
    is_proc_macro: bool
    proc_macro_cwd: str
    target: str | None = None
    proc_macro_dylib_path: str | None = None
    build: BuildInfo | None = None


class Runnable(Struct, frozen=True):
    """A command of the editor; `kind` is rust-analyzer's."""

    kind: str
    program: str
    args: tuple[str, ...]
    cwd: str


class Sysroot(Struct, frozen=True):
    """The crates of std."""

    crates: tuple[Crate, ...]


class Project(Struct, frozen=True):
    """A document: `sysroot` is the compiler's folder, `sysroot_src` that of std's source."""

    sysroot: str
    sysroot_src: str
    sysroot_project: Sysroot
    crates: tuple[Crate, ...]
    runnables: tuple[Runnable, ...] = ()

    def to_bytes(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"
