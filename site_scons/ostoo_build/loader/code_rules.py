"""The rules about a program's contents (instructions, system calls, texts), one function each."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ostoo_build.binary import disassembly
from ostoo_build.binary.disassembly import Listing
from ostoo_build.loader.rule import Finding, Rule, against

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.loader.rule import Subject

_LONGEST_TEXT = 200


def _entry_instructions(subject: Subject) -> Iterator[Finding]:
    entry, elf = subject.contract.entry_instructions, subject.elf
    if entry.runtime and entry.runtime not in subject.program.packages:
        return
    wanted = entry.std if subject.program.uses_std else entry.no_std
    segment = elf.segment_of_entry
    if segment is None or not wanted:
        return
    code = elf.contents(segment)[elf.entry - segment.address :]
    found = tuple(each.text for each in disassembly.first(code, len(wanted), elf.machine))
    if found != wanted:
        yield Finding(f"it begins with {_listing(found)}, not with {_listing(wanted)}", address=elf.entry)


def _syscall_numbers(subject: Subject) -> Iterator[Finding]:
    known = subject.contract.syscalls
    for site in subject.code.syscalls:
        if site.number is not None and not known.allows(site.number):
            yield Finding(
                f"it makes the system call {site.number}, which {subject.contract.kernel} lacks", site.address
            )


def _no_private_path(subject: Subject) -> Iterator[Finding]:
    folders = sorted(map(os.fsencode, subject.program.private_folders), key=len, reverse=True)
    folders = [folder for folder in folders if folder in subject.elf.data]  # almost always none, and found at once
    if not folders:
        return
    names = b"|".join(map(re.escape, folders))
    # behind a letter it is the end of another path, such as "/src" in "library/core/src"
    pattern = rb"(?<![\w./-])(?:%b)(?![\w-])[^\0-\x1f\x7f-\xff]{0,%d}" % (names, _LONGEST_TEXT)
    for match in re.finditer(pattern, subject.elf.data):
        yield Finding(f"it contains {match[0].decode('utf-8', 'backslashreplace')}", offset=match.start())


def _listing(instructions: tuple[str, ...]) -> str:
    return f"`{'; '.join(instructions)}`"


RULES = {
    "entry-instructions": Rule(
        _entry_instructions, "let ostoo-rt's _start be the entry point: define no other, and pass the linker no --entry"
    ),
    "no-avx": against(
        Listing.avx,
        "pass no target-cpu or target-feature beyond x86-64; switch off the feature by which a crate "
        "chooses AVX code at run time",
    ),
    "no-float-registers": against(
        Listing.floating,
        'set "features": "-mmx,-sse,+soft-float" and "rustc-abi": "x86-softfloat" in the target JSON, and avoid '
        "assembly that needs more",
    ),
    "syscall-numbers": Rule(
        _syscall_numbers,
        "remove the code that makes this call, or add the call to the contract: to served if the kernel has it, to "
        "tolerated if the program works without it",
    ),
    "no-private-path": Rule(
        _no_private_path,
        "use no env! or include! that contains an absolute path; if a crate's build script writes it, make it "
        "relative to the package",
    ),
}
