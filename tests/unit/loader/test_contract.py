import json
from pathlib import Path
from typing import Any

import pytest
from elf_files import CONTRACT_FILE

from ostoo_build.base.errors import OstooError
from ostoo_build.loader import contract as loader_contract


def contract_with(folder: Path, pointer: str, value: Any) -> Path:
    document = json.loads(CONTRACT_FILE.read_bytes())
    *parents, last = pointer.strip("/").split("/")
    place = document
    for part in parents:
        place = place[int(part) if isinstance(place, list) else part]
    place[last] = value
    path = folder / "toy.loader.json"
    path.write_text(json.dumps(document))
    return path


def test_ostoos_contract_says_what_its_loader_demands() -> None:
    contract = loader_contract.load(CONTRACT_FILE)
    assert (contract.elf_class, contract.encoding, contract.machine) == ("ELFCLASS64", "ELFDATA2LSB", "EM_X86_64")
    assert (contract.kind, contract.page_size) == ("ET_EXEC", 4096)
    assert (contract.file_limit, contract.memory_limit) == (786432, 67108864)
    assert contract.stack is not None
    assert (contract.stack.size, contract.stack.reason[:10]) == (32768, "the loader")
    assert [(area.name, area.start, area.end) for area in contract.forbidden_addresses] == [
        ("page-zero", 0, 0x1000),
        ("stack-window", 0x7FFF_F000_0000, 0x7FFF_F000_8000),
        ("kernel-half", 0x8000_0000_0000, 1 << 64),
        ("address-limit", 0x10_0000_0000, 1 << 64),
    ]


@pytest.mark.parametrize(
    ("pointer", "value", "message"),
    [
        ("/file_limit", 786432, "786432 is not of type 'string'"),
        ("/memory_limit", "64 MB", "'64 MB' does not match"),
        ("/stack/size", 32768, "32768 is not of type 'string'"),
        ("/stack/reason", "", "'' should be non-empty"),
        ("/page_size", "0 B", "'0 B' does not match"),
        ("/type", "ET_REL", "'ET_REL' is not one of"),
        ("/forbidden_addresses/0/start", "4096", "'4096' does not match"),
        ("/entry_instructions/std", [], "[] should be non-empty"),
        ("/reasons/stripped", "", "'' should be non-empty"),
    ],
)
def test_a_wrong_value_is_told_with_its_json_pointer(tmp_path: Path, pointer: str, value: Any, message: str) -> None:
    path = contract_with(tmp_path, pointer, value)
    with pytest.raises(OstooError) as caught:
        loader_contract.load(path)
    assert caught.value.what.startswith(f"the loader contract violates its schema: {message}")
    assert caught.value.where == f"{path}#{pointer}"


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="'no-sse' was unexpected"):
        loader_contract.load(contract_with(tmp_path, "/reasons/no-sse", "?"))


NEEDED = ("elf-machine", "elf-type", "load-segment", "segment-in-file", "address-overflow", "entry-executable")
DATA = {
    "file-limit": "file_limit",
    "memory-limit": "memory_limit",
    "forbidden-address": "forbidden_addresses",
    "entry-instructions": "entry_instructions",
    "syscall-numbers": "syscalls",
}


@pytest.mark.parametrize("rule", [*NEEDED, *DATA])
def test_some_rules_can_not_be_left_out(tmp_path: Path, rule: str) -> None:
    document = json.loads(CONTRACT_FILE.read_bytes())
    del document["reasons"][rule]
    path = contract_with(tmp_path, "/reasons", document["reasons"])
    with pytest.raises(OstooError, match=f"'{rule}' is a required property"):
        loader_contract.load(path)


@pytest.mark.parametrize("key", DATA.values())
def test_a_rule_needs_what_it_is_about(tmp_path: Path, key: str) -> None:
    document = json.loads(CONTRACT_FILE.read_bytes())
    del document[key]
    path = contract_with(tmp_path, "/reasons", document["reasons"])
    path.write_text(json.dumps(document))
    with pytest.raises(OstooError, match=f"'{key}' is a required property"):
        loader_contract.load(path)


def test_a_contract_may_demand_little(tmp_path: Path) -> None:
    document = json.loads(CONTRACT_FILE.read_bytes())
    reasons = {rule: reason for rule, reason in document["reasons"].items() if rule in NEEDED}
    path = contract_with(tmp_path, "/reasons", reasons)
    little = {key: value for key, value in document.items() if key not in DATA.values()}
    path.write_text(json.dumps({**little, "reasons": reasons}))
    contract = loader_contract.load(path)
    assert set(contract.reasons) == set(NEEDED)
    assert (contract.memory_limit, contract.forbidden_addresses) == (1 << 64, ())


def test_a_system_call_that_is_not_served_may_be_tolerated() -> None:
    calls = loader_contract.load(CONTRACT_FILE).syscalls
    assert [number for number in (60, 102, 200, 515) if calls.allows(number)] == [60, 200, 515]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{\n  kernel", "not valid JSON: Expecting property name enclosed in double quotes"),
        (b"\xff\xfe\xff", "not valid JSON: 'utf-16-le' codec can't decode"),
        ("[" * 100_000, "not valid JSON: "),
    ],
)
def test_what_is_not_json_is_told(tmp_path: Path, text: str | bytes, what: str) -> None:
    path = tmp_path / "toy.loader.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(OstooError) as caught:
        loader_contract.load(path)
    assert caught.value.what.startswith(what)


def test_the_line_of_a_syntax_error_is_told(tmp_path: Path) -> None:
    path = tmp_path / "toy.loader.json"
    path.write_text("{\n  kernel")
    with pytest.raises(OstooError) as caught:
        loader_contract.load(path)
    assert caught.value.where == f"{path}:2"


def test_a_missing_contract_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="can't read it: No such file or directory"):
        loader_contract.load(tmp_path / "toy.loader.json")
