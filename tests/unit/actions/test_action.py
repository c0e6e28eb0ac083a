from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ostoo_build import actions
from ostoo_build.actions.action import Action, place
from ostoo_build.base import digest, process
from ostoo_build.base.input import Input
from ostoo_build.base.state_file import FORMAT
from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.reapi.layout import PLACES

LAUNCHER = Path(actions.__file__).with_name("launcher.sh")
Launch = Callable[["Path", Action], tuple[str, list[str], str, dict[str, str]]]

TOOLS = Input(".ostoo/toolchain", "2" * 64, 10, is_folder=True)
INPUTS = (Input("a.rs", "0" * 64, 1), Input("b.rs", "1" * 64, 1))
ACTION = Action("Rustc", ("@{rustc}", "a.rs"), (("A", "1"), ("B", "2")), INPUTS, ("out/a", "out/b"), TOOLS)
OWN = Action("ElfCheck", ("hello",), (), INPUTS, ("report",), version="4" * 64)

CHANGES: dict[str, list[Any]] = {
    "arguments": [("@{rustc}",), ("a.rs", "@{rustc}"), ("@{rustc} a.rs",)],
    "environment": [(("A", "1"),), (("A", "2"), ("B", "2")), (("A", "1"), ("C", "2"))],
    "inputs": [
        INPUTS[:1],
        (INPUTS[0]._replace(sha256="3" * 64), INPUTS[1]),
        (INPUTS[0]._replace(path="c.rs"), INPUTS[1]),
        (INPUTS[0]._replace(size=2), INPUTS[1]),
        (INPUTS[0]._replace(executable=True), INPUTS[1]),
    ],
    "outputs": [("out/a",), ("out/a", "out/c")],
    "tools": [TOOLS._replace(sha256="3" * 64), None],
    "directory": ["user-rs/rt"],
    "salt": [(("A", "1"),), (("host", "one"),), (("host", "two"),), (("host", "one"), ("b", ""))],
}
CASES = [(ACTION, field, value) for field, values in CHANGES.items() for value in values]


def test_every_field_has_its_changes() -> None:
    assert set(Action.__struct_fields__) == {*CHANGES, "mnemonic", "version"}


@pytest.mark.parametrize(
    ("action", "field", "value"), [*CASES, (OWN, "mnemonic", "SysrootCheck"), (OWN, "version", "5" * 64)]
)
def test_each_field_changes_key_and_fingerprint(action: Action, field: str, value: Any) -> None:
    changed = replace(action, **{field: value})
    assert changed.key != action.key
    assert changed.fingerprint != action.fingerprint


def test_a_variable_with_two_values_is_none() -> None:
    """The key would have one of them only."""
    with pytest.raises(ValueError, match="B has two values"):
        replace(ACTION, environment=(("A", "1"), ("B", "2"), ("B", "3")))
    with pytest.raises(ValueError, match="C has two values"):
        replace(ACTION, salt=(("C", "1"), ("C", "1")))


@pytest.mark.parametrize("field", ["environment", "inputs", "outputs", "salt"])
def test_what_has_no_order_does_not_change_the_key_by_it(field: str) -> None:
    action = replace(ACTION, salt=(("a", "1"), ("b", "2")))
    assert replace(action, **{field: getattr(action, field)[::-1]}).key == action.key


def below(action: Action, *names: str) -> api.Directory:
    """A folder of the action's input tree."""
    tree = action.encoded.inputs
    found = api.Directory.FromString(tree.directories[tree.root.sha256])
    for name in names:
        (node,) = (each for each in found.directories if each.name == name)
        found = api.Directory.FromString(tree.directories[node.digest.hash])
    return found


def test_an_action_is_what_the_api_says() -> None:
    encoded = ACTION.encoded
    message = api.Action.FromString(encoded.action)
    assert (encoded.sha256, encoded.size) == (digest.of_bytes(encoded.action), len(encoded.action))
    command = api.Command.FromString(encoded.blobs[message.command_digest.hash])
    checkout = below(ACTION, "checkout")
    assert command.working_directory == "checkout"
    assert list(command.output_paths) == ["out/a", "out/b"]
    assert command.arguments[-2:] == ["@{root}/.ostoo/toolchain/bin/rustc", "a.rs"]
    assert [file.name for file in checkout.files] == ["a.rs", "b.rs"]
    assert [folder.name for folder in checkout.directories] == [".ostoo"]
    assert [(entry.name, entry.value) for entry in message.platform.properties] == [("toolchain", TOOLS.sha256)]


def test_what_this_build_does_itself_names_itself() -> None:
    message = api.Action.FromString(OWN.encoded.action)
    command = api.Command.FromString(OWN.encoded.blobs[message.command_digest.hash])
    assert list(command.arguments) == ["ostoo-build", "ElfCheck", "hello"]
    assert [(entry.name, entry.value) for entry in message.platform.properties] == [("ostoo-build", "4" * 64)]


