import json
import re
import struct
from pathlib import Path

import pytest
from elf_files import (
    BASE,
    CONTRACT,
    DATA,
    EXIT,
    GOOD,
    HEADER,
    NO_STD,
    PHDR,
    PT_DYNAMIC,
    PT_GNU_STACK,
    PT_INTERP,
    PT_LOAD,
    PT_TLS,
    SHT_PROGBITS,
    SHT_REL,
    SHT_RELA,
    SHT_RELR,
    SHT_SYMTAB,
    START,
    STD,
    TEXT,
    Part,
    R,
    W,
    X,
    no_symbols,
    patched,
    with_data_segment,
    with_part,
    with_section,
    with_text,
)
from msgspec.structs import replace

from ostoo_build.base.errors import OstooError
from ostoo_build.binary.functions import Function, Symbols
from ostoo_build.loader import check as loader_check
from ostoo_build.loader import contract as loader_contract
from ostoo_build.loader.rule import ProgramFacts

GOOD_DATA = GOOD.data()
ELF32 = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1", 2, 3, 1, TEXT, 0, 0, 0, 52, 0, 0, 0, 0, 0)
ELF64_BIG = struct.pack(">16sHHIQQQIHHHHHH", b"\x7fELF\2\2\1", 2, 21, 1, TEXT, 0, 0, 0, 64, 0, 0, 0, 0, 0)
VZEROUPPER = bytes.fromhex("c5f877")
AVX512 = bytes.fromhex("62f17c4828c1")
GETUID = bytes.fromhex("b866000000 0f05")  # mov eax, 102; syscall
CLONE = bytes.fromhex("b838000000 0f05")  # mov eax, 56; syscall
TKILL = bytes.fromhex("b8c8000000 0f05")  # mov eax, 200; syscall
HIDDEN = bytes.fromhex("4889f8 0f05")  # mov rax, rdi; syscall
AVX_THREAD_LOCAL = bytes.fromhex("64c5f82800")

WRONG = [
    ("file-limit", GOOD_DATA.ljust((768 << 10) + 1, b"\0")),
    ("intact-headers", b""),
    ("intact-headers", GOOD_DATA[:200]),
    ("elf-machine", replace(GOOD, machine=183).data()),
    ("elf-machine", ELF32),
    ("elf-machine", ELF64_BIG),
    ("elf-type", replace(GOOD, kind=3).data()),
    ("load-segment", replace(GOOD, parts=(GOOD.parts[2],), headers=None).data()),
    ("segment-in-file", with_data_segment(offset=1 << 20).data()),
    ("segment-in-file", with_data_segment(memory_size=1).data()),
    ("segment-in-file", with_data_segment(file_size=1 << 20, memory_size=1 << 20).data()),
    ("address-overflow", with_data_segment(address=(1 << 64) - 0x1000, memory_size=0x1001).data()),
    ("forbidden-address", with_data_segment(address=0x800).data()),
    ("forbidden-address", with_data_segment(address=0x10_0000_0000 - 0x1000, memory_size=0x1001).data()),
    ("forbidden-address", with_data_segment(address=0x7FFF_F000_4000).data()),
    ("forbidden-address", with_data_segment(address=0x8000_0000_0000).data()),
    ("forbidden-address", with_data_segment(address=(1 << 64) - 0x1000, memory_size=0x1000).data()),
    ("disjoint-pages", with_data_segment(address=TEXT + 0x800).data()),
    ("disjoint-pages", with_data_segment(address=BASE + 0x800).data()),
    ("disjoint-pages", replace(GOOD, headers=Part(PT_LOAD, R, BASE, offset=0, memory_size=0x1001)).data()),
    ("memory-limit", with_data_segment(memory_size=(64 << 20) - 0x1FFF).data()),
    ("headers-in-memory", replace(GOOD, headers=None).data()),
    ("headers-in-memory", replace(GOOD, headers=Part(PT_LOAD, R, BASE, offset=0, file_size=HEADER + PHDR)).data()),
    ("entry-executable", replace(GOOD, entry=0).data()),
    ("entry-executable", replace(GOOD, entry=DATA).data()),
    ("entry-executable", replace(GOOD, entry=TEXT + len(START + EXIT)).data()),
    ("entry-instructions", with_text(EXIT + START).data()),
    ("entry-instructions", with_text(START[:4] + EXIT).data()),
    ("entry-instructions", with_text(START[:-1]).data()),
    ("no-interpreter", with_part(Part(PT_INTERP, R, DATA, b"/lib/ld.so\0")).data()),
    ("no-interpreter", with_section(".interp", SHT_PROGBITS).data()),
    ("no-dynamic", with_part(Part(PT_DYNAMIC, R, DATA)).data()),
    ("no-relocations", with_section(".rela.text", SHT_RELA).data()),
    ("no-relocations", with_section(".rel.data", SHT_REL).data()),
    ("no-relocations", with_section(".relr.dyn", SHT_RELR).data()),
    ("write-xor-execute", with_data_segment(flags=R | W | X).data()),
    ("executable-stack", replace(GOOD, parts=(*GOOD.parts[:2], Part(PT_GNU_STACK, R | W | X, 0))).data()),
    ("no-avx", with_text(START + VZEROUPPER + EXIT).data()),
    ("no-avx", with_text(START + AVX512 + EXIT).data()),
    ("no-avx", with_text(START + AVX_THREAD_LOCAL + EXIT).data()),
    ("syscall-numbers", with_text(START + GETUID).data()),
    ("syscall-numbers", with_text(START + EXIT + GETUID).data()),
    ("no-private-path", with_text(START + EXIT + b"\0/home/me/tree/src/main.rs\0").data()),
    ("no-private-path", with_part(Part(PT_LOAD, R, DATA + 0x1000, b"in /home/me")).data()),
    ("stripped", with_section(".symtab", SHT_SYMTAB).data()),
    ("stripped", with_section(".debug_info", SHT_PROGBITS).data()),
]

