"""Runs a command in a mount namespace whose root is the current chroot.

The kernel refuses user namespaces to a process in a chroot (`current_chrooted`), and bubblewrap can't change a root
that is not a mount point. For root, this module solves both without affecting other processes, as a container does. It
does nothing if user namespaces work already.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import become, process
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# of the kernel's linux/sched.h, linux/mount.h and linux/fs.h
_CLONE_NEWNS = 0x20000
_MS_BIND, _MS_REC, _MS_PRIVATE = 1 << 12, 1 << 14, 1 << 18
_MNT_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}
"""The C library does not offer this call; its number by processor."""

_START = f"""import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from ostoo_build.start.own_root import main
main(sys.argv[1:])
"""
_OWN = (sys.executable, "-P", "-c", _START)
"""Starts this module without a variable that the command would inherit."""

_TRIAL = ("unshare", "--user", "--map-root-user", "true")


def prefix(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the command prefix that makes user namespaces available: empty, this module, or None if impossible."""
    ways: tuple[tuple[str, ...], ...] = ((), _OWN) if os.geteuid() == 0 else ((),)
    return next((way for way in ways if _works([*way, *_TRIAL], environ)), None)


def _works(argv: Sequence[str], environ: Mapping[str, str]) -> bool:
    try:
        return process.run(argv, cwd=Path("/"), env=environ).returncode == 0
    except OstooError:
        return False


def _enter() -> None:
    """Detach from everything outside of this root. Raises `OSError` if that is not allowed."""
    folder = Path.cwd()
    libc = ctypes.CDLL(None, use_errno=True)
    _call(libc.unshare(_CLONE_NEWNS))
    _call(libc.mount(b"/", b"/", None, _MS_BIND | _MS_REC, None))
    # the mount covers this root, and ".." of a root leads to the mount that covers it
    os.chdir("/..")
    os.chroot(".")
    _call(libc.mount(None, b"/", None, _MS_PRIVATE | _MS_REC, None))
    top = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    _climb()
    os.fchdir(top)
    _call(libc.syscall(_PIVOT_ROOT[platform.machine()], b".", b"."))
    _call(libc.umount2(b".", _MNT_DETACH))
    os.chroot(".")
    os.close(top)
    os.chdir(folder)


def _climb() -> None:
    """Make the namespace's topmost folder the root, as `pivot_root` replaces the mount at the root."""
    os.chroot("proc")  # any folder: as this one is outside of it, no root stops the climb
    while not os.path.samestat(os.stat("."), os.stat("..")):  # noqa: PTH116 - relative to where we are
        os.chdir("..")
    os.chroot(".")


def _call(code: int) -> None:
    if code:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def main(argv: Sequence[str]) -> None:
    """Replace this process by `argv` in its own root. Raises `OstooError` if that is not allowed."""
    try:
        _enter()
    except (OSError, KeyError) as error:
        raise OstooError(f"can't create a mount namespace for this root: {error}") from error
    become.exec_program([shutil.which(argv[0]) or argv[0], *argv[1:]], cwd=Path.cwd())