@pytest.mark.parametrize(
    ("path", "placed"),
    [
        ("user-rs/rt/src/lib.rs", "user-rs/rt/src/lib.rs"),
        (".", "."),
        ("@{toolchain}/lib/a.so", ".ostoo/toolchain/lib/a.so"),
        ("@{rust-src}/core/src/lib.rs", ".ostoo/toolchain/lib/rustlib/src/rust/library/core/src/lib.rs"),
        ("@{rustc}", ".ostoo/toolchain/bin/rustc"),
        ("@{cargo}", ".ostoo/toolchain/bin/cargo"),
        ("@{lld}", ".ostoo/toolchain/lib/rustlib/lld/bin/rust-lld"),
        ("@{cargo-home}/registry/src/a-1.0", ".ostoo/cargo-home/registry/src/a-1.0"),
    ],
)
def test_a_path_has_one_place_in_an_input_tree(path: str, placed: str) -> None:
    assert place(path) == placed


def test_inputs_lie_in_the_tree_where_the_command_looks_for_them() -> None:
    inputs = (Input("@{cargo-home}/a/lib.rs", "3" * 64, 1), Input("@{cargo-home}/b", "4" * 64, 2, is_folder=True))
    action = replace(ACTION, inputs=inputs)
    tree = action.encoded.inputs
    own = below(action, "checkout", ".ostoo")
    known = {node.name: node.digest for node in own.directories}
    assert (known["toolchain"].hash, known["toolchain"].size_bytes) == (TOOLS.sha256, TOOLS.size)
    home = api.Directory.FromString(tree.directories[known["cargo-home"].hash])
    assert [(node.name, node.digest.hash, node.digest.size_bytes) for node in home.directories][1] == ("b", "4" * 64, 2)


@pytest.mark.parametrize("name", PLACES)
def test_what_lies_outside_of_the_checkout_has_its_place(name: str) -> None:
    assert place(f"@{{{name}}}/x").startswith(".ostoo/")
    assert place("user-rs/@{x}") == "user-rs/@{x}"


PRINT = "import os, sys; print(repr((sys.argv[1:], os.getcwd(), dict(os.environ))))"


SHELLS = {"bash": ("bash", "--posix"), "dash": ("dash",)}
"""What `/bin/sh` is on workers; every Debian has both."""


@pytest.fixture(params=SHELLS)
def launch(request: pytest.FixtureRequest) -> Launch:
    """Runs an action as a worker with that shell does."""
    return partial(launch_by, SHELLS[request.param])


