"""Makes a chroot the root of a mount namespace of its own and runs a command there. Does not know which one.

The kernel gives no user namespace to a process in a chroot (its `current_chrooted`), and bubblewrap can't change its
root where that is no mount. Here both are mended, for root, without a change for anybody else: as in a container, the
chroot is all there is. Where user namespaces are there anyway nothing is done.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import process
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
    """What to put before a command that needs user namespaces: nothing, this module, or None where none are had."""
    ways: tuple[tuple[str, ...], ...] = ((), _OWN) if os.geteuid() == 0 else ((),)
    return next((way for way in ways if _works([*way, *_TRIAL], environ)), None)


def _works(argv: Sequence[str], environ: Mapping[str, str]) -> bool:
    try:
        return process.run(argv, cwd=Path("/"), env=environ).returncode == 0
    except OstooError:
        return False


def _enter() -> None:
    """Leave what is around this root. Raises `OSError` where that is not allowed."""
    folder = Path.cwd()
    libc = ctypes.CDLL(None, use_errno=True)
    _call(libc.unshare(_CLONE_NEWNS))
    _call(libc.mount(b"/", b"/", None, _MS_BIND | _MS_REC, None))
    # the mount lies over this root, and ".." of a root leads to what lies over it
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
    """Make the namespace's topmost folder the root: what is mounted there is what `pivot_root` replaces."""
    os.chroot("proc")  # any folder: what is not below the root has no root above it
    while not os.path.samestat(os.stat("."), os.stat("..")):  # noqa: PTH116 - relative to where we are
        os.chdir("..")
    os.chroot(".")


def _call(code: int) -> None:
    if code:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def main(argv: Sequence[str]) -> None:
    """Become `argv` in a root of its own. Raises `OstooError` where that is not allowed."""
    try:
        _enter()
    except (OSError, KeyError) as error:
        raise OstooError(f"can't make this root one of its own: {error}") from error
    process.become([shutil.which(argv[0]) or argv[0], *argv[1:]])
