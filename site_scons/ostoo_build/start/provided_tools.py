"""Unpacks the tools that tests need and the machine lacks into the project, without root.

Each tool is started by a script that sets the paths of its libraries and settings.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.base.source_files import write_atomically
from ostoo_build.fetch import debian_packages, places
from ostoo_build.fetch.debian_packages import PackageSet
from ostoo_build.start import needed_tools

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ostoo_build.fetch.apt import Apt
    from ostoo_build.fetch.debian_packages import Project
    from ostoo_build.start.needed_tools import Tool

_NAME = "test-tools"

_BESIDE = {
    "podman": ("conmon", "crun"),
    "gdb-multiarch": ("gdb",),
    "binutils": ("binutils-.+",),
    "chromium-headless-shell": ("chromium-common",),
    "zsh": ("zsh-common",),
    "fish": ("fish-common",),
}
"""Packages without which an unpacked one does nothing; of all others the libraries that the machine lacks do."""

_ALWAYS = "libpython3.+|golang-github-containers-.+"
"""Libraries and settings that have to lie beside the program, whatever the machine has."""

_BROWSER = "chromium-headless-shell"

_ELSEWHERE = {_BROWSER: f"usr/lib/chromium/{_BROWSER}", "zsh": "bin/zsh"}
"""Programs that are in no `usr/bin`, such as one that Debian's own starter looks for at a fixed path."""

_LIBRARIES = ("lib/*-linux-gnu*", "usr/lib/*-linux-gnu*", "usr/lib/*-linux-gnu*/pulseaudio")
"""Folders of libraries; in the last one are those that others find at a fixed path."""

_CONTAINERS = """\
[containers]
seccomp_profile = "{folder}/usr/share/containers/seccomp.json"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
conmon_path = ["{folder}/usr/bin/conmon"]
[engine.runtimes]
crun = ["{folder}/usr/bin/crun"]
"""
_IN_A_NAMESPACE = """\
if [ "$(id -u)" != 0 ] && [ -z "${_CONTAINERS_USERNS_CONFIGURED-}" ] && ! command -v newuidmap >/dev/null; then
    exec unshare --user --map-root-user --mount env _CONTAINERS_USERNS_CONFIGURED=done \
        _CONTAINERS_ROOTLESS_UID="$(id -u)" "$0" "$@"
fi
"""
"""Engines want all users that /etc/subuid lends, for which newuidmap has to be root's. For images one user is enough.

The variables are those by which an engine tells itself that it is in its namespace.
"""

_POLICY = '{"default": [{"type": "insecureAcceptAnything"}]}\n'
_SETTINGS = {"home/.config/containers/containers.conf": _CONTAINERS, "home/.config/containers/policy.json": _POLICY}
"""What engines of containers want, where their user's home would have it."""


def provide(tools: Sequence[Tool], project: Project) -> None:
    """Make `tools` available on the PATH that `on_path` returns, fetching them if necessary.

    Raises `OstooError` with a list of those that can't be provided or don't work.
    """
    if not tools:
        return
    packages = tuple(dict.fromkeys(package for tool in tools for package in tool.packages))
    parcel = PackageSet(_NAME, f"{', '.join(packages)} for tests", lambda apt: _versions(apt, packages))
    environ = {**project.environ, "PATH": on_path(project.environ, project.root)}
    reasons: dict[Tool, str] = {}

    def find() -> Path | None:
        _write_starters(parcel.folder(project.root), tools)
        reasons.clear()
        reasons.update(needed_tools.failures(tools, environ))
        return None if reasons else parcel.folder(project.root)

    try:
        found = debian_packages.ensure(parcel, project, find)
    except OstooError as error:
        listed = needed_tools.list_of(dict.fromkeys(tools, "is not on PATH"))
        refused = [*listed, f"Debian's packages of these: {error.what}"]
        raise needed_tools.lacks(refused, [needed_tools.install(tools)]) from error
    if found is None:
        raise needed_tools.lacks(needed_tools.list_of(reasons), [needed_tools.install(reasons)])


def on_path(environ: Mapping[str, str], root: Path) -> str:
    """Return PATH with the fetched tools after the machine's own."""
    return os.pathsep.join((environ.get("PATH", os.defpath), str(root / places.PRIVATE / _NAME)))


def _versions(apt: Apt, packages: Sequence[str]) -> dict[str, str]:
    installed = apt.installed()
    own = "|".join([*map(re.escape, packages), *(name for each in packages for name in _BESIDE.get(each, ())), _ALWAYS])
    return {
        name: version
        for name, version in apt.closure(packages).items()
        if re.fullmatch(own, name) or (name.startswith("lib") and name not in installed)
    }


def _write_starters(folder: Path, tools: Sequence[Tool]) -> None:
    if not (folder / "usr").is_dir():
        return
    for name, settings in _SETTINGS.items():
        write_atomically(folder / name, settings.replace("{folder}", str(folder)).encode())
    for tool in tools:
        program = folder / _ELSEWHERE.get(tool.name, f"usr/bin/{tool.name}")
        if program.is_file():
            starter = folder / tool.name
            text = _starter(program, folder).encode()
            if not (starter.is_file() and starter.read_bytes() == text):
                write_atomically(starter, text)
            starter.chmod(0o755)


def _starter(program: Path, folder: Path) -> str:
    places = (path for place in _LIBRARIES for path in folder.glob(place))
    libraries = os.pathsep.join(map(str, places))
    home = f"{folder}/home"
    engine = {"HOME": home, "CONTAINERS_CONF": f"{home}/.config/containers/containers.conf"}
    engines = ("buildah", "podman")
    own = {"gdb-multiarch": {"PYTHONHOME": f"{folder}/usr"}, _BROWSER: {}, **dict.fromkeys(engines, engine)}
    if program.name not in own:
        # not a variable: programs that it starts keep their environment
        command = [_loader(program), "--library-path", libraries, str(program)]
    else:
        variables = {**own[program.name], "LD_LIBRARY_PATH": libraries}
        command = ["env", *(f"{name}={value}" for name, value in variables.items()), str(program)]
    first = _IN_A_NAMESPACE if program.name in engines else ""
    return f'#!/bin/sh\n{first}exec {shlex.join(command)} "$@"\n'


def _loader(program: Path) -> str:
    """Return the program's `PT_INTERP`, which is near the beginning of Debian's files."""
    with program.open("rb") as stream:
        found = re.search(rb"\0(/lib[\w./-]+)\0", stream.read(4096))
    if found is None:
        raise OstooError("this program has no dynamic loader", where=str(program))
    return found[1].decode()
