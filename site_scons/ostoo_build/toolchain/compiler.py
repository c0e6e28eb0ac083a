"""Queries a rustc for its version and host, once per rustc."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, to_builtins

from ostoo_build.base import process, stamps, state_file, user_cache
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATIENCE = 120.0
"""The time limit for an answer of rustc in seconds."""

_LIBRARIES = ("librustc_driver-*", "libLLVM*", "libstd-*")


class Compiler(Struct, frozen=True):
    """A rustc's full version ("1.96.0 (ac68faa20 2026-05-25)"), host triple and sysroot.

    `rustc` is the program in the sysroot if there is one; the program that was queried may be rustup's proxy.
    """

    rustc: str
    sysroot: str
    described: str
    host: str

    @property
    def version(self) -> str:
        return self.described.split()[0]

    def libraries(self) -> list[Path]:
        """Return the shared libraries with the compiler; rustc itself is only a shim of some kilobytes."""
        return _libraries(Path(self.sysroot))


def identify(rustc: Path, memo_file: Path, environ: Mapping[str, str]) -> Compiler:
    """Query `rustc`, or return the answer in `memo_file` if none of the compiler's files changed.

    Raises `OstooError` if the program does not run or is not rustc.
    """
    memo, place = _read_memo(memo_file), os.path.realpath(rustc)  # checkouts may share one folder through a link
    if known := _recall(memo.get(place)):
        return known
    compiler = _ask(rustc, environ)
    # a proxy's answer also depends on settings outside of its files
    if Path(compiler.rustc).samefile(rustc):
        _write_memo(memo_file, {**memo, place: {"compiler": to_builtins(compiler), "stamps": _stamps(compiler)}})
    return compiler


def library_path(sysroot: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variable with the libraries' folders.

    Debian's programs expect libraries in the system's folders only.
    """
    if sysroot == Path("/usr"):
        return {}
    folders = [str(folder) for usr in (sysroot, sysroot.parent) for folder in sorted(usr.glob("lib/*-linux-gnu*"))]
    inherited = environ.get("LD_LIBRARY_PATH")
    return {"LD_LIBRARY_PATH": os.pathsep.join([*folders, *([inherited] if inherited else [])])} if folders else {}


def _libraries(sysroot: Path) -> list[Path]:
    folders = [sysroot / "lib", *sysroot.glob("lib/*-linux-gnu*")]
    return sorted(path for folder in folders for pattern in _LIBRARIES for path in folder.glob(pattern))


def _ask(rustc: Path, environ: Mapping[str, str]) -> Compiler:
    # keeps rustup's proxy from downloading a toolchain
    env = {**environ, **library_path(rustc.parent.parent, environ), "RUSTUP_AUTO_INSTALL": "0"}
    about = _output(rustc, "-vV", env=env)
    described = re.match(r"rustc (\S+(?: \([^)]*\))?)", about)
    host = re.search(r"^host: (\S+)$", about, re.MULTILINE)
    if not (described and host):
        raise OstooError("this is not a rustc: it does not print its version and host", where=str(rustc))
    sysroot = Path(_output(rustc, "--print", "sysroot", env=env).strip())
    own = sysroot / "bin" / "rustc"
    return Compiler(str(own if own.is_file() else rustc), str(sysroot), described[1], host[1])


def _output(rustc: Path, *arguments: str, env: Mapping[str, str]) -> str:
    answer = process.run([str(rustc), *arguments], cwd=rustc.parent, env=env, timeout=_PATIENCE)
    if answer.returncode:
        said = answer.stderr.decode("utf-8", "replace").strip()
        raise OstooError(f"rustc does not run: {said}", where=str(rustc))
    return answer.stdout.decode()


def _recall(entry: Any) -> Compiler | None:
    """Return the compiler in an entry of the memo, or None if the entry is damaged or out of date."""
    try:
        compiler = Compiler(**entry["compiler"])
        return compiler if entry["stamps"] == _stamps(compiler) else None
    except (KeyError, TypeError, ValueError, AttributeError, OSError):
        return None


def _stamps(compiler: Compiler) -> list[list[Any]]:
    return [[str(path), *stamps.of(path)] for path in (Path(compiler.rustc), *compiler.libraries())]


def _read_memo(path: Path) -> dict[str, Any]:
    memo = state_file.recall_json(path)
    return memo if isinstance(memo, dict) else {}


def _write_memo(path: Path, memo: dict[str, Any]) -> None:
    user_cache.note(path, state_file.sealed(json.dumps(memo).encode()))
