import re

import capstone  # type: ignore[import-untyped]
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ostoo_build.binary import disassembly
from ostoo_build.binary.disassembly import Instruction, Listing

NOP = b"\x90"
X86 = "EM_X86_64"


def avx(code: bytes) -> list[Instruction]:
    found = (each for listing in disassembly.listings(code, X86) for each in listing.avx())
    return [Instruction(each.offset, disassembly.text(each)) for each in found]


def listing_of(code: bytes, machine: str) -> Listing:
    (listing,) = disassembly.listings(code, machine)
    return listing


@pytest.mark.parametrize("start", ["488b3c24 488d742408", "488b3c2400000000"[:8] + "488db42408000000"])
def test_instructions_are_compared_by_meaning_not_by_encoding(start: str) -> None:
    texts = [each.text for each in disassembly.first(bytes.fromhex(start) + NOP, 2, X86)]
    assert texts == ["mov rdi, qword ptr [rsp]", "lea rsi, [rsp + 8]"]


def test_code_that_ends_gives_fewer_instructions() -> None:
    assert disassembly.first(NOP, 2, X86) == (Instruction(0, "nop"),)
    assert disassembly.first(b"", 2, X86) == ()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("c5f877", "vzeroupper"),
        ("c4e27d18c0", "vbroadcastss ymm0, xmm0"),
        ("62f17c4828c1", "vmovaps zmm0, zmm1"),
        ("c4e2f9b8c2", "vfmadd231pd xmm0, xmm0, xmm2"),
        ("64c5f82800", "vmovaps xmm0, xmmword ptr fs:[rax]"),
        ("67c5f82800", "vmovaps xmm0, xmmword ptr [eax]"),
    ],
)
def test_vector_encodings_are_found(code: str, text: str) -> None:
    assert avx(NOP + bytes.fromhex(code) + NOP) == [Instruction(1, text)]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("0f28c1", id="SSE"),
        pytest.param("660f6fc1", id="SSE2"),
        pytest.param("f30fbcc0", id="rep bsf, as LLVM writes it"),
        pytest.param("b8c5f87700", id="an immediate"),
        pytest.param("648b00", id="a thread-local load"),
        pytest.param("c5", id="cut off"),
        pytest.param("2e", id="only a prefix"),
    ],
)
def test_the_baseline_passes(code: str) -> None:
    assert avx(bytes.fromhex(code)) == []


def test_bytes_that_are_no_instruction_are_skipped() -> None:
    assert [each.text for each in avx(b"\x06\x06" + bytes.fromhex("c5f877"))] == ["vzeroupper"]


@pytest.mark.parametrize(("prefixes", "found"), [(8, [1]), (11, [1]), (12, [2]), (40, [30])])
def test_prefixes_belong_to_an_instruction_as_far_as_it_may_be_long(prefixes: int, found: list[int]) -> None:
    code = NOP + b"\x64" * prefixes + bytes.fromhex("c5f82800")
    assert [each.offset for each in avx(code)] == found


@pytest.mark.parametrize("before", [1_999, 2_000, 2_001, 30_000])
def test_code_of_any_length_is_decoded_to_its_end(before: int) -> None:
    assert avx(NOP * before + bytes.fromhex("c5f877")) == [Instruction(before, "vzeroupper")]


@pytest.mark.parametrize(
    ("machine", "code", "texts"),
    [
        ("EM_AARCH64", "a80b8052 010000d4", ["mov w8, #0x5d", "svc #0"]),
        ("EM_RISCV", "9308d005 73000000 8280", ["addi a7, zero, 0x5d", "ecall", "c.jr ra"]),
    ],
)
def test_other_processors_are_decoded_too(machine: str, code: str, texts: list[str]) -> None:
    assert [each.text for each in disassembly.first(bytes.fromhex(code), len(texts), machine)] == texts


@pytest.mark.parametrize(
    ("code", "uses"),
    [
        pytest.param("0f28c1", True, id="movaps xmm0, xmm1"),
        pytest.param("0f6fc1", True, id="movq mm0, mm1"),
        pytest.param("d9e8", True, id="fld1"),
        pytest.param("dd00", True, id="fld qword ptr [rax]"),
        pytest.param("0fae00", False, id="fxsave, as a kernel switches"),
        pytest.param("dbe3", False, id="fninit"),
        pytest.param("4801c8", False, id="add rax, rcx"),
    ],
)
def test_float_registers_are_seen(code: str, *, uses: bool) -> None:
    assert bool([*listing_of(bytes.fromhex(code), X86).floating()]) is uses


@pytest.mark.parametrize(
    ("code", "machine"), [("c0035fd6 01", "EM_AARCH64"), ("c0035fd6 010203", "EM_AARCH64"), ("8280 01", "EM_RISCV")]
)
def test_bytes_that_are_too_few_for_an_instruction_end_the_code(code: str, machine: str) -> None:
    contents = bytes.fromhex(code)
    *_, last = disassembly.decode(contents, machine)
    assert last.mnemonic == ".byte"
    assert last.offset + last.size == len(contents)


def test_offsets_are_addresses_where_the_first_bytes_is_told() -> None:
    found = list(disassembly.decode(bytes.fromhex("90 eb00"), "EM_X86_64", 0x1000))
    assert [(each.offset, each.operands) for each in found] == [(0x1000, ""), (0x1001, "0x1003")]


CAPSTONES = {
    X86: (capstone.CS_ARCH_X86, capstone.CS_MODE_64),
    "EM_AARCH64": (capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM),
    "EM_RISCV": (capstone.CS_ARCH_RISCV, capstone.CS_MODE_RISCV64 + capstone.CS_MODE_RISCVC),
}


@given(st.binary(min_size=4, max_size=200), st.sampled_from(sorted(disassembly.MACHINES)))
def test_a_listing_has_what_capstone_says(code: bytes, machine: str) -> None:
    assume(not re.search(rb"[\x26\x2e\x36\x3e\x40-\x4f\x64-\x67\xf0\xf2\xf3]{15}", code))  # read in another way
    decoder = capstone.Cs(*CAPSTONES[machine])
    decoder.skipdata = True
    listing = listing_of(code, machine)
    assert list(listing) == list(decoder.disasm_lite(code, 0))
    assert [listing[index] for index in range(len(listing))] == list(listing)
    last = [each.operands.rpartition(" ")[2] for each in listing]
    assert [listing.last_operands([index]) for index in range(len(listing))] == [{operand} for operand in last]
    assert listing.last_operands(range(len(listing))) == {*last}
    names = [each.insn_name() or "" for each in decoder.disasm(code, 0)]
    for name in set(names):
        assert listing.named(name.__eq__) == [index for index, each in enumerate(names) if each == name]


@pytest.mark.parametrize(
    ("machine", "code", "names"),
    [
        (X86, "f2ff20 f3a4 0f05 7402 c3", ["jmp", "movsb", "syscall", "je", "ret"]),
        (X86, "06 90", ["", "nop"]),
        ("EM_AARCH64", "010000d4 20000054 c0035fd6", ["svc", "b", "ret"]),
        ("EM_RISCV", "73000000 8280 e3840000", ["ecall", "c.jr", "beq"]),
    ],
)
def test_an_instruction_is_found_by_its_name_without_prefixes_and_conditions(
    machine: str, code: str, names: list[str]
) -> None:
    listing = listing_of(bytes.fromhex(code), machine)
    assert [listing.named(name.__eq__) for name in names] == [[index] for index in range(len(names))]
