"""The files about a target: its spec, its loader contract, the policy for its spec."""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003 - msgspec reads the types of fields

from msgspec import Struct

from ostoo_build.base import layout, spelling
from ostoo_build.base.errors import OstooError
from ostoo_build.project import description
from ostoo_build.project.description import Description, TargetTable

_POLICY = "policy.schema.json"
"""The file name of the requirements for target specs; by default they are beside the spec."""


class TargetFiles(Struct, frozen=True):
    """The files about the targets of a repository, by the targets' names."""

    root: Path
    described: Description

    @property
    def names(self) -> list[str]:
        """All targets: those that `ostoo.toml` describes, and the specs in `targets/`."""
        found = (spec.stem for spec in (self.root / layout.TARGETS).glob("*.json") if "." not in spec.stem)
        return sorted({*self.described.targets, *found})

    def spec(self, target: str) -> Path:
        """Return a target spec's file. Raises `OstooError` if there is none of that name."""
        table = self._table(target)
        path = self.root / (table.spec or layout.spec(target))
        if "/" in target or not target or not os.path.isfile(path):  # noqa: PTH113 - it takes a name of any length
            if table.spec:
                raise self._error(target, f"there is no file {table.spec}", "correct `spec`")
            remedy = spelling.one_of(target, self.names)
            raise OstooError(f"there is no target {target}", where=str(path.parent), remedy=remedy)
        if path.stem != target:
            what = f"rustc calls the target of this spec {path.stem}"
            raise self._error(target, what, f"write [targets.{path.stem}]")
        return path

    def contract(self, target: str) -> Path:
        """Return the file of a target's loader contract; it may not exist."""
        return self._beside(target, "contract", self._table(target).contract, f"{target}{layout.CONTRACT}")

    def policy(self, target: str) -> Path:
        """Return the file of the requirements for a target's spec; it may not exist."""
        return self._beside(target, "policy", self._table(target).policy, _POLICY)

    def crt(self, target: str) -> str:
        """Return whose start files programs begin with: `musl`, or empty if they bring their own entry point."""
        return self._table(target).crt

    def _beside(self, target: str, key: str, named: str, default: str) -> Path:
        """Return the file that `key` names, which has to exist, or else the default one beside the spec."""
        if not named:
            return self.spec(target).with_name(default)
        path = self.root / named
        if not path.is_file():
            raise self._error(target, f"there is no file {named}", f"correct `{key}`")
        return path

    def _table(self, target: str) -> TargetTable:
        return self.described.targets.get(target, TargetTable())

    def _error(self, target: str, what: str, remedy: str) -> OstooError:
        return OstooError(what, where=f"{self.root / description.FILE}: targets.{target}", remedy=remedy)
