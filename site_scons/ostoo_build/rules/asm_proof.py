"""Verifies that assembly included declared inputs only, and lists them, as the program's link may assemble it again.

With LTO the program's compilation assembles a library's code. The library is the same, byte for byte, whatever these
files contain, so they are inputs of the program too.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ostoo_build.actions.outcome import undeclared
from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.base.paths import is_local
from ostoo_build.rust import asm_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.actions.action import Action
    from ostoo_build.base.paths import PathMap
    from ostoo_build.planning.planned_unit import CompileUnit
    from ostoo_build.rust.dep_info import DepInfo

_COMPILED = (".rlib", ".rmeta", ".so")


def taken(text: str) -> tuple[Input, ...]:
    """Parse the output of `prove`."""
    return msgspec.json.decode(text, type=tuple[Input, ...]) if text else ()


class AsmContext(Struct, frozen=True):
    """A compiled unit: its action, the paths there and here, and whether it could read declared inputs only.

    The sources are here too, wherever it was compiled. `expanded` is the crate's macro-expanded source; without it
    `hides` says that macros may create assembly.
    """

    action: Action
    unit: CompileUnit
    there: PathMap
    here: PathMap
    sees_no_others: bool
    expanded: str | None
    hides: bool


def prove(observed: DepInfo, scene: AsmContext) -> str:
    """Return the inputs that a unit's assembly includes, in the form that `taken` parses; empty if there are none.

    Raises `OstooError` for an undeclared file, and for a name that can't be determined, unless the unit could read
    declared inputs only.
    """
    unit, there = scene.unit, scene.there
    if not unit.kind.has_code_of_target or unit.is_std:
        return ""  # assembly in these concerns other packages' code, or the toolchain's; a check assembles nothing
    ran_in = Path(there.root, there.expand(scene.action.directory))
    paths = (ran_in / name for name in observed.files if not name.endswith(_COMPILED))
    search = _Search(scene, {})
    for name in (there.input_path(path) for path in paths if not there.portable(path).startswith(there.of_tools)):
        search.read(name)
    if scene.expanded is not None:
        search.read_expanded(scene.expanded)
    elif scene.hides:
        search.take_all()
    found = tuple(search.found.values())
    return msgspec.json.encode(found).decode() if found else ""


@dataclass
class _Search:
    scene: AsmContext
    found: dict[str, Input]
    made: list[str] = field(default_factory=list)
    """Positions in sources where macros create names, which are known after expansion."""

    @property
    def action(self) -> Action:
        return self.scene.action

    @property
    def here(self) -> PathMap:
        return self.scene.here

    def read(self, name: str) -> None:
        """Search a source and the files that it includes."""
        try:
            data = self._place(name).read_bytes()
        except OSError:
            self.take_all()  # a generated file elsewhere may name anything that the unit may read
            return
        for each in asm_files.named(data, name, dict(self.action.environment)):
            if each.name is not None:
                self._take(each.name)
            elif self.scene.expanded is None or not name.endswith(".rs"):
                self._unknown(f"{name}:{each.line}")
            else:
                self.made.append(f"{name}:{each.line}")

    def read_expanded(self, text: str) -> None:
        """Search the macro-expanded crate."""
        for each in asm_files.named(text.encode(), "expanded.rs", {}):
            if each.name is None:
                self._unknown("\n".join(self.made) or f"{self.scene.unit.package}/Cargo.toml")
            else:
                self._take(each.name)

    def _place(self, name: str) -> Path:
        return Path(self.here.root, self.here.expand(name))

    def _take(self, word: str) -> None:
        """Add a file; the assembler resolves relative names in rustc's working directory."""
        path = Path(self.here.root, self.here.expand(self.action.directory), self.here.expand(word))
        name = self.here.input_path(path)
        if name in self.found or self.here.portable(path).startswith(self.here.of_tools):
            return
        covering = next(self._covering(name), None)
        if covering is not None:
            self.found[name] = covering
            self.read(name)
        elif path.is_file():  # otherwise nothing was assembled, or rustc would have failed
            raise undeclared(name, f"{self.scene.unit.package}/Cargo.toml")

    def _covering(self, name: str) -> Iterator[Input]:
        for entry in self.action.inputs:
            if entry.path == name or (entry.is_folder and name.startswith(f"{entry.path}/")):
                yield entry

    def _unknown(self, where: str) -> None:
        if is_local(self.scene.unit.package) and not self.scene.sees_no_others:
            raise OstooError(
                "assembly includes a file whose name a macro creates: the build can't determine which file it is",
                where=where,
                remedy='write the name into the directive, as in `.incbin \\"path\\"`, relative to '
                f"{self.action.directory}; or\n"
                'concat!(".incbin \\"", env!("CARGO_MANIFEST_DIR"), "/path\\""); or build with sandbox=on',
            )
        self.take_all()

    def take_all(self) -> None:
        """Add every file of the package, and all outputs of its build script."""
        folders = (f"{self.scene.unit.package}/", f"{layout.BUILD}/")
        for entry in self.action.inputs:
            if posixpath.join(entry.path, "").startswith(folders) and not entry.path.endswith(_COMPILED):
                self.found[entry.path] = entry
