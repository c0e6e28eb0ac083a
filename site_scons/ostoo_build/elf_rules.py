"""The rules that a linked program has to keep, one function each. Does not know how findings are told."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ostoo_build import disassembly
from ostoo_build.elf import PF_W, PF_X

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ostoo_build.elf import Elf, Segment
    from ostoo_build.loader_contract import LoaderContract

_ADDRESS_SPACE = 1 << 64
_RELOCATIONS = frozenset({"SHT_REL", "SHT_RELA", "SHT_RELR"})


@dataclass(frozen=True)
class ProgramFacts:
    """What the plan knows of a program. `size_budget` is in bytes, None where there is no budget."""

    name: str
    uses_std: bool
    size_budget: int | None


@dataclass(frozen=True)
class Finding:
    """`place` is "address 0x…", "offset 0x…" in the file, or "the file"."""

    place: str
    what: str


@dataclass(frozen=True)
class Rule:
    """`remedy` is what to change. The rules behind a broken `decisive` one could only repeat it."""

    find: Callable[[Elf, LoaderContract, ProgramFacts], Iterator[Finding]]
    remedy: str
    decisive: bool = False


def _elf_machine(elf: Elf, contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    found = (elf.elf_class, elf.encoding, elf.machine)
    wanted = (contract.elf_class, contract.encoding, contract.machine)
    if found != wanted:
        yield Finding("the file", f"it is {' '.join(found)}, not {' '.join(wanted)}")


def _elf_type(elf: Elf, contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    if elf.kind != contract.kind:
        yield Finding("the file", f"it is {elf.kind}, not {contract.kind}")


def _load_segment(elf: Elf, _contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    if not elf.loads:
        yield Finding("the file", "it has no PT_LOAD segment")


def _segment_in_file(elf: Elf, _contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    for each in elf.loads:
        if each.offset + each.file_size > len(elf.data):
            yield Finding(f"offset {each.offset:#x}", f"{_name(each)} ends behind the file's end")
        elif each.file_size > each.memory_size:
            yield Finding(f"offset {each.offset:#x}", f"{_name(each)} is larger in the file than in memory")


def _address_overflow(elf: Elf, _contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    for each in elf.loads:
        if each.end > _ADDRESS_SPACE:
            yield Finding(f"address {each.address:#x}", f"{_name(each)} goes on behind the last address")


def _forbidden_address(elf: Elf, contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    for each in elf.loads:
        start, end = _pages(each, contract.page_size)
        touched = (area for area in contract.forbidden_addresses if start < area.end and area.start < end)
        area = next(touched, None)
        if area is not None:
            yield Finding(f"address {each.address:#x}", f"{_name(each)} reaches into {area.name}: {area.reason}")


def _disjoint_pages(elf: Elf, contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    in_memory = (segment for segment in elf.loads if segment.memory_size)
    for low, high in pairwise(sorted(in_memory, key=lambda segment: segment.address)):
        page, _ = _pages(high, contract.page_size)
        if page < _pages(low, contract.page_size)[1]:
            yield Finding(f"address {page:#x}", f"{_name(low)} and {_name(high)} share this page")


def _memory_limit(elf: Elf, contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    size = memory_size(elf, contract)
    if size > contract.memory_limit:
        yield Finding("the file", f"it takes {size} bytes of memory; {contract.memory_limit} are allowed")


def _headers_in_memory(elf: Elf, _contract: LoaderContract, program: ProgramFacts) -> Iterator[Finding]:
    start, end = elf.headers_offset, elf.headers_offset + elf.headers_size
    loaded = any(each.offset <= start and end <= each.offset + each.file_size for each in elf.loads)
    if program.uses_std and not loaded:
        yield Finding(f"offset {start:#x}", "no PT_LOAD segment covers the program headers")


def _entry_executable(elf: Elf, _contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    if _entry_segment(elf) is None:
        yield Finding(f"address {elf.entry:#x}", "the entry point is in no executable PT_LOAD segment")


def _entry_instructions(elf: Elf, contract: LoaderContract, program: ProgramFacts) -> Iterator[Finding]:
    wanted = contract.entry_std if program.uses_std else contract.entry_no_std
    segment = _entry_segment(elf)
    if segment is None:
        return
    code = elf.contents(segment)[elf.entry - segment.address :]
    found = tuple(each.text for each in disassembly.first(code, len(wanted)))
    if found != wanted:
        yield Finding(f"address {elf.entry:#x}", f"it begins with {_listing(found)}, not with {_listing(wanted)}")


def _no_interpreter(elf: Elf, _contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    yield from _segments_of_kind(elf, "PT_INTERP")
    for section in elf.sections:
        if section.name == ".interp":
            yield Finding(f"offset {section.offset:#x}", "it has an .interp section")


def _no_dynamic(elf: Elf, _contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    yield from _segments_of_kind(elf, "PT_DYNAMIC")


def _no_relocations(elf: Elf, _contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    for section in elf.sections:
        if section.kind in _RELOCATIONS:
            yield Finding(f"offset {section.offset:#x}", f"{section.name} holds relocations")


def _no_tls(elf: Elf, _contract: LoaderContract, program: ProgramFacts) -> Iterator[Finding]:
    if not program.uses_std:
        yield from _segments_of_kind(elf, "PT_TLS")


def _write_xor_execute(elf: Elf, _contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    for each in elf.loads:
        if each.flags & PF_W and each.flags & PF_X:
            yield Finding(f"address {each.address:#x}", f"{_name(each)} is writable and executable")


def _executable_stack(elf: Elf, _contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    if any(each.kind == "PT_GNU_STACK" and each.flags & PF_X for each in elf.segments):
        yield Finding("the file", "PT_GNU_STACK asks for an executable stack")


def _no_avx(elf: Elf, _contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    done = 0
    executable = (segment for segment in elf.loads if segment.flags & PF_X)
    for each in sorted(executable, key=lambda segment: segment.offset):
        # Segments of a hostile file may show the same bytes many times: each byte is decoded once.
        start, end = max(done, each.offset), each.offset + each.file_size
        done = max(done, end)
        for instruction in disassembly.avx(elf.data[start:end]):
            address = each.address + start - each.offset + instruction.offset
            yield Finding(f"address {address:#x}", instruction.text)


def _stripped(elf: Elf, _contract: LoaderContract, _program: ProgramFacts) -> Iterator[Finding]:
    for section in elf.sections:
        if section.kind == "SHT_SYMTAB" or section.name.startswith(".debug_"):
            yield Finding(f"offset {section.offset:#x}", f"it still has {section.name}")


def _size_budget(elf: Elf, _contract: LoaderContract, program: ProgramFacts) -> Iterator[Finding]:
    if program.size_budget is not None and len(elf.data) > program.size_budget:
        yield Finding("the file", f"it has {len(elf.data)} bytes; its budget is {program.size_budget}")


def memory_size(elf: Elf, contract: LoaderContract) -> int:
    """The bytes of memory, in whole pages, that all PT_LOAD segments take."""
    return sum(end - start for start, end in (_pages(each, contract.page_size) for each in elf.loads))


def _pages(segment: Segment, page_size: int) -> tuple[int, int]:
    if not segment.memory_size:
        return segment.address, segment.address
    return segment.address // page_size * page_size, -(-segment.end // page_size) * page_size


def _entry_segment(elf: Elf) -> Segment | None:
    holders = (each for each in elf.loads if each.flags & PF_X and each.address <= elf.entry < each.end)
    return next(holders, None)


def _segments_of_kind(elf: Elf, kind: str) -> Iterator[Finding]:
    for each in elf.segments:
        if each.kind == kind:
            yield Finding(f"offset {each.offset:#x}", f"it has a {kind} segment")


def _name(segment: Segment) -> str:
    return f"the segment {segment.address:#x}-{segment.end:#x}"


def _listing(instructions: tuple[str, ...]) -> str:
    return f"`{'; '.join(instructions)}`"


RULES = {
    "elf-machine": Rule(
        _elf_machine,
        'build it for this target: its JSON says "arch": "x86_64"; host objects do not link',
        decisive=True,
    ),
    "elf-type": Rule(
        _elf_type,
        'say "position-independent-executables": false and "relocation-model": "static" in the target JSON, '
        "and pass the linker neither -pie nor -shared",
    ),
    "load-segment": Rule(_load_segment, "pass no linker script that leaves PT_LOAD out", decisive=True),
    "segment-in-file": Rule(
        _segment_in_file, "build it again: the file was cut off or changed after the link", decisive=True
    ),
    "address-overflow": Rule(
        _address_overflow, "pass the linker no address (--image-base, -Ttext, a linker script)", decisive=True
    ),
    "forbidden-address": Rule(
        _forbidden_address, "pass the linker no address (--image-base, -Ttext, a linker script): its default is good"
    ),
    "disjoint-pages": Rule(
        _disjoint_pages, "pass the linker neither -n nor -N, and no max-page-size below the page size"
    ),
    "memory-limit": Rule(_memory_limit, "make static arrays smaller; large buffers belong on the heap"),
    "headers-in-memory": Rule(
        _headers_in_memory, "pass the linker neither -N nor a linker script: it covers the headers by default"
    ),
    "entry-executable": Rule(
        _entry_executable, "write `extern crate ostoo_rt;` into main.rs: that crate defines _start, the entry point"
    ),
    "entry-instructions": Rule(
        _entry_instructions, "let ostoo-rt's _start be the entry point: define no other, and pass the linker no --entry"
    ),
    "no-interpreter": Rule(
        _no_interpreter, 'link statically: "crt-static-default": true in the target JSON, no -dynamic-linker'
    ),
    "no-dynamic": Rule(_no_dynamic, 'link statically: "crt-static-default": true in the target JSON, no -Bdynamic'),
    "no-relocations": Rule(
        _no_relocations, 'say "relocation-model": "static" in the target JSON, pass no --emit-relocs, use no ifunc'
    ),
    "no-tls": Rule(_no_tls, "use a static with atomics instead of #[thread_local], or make it a std program"),
    "write-xor-execute": Rule(
        _write_xor_execute, "pass the linker neither -N nor a linker script that merges segments"
    ),
    "executable-stack": Rule(
        _executable_stack, "pass no -z execstack; an assembly file needs a .note.GNU-stack section"
    ),
    "no-avx": Rule(
        _no_avx,
        "pass no target-cpu or target-feature beyond x86-64; switch off the feature by which a crate "
        "chooses AVX code at run time",
    ),
    "stripped": Rule(_stripped, "say strip = true in the Cargo profile"),
    "size-budget": Rule(
        _size_budget, 'shrink it (opt-level = "s", lto = true, fewer crates), or raise size_budget in its SConscript'
    ),
}
"""By name, in the order of looking: what the file is, where it goes, how it starts, what it must not hold."""