def launch_by(shell: tuple[str, ...], folder: Path, action: Action) -> tuple[str, list[str], str, dict[str, str]]:
    """Run an action as a worker does; the first line, and the program's arguments, folder and environment."""
    folder.mkdir(parents=True)
    (folder / "user-rs").mkdir()
    command = api.Command.FromString(action.encoded.command)
    environment = {variable.name: variable.value for variable in command.environment_variables}
    assert command.arguments[:2] == ["/bin/sh", "-c"]
    start = [shutil.which(shell[0]) or "", *shell[1:]]
    done = process.run([*start, *command.arguments[1:]], cwd=folder, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    first, _, rest = done.stdout.decode().partition("\n")
    return first, *eval(rest)  # noqa: S307 - it was printed three lines above


HARD = [
    *("", " ", "a b", "'", '"', "$HOME", "`ls`", "\\", "a\nb", "a\n", "\n", "\t", "*", "?", "[a]", "~", "#", ";", "&"),
    *("--", "=", "%s", "-n", "é", "@{at}{root}", "@", "@{", "{root}"),
]
MIXED = ["@{root}", "x@{root}/y:@{root}", "@{at}{root}@{root}@{at}@", "@{root}\n", "-L@{root}/a b"]


def test_a_launched_program_gets_its_arguments_as_they_are(tmp_path: Path, launch: Launch) -> None:
    folder = tmp_path / "a 'folder' $x"
    arguments = (sys.executable, "-c", PRINT, *HARD, *MIXED, "@{toolchain}/lib")
    root, got, where, _ = launch(folder, replace(ACTION, arguments=arguments))
    assert root == where == str(folder)
    plain = [text.replace("@{at}{root}", "@{root}") for text in HARD]
    mixed = [root, f"x{root}/y:{root}", f"@{{root}}{root}@@", f"{root}\n", f"-L{root}/a b"]
    assert got == [*plain, *mixed, f"{root}/.ostoo/toolchain/lib"]


def test_a_launched_program_gets_its_variables_as_they_are(tmp_path: Path, launch: Launch) -> None:
    texts = {f"V{number}": text for number, text in enumerate([*HARD, *MIXED, "@{root}/x @{root}", "@{at}{at}"])}
    action = replace(ACTION, arguments=(sys.executable, "-c", PRINT), environment=tuple(texts.items()))
    root, _, _, environment = launch(tmp_path / "a b", action)
    expected = {name: text.replace("@{root}", root).replace("@{at}", "@") for name, text in texts.items()}
    expected |= {name: "@{root}" for name, text in texts.items() if text == "@{at}{root}"}
    assert {name: environment[name] for name in texts} == expected


def test_what_only_distinguishes_actions_is_in_their_digest_and_in_no_command() -> None:
    salted = replace(ACTION, salt=(("host", "known"),))
    message = api.Action.FromString(salted.encoded.action)
    assert message.salt == b'{"format":"%d","host":"known"}' % FORMAT
    assert api.Action.FromString(ACTION.encoded.action).salt == b'{"format":"%d"}' % FORMAT
    assert salted.encoded.command == ACTION.encoded.command


def test_a_launched_program_sees_no_variable_of_ours(tmp_path: Path, launch: Launch) -> None:
    action = replace(ACTION, arguments=(sys.executable, "-c", PRINT), environment=(("A", "@{root}"),))
    *_, environment = launch(tmp_path / "a b", action)
    by_shells = {"_", "OLDPWD", "PWD", "SHLVL", "LC_CTYPE"}
    assert set(environment) - by_shells == {"A", "PATH", "LD_LIBRARY_PATH"}


def test_a_launched_program_runs_in_its_folder_and_finds_the_toolchains_libraries(
    tmp_path: Path, launch: Launch
) -> None:
    action = replace(ACTION, arguments=(sys.executable, "-c", PRINT), directory="user-rs")
    root, _, where, environment = launch(tmp_path / "w", action)
    assert where == f"{root}/user-rs"
    assert environment["LD_LIBRARY_PATH"].split(os.pathsep)[0] == f"{root}/.ostoo/toolchain/lib"


OF_THE_LAUNCHER = sorted(set(re.findall(r"\bostoo_\w+", LAUNCHER.read_text())))


@pytest.mark.parametrize("name", [*OF_THE_LAUNCHER, "ostoo_", "root", "a-b", "a.b", "OSTOO_EXPAND"])
@pytest.mark.parametrize("value", ["mine", "@{root}/x"])
def test_a_variable_may_have_any_name(name: str, value: str, tmp_path: Path, launch: Launch) -> None:
    action = replace(ACTION, arguments=(sys.executable, "-c", PRINT), environment=((name, value),))
    root, _, _, environment = launch(tmp_path / "w", action)
    assert environment[name] == value.replace("@{root}", root)


def test_a_root_may_look_like_a_placeholder(tmp_path: Path, launch: Launch) -> None:
    action = replace(ACTION, arguments=(sys.executable, "-c", PRINT, "@{root}/x"))
    root, got, _, _ = launch(tmp_path / "a@{at}b@{root}", action)
    assert got == [f"{root}/x"]


def test_the_launcher_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ACTION.key
    monkeypatch.setattr("ostoo_build.actions.action._launcher", lambda: "exec true")
    assert replace(ACTION).key != before


@pytest.mark.parametrize(
    ("made", "is_possible"),
    [
        (("build/a.rlib", "build/a.d"), True),
        (("build/a.rlib",), True),
        (("build/a.d",), False),
        ((), False),
        (("build/a.rlib", "build/other"), False),
        (("build/a.rlib", "build/out/x", "build/out/y/z"), True),
        (("build/a.rlib", "build/outer"), False),
        (("build/out/x",), False),
    ],
)
def test_a_result_is_what_an_action_names_and_nothing_else(made: tuple[str, ...], *, is_possible: bool) -> None:
    """A folder may hold anything; what only proves what was read is no part of a result."""
    action = replace(ACTION, outputs=("build/a.rlib", "build/a.d", "build/out/"))
    assert action.may_make(made) is is_possible


def test_an_action_that_leaves_a_folder_may_leave_nothing() -> None:
    action = replace(ACTION, outputs=("build/out/",))
    assert action.may_make(())
    assert not action.may_make(("build/other",))


def test_an_action_carries_all_its_messages_with_their_sizes() -> None:
    encoded = ACTION.encoded
    message = api.Action.FromString(encoded.action)
    assert encoded.blobs[encoded.sha256] == encoded.action
    for part in (message.command_digest, message.input_root_digest):
        content = encoded.blobs[part.hash]
        assert (part.size_bytes, part.hash) == (len(content), digest.of_bytes(content))
    assert encoded.blobs.keys() - encoded.own_blobs.keys() == encoded.inputs.directories.keys()
    assert encoded.own_blobs.keys() == {encoded.sha256, message.command_digest.hash}


def test_a_command_has_its_variables_in_order_and_names_those_that_are_expanded() -> None:
    given = (("Z", "@{root}/z"), ("B", "1"), ("A", "@{cargo}"), ("odd.name", "@{root}"))
    command = api.Command.FromString(replace(ACTION, environment=given).encoded.command)
    found = [(variable.name, variable.value) for variable in command.environment_variables]
    cargo = "@{root}/.ostoo/toolchain/bin/cargo"
    path = "/usr/local/bin:/usr/bin:/bin"
    assert found == [("A", cargo), ("B", "1"), ("PATH", path), ("Z", "@{root}/z")]
    assert command.arguments[3:7] == ["launcher", "A Z", ".", "."]
    assert [word for word in command.arguments if word.startswith("odd.name=")] == ["odd.name=@{root}"]
    assert list(command.output_paths) == ["out/a", "out/b"]
