from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.start import needed_tools

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEBIAN = ("apt-get", "dpkg-deb", "dpkg-query")
NAMES = tuple(tool.name for tool in needed_tools.TOOLS)
WITHOUT_ROOT = (
    *("bwrap", "buildah", "podman", "gdb-multiarch", "strace", "openssl", "ar", "addr2line"),
    *("chromium-headless-shell", "zsh", "fish", "mandoc"),
)


def machine(folder: Path, *names: str, **lines: str) -> dict[str, str]:
    """An environment with programs that do nothing, or what a line of shell says, and nothing else."""
    for name in ("unshare", *names):
        fake.script(folder / "bin" / name, lines.get(name, "exit 0"))
    return {"PATH": str(folder / "bin")}


def refusal(environ: dict[str, str]) -> OstooError:
    with pytest.raises(OstooError) as caught:
        needed_tools.require(environ)
    return caught.value


def test_a_machine_with_all_tools_is_asked_for_nothing(tmp_path: Path) -> None:
    assert needed_tools.require(machine(tmp_path, *DEBIAN, *NAMES)) == ()


def test_what_can_be_unpacked_without_root_is_to_be_fetched(tmp_path: Path) -> None:
    absent = needed_tools.require(machine(tmp_path, *DEBIAN, "git", "cc"))
    assert {tool.name for tool in absent} == set(WITHOUT_ROOT)


def test_all_that_is_missing_is_told_at_once_with_one_command(tmp_path: Path) -> None:
    said = refusal(machine(tmp_path, "openssl", "strace"))
    assert str(said) == (
        "error: this machine lacks tools that the tests need\n"
        "  - git, for copies of this checkout: is not on PATH\n"
        "  - cc, for programs in C, linked statically: is not on PATH\n"
        "  - ar, for another libc.a: is not on PATH\n"
        "  - addr2line, for lines of debug information: is not on PATH\n"
        "  - gdb-multiarch, for ./ostoo gdb: is not on PATH\n"
        "  - chromium-headless-shell, for pages of HTML: is not on PATH\n"
        "  - zsh, for its completion: is not on PATH\n"
        "  - fish, for its completion: is not on PATH\n"
        "  - mandoc, for the manual page: is not on PATH\n"
        "  - bwrap, for sandbox=on, remote execution: is not on PATH\n"
        "  - buildah, for images of containers: is not on PATH\n"
        "  - podman, for images of containers: is not on PATH\n"
        "  - apt-get and dpkg, for Debian's kernels, which programs are booted on: are not on PATH\n"
        "  help: as root: apt-get install git gcc libc6-dev binutils gdb-multiarch chromium-headless-shell"
        " zsh fish mandoc bubblewrap buildah podman"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_tool_that_is_there_and_does_not_work_is_told_in_its_own_words(name: str, tmp_path: Path) -> None:
    said = refusal(machine(tmp_path, *DEBIAN, *NAMES, **{name: "echo one >&2; echo two >&2; exit 3"}))
    assert [line for line in said.what.splitlines() if line.startswith("- ")] == [
        f"- {name}, for {next(tool.serves for tool in needed_tools.TOOLS if tool.name == name)}: does not work: two"
    ]


def test_a_kernel_without_user_namespaces_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said = refusal(machine(tmp_path, *DEBIAN, *NAMES, unshare="exit 1", bwrap="exit 1"))
    assert said.what.count("\n") == 1
    assert "\n- user namespaces, for sandbox=on, remote execution and containers: the kernel refuses them" in said.what
    assert "in a chroot they never are, so be root there" in said.remedy


def test_a_tool_that_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needed_tools, "_PATIENCE", 0.2)
    assert "openssl timed out" in refusal(machine(tmp_path, *DEBIAN, *NAMES, openssl="exec /bin/sleep 60")).what


EVERYWHERE = {"sh", "env", "tar", "unshare", "as", "gzip", "no-such-program"}
"""Of every Debian, or of the packages of `cc`, or of none, as a test says."""


def started(source: Path) -> Iterator[str]:
    """The names of programs in a module that calls of `subprocess` begin with, there or by a list that is put there."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    named = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func).startswith(("subprocess.", "process.")):
            yield from first_word(node.args[0], named)


def first_word(command: ast.expr, named: Mapping[str, ast.expr]) -> Iterator[str]:
    if isinstance(command, ast.Starred):
        command = command.value
    if isinstance(command, ast.Name) and command.id in named:
        command = named[command.id]
    if isinstance(command, ast.List | ast.Tuple) and command.elts:
        yield from first_word(command.elts[0], named)
    elif isinstance(command, ast.Constant) and isinstance(command.value, str) and "/" not in command.value:
        yield command.value


def test_tests_start_no_program_that_a_machine_may_lack() -> None:
    found = {word for path in Path(__file__).parents[2].rglob("*.py") for word in started(path)}
    assert {"git", "strace", "cc", "openssl"} <= found
    known = {*EVERYWHERE, *(tool.name for tool in needed_tools.TOOLS)}
    assert found - known == set()
