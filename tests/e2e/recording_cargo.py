"""The real cargo with a rustc that notes how it is called, and compiles for the host only."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ostoo_build.toolchain.find import Toolchain

_RECORDER = """\
#!{python} -S
import json, os, sys
arguments = sys.argv[1:]
name = arguments[arguments.index("--crate-name") + 1] if "--crate-name" in arguments else "___"
if name != "___":
    with open({log!r}, "a") as stream:
        call = {{"arguments": arguments, "environment": dict(os.environ), "directory": os.getcwd()}}
        stream.write(json.dumps(call) + "\\n")
if name != "___" and "--target" in arguments:
    out = arguments[arguments.index("--out-dir") + 1]
    extra = next((a[15:] for a in arguments if a.startswith("extra-filename=")), "")
    spec = arguments[arguments.index("--target") + 1]
    suffix = json.load(open(spec)).get("exe-suffix", "") if spec.endswith(".json") else ""
    named = {{"bin": "{{}}" + suffix, "staticlib": "lib{{}}.a", "cdylib": "lib{{}}.so"}}
    types = [b for a, b in zip(arguments, arguments[1:]) if a == "--crate-type"]
    files = [named.get(kind, "lib{{}}.rlib").format(name + extra) or name + extra for kind in types]
    for file in (*files, name + extra + ".d", "lib" + name + extra + ".rmeta"):
        open(os.path.join(out, file), "w").close()
    made = {{"$message_type": "artifact", "artifact": f"{{out}}/lib{{name}}{{extra}}.rmeta", "emit": "metadata"}}
    sys.exit(print(json.dumps(made), file=sys.stderr))
os.execv({rustc!r}, [{rustc!r}, *arguments])
"""


@dataclass(frozen=True)
class Call:
    """How cargo called rustc once; `directory` is where, with links resolved."""

    arguments: list[str]
    environment: dict[str, str]
    directory: str

    @property
    def crate(self) -> str:
        return self.arguments[self.arguments.index("--crate-name") + 1]


@dataclass(frozen=True)
class Recorded:
    """All calls of one build, and the file `env` that each build script wrote to its `OUT_DIR`."""

    calls: list[Call]
    target: Path

    def script_environment(self, package: str) -> dict[str, str]:
        (path,) = self.target.glob(f"**/build/{package}-*/out/env")
        return parse(path.read_text(encoding="utf-8"))


def build(
    toolchain: Toolchain,
    workspace: Path,
    scratch: Path,
    *arguments: str,
    users: Mapping[str, str] | None = None,
    verb: str = "build",
) -> Recorded:
    """Have cargo build or check in a workspace, for a user with some variables, or for one without any settings."""
    log, recorder = scratch / "calls", scratch / "rustc"
    scratch.mkdir(parents=True, exist_ok=True)
    words = {"python": sys.executable, "log": str(log), "rustc": str(toolchain.rustc)}
    recorder.write_text(_RECORDER.format(**words))
    recorder.chmod(0o755)
    users = users or {"PATH": "/usr/bin:/bin", "HOME": str(scratch)}
    environment = {**dict(toolchain.env), **users, "RUSTC": str(recorder)}
    command = [str(toolchain.cargo), verb, "--target-dir", str(scratch / "target"), *arguments]
    completed = subprocess.run(
        command,
        cwd=workspace,
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert completed.returncode == 0, completed.stdout
    calls = [Call(**json.loads(line)) for line in log.read_text().splitlines()]
    return Recorded(calls, scratch / "target")


def parse(text: str) -> dict[str, str]:
    """Read `NAME=VALUE` lines whose values are escaped as JSON."""
    return {name: json.loads(value) for name, _, value in (line.partition("=") for line in text.splitlines())}