HEADERS_ONLY = Part(PT_LOAD, R, BASE + HEADER, offset=HEADER, file_size=(len(GOOD.parts) + 1) * PHDR)
WITHOUT_SECTIONS = patched(patched(GOOD_DATA, 40, "Q", 0), 58, "3H", 64, 0, 0)

GOOD_TOO = {
    "as large as the file may be": GOOD_DATA.ljust(768 << 10, b"\0"),
    "up to the address limit": with_data_segment(address=0x10_0000_0000 - 0x1000, memory_size=0x1000).data(),
    "as much memory as there is": with_data_segment(memory_size=(64 << 20) - 0x2000).data(),
    "an empty segment in a used page": with_part(Part(PT_LOAD, R | W, TEXT + 0x800)).data(),
    "thread-local storage": with_part(Part(PT_TLS, R, DATA, memory_size=8)).data(),
    "from the first address behind page zero": with_data_segment(address=0x1000).data(),
    "program headers that a segment covers alone": replace(GOOD, headers=HEADERS_ONLY).data(),
    "no section headers": WITHOUT_SECTIONS,
    "a segment up to the file's end": WITHOUT_SECTIONS[: HEADER + 4 * PHDR + len(START + EXIT + b"data")],
    "an AVX opcode inside another instruction": with_text(START + b"\xb8" + VZEROUPPER + b"\0" + EXIT).data(),
    "a system call that works for vfork only": with_text(START + CLONE + EXIT).data(),
    "a system call that is tolerated": with_text(START + TKILL + EXIT).data(),
    "a system call whose number is not in the code": with_text(START + HIDDEN + EXIT).data(),
    "a path that ends like a folder of ours": with_part(Part(PT_LOAD, R, DATA + 0x1000, b"/mnt/home/me/x")).data(),
    "a path that begins like a folder of ours": with_part(Part(PT_LOAD, R, DATA + 0x1000, b"/home/mean/x")).data(),
    "an AVX instruction among the data": with_part(Part(PT_LOAD, R, DATA + 0x1000, VZEROUPPER)).data(),
}


def refusal(path: Path, data: bytes, program: ProgramFacts = STD) -> str:
    path.write_bytes(data)
    with pytest.raises(OstooError) as caught:
        loader_check.verify(path, CONTRACT, program, no_symbols)
    assert caught.value.where == str(path)
    return caught.value.what


def rules_in(refusal: str) -> list[str]:
    return re.findall(r"^([a-z0-9-]+), ", refusal, re.MULTILINE)


@pytest.mark.parametrize("program", [STD, NO_STD])
def test_a_good_program_passes(tmp_path: Path, program: ProgramFacts) -> None:
    path = tmp_path / "example"
    path.write_bytes(GOOD_DATA)
    report = loader_check.verify(path, CONTRACT, program, no_symbols)
    assert set(report.rules) == {*CONTRACT.reasons, "file-limit", "intact-headers"}
    assert report.memory_size == 3 * 4096
    assert (report.syscalls, report.hidden_syscalls) == ((60,), ())


def test_calls_with_hidden_numbers_are_reported_as_such(tmp_path: Path) -> None:
    path = tmp_path / "example"
    path.write_bytes(with_text(START + HIDDEN + EXIT).data())
    report = loader_check.verify(path, CONTRACT, STD, no_symbols)
    assert (report.syscalls, report.hidden_syscalls) == ((60,), (f"{TEXT + len(START) + 3:#x}",))


