"""Set-ups in which something is broken, each with what `ostoo doctor` has to find."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import fake_toolchains as fake
import grpc
from fake_reapi import FakeServer
from trees import TARGET, Tree

from ostoo_build.base import digest, home
from ostoo_build.cache import disk_cache, folder
from ostoo_build.fetch import places
from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.start import own_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

RUN = ("-P", "-m", "ostoo_build.cli")
PROGRAMS = ("sh", "env", "cc", "gcc", "ld", "as", "gdb", "uname", "apt-get", "ldd", "readlink")
"""What the doctor finds on PATH of a private machine, as far as this one has it."""


@dataclass
class SetUp:
    """A checkout and a user's home in `folder`; `prefix` stands before the doctor's command.

    Code in `patches` is run when Python starts. `servers` end with the test.
    """

    folder: Path
    tree: Tree
    environ: dict[str, str]
    stack: ExitStack
    words: list[str] = field(default_factory=list)
    prefix: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=lambda: [sys.executable, *RUN])
    patches: str = ""

    @property
    def root(self) -> Path:
        return self.tree.root

    def patch(self, code: str) -> None:
        self.patches += f"{code}\n"

    def mount(self, commands: str) -> None:
        """Have a shell do something in a namespace of its own before, such as mounts; `$0` is the checkout."""
        start = own_root.prefix(os.environ)
        assert start is not None
        namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
        self.prefix = [*start, *namespace, f'{commands}\nexec "$@"', str(self.root)]

    def limit(self, option: str, value: int) -> None:
        self.prefix = ["sh", "-ec", f'ulimit {option} {value}; exec "$@"', "sh"]

    def no_program(self, *names: str) -> Path:
        """Let PATH have one folder with the usual programs, without some; the folder."""
        place = self.folder / "programs"
        place.mkdir(exist_ok=True)
        for name in PROGRAMS:
            found = shutil.which(name)
            if found and name not in names and not (place / name).exists():
                (place / name).symlink_to(found)
        fake.script(place / "rustup", "echo refused >&2", "exit 1")
        self.environ["PATH"] = str(place)
        return place

    def toolchain(self, **how: str | None) -> Path:
        """Let rustup have one toolchain, which is none; the folder."""
        self.no_program()
        self.environ["RUSTUP_HOME"] = str(self.folder / "rustup")
        (self.root / "rust-toolchain.toml").write_text('[toolchain]\nchannel = "nightly"\n')
        name = f"nightly-{platform.machine()}-unknown-linux-gnu"
        return fake.sysroot(self.folder / "rustup/toolchains" / name, **how)  # type: ignore[arg-type]

    def serve(self, server: FakeServer) -> FakeServer:
        started, port = server.start()
        self.stack.callback(started.stop, None)
        self.stack.callback(server.closing.set)
        self.words.append(f"remote_cache=grpc://127.0.0.1:{port}")
        return server

    def venv(self, *without: str) -> Path:
        """Give the checkout packages of its own, links to those that are here, and start `ostoo`; their folder."""
        own = self.root / ".venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(own)], check=True, timeout=120)
        (packages,) = own.glob("lib/python3*/site-packages")
        here = Path(sys.prefix) / packages.relative_to(own)
        for entry in here.iterdir():
            if not entry.name.lower().startswith(without):
                (packages / entry.name).symlink_to(entry)
        for script in (Path(sys.prefix) / "bin").iterdir():
            if not (own / "bin" / script.name).exists():
                (own / "bin" / script.name).symlink_to(script)
        shutil.copyfile(self.root / "requirements.txt", own / "requirements.txt")
        self.command = [str(self.root / "ostoo")]
        return packages

    def own(self, packages: Path, pattern: str) -> Path:
        """Have a package be a copy, which may be changed; the path."""
        (link,) = packages.glob(pattern)
        source = link.resolve()
        link.unlink()
        if source.is_dir():
            shutil.copytree(source, link)
        else:
            shutil.copyfile(source, link)
        return link


def of(folder: Path, tree: Tree, stack: ExitStack) -> SetUp:
    """A sound set-up of a user of its own.

    Of what other tests have fetched it has a toolchain only.
    """
    debian = (tree.root / places.DEBIAN).resolve()
    (tree.root / places.PRIVATE).unlink()
    if debian.is_dir():
        (tree.root / places.PRIVATE).mkdir()
        (tree.root / places.DEBIAN).symlink_to(debian)
    rustup = home.rustup(os.environ)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CARGO", "OSTOO", "LC_", "LANG"))}
    own = {"HOME": str(folder / "home"), "RUSTUP_HOME": str(rustup), "XDG_CACHE_HOME": str(folder / "user")}
    (folder / "home").mkdir()
    return SetUp(folder, tree, {**kept, **own, "LC_ALL": "C.UTF-8"}, stack)


class Broken(NamedTuple):
    """`check` finds it, in `state`, with `message` in what is wrong."""

    breaks: Callable[[SetUp], object]
    check: str
    state: str
    message: str


def write(name: str, text: str) -> Callable[[SetUp], object]:
    return lambda at: at.tree.write(name, text)


def say(*words: str) -> Callable[[SetUp], object]:
    return lambda at: at.words.extend(words)


def setting(**variables: str) -> Callable[[SetUp], object]:
    return lambda at: at.environ.update(variables)


def patched(code: str) -> Callable[[SetUp], object]:
    return lambda at: at.patch(code)


def mounted(commands: str) -> Callable[[SetUp], object]:
    return lambda at: at.mount(commands)


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
NO_LINKS = """
import errno, os
def refuse(*_, **__):
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))
os.symlink = refuse
"""
FOLDS_CASE = """
import pathlib
exists = pathlib.Path.exists
pathlib.Path.exists = lambda path: exists(path) or exists(path.with_name(path.name.lower()))
"""
WHOLE_SECONDS = """
import os, pathlib
found = pathlib.Path.stat
def stat(path, **how):
    status = found(path, **how)
    if ".doctor-" not in str(path):
        return status
    class Coarse:
        st_mtime_ns = status.st_mtime_ns // 10**9 * 10**9
        def __getattr__(self, name):
            return getattr(status, name)
    return Coarse()
