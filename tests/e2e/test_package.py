"""The package that is built from this tree, installed, and at work in a project that has no code of ours."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from trees import PROJECT, TARGET, copy_tree

from ostoo_build.base import own_version

if TYPE_CHECKING:
    from trees import Tree

pytestmark = pytest.mark.xdist_group("package")  # else each worker builds one

OWN = ("SConstruct", "ostoo.toml", "rust-toolchain.toml", "targets", "user-rs")
"""What a project has that is not of this build."""


def run(*argv: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run([*map(str, argv)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def hatch(sources: Path, folder: Path, target: str) -> Path:
    """Build the `target` wheel or sdist of some sources."""
    done = run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder, cwd=sources)
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hatch(PROJECT, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program `ostoo` of an environment with the wheel, without extras; other packages are our own."""
    venv = tmp_path_factory.mktemp("installed")
    assert run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=venv).returncode == 0
    python = venv / "bin/python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    assert run(*pip, cwd=venv).returncode == 0
    packages = next(venv.glob("lib/python3*/site-packages"))
    (packages / "grpc.py").write_text('raise ModuleNotFoundError("No module named grpc", name="grpc")\n')
    (packages / "others.pth").write_text(str(Path(pytest.__file__).parents[1]))
    return venv / "bin/ostoo"


def project(tree: Tree, folder: Path) -> Path:
    """A project that has what a checkout has, but for this build's own code."""
    folder.mkdir()
    for name in OWN:
        copy = shutil.copytree if (tree.root / name).is_dir() else shutil.copy2
        copy(tree.root / name, folder / name)
    (folder / ".toolchain").symlink_to(PROJECT / ".toolchain")
    return folder


def test_the_package_needs_what_requirements_pin() -> None:
    about = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    needed = [
        *about["project"]["dependencies"],
        *chain.from_iterable(about["project"]["optional-dependencies"].values()),
    ]
    pinned = re.findall(r"^([\w.-]+==[^\s\\]+)", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)
    assert sorted(needed) == sorted(pinned)
    (tool,) = about["build-system"]["requires"]
    assert f"\n{tool} \\\n" in (PROJECT / "requirements-dev.txt").read_text()


def test_the_wheel_has_all_that_a_checkout_has_and_nothing_of_its_tests(wheel: Path) -> None:
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "site_scons", cwd=PROJECT).stdout
    ours = {name.removeprefix("site_scons/") for name in listed.split() if (PROJECT / name).is_file()}
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in ours if name.startswith("ostoo_")} <= packed
    added = {name.removeprefix("ostoo_build/") for name in packed - ours if not re.search(r"\.(dist-info|data)/", name)}
    runtime = {f"starter/user-rs/rt/{path.relative_to(PROJECT / 'user-rs/rt')}" for path in runtime_files()}
    targets = ("policy.schema.json", f"{TARGET}.json", f"{TARGET}.loader.json")
    assert added == {"requirements.txt", "origin.json", *runtime, *(f"starter/targets/{name}" for name in targets)}


def test_an_installed_build_brings_its_manual_page_and_shells_complete_it(installed: Path) -> None:
    share = installed.parents[1] / "share"
    for shell, place in {
        "bash": "bash-completion/completions/ostoo",
        "zsh": "zsh/site-functions/_ostoo",
        "fish": "fish/vendor_completions.d/ostoo.fish",
    }.items():
        assert (share / place).read_text() == run(installed, "completion", shell, cwd=share).stdout
    page = (share / "man/man1/ostoo.1").read_text()
    assert page == run(installed, "man", cwd=share).stdout
    assert "ostoo\\-build 0.1.0" in page


def test_an_installed_build_checks_itself_and_names_the_extra_that_it_lacks(installed: Path, tmp_path: Path) -> None:
    place = project(copy_tree(tmp_path / "os", str(tmp_path / "cache")), tmp_path / "project")
    words = ("doctor", "--json", "remote_cache=grpc://127.0.0.1:1")
    done = run(installed, *words, cwd=place, XDG_CACHE_HOME=str(tmp_path / "user"))
    assert done.returncode == 1, done.stderr
    found = {each["check"]: each for each in json.loads(done.stdout)["checks"]}
    assert "need the Python package grpc, which is not installed" in found["remote-cache"]["problem"]
    assert "ostoo-build[remote]" in found["remote-cache"]["remedy"]
    assert [name for name, each in found.items() if each["state"] == "error"] == ["remote-cache"]
    assert found["packages"]["value"].endswith(f", {installed.parents[1]}")


def runtime_files() -> list[Path]:
    return [path for path in (PROJECT / "user-rs/rt").rglob("*") if path.is_file()]