@pytest.mark.parametrize("data", GOOD_TOO.values(), ids=GOOD_TOO)
def test_what_only_looks_wrong_passes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "example"
    path.write_bytes(data)
    assert loader_check.verify(path, CONTRACT, STD, no_symbols).file_size == len(data)


@pytest.mark.parametrize(("rule", "data"), WRONG, ids=[f"{n}-{rule}" for n, (rule, _) in enumerate(WRONG)])
def test_each_wrong_program_breaks_exactly_its_rule(tmp_path: Path, rule: str, data: bytes) -> None:
    assert rules_in(refusal(tmp_path / "example", data)) == [rule]


def test_a_program_of_another_runtime_may_begin_otherwise(tmp_path: Path) -> None:
    """What our runtime does with the kernel's stack is no demand of the kernel's."""
    path = tmp_path / "example"
    path.write_bytes(with_text(EXIT).data())
    others = replace(STD, packages=frozenset({"crt0"}))
    assert loader_check.verify(path, CONTRACT, others, no_symbols).file_size
    everybodys = replace(CONTRACT, entry_instructions=replace(CONTRACT.entry_instructions, runtime=""))
    with pytest.raises(OstooError, match="entry-instructions"):
        loader_check.verify(path, everybodys, others, no_symbols)


def test_thread_local_storage_is_wrong_without_std(tmp_path: Path) -> None:
    data = with_part(Part(PT_TLS, R, DATA, memory_size=8)).data()
    assert rules_in(refusal(tmp_path / "example", data, NO_STD)) == ["no-tls"]


def test_unloaded_headers_are_right_without_std(tmp_path: Path) -> None:
    path = tmp_path / "example"
    path.write_bytes(replace(GOOD, headers=None).data())
    assert loader_check.verify(path, CONTRACT, NO_STD, no_symbols).program == "example"


def test_a_size_budget_is_kept_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "example"
    exact = replace(STD, size_budget=len(GOOD_DATA))
    path.write_bytes(GOOD_DATA)
    assert loader_check.verify(path, CONTRACT, exact, no_symbols).size_budget == len(GOOD_DATA)
    assert rules_in(refusal(path, GOOD_DATA + b"\0", exact)) == ["size-budget"]


def test_a_program_over_its_budget_is_told_with_its_largest_crates(tmp_path: Path) -> None:
    path = tmp_path / "example"
    path.write_bytes(GOOD_DATA)
    names = ("_RNvC3abc3run", "_RNvC3abc4walk", "_RNvC5other3run", "memcpy")
    functions = [Function(at, 10 * at, name) for at, name in enumerate(names, 1)]
    found = Symbols((*functions, Function(3, 30, "another name of other::run")))
    with pytest.raises(OstooError, match=r"its budget is 1; most code is from abc \(30\), other \(30\)\n") as caught:
        loader_check.verify(path, CONTRACT, replace(STD, size_budget=1), lambda: found)
    assert "see ./ostoo size" in str(caught.value)


def test_every_rule_has_a_program_that_breaks_it() -> None:
    elsewhere = {"no-tls", "size-budget", "no-float-registers"}
    assert {rule for rule, _ in WRONG} | elsewhere == {"file-limit", "intact-headers", *loader_check.RULES}


def test_the_schema_knows_every_rule() -> None:
    schema = json.loads(loader_contract.SCHEMA.read_bytes())
    assert {"file-limit", "intact-headers", *loader_check.RULES} == set(schema["properties"]["reasons"]["properties"])


@pytest.mark.parametrize("code", ["0f28c1", "d9e8", "0f6fc1"])
def test_a_kernel_may_have_no_float_register(tmp_path: Path, code: str) -> None:
    path = tmp_path / "example"
    path.write_bytes(with_text(START + bytes.fromhex(code) + EXIT).data())
    kernels = replace(CONTRACT, reasons={**CONTRACT.reasons, "no-float-registers": "interrupts do not save them"})
    assert loader_check.verify(path, CONTRACT, STD, no_symbols).program == "example"
    with pytest.raises(OstooError, match="no-float-registers, address 0x201009: "):
        loader_check.verify(path, kernels, STD, no_symbols)


def test_a_rule_without_a_reason_is_not_applied(tmp_path: Path) -> None:
    path = tmp_path / "example"
    path.write_bytes(with_text(START + VZEROUPPER + EXIT).data())
    fewer = {rule: reason for rule, reason in CONTRACT.reasons.items() if rule != "no-avx"}
    report = loader_check.verify(path, replace(CONTRACT, reasons=fewer), STD, no_symbols)
    assert "no-avx" not in report.rules