pathlib.Path.stat = stat
"""
SLOW = "import time\nnow = time.time_ns\ntime.time_ns = lambda: now() - 3600 * 10**9"
OLD = "import time\ntime.time = lambda: 10.0**9"
READ_ONLY = 'mkdir -p "$0/build"; mount --bind "$0/build" "$0/build"; mount -o remount,bind,ro "$0/build"'
NO_EXEC = 'mkdir -p "$0/build"; mount -t tmpfs -o noexec none "$0/build"'
FULL = 'mkdir -p "$0/build"; mount -t tmpfs -o size=1m none "$0/build"'
NO_INODES = 'mkdir -p "$0/build"; mount -t tmpfs -o size=4g,nr_inodes=500 none "$0/build"'


def from_tomorrow(at: SetUp) -> None:
    tomorrow = time.time() + 86400
    os.utime(at.root / "user-rs/hello-rs/src/main.rs", (tomorrow, tomorrow))


def few_watches(at: SetUp) -> None:
    (at.folder / "few").write_text("10\n")
    at.mount(f"mount --bind '{at.folder}/few' /proc/sys/fs/inotify/max_user_watches")


def place_in(at: SetUp, make: Callable[[Path], object]) -> None:
    make(at.root / "build")


def other_std(at: SetUp) -> None:
    at.toolchain(source="1.95.0")


def old_compiler(at: SetUp) -> None:
    at.toolchain(described="1.80.0 (051478957 2024-07-21)")


def no_std(at: SetUp) -> None:
    at.toolchain(source=None)


def no_lld(at: SetUp) -> None:
    (at.toolchain() / f"lib/rustlib/{fake.HOST}/bin/rust-lld").unlink()


def no_cargo(at: SetUp) -> None:
    (at.toolchain() / "bin/cargo").unlink()


def bad_lld(at: SetUp) -> None:
    fake.script(at.toolchain() / f"lib/rustlib/{fake.HOST}/bin/rust-lld", "echo broken >&2", "exit 1")


def bad_cc(at: SetUp) -> None:
    place = at.no_program("cc")
    fake.script(place / "cc", "echo cannot find crt1.o >&2", "exit 1")


def altered_sysroot(at: SetUp) -> None:
    made = at.root / "sysroot" / TARGET
    fake.write(made / "lib/libc.a", "altered")
    fake.write(made / "manifest.json", f'{{"musl": "1.2.5", "files": {{"lib/libc.a": "{digest.of_bytes(b"libc")}"}}}}')


def foreign_cache(at: SetUp) -> None:
    fake.write(at.folder / "documents/letter", "text")
    at.words.append(f"cache={at.folder}/documents")


def read_only_cache(at: SetUp) -> None:
    cache = at.folder / "cache"
    folder.claim(cache)
    at.words.append(f"cache={cache}")
    at.mount(f"mount --bind '{cache}' '{cache}'; mount -o remount,bind,ro '{cache}'")


def damaged_entry(at: SetUp) -> None:
    cache = disk_cache.DiskCache(at.folder / "cache", 1 << 30)
    file = fake.write(at.folder / "file", "content")
    name = digest.of_file(file)
    cache.keep(file, name)
    (cache.folder / "cas" / name[:2] / name).write_bytes(b"other content")
    at.words.append(f"cache={cache.folder}")


def stale_server(at: SetUp) -> None:
    servers = at.root / "build/.ostoo/servers"
    servers.mkdir(parents=True)
    listener = socket.socket(socket.AF_UNIX)
    before = Path.cwd()
    os.chdir(servers)  # a socket's address is short
    listener.bind("0000abcd")
    os.chdir(before)
    listener.close()


def no_server(at: SetUp) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        at.words.append(f"remote_cache=grpc://127.0.0.1:{free.getsockname()[1]}")


def other_protocol(at: SetUp) -> None:
    """A server that sends a line to whoever comes, as many do."""
    listener = socket.create_server(("127.0.0.1", 0))
    at.stack.callback(listener.close)

    def greet() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                line.sendall(b"220 ready\r\n")

    threading.Thread(target=greet, daemon=True).start()
    at.words.append(f"remote_cache=grpc://127.0.0.1:{listener.getsockname()[1]}")


def refuses(code: grpc.StatusCode, said: str, method: str = "GetCapabilities") -> Callable[[SetUp], object]:
    return lambda at: at.serve(FakeServer(faults={method: lambda context: context.abort(code, said)}))


def reads_only(at: SetUp) -> None:
    known = api.ServerCapabilities()
    known.cache_capabilities.action_cache_update_capabilities.update_enabled = False
    at.serve(FakeServer(capabilities=known))
    at.words.append("remote_upload=on")


def no_sha256(at: SetUp) -> None:
    known = api.ServerCapabilities()
    known.cache_capabilities.digest_functions.append(api.DigestFunction.UNKNOWN)
    at.serve(FakeServer(capabilities=known))


def distorts(at: SetUp) -> None:
    at.serve(FakeServer(distort=lambda data: data[::-1]))
    at.words.append("remote_upload=on")


def no_bubblewrap(at: SetUp) -> None:
    at.no_program()
    at.words.append("sandbox=on")


def missing_package(at: SetUp) -> None:
    at.venv("msgspec")


def other_version(at: SetUp) -> None:
    metadata = at.own(at.venv(), "filelock-*.dist-info") / "METADATA"
    metadata.write_text(metadata.read_text().replace("\nVersion: ", "\nVersion: 0."))


def damaged_package(at: SetUp) -> None:
    module = at.own(at.venv(), "filelock") / "_api.py"
    module.write_text(module.read_text() + "\n# changed\n")


def package_that_ends_python(at: SetUp) -> None:
    library = at.own(at.venv(), "msgspec") / "__init__.py"
    library.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")


def no_scons(at: SetUp) -> None:
    at.venv("scons")


def broken_python(at: SetUp) -> None:
    at.venv()
    fake.script(at.root / ".venv/bin/python-broken", "echo no library >&2", "exit 127")
    (at.root / ".venv/bin/python").unlink()
    (at.root / ".venv/bin/python").symlink_to("python-broken")


def damaged_manifest(at: SetUp) -> None:
    at.tree.replace("user-rs/hello-rs/Cargo.toml", "[package]", "[package")


SET_UPS: dict[str, Broken] = {
    "ostoo.toml is no TOML": Broken(write("ostoo.toml", "cache ="), "project", "error", "not valid TOML"),
    "an unknown variable": Broken(say("cach=x"), "project", "error", "unknown variable cach"),
    "a workspace that is not there": Broken(
        write("ostoo.toml", '[[workspaces]]\nfolder = "no"\n'), "project", "error", "there is no Cargo.toml in no"
    ),
    "another version is wanted": Broken(
        write("ostoo.toml", 'version = "99"\n'), "project", "error", "this project wants ostoo-build 99"
    ),
    "a spec that is no JSON": Broken(write(f"targets/{TARGET}.json", "{"), "targets", "error", f"{TARGET}.json:1:"),
    "a spec that rustc refuses": Broken(
        lambda at: at.tree.replace(f"targets/{TARGET}.json", '"arch": "x86_64"', '"arch": "x86_65"'),
        "targets",
        "error",
        "/arch",
    ),
    "a contract that is none": Broken(
        write(f"targets/{TARGET}.loader.json", '{"nosuch": 1}'), "targets", "error", f"{TARGET}.loader.json"
    ),
    "a manifest that cargo refuses": Broken(damaged_manifest, "workspaces", "error", "cargo can't plan the build"),
    "a variable that is ignored": Broken(
        setting(CARGO_PROFILE_RELEASE_LTO="fat"),
        "environment",
        "warning",
        "the build ignores CARGO_PROFILE_RELEASE_LTO",
    ),
    "no UTF-8": Broken(setting(**ASCII), "locale", "error", "Python encodes names of files as ascii"),
    "an unknown locale": Broken(setting(LC_ALL="tlh_QO"), "locale", "warning", "a locale that this machine has not"),
    "build is a file": Broken(write("build", ""), "file-system", "error", "not a folder"),
    "build is read-only": Broken(
        mounted(READ_ONLY), "file-system", "error", "nothing can be written there: Read-only file system"
    ),
    "build starts no program": Broken(mounted(NO_EXEC), "file-system", "error", "no program can be started there"),
    "no symbolic links": Broken(patched(NO_LINKS), "file-system", "error", "it has no symbolic links"),
    "case is folded": Broken(patched(FOLDS_CASE), "file-system", "warning", "it does not tell `A` from `a`"),
    "whole seconds": Broken(patched(WHOLE_SECONDS), "file-system", "warning", "it keeps times in whole seconds"),
    "the file server's clock is ahead": Broken(
        patched(SLOW), "clock", "error", "the clock of the file system is 3600 s ahead"
    ),
    "the clock stands in 2001": Broken(patched(OLD), "clock", "error", "the clock is years behind"),
    "a source from tomorrow": Broken(
        from_tomorrow, "clock", "warning", "1 sources are newer than now, such as user-rs/hello-rs/src/main.rs"
    ),
    "the disk is full": Broken(mounted(FULL), "disk", "error", "has 1.0 MiB left"),
    "no more files": Broken(mounted(NO_INODES), "disk", "error", "can take no more files"),
    "little memory": Broken(lambda at: at.limit("-v", 500_000), "memory", "error", "address space limited to 488"),
    "few open files": Broken(lambda at: at.limit("-n", 100), "limits", "error", "open files: 100 are allowed"),
    "few watches": Broken(few_watches, "watch", "warning", "may run out of watches"),
    "a compiler that is not there": Broken(
        say("RUSTC=/no/rustc"), "toolchain", "error", "RUSTC=/no/rustc does not exist"
    ),
    "a cargo that is none": Broken(say("CARGO=/bin/true"), "toolchain", "error", "CARGO=/bin/true is not cargo"),
    "no std source": Broken(no_std, "toolchain", "error", "rustc 1.96.0 has no std source"),
    "std source of another release": Broken(other_std, "toolchain", "error", "but the std source is of 1.95.0"),
    "an old compiler": Broken(old_compiler, "toolchain", "error", "rustc 1.80.0 is too old"),
    "no LLD": Broken(no_lld, "toolchain", "error", "no LLD was found"),
    "no cargo": Broken(no_cargo, "toolchain", "error", "no cargo was found beside rustc"),
    "LLD does not run": Broken(bad_lld, "lld", "error", "it is not LLD: it does not print its version"),
    "std source without core": Broken(
        lambda at: at.toolchain(), "std-source", "error", "it lacks core/src/lib.rs, alloc/src/lib.rs"
    ),
    "no linker": Broken(lambda at: at.no_program("cc"), "linker", "error", "no C linker for build scripts was found"),
    "a linker that links nothing": Broken(bad_cc, "linker", "error", "it links no program: cannot find crt1.o"),
    "an unknown sysroot": Broken(say("sysroot=nosuch"), "sysroot", "error", "unknown sysroot provider 'nosuch'"),
    "a sysroot's folder that is not there": Broken(say("sysroot=folder:no"), "sysroot", "error", "no"),
    "a sysroot that was changed": Broken(
        altered_sysroot, "sysroot", "warning", f"1 files differ from what was made: {TARGET}/lib/libc.a"
    ),
    "a cache that is another's": Broken(foreign_cache, "cache", "error", "is not a cache of this build"),
    "a cache that is read-only": Broken(
        read_only_cache, "cache", "warning", "nothing can be kept there: Read-only file system"
    ),
    "a size that is none": Broken(say("cache_size=big"), "cache", "error", "'big' is not a valid size"),
    "a damaged entry": Broken(damaged_entry, "cache-entries", "warning", "1 are damaged, such as"),
    "a socket without a server": Broken(
        stale_server, "server", "warning", "no server answers at build/.ostoo/servers/0000abcd"
    ),
    "no server there": Broken(no_server, "remote-cache", "warning", "GetCapabilities failed: unavailable"),
    "a server of another kind": Broken(other_protocol, "remote-cache", "warning", "GetCapabilities failed: "),
    "a token that is refused": Broken(
        refuses(grpc.StatusCode.UNAUTHENTICATED, "who are you"),
        "remote-cache",
        "warning",
        "GetCapabilities failed: unauthenticated (who are you)",
    ),
    "a server of another API": Broken(
        refuses(grpc.StatusCode.UNIMPLEMENTED, "Method not found!"),
        "remote-cache",
        "warning",
        "GetCapabilities failed: unimplemented",
    ),
    "a server without sha256": Broken(no_sha256, "remote-cache", "warning", "it does not support sha256"),
    "a server that takes nothing": Broken(reads_only, "remote-cache", "warning", "it allows reading only"),
    "a server that sends other data": Broken(distorts, "remote-cache", "warning", "does not come back as it was"),
    "an address that is none": Broken(
        say("remote_executor=localhost"), "remote-executor", "error", "not a valid address of a remote cache"
    ),
    "a token that can't be read": Broken(
        lambda at: at.words.extend(("remote_cache=grpc://127.0.0.1:1", "remote_token_file=no")),
        "remote-cache",
        "error",
        "can't read the token",
    ),
    "a sandbox without bubblewrap": Broken(no_bubblewrap, "sandbox", "error", "needs bubblewrap"),
    "no gdb": Broken(lambda at: at.no_program("gdb"), "gdb", "warning", "no gdb for EM_X86_64 was found"),
    "no QEMU and no apt": Broken(lambda at: at.no_program("apt-get"), "qemu", "warning", "need it"),
    "a package is missing": Broken(missing_package, "packages", "error", "msgspec is missing"),
    "a package of another version": Broken(other_version, "packages", "error", "filelock is 0."),
    "a package's file is damaged": Broken(damaged_package, "packages", "error", "filelock/_api.py"),
    "a package that ends Python": Broken(
        package_that_ends_python, "toolchain", "could not run", "what makes the checks ended by signal 11"
    ),
    "SCons does not load": Broken(no_scons, "scons", "error", "No module named 'SCons'"),
    "the project's Python does not run": Broken(
        broken_python, "python", "error", "the project's own Python does not run"
    ),
}
