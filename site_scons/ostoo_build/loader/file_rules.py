"""The rules about a program's headers and segments, one function each."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ostoo_build.binary.elf import PF_W, PF_X
from ostoo_build.loader.rule import Finding, Rule, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.binary.elf import Elf, Segment
    from ostoo_build.loader.contract import LoaderContract

_ADDRESS_SPACE = 1 << 64
_RELOCATIONS = frozenset({"SHT_REL", "SHT_RELA", "SHT_RELR"})


def _elf_machine(subject: Subject) -> Iterator[Finding]:
    found = (subject.elf.elf_class, subject.elf.encoding, subject.elf.machine)
    wanted = (subject.contract.elf_class, subject.contract.encoding, subject.contract.machine)
    if found != wanted:
        yield Finding(f"it is {' '.join(found)}, not {' '.join(wanted)}")


def _elf_type(subject: Subject) -> Iterator[Finding]:
    if subject.elf.kind != subject.contract.kind:
        yield Finding(f"it is {subject.elf.kind}, not {subject.contract.kind}")


def _load_segment(subject: Subject) -> Iterator[Finding]:
    if not subject.elf.loads:
        yield Finding("it has no PT_LOAD segment")


def _segment_in_file(subject: Subject) -> Iterator[Finding]:
    for each in subject.elf.loads:
        if each.offset + each.file_size > len(subject.elf.data):
            yield Finding(f"{_name(each)} ends beyond the end of the file", offset=each.offset)
        elif each.file_size > each.memory_size:
            yield Finding(f"{_name(each)} is larger in the file than in memory", offset=each.offset)


def _address_overflow(subject: Subject) -> Iterator[Finding]:
    for each in subject.elf.loads:
        if each.end > _ADDRESS_SPACE:
            yield Finding(f"{_name(each)} extends beyond the last address", address=each.address)


def _forbidden_address(subject: Subject) -> Iterator[Finding]:
    for each in subject.elf.loads:
        start, end = _pages(each, subject.contract.page_size)
        touched = (area for area in subject.contract.forbidden_addresses if start < area.end and area.start < end)
        area = next(touched, None)
        if area is not None:
            yield Finding(f"{_name(each)} reaches into {area.name}: {area.reason}", address=each.address)


def _disjoint_pages(subject: Subject) -> Iterator[Finding]:
    in_memory = (segment for segment in subject.elf.loads if segment.memory_size)
    for low, high in pairwise(sorted(in_memory, key=lambda segment: segment.address)):
        page, _ = _pages(high, subject.contract.page_size)
        if page < _pages(low, subject.contract.page_size)[1]:
            yield Finding(f"{_name(low)} and {_name(high)} share this page", address=page)


def _memory_limit(subject: Subject) -> Iterator[Finding]:
    size = memory_size(subject.elf, subject.contract)
    if size > subject.contract.memory_limit:
        yield Finding(f"it takes {size} bytes of memory; {subject.contract.memory_limit} are allowed")


def _headers_in_memory(subject: Subject) -> Iterator[Finding]:
    start, end = subject.elf.headers_offset, subject.elf.headers_offset + subject.elf.headers_size
    loaded = any(each.offset <= start and end <= each.offset + each.file_size for each in subject.elf.loads)
    if subject.program.uses_std and not loaded:
        yield Finding("no PT_LOAD segment covers the program headers", offset=start)


def _entry_executable(subject: Subject) -> Iterator[Finding]:
    if subject.elf.segment_of_entry is None:
        yield Finding("the entry point is in no executable PT_LOAD segment", address=subject.elf.entry)


def _no_interpreter(subject: Subject) -> Iterator[Finding]:
    yield from _segments_of_kind(subject.elf, "PT_INTERP")
    for section in subject.elf.sections:
        if section.name == ".interp":
            yield Finding("it has an .interp section", offset=section.offset)


def _no_dynamic(subject: Subject) -> Iterator[Finding]:
    yield from _segments_of_kind(subject.elf, "PT_DYNAMIC")


def _no_relocations(subject: Subject) -> Iterator[Finding]:
    for section in subject.elf.sections:
        if section.kind in _RELOCATIONS:
            yield Finding(f"{section.name} contains relocations", offset=section.offset)


def _no_tls(subject: Subject) -> Iterator[Finding]:
    if not subject.program.uses_std:
        yield from _segments_of_kind(subject.elf, "PT_TLS")


def _write_xor_execute(subject: Subject) -> Iterator[Finding]:
    for each in subject.elf.loads:
        if each.flags & PF_W and each.flags & PF_X:
            yield Finding(f"{_name(each)} is writable and executable", address=each.address)


def _executable_stack(subject: Subject) -> Iterator[Finding]:
    if any(each.kind == "PT_GNU_STACK" and each.flags & PF_X for each in subject.elf.segments):
        yield Finding("PT_GNU_STACK requests an executable stack")


def _stripped(subject: Subject) -> Iterator[Finding]:
    for section in subject.elf.sections:
        if section.kind == "SHT_SYMTAB" or section.name.startswith(".debug_"):
            yield Finding(f"it still has {section.name}", offset=section.offset)


def _size_budget(subject: Subject) -> Iterator[Finding]:
    if subject.program.size_budget is not None and len(subject.elf.data) > subject.program.size_budget:
        yield Finding(f"it has {len(subject.elf.data)} bytes; its budget is {subject.program.size_budget}")


def memory_size(elf: Elf, contract: LoaderContract) -> int:
    """Return the memory that all PT_LOAD segments occupy, in whole pages, as bytes."""
    return sum(end - start for start, end in (_pages(each, contract.page_size) for each in elf.loads))


def _pages(segment: Segment, page_size: int) -> tuple[int, int]:
    if not segment.memory_size:
        return segment.address, segment.address
    return segment.address // page_size * page_size, -(-segment.end // page_size) * page_size


def _segments_of_kind(elf: Elf, kind: str) -> Iterator[Finding]:
    for each in elf.segments:
        if each.kind == kind:
            yield Finding(f"it has a {kind} segment", offset=each.offset)


def _name(segment: Segment) -> str:
    return f"the segment {segment.address:#x}-{segment.end:#x}"


RULES = {
    "elf-machine": Rule(
        _elf_machine,
        'build it for this target: "arch" in the target JSON names its processor; host objects do not link',
        decisive=True,
    ),
    "elf-type": Rule(
        _elf_type,
        'set "position-independent-executables": false and "relocation-model": "static" in the target JSON, '
        "and pass the linker neither -pie nor -shared",
    ),
    "load-segment": Rule(_load_segment, "pass no linker script that leaves PT_LOAD out", decisive=True),
    "segment-in-file": Rule(
        _segment_in_file, "build it again: the file was truncated or modified after the link", decisive=True
    ),
    "address-overflow": Rule(
        _address_overflow, "pass the linker no address (--image-base, -Ttext, a linker script)", decisive=True
    ),
    "forbidden-address": Rule(
        _forbidden_address, "pass the linker no address (--image-base, -Ttext, a linker script): the default works"
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
    "no-interpreter": Rule(
        _no_interpreter, 'link statically: "crt-static-default": true in the target JSON, no -dynamic-linker'
    ),
    "no-dynamic": Rule(_no_dynamic, 'link statically: "crt-static-default": true in the target JSON, no -Bdynamic'),
    "no-relocations": Rule(
        _no_relocations, 'set "relocation-model": "static" in the target JSON, pass no --emit-relocs, use no ifunc'
    ),
    "no-tls": Rule(_no_tls, "use a static with atomics instead of #[thread_local], or make it a std program"),
    "write-xor-execute": Rule(
        _write_xor_execute, "pass the linker neither -N nor a linker script that merges segments"
    ),
    "executable-stack": Rule(
        _executable_stack, "pass no -z execstack; an assembly file needs a .note.GNU-stack section"
    ),
    "stripped": Rule(_stripped, "set strip = true in the Cargo profile"),
    "size-budget": Rule(
        _size_budget,
        'see ./ostoo size; shrink it (opt-level = "s", lto, fewer crates), or raise size_budget in its SConscript',
    ),
}
"""The rules by name, in the order of application: the file's type, its addresses, its entry, forbidden contents."""
