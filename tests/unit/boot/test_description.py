import json
import re
from pathlib import Path
from typing import Any

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.boot import description as boot_description
from ostoo_build.boot.description import KeyInput, LogPattern

FILES = {
    "linux": boot_description.OWN / "linux.boot.json",
    "ostoo": Path(__file__).parents[3] / "targets/ostoo.boot.json",
}


def changed(folder: Path, name: str, change: dict[str, Any]) -> Path:
    """A copy of one of the project's descriptions with other values; None takes one away."""
    document = json.loads(FILES[name].read_bytes()) | change
    path = folder / "toy.boot.json"
    path.write_text(json.dumps({key: value for key, value in document.items() if value is not None}))
    return path


def test_linux_starts_programs_itself() -> None:
    linux = boot_description.load(FILES["linux"])
    assert (linux.kernel, linux.machine, linux.package) == ("Linux", "EM_X86_64", "linux-image-cloud-amd64")
    assert linux.init[0] == "#!/bin/busybox sh"
    assert (linux.keys, linux.screen, linux.output, linux.exit_log) == ((), None, "programs", "programs")


def test_ostoo_is_typed_to() -> None:
    ostoo = boot_description.load(FILES["ostoo"])
    assert (ostoo.kernel, ostoo.package, ostoo.init) == ("ostoo", "", ())
    assert ostoo.keys == (
        KeyInput(r"ostoo(:\S+)?>$", "/host/@{program}\n"),
        KeyInput(r"kernel:\S*#$", "exec /host/@{program}\n"),
    )
    assert (ostoo.screen, ostoo.output, ostoo.exit_log) == ((2, 25), "screen", "console")
    assert ostoo.notes == (LogPattern("unhandled syscall", "console", "unhandled syscall.*"),)


@pytest.mark.parametrize(
    ("name", "change", "pointer", "message"),
    [
        ("linux", {"time_limit": 0}, "/time_limit", "0 is less than the minimum of 1"),
        ("linux", {"output": "screen"}, "", "'screen' is a required property"),
        ("linux", {"exit_lines": "x"}, "", "('exit_lines' was unexpected)"),
        ("linux", {"delivery": {}}, "/delivery", "{} should be non-empty"),
        ("ostoo", {"keys": None}, "", "'keys' is a required property"),
        ("ostoo", {"screen": None}, "", "'screen' is a "),
        ("ostoo", {"keys": {"prompt": ">", "text": "run\n"}}, "/keys/text", "'run\\n' does not match"),
        ("ostoo", {"machine": "EM_68K"}, "/machine", "'EM_68K' is not one of"),
    ],
)
def test_a_description_that_breaks_the_schema_is_told(
    tmp_path: Path, name: str, change: dict[str, Any], pointer: str, message: str
) -> None:
    path = changed(tmp_path, name, change)
    with pytest.raises(OstooError) as caught:
        boot_description.load(path)
    assert caught.value.what.startswith("the boot description violates its schema: ")
    assert message in caught.value.what
    assert caught.value.where == f"{path}#{pointer}"


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        ({"exit_line": {"log": "console", "pattern": "("}}, "/exit_line/pattern", "invalid regular expression: "),
        ({"exit_line": {"log": "console", "pattern": "x"}}, "/exit_line/pattern", "the pattern has no group code"),
        ({"keys": {"prompt": "[", "text": "@{program}"}}, "/keys/prompt", "invalid regular expression: "),
        (
            {"deaths": [{"name": "x", "on": "console", "pattern": "*"}]},
            "/deaths/0/pattern",
            "invalid regular expression: ",
        ),
        ({"notes": [{"name": "x", "pattern": "*"}]}, "/notes/0/pattern", "invalid regular expression: "),
    ],
)
def test_a_pattern_that_is_none_is_told_with_its_place(
    tmp_path: Path, change: dict[str, Any], pointer: str, message: str
) -> None:
    path = changed(tmp_path, "ostoo", change)
    with pytest.raises(OstooError) as caught:
        boot_description.load(path)
    assert caught.value.what.startswith(message)
    assert caught.value.where == f"{path}#{pointer}"


@pytest.mark.parametrize("line", ["[ostoo N] status 0\n", "[ostoo N] Command exited with non-zero status 139\n"])
def test_linux_exit_line_tells_a_code_by_its_nonce(line: str) -> None:

    pattern = boot_description.load(FILES["linux"]).exit_pattern.replace(boot_description.NONCE, "N")
    match = re.search(pattern, line)
    assert match
    assert match["code"] == line.rsplit(maxsplit=1)[-1]
    assert not re.search(pattern, line.replace("N]", "M]"))