def test_a_violation_names_its_function(tmp_path: Path) -> None:
    path = tmp_path / "example"
    path.write_bytes(with_text(START + VZEROUPPER + EXIT).data())
    functions = (Function(TEXT, len(START), "_start"), Function(TEXT + len(START), 10, "exit"))
    with pytest.raises(OstooError, match=r"no-avx, address 0x201009 \(exit\+0x0\): vzeroupper"):
        loader_check.verify(path, CONTRACT, STD, lambda: Symbols(functions))


def test_symbols_are_not_asked_for_without_need(tmp_path: Path) -> None:
    path = tmp_path / "example"
    path.write_bytes(GOOD_DATA)

    def never() -> Symbols:
        raise AssertionError

    assert loader_check.verify(path, CONTRACT, STD, never).entry == "0x201000"
    path.write_bytes(with_section(".symtab", SHT_SYMTAB).data())
    with pytest.raises(OstooError, match="stripped, offset"):
        loader_check.verify(path, CONTRACT, STD, never)


def test_a_refusal_lists_all_violations_with_place_reason_and_remedy(tmp_path: Path) -> None:
    wrong = replace(with_text(START + VZEROUPPER + EXIT), kind=3)
    assert refusal(tmp_path / "example", wrong.data()) == (
        "example does not fit the loader of ostoo:\n"
        "elf-type, the file: it is ET_DYN, not ET_EXEC\n"
        "  reason: the loader maps a program where it was linked to; it can't move one (ENOEXEC)\n"
        '  change: set "position-independent-executables": false and "relocation-model": "static" in the target JSON, '
        "and pass the linker neither -pie nor -shared\n"
        "no-avx, address 0x201009: vzeroupper\n"
        "  reason: the target's baseline is SSE2\n"
        "  change: pass no target-cpu or target-feature beyond x86-64; switch off the feature by which a crate "
        "chooses AVX code at run time"
    )


def test_of_one_rule_the_first_four_findings_are_told(tmp_path: Path) -> None:
    told = refusal(tmp_path / "example", with_text(START + VZEROUPPER * 100).data())
    assert rules_in(told) == ["no-avx"] * 4


def test_avx_is_found_wherever_it_stands(tmp_path: Path) -> None:
    nops = 25_000
    code = Part(PT_LOAD, R | X, TEXT, START + b"\x90" * nops + VZEROUPPER)
    told = refusal(tmp_path / "example", replace(GOOD, parts=(code,)).data())
    assert f"address {TEXT + len(START) + nops:#x}: vzeroupper" in told


def test_avx_in_code_that_two_segments_show_is_told_once(tmp_path: Path) -> None:
    code = START + VZEROUPPER + EXIT
    first = Part(PT_LOAD, R | X, TEXT, code, offset=HEADER + 3 * PHDR)
    again = replace(first, address=DATA, contents=b"", file_size=len(code), memory_size=len(code))
    told = refusal(tmp_path / "example", replace(GOOD, parts=(first, again)).data())
    assert re.findall("address .*", told) == [f"address {TEXT + len(START):#x}: vzeroupper"]


def test_a_forbidden_range_is_named_with_its_own_reason(tmp_path: Path) -> None:
    told = refusal(tmp_path / "example", with_data_segment(address=0x7FFF_F000_4000).data())
    assert "reaches into stack-window: the loader maps the stack there" in told


def test_a_report_is_json_without_a_path(tmp_path: Path) -> None:
    texts = []
    for folder in ("a", "b"):
        path = tmp_path / folder / "example"
        path.parent.mkdir()
        path.write_bytes(GOOD_DATA)
        texts.append(loader_check.verify(path, CONTRACT, STD, no_symbols).to_json())
    assert texts[0] == texts[1]
    assert "/" not in texts[0]
    assert json.loads(texts[0])["entry"] == "0x201000"


def test_a_missing_program_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="can't read the program: No such file or directory"):
        loader_check.verify(tmp_path / "example", CONTRACT, STD, no_symbols)


def test_what_is_no_regular_file_is_not_read() -> None:
    with pytest.raises(OstooError, match="not a regular file"):
        loader_check.verify(Path("/dev/zero"), CONTRACT, STD, no_symbols)


def test_a_check_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "example"
    refusal(path, with_section(".symtab", SHT_SYMTAB).data())
    assert [each.name for each in tmp_path.iterdir()] == ["example"]
    assert path.read_bytes() == with_section(".symtab", SHT_SYMTAB).data()
