"""Lists the tools that this build's own tests need, and checks whether the machine has or can provide them.

Uses the standard library only, so that a bare machine gets the list before anything is installed. Fetches nothing.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError
from ostoo_build.start import own_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_PATIENCE = 20.0
"""Time limit in seconds for the trial of a tool."""


@dataclass(frozen=True)
class Tool:
    """A program that tests start. It works if `trial`, run in an empty folder `{here}`, exits with 0.

    `packages` are Debian's. `is_portable` says that the tool works from packages unpacked without root.
    """

    name: str
    packages: tuple[str, ...]
    serves: str
    trial: tuple[str, ...]
    is_portable: bool = True


_STORE = ("--root", "{here}/graph", "--runroot", "{here}/run", "--storage-driver", "vfs")
"""An engine's images elsewhere than its user has them."""

TOOLS = (
    Tool("git", ("git",), "copies of this checkout", ("--version",), is_portable=False),
    Tool(
        "cc",
        ("gcc", "libc6-dev"),
        "programs in C, linked statically",
        ("-static", "-x", "c", "/dev/null", "-Wl,--defsym=main=0", "-o", "program"),
        is_portable=False,
    ),
    Tool("ar", ("binutils",), "another libc.a", ("--version",)),
    Tool("addr2line", ("binutils",), "lines of debug information", ("--version",)),
    Tool("openssl", ("openssl",), "certificates of a remote cache", ("version",)),
    Tool("strace", ("strace",), "what is read and started", ("-f", "-qq", "-o", "report", "true")),
    Tool("gdb-multiarch", ("gdb-multiarch",), "./ostoo gdb", ("-nx", "-batch", "-ex", "python print()")),
    Tool(
        "chromium-headless-shell",
        ("chromium-headless-shell",),
        "pages of HTML",
        ("--no-sandbox", "--disable-gpu", "--user-data-dir={here}", "--dump-dom", "data:text/html,page"),
    ),
    Tool("zsh", ("zsh",), "its completion", ("-f", "-c", "true")),
    Tool("fish", ("fish",), "its completion", ("--no-config", "-c", "true")),
    Tool("mandoc", ("mandoc",), "the manual page", ("-T", "ascii", "/dev/null")),
    Tool("bwrap", ("bubblewrap",), "sandbox=on, remote execution", ("--unshare-all", "--ro-bind", "/", "/", "true")),
    Tool("buildah", ("buildah",), "images of containers", (*_STORE, "images")),
    Tool("podman", ("podman",), "images of containers", (*_STORE, "images")),
)

_DEBIAN = ("apt-get", "dpkg-deb", "dpkg-query")
_NAMESPACES = """\
user namespaces have to be allowed: in a chroot they never are, so be root there, or start a container of it,
such as systemd-nspawn --directory=FOLDER; else `sysctl user.max_user_namespaces kernel.unprivileged_userns_clone
kernel.apparmor_restrict_unprivileged_userns` as root shows what forbids them"""


def require(environ: Mapping[str, str]) -> tuple[Tool, ...]:
    """Return the tools that must be fetched. Raises `OstooError` with a list of everything that can't be provided."""
    here = tuple(tool for tool in TOOLS if is_on_path(tool, environ))
    absent = tuple(tool for tool in TOOLS if tool not in here)
    lacking = {tool: "is not on PATH" for tool in absent if not (tool.is_portable and _has_apt(environ))}
    prefix = own_root.prefix(environ)
    if prefix is None:
        here = tuple(tool for tool in here if tool.name != "bwrap")  # its message would be the same
    refused = list_of({**lacking, **failures(here, environ, prefix or ())})
    remedies = [install(lacking)] if lacking else []
    if not Path("/proc/self").exists():
        refused.append("/proc: is not mounted")
        remedies.append("as root: mount -t proc proc /proc")
    elif prefix is None:
        refused.append("user namespaces, for sandbox=on, remote execution and containers: the kernel refuses them")
        remedies.append(_NAMESPACES)
    if not _has_apt(environ):
        refused.append("apt-get and dpkg, for Debian's kernels, which programs are booted on: are not on PATH")
    if refused:
        raise lacks(refused, remedies)
    return absent


def failures(tools: Sequence[Tool], environ: Mapping[str, str], prefix: Sequence[str] | None = None) -> dict[Tool, str]:
    """Try each tool that is on PATH and return why those that fail don't work.

    `prefix` is put before the trial command.
    """
    start = own_root.prefix(environ) or () if prefix is None else prefix
    with ThreadPoolExecutor() as threads:
        said = threads.map(lambda tool: _failure(tool, environ, start), tools)
    return {tool: why for tool, why in zip(tools, said, strict=True) if why}


def is_on_path(tool: Tool, environ: Mapping[str, str]) -> bool:
    return shutil.which(tool.name, path=environ.get("PATH", os.defpath)) is not None


def list_of(reasons: Mapping[Tool, str]) -> list[str]:
    return [f"{tool.name}, for {tool.serves}: {why}" for tool, why in reasons.items()]


def install(tools: Iterable[Tool]) -> str:
    """Return the command that installs tools."""
    packages = dict.fromkeys(package for tool in tools for package in tool.packages)
    return f"as root: apt-get install {' '.join(packages)}"


def lacks(lines: Sequence[str], remedies: Sequence[str]) -> OstooError:
    """Create the message that lists everything that the tests lack."""
    listed = "".join(f"\n- {line}" for line in lines)
    return OstooError(f"this machine lacks tools that the tests need{listed}", remedy="\n".join(remedies))


def _has_apt(environ: Mapping[str, str]) -> bool:
    return all(shutil.which(name, path=environ.get("PATH", os.defpath)) for name in _DEBIAN)


def _failure(tool: Tool, environ: Mapping[str, str], prefix: Sequence[str]) -> str:
    with TemporaryDirectory(prefix="ostoo-") as folder:
        argv = [*prefix, tool.name, *(word.replace("{here}", folder) for word in tool.trial)]
        try:
            done = process.run(argv, cwd=Path(folder), env=environ, timeout=_PATIENCE)
        except OstooError as error:
            return error.what
    if done.returncode == 0:
        return ""
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"does not work: {said[-1] if said else f'exit code {done.returncode}'}"
