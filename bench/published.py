"""Builds published programs, unmodified, with ours and with cargo: `python bench/published.py [PROGRAM...]`.

Both do the same with the same files, or the script stops. Prints a row for each program, builder and case.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(ROOT / path) for path in ("site_scons", "tests/e2e", "tests/support")]

import measure  # noqa: E402 - found only by the paths that are set above
import ordinary  # noqa: E402 - likewise
from trees import TARGET, copy_tree  # noqa: E402 - likewise

from ostoo_build.base.errors import OstooError  # noqa: E402 - likewise

_EDIT = b'\n#[used]\nstatic EDITED_%08d: [u8; 8] = *b"%08d";\n'


@dataclass(frozen=True)
class Builder:
    """One of the two: its command runs in `folder`, and leaves `program`; `made` is what `clean` takes away."""

    name: str
    command: list[str]
    folder: Path
    environment: dict[str, str]
    program: Path
    made: Path

    def build(self, case: str) -> None:
        cost = measure.run(self.command, self.folder, self.environment).cost
        busy = cost.user + cost.system
        print(f"{self.program.name:<8} {self.name:<6} {case:<26} {cost.wall:>7.2f} s  CPU {busy:>7.2f} s", flush=True)

    def clean(self) -> None:
        shutil.rmtree(self.made, ignore_errors=True)


def main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for name in names:
            _compare(name, scratch / name)


def _compare(name: str, scratch: Path) -> None:
    sources = ordinary.fetch(scratch / "asks", [name])
    root = copy_tree(scratch / "checkout", str(scratch / "cache")).root
    ordinary.write_project(root, sources)
    start = [sys.executable, "-S", "-P", "site_scons/ostoo_scons/start.py"]
    own = {**os.environ, "XDG_CACHE_HOME": str(scratch / "user")}
    measure.run([*start, "sysroot"], root, own)
    ours = Builder(
        "ours",
        [*start, f"cache={scratch / 'cache'}", name],
        root,
        own,
        root / f"build/{TARGET}/release/{name}",
        root / "build",
    )
    cargo = Builder(
        "cargo",
        ordinary.cargo_command(name),
        root / "user-rs",
        ordinary.cargo_environment(root),
        root / f"user-rs/target/{TARGET}/release/{name}",
        root / "user-rs/target",
    )
    for number, builder in enumerate((ours, cargo)):
        builder.build("cold")
        builder.build("nothing changed")
        _edit(root / "user-rs" / name / "src/main.rs", number)
        builder.build("main.rs edited")
        if b"%08d" % number not in builder.program.read_bytes():
            raise OstooError("the edit is not in the program", where=str(builder.program))
        builder.clean()
        builder.build("after a clean")
    ours.build("main.rs edited again")
    did = [ordinary.behaviour(name, builder.program, scratch) for builder in (ours, cargo)]
    if did[0] != did[1]:
        raise OstooError(f"the two programs behave differently: {did}", where=name)
    sizes = [builder.program.stat().st_size for builder in (ours, cargo)]
    print(f"{name:<8} {len(did[0])} runs equal; {sizes[0]} bytes of ours, {sizes[1]} of cargo's", flush=True)


def _edit(source: Path, number: int) -> None:
    with source.open("ab") as stream:
        stream.write(_EDIT % (number, number))


if __name__ == "__main__":
    main(sys.argv[1:] or list(ordinary.VERSIONS))
