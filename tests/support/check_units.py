"""Units of checks, and what rustc says of them."""

from __future__ import annotations

import json

from ostoo_build.planning.planned_unit import CompileUnit
from ostoo_build.planning.rustc_flags import UnitKind


def checked(name: str, kind: UnitKind = UnitKind.CHECK, package: str = "user-rs/a b") -> CompileUnit:
    id_ = f"{name}-1"
    manifest = package if package.startswith("@{") else f"@{{root}}/{package}"
    return CompileUnit(
        id=id_,
        label=f"{name} v1.0.0",
        package=package,
        folder=f"build/x/release/units/{id_}",
        directory="user-rs",
        is_std=False,
        target="x",
        environment=(
            ("CARGO_CRATE_NAME", name),
            ("CARGO_MANIFEST_DIR", manifest),
            ("CARGO_MANIFEST_PATH", f"{manifest}/Cargo.toml"),
            ("CARGO_PKG_NAME", name),
            ("CARGO_PKG_VERSION", "1.0.0"),
        ),
        runs=(),
        read_runs=(),
        extra_inputs=(),
        kind=kind,
        is_incremental=False,
        arguments=("--crate-name", name, "--edition=2021", f"{name}/src/lib.rs", "--crate-type", "lib", *_FLAGS),
        externs=(),
        libraries=(),
        run=None,
        takes_libraries=True,
        outputs=(f"rmeta/lib{id_}.rmeta",),
    )


_FLAGS = ("-C", "opt-level=3", "-C", "debuginfo=2", "--cfg", 'feature="f"')


def line(code: str, message: str, file: str = "user-rs/a.rs") -> str:
    """A diagnostic as rustc writes it, in a file unless that is empty."""
    place = {"line_start": 3, "line_end": 3, "column_start": 1, "column_end": 2, "is_primary": True}
    found = {
        "$message_type": "diagnostic",
        "message": message,
        "code": {"code": code, "explanation": None} if code else None,
        "level": "error" if code.startswith("E") else "warning",
        "spans": [{"file_name": file, **place}] if file else [],
        "children": [],
        "rendered": f"error[{code}]: {message}\n --> {file}:3:1\n",
    }
    return json.dumps(found) + "\n"
