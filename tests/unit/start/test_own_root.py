"""In real namespaces: root of a user namespace makes a chroot, in which the kernel refuses more of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ostoo_build.start import own_root

SITE_SCONS = Path(own_root.__file__).parents[2]
ASK = """import os, subprocess, sys
sys.path.insert(0, sys.argv[1])
from ostoo_build.start import own_root
trial = ["unshare", "--user", "--map-root-user", "sh", "-c", "pwd; ls -id /"]
assert subprocess.run(trial).returncode, "this is no chroot"
prefix = own_root.prefix(os.environ)
assert prefix, "no way was found"
os.execvp(prefix[0], [*prefix, *trial])
"""


def in_a_chroot(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    place = folder / "root"
    place.mkdir()
    entered = f"import os\nos.chroot({str(place)!r})\nos.chdir('/usr')\n{script}"
    mounted = [
        "sh",
        "-ec",
        'mount --rbind / "$0"; exec "$@"',
        str(place),
        sys.executable,
        "-c",
        entered,
        str(SITE_SCONS),
    ]
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    return subprocess.run([*namespace, *mounted], capture_output=True, text=True, timeout=60, check=False)


def test_a_chroot_has_user_namespaces_in_a_root_of_its_own(tmp_path: Path) -> None:
    done = in_a_chroot(tmp_path, ASK)
    assert done.returncode == 0, done.stderr
    inode = Path("/").stat().st_ino
    assert done.stdout == f"/usr\n{inode} /\n"


def test_where_namespaces_are_to_be_had_nothing_is_put_before_a_command() -> None:
    assert own_root.prefix(os.environ) == ()
