from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.fetch.debian_packages import Project
from ostoo_build.start import needed_tools, provided_tools

if TYPE_CHECKING:
    from pathlib import Path

APT_GET = r"""#!/bin/sh
case "$1 $*" in
    update*) : > "$PWD/lists/x_Packages" ;;
    install*) printf 'Inst %s (1.0 D)\n' strace podman crun perl libmissing libhere libpython3.11 ;;
    *--print-uris*)
        for name; do
            case $name in -*) ;; *=*) echo "'http://d/$name' $name 1500000 SHA256:0" ;; esac
        done
        ;;
    download*) for name; do case $name in -*) ;; *=*) : > "${name%=*}_1.0_all.deb" ;; esac; done ;;
esac
"""
DPKG_DEB = r"""#!/bin/sh
name=$(basename "$2" _1.0_all.deb)
echo "$name" >> FOLDER/unpacked
mkdir -p "$3/usr/bin" "$3/usr/lib/x86_64-linux-gnu"
{ echo '#!/bin/sh'; echo "echo $name HOME=\$HOME LD_LIBRARY_PATH=\$LD_LIBRARY_PATH \"\$@\""; } > "$3/usr/bin/$name"
printf '#\0/lib/loader\0' >> "$3/usr/bin/$name"
chmod +x "$3/usr/bin/$name"
"""
DPKG_QUERY = "#!/bin/sh\necho installed libhere; echo installed libpython3.11; echo installed crun\n"
TOOLS = {tool.name: tool for tool in needed_tools.TOOLS}


def project(folder: Path, said: list[str], **programs: str) -> Project:
    """A Debian that has nothing but the core tools, and an apt that has them all."""
    made = {"apt-get": APT_GET, "dpkg-deb": DPKG_DEB, "dpkg-query": DPKG_QUERY, **programs}
    for name, text in made.items():
        fake.write(folder / "bin" / name, text.replace("FOLDER", str(folder)))
        (folder / "bin" / name).chmod(0o755)
    for name in {"sh", "basename", "chmod", "env", "id", "mkdir", "unshare", "true"} - set(programs):
        fake.script(folder / "bin" / name, f'exec {shutil.which(name)} "$@"')
    return Project(folder, {"PATH": str(folder / "bin"), "HOME": "/own"}, said.append)


def test_tools_are_fetched_once_with_what_lies_beside_them_and_the_libraries_that_lack(tmp_path: Path) -> None:
    said: list[str] = []
    made = project(tmp_path, said)
    for _ in range(2):
        provided_tools.provide([TOOLS["podman"]], made)
    unpacked = sorted((tmp_path / "unpacked").read_text().split())
    assert unpacked == ["crun", "libmissing", "libpython3.11", "podman"], "no perl, and no library that is here"
    assert said == ["podman for tests for this project only", "Debian packages: 4, 6.0 MB"]


def test_an_engine_of_containers_finds_libraries_and_settings_beside_it(tmp_path: Path) -> None:
    made = project(tmp_path, [])
    provided_tools.provide([TOOLS["podman"]], made)
    folder = tmp_path / ".toolchain/test-tools"
    path = provided_tools.on_path(made.environ, tmp_path)
    done = subprocess.run(["podman", "a b"], env={"PATH": path}, capture_output=True, text=True, check=True)
    libraries = folder / "usr/lib/x86_64-linux-gnu"
    assert done.stdout == f"podman HOME={folder}/home LD_LIBRARY_PATH={libraries} a b\n"
    settings = (folder / "home/.config/containers/containers.conf").read_text()
    assert f'crun = ["{folder}/usr/bin/crun"]' in settings


def test_without_newuidmap_an_ordinary_user_is_the_only_one_in_an_engines_namespace(tmp_path: Path) -> None:
    made = project(tmp_path, [], id="#!/bin/sh\necho 1000\n")
    provided_tools.provide([TOOLS["podman"]], made)
    path = provided_tools.on_path(made.environ, tmp_path)
    fake.script(tmp_path / "bin/unshare", 'echo "$@"')
    done = subprocess.run(["podman", "a b"], env={"PATH": path}, capture_output=True, text=True, check=True)
    variables = "_CONTAINERS_USERNS_CONFIGURED=done _CONTAINERS_ROOTLESS_UID=1000"
    starter = tmp_path / ".toolchain/test-tools/podman"
    assert done.stdout == f"--user --map-root-user --mount env {variables} {starter} a b\n"
    fake.script(tmp_path / "bin/newuidmap", "exit 0")
    done = subprocess.run(["podman"], env={"PATH": path}, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("podman HOME=")


def test_other_tools_are_started_by_the_loader_so_that_nothing_inherits_a_variable(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="/lib/loader") as caught:
        provided_tools.provide([TOOLS["strace"]], project(tmp_path, []))
    assert caught.value.remedy == "as root: apt-get install strace"
    folder = tmp_path / ".toolchain/test-tools"
    command = f"/lib/loader --library-path {folder}/usr/lib/x86_64-linux-gnu {folder}/usr/bin/strace"
    assert (folder / "strace").read_text() == f'#!/bin/sh\nexec {command} "$@"\n'


def test_tools_of_the_machine_come_first(tmp_path: Path) -> None:
    environ = {"PATH": "/a:/b"}
    assert provided_tools.on_path(environ, tmp_path) == f"/a:/b:{tmp_path}/.toolchain/test-tools"
    made = Project(tmp_path, {"PATH": str(tmp_path)}, pytest.fail)
    provided_tools.provide([], made)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - the names


def test_where_apt_gets_nothing_all_tools_are_listed_with_its_words(tmp_path: Path) -> None:
    refusing = "#!/bin/sh\necho 'E: no route to host' >&2\nexit 100\n"
    with pytest.raises(OstooError, match="this machine lacks tools") as caught:
        provided_tools.provide([TOOLS["podman"], TOOLS["strace"]], project(tmp_path, [], **{"apt-get": refusing}))
    assert caught.value.what == (
        "this machine lacks tools that the tests need\n"
        "- podman, for images of containers: is not on PATH\n"
        "- strace, for what is read and started: is not on PATH\n"
        "- Debian's packages of these: apt-get update failed: E: no route to host"
    )
    assert caught.value.remedy == "as root: apt-get install podman strace"
