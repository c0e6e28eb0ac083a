"""Small musl trees, made of the names that the contract asks for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from ostoo_build.binary import ar
from ostoo_build.sysroot import contract as sysroot_contract
from ostoo_build.sysroot import unwind_stub
from ostoo_build.sysroot.install import RawTree

RETURN = b"\xc3"
MACHINE = sysroot_contract.MACHINES["x86_64"]


def elf(*symbols: str) -> bytes:
    return unwind_stub.relocatable("EM_X86_64", dict.fromkeys(symbols, RETURN))


def version(text: bytes) -> bytes:
    return unwind_stub.relocatable("EM_X86_64", {"pad": RETURN, "__libc_version": text + b"\0rest"})


def libc(*objects: bytes) -> bytes:
    return ar.write([ar.IndexedMember(ar.Member(f"{n}.o", data), ()) for n, data in enumerate(objects)])


def good_files() -> dict[str, bytes]:
    files = {f"include/{name}": b"/* */\n" for name in sysroot_contract.NEEDED_HEADERS}
    files |= {name: elf(*sorted(symbols)) for name, symbols in MACHINE.crt_symbols.items()}
    files["lib/libc.a"] = libc(elf(*sorted(sysroot_contract.NEEDED_SYMBOLS)), version(b"1.2.5"))
    return files


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@dataclass
class FakeProvider:
    files: dict[str, bytes] = field(default_factory=good_files)
    version: str = "1"
    has_headers: ClassVar[bool] = True

    def identity(self) -> dict[str, str]:
        return {"name": "fake", "version": self.version}

    def write_raw(self, raw: RawTree) -> None:
        assert raw.machine == MACHINE
        write(raw.folder, self.files)
