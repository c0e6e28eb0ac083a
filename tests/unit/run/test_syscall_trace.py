from collections import Counter

from elf_files import CONTRACT
from msgspec.structs import replace

from ostoo_build.run import syscall_trace

LOG = """4711 brk(NULL) = 0x0000000000400000
4711 write(1,0x400000,14)hello, strace
 = 14
4711 mremap(274886336512,4096) = -1 errno=38 (Function not implemented)
4712 Unknown syscall 999
4711 write(1,0x400000,1) = 1
4711 getuid() = 0
4711 exit_group(0)
"""
HEADER = """#define __NR_write\t\t\t\t1
#define __NR_brk 12
#define __NR_mremap 25
#define __NR_getuid 102
#define __NR_exit_group 231
"""


def test_calls_are_counted_by_name() -> None:
    counted = {"brk": 1, "write": 2, "mremap": 1, "999": 1, "getuid": 1, "exit_group": 1}
    assert syscall_trace.count(LOG) == counted


def test_a_log_without_calls_gives_no_line() -> None:
    assert syscall_trace.table(syscall_trace.count("nothing\n"), {}, CONTRACT) == ""


def test_calls_that_the_kernel_lacks_stand_last() -> None:
    told = syscall_trace.table(syscall_trace.count(LOG), syscall_trace.numbers(HEADER), CONTRACT)
    assert told == (
        "     1  brk           12\n"
        "     1  exit_group   231\n"
        "     2  write          1\n"
        "     1  mremap        25  ostoo lacks it: mremap: musl's realloc tries it for large blocks, "
        "and copies where it fails\n"
        "     1  999          999  ostoo lacks it\n"
        "     1  getuid       102  ostoo lacks it\n"
    )


def test_calls_that_work_in_part_are_told_with_their_reason() -> None:
    limited = {1: "a stub: it writes nothing"}
    contract = replace(CONTRACT, syscalls=replace(CONTRACT.syscalls, served=frozenset(), limited=limited))
    told = syscall_trace.table(Counter({"write": 2}), {"write": 1}, contract)
    assert told == "     2  write     1  in ostoo a stub: it writes nothing\n"


def test_without_a_contract_nothing_is_lacking() -> None:
    assert syscall_trace.table(Counter({"getuid": 3}), {"getuid": 102}, None) == "     3  getuid   102\n"