def test_a_wheel_of_the_sdist_is_the_wheel(wheel: Path, tmp_path: Path) -> None:
    """And it tells the same commit, though git does not know what was unpacked."""
    with tarfile.open(hatch(PROJECT, tmp_path, "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (sources,) = (tmp_path / "unpacked").iterdir()
    other = hatch(sources, tmp_path / "wheel", "wheel")
    assert other.name == wheel.name
    first, second = ({each.filename: each.CRC for each in zipfile.ZipFile(path).infolist()} for path in (wheel, other))
    assert first == second
    assert '"commit": "' in zipfile.ZipFile(wheel).read("ostoo_build/origin.json").decode()


def test_it_tells_its_version_commit_and_place(installed: Path, tmp_path: Path) -> None:
    told = run(installed, "--version", cwd=tmp_path).stdout.splitlines()
    commit = own_version.of_sources(PROJECT).commit
    assert told[0] == f"ostoo-build {own_version.number()}"
    assert told[1].startswith(f"commit {commit}")
    assert told[2].startswith(f"installed in {installed.parents[1]}/")


def test_uv_installs_it_as_a_tool(wheel: Path, tmp_path: Path) -> None:
    """With the packages that the wheel names, none of ours; `ostoo init` needs most of them."""
    tools, programs = tmp_path / "tools", tmp_path / "bin"
    environment = {"UV_TOOL_DIR": str(tools), "UV_TOOL_BIN_DIR": str(programs), "UV_NO_CONFIG": "1", "PYTHONPATH": ""}
    uv = (Path(sys.executable).with_name("uv"), "tool", "install", "--quiet", "--python", sys.executable, wheel)
    done = run(*uv, cwd=tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    told = run(programs / "ostoo", "--version", cwd=tmp_path, PYTHONPATH="").stdout.splitlines()
    assert told[0] == f"ostoo-build {own_version.number()}"
    assert told[2].startswith(f"installed in {tools}/ostoo-build/")
    (tmp_path / "os").mkdir()
    done = run(programs / "ostoo", "init", cwd=tmp_path / "os", PYTHONPATH="")
    assert done.returncode == 0, done.stderr
    assert "Next ostoo build hello" in done.stderr


def test_another_version_than_the_project_wants_says_how_to_get_that(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "ostoo.toml").write_text('version = "9.1"\n')
    shutil.copy(PROJECT / "SConstruct", tmp_path)
    for verb in (("build",), ("run", "hello-rs"), ("cache", "stats")):
        done = run(installed, *verb, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr == (
            f"error: this project wants ostoo-build 9.1, and this is {own_version.number()}\n"
            f"  --> {tmp_path}/ostoo.toml\n"
            "  help: uv tool install 'ostoo-build==9.1.*', or pip install 'ostoo-build==9.1.*'\n"
        )


@pytest.mark.compiler
def test_what_needs_an_extra_says_how_to_get_that(installed: Path, first: Tree, tmp_path: Path) -> None:
    here = project(first, tmp_path / "project")
    for variable in ("remote_cache", "remote_executor"):
        done = run(installed, "build", "hello-rs", f"cache={first.cache}", f"{variable}=grpc://[::1]:1", cwd=here)
        assert done.returncode == 2
        assert done.stderr.endswith(
            "error: remote_cache= and remote_executor= need the Python package grpc, which is not installed\n"
            "  help: uv tool install 'ostoo-build[remote]', or pip install 'ostoo-build[remote]'\n"
        )


@pytest.mark.compiler
def test_an_installed_build_takes_what_the_one_in_the_repository_has_stored(
    installed: Path, first: Tree, tmp_path: Path
) -> None:
    """Programs, and each action by its own key: equal code and packages have equal keys."""
    here = project(first, tmp_path / "project")
    (here / "inner").mkdir()
    build = (installed, "build", f"cache={first.cache}")
    done = run(*build, "hello-rs", "hello-std", "-n", cwd=here)
    assert done.returncode == 0, done.stderr
    done = run(*build, "hello-rs", "hello-std", cwd=here / "inner")
    restored = {line.strip() for line in done.stderr.splitlines() if "Using" not in line}
    assert restored == {f"Restored {name} from the action cache" for name in ("hello-rs", "hello-std")}
    shutil.rmtree(here / "build")
    done = run(*build, "--all-outputs", "hello-rs", "hello-std", cwd=here)
    assert done.returncode == 0, done.stderr
    did = {line.split()[0] for line in done.stderr.splitlines() if line.startswith(" ")}
    assert did <= {"Using", "Restored", "Finished", "Fetching"}, done.stderr
    for name in ("hello-rs", "hello-std"):
        assert (here / f"build/{TARGET}/release/{name}").read_bytes() == first.program(name).read_bytes()


@pytest.mark.compiler
def test_a_change_of_the_installed_code_is_seen_by_builds_that_have_nothing_to_do(
    wheel: Path, first: Tree, tmp_path: Path
) -> None:
    """Not that anybody should edit it: that is what another version looks like."""
    here, code = project(first, tmp_path / "project"), tmp_path / "site-packages"
    shutil.unpack_archive(wheel, code, "zip")
    start = (sys.executable, "-S", "-P", code / "ostoo_scons/start.py", f"cache={first.cache}", "hello-rs")
    for _ in range(2):
        assert run(*start, cwd=here).returncode == 0
    explained = run(*start, "--debug=explain", cwd=here).stderr
    assert "nothing to do was not certain" not in explained
    with (code / "ostoo_build/base/spelling.py").open("a") as stream:
        stream.write("# an edit\n")
    changed = run(*start, "--debug=explain", cwd=here).stderr
    assert f"nothing to do was not certain: {code}/ostoo_build/base/spelling.py changed" in changed


def test_the_tool_is_found_by_its_name_too(tree: Tree) -> None:
    """A SConstruct may make its environment itself."""
    tree.write(
        "SConstruct",
        'env = Environment(tools=["ostoo"])\nenv.Requested()\nenv.DeclareRequested()\n',
    )
    tree.build("hello-rs")
    assert tree.program("hello-rs").is_file()
