"""A small tree with all kinds of units, and whatever may happen to it, to its build folder and to its cache.

After each misfortune a build has to leave what a clean build of the same sources makes, beside std from a cache that
nothing else was ever put into.

As a program: python misfortune.py FOLDER SEED STEPS [OPERATION...]
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import crates
from damage import cut, empty, flip
from torture import WrongOutcomeError
from trees import Result, Tree, copy_cache, copy_sources, copy_tree

PACKAGE = "user-rs/tiny"
LIBRARY = "user-rs/tinylib"
MACRO = "user-rs/tinymac"
PLACES = {
    "main": f"{PACKAGE}/src/main.rs",
    "part": f"{PACKAGE}/src/parts/part.rs",
    "library": f"{LIBRARY}/src/lib.rs",
    "data": f"{LIBRARY}/data.txt",
    "macro": f"{MACRO}/src/lib.rs",
    "told": ".words/told.txt",
    "linked": "words/linked.txt",
    "other": "words/other.txt",
    "assembled": f"{PACKAGE}/src/blob.bin",
    "layout": f"{PACKAGE}/layout.ld",
}
TEXTS = {
    "main": crates.main(
        'println!("main={WORD} part={} library={} data={} macro={} told={} link={} blob={} layout={}",'
        " parts::part::WORD, tinylib::WORD, tinylib::DATA.trim(), tinymac::word!(), tinylib::TOLD,"
        " tinylib::LINKED.trim(), blob(), layout());",
        uses="mod parts { pub mod part; }\n"
        'const WORD: &str = "{word}";\n'
        'core::arch::global_asm!(".section .rodata.blob,\\"a\\",@progbits", "BLOB:",\n'
        '    concat!(".incbin \\"", env!("CARGO_MANIFEST_DIR"), "/src/blob.bin\\""), ".previous");\n'
        'extern "C" { static BLOB: u8; static LAYOUT: u8; }\n'
        "fn blob() -> char { unsafe { core::ptr::addr_of!(BLOB).read() as char } }\n"
        "fn layout() -> usize { core::ptr::addr_of!(LAYOUT) as usize }",
    ),
    "part": 'pub const WORD: &str = "{word}";\n',
    "library": """#![no_std]
include!(concat!(env!("OUT_DIR"), "/made.rs"));
pub const WORD: &str = "{word}";
pub const TOLD: &str = env!("TOLD");
pub const LINKED: &str = include_str!("../link.txt");
""",
    "data": "{word}\n",
    "macro": crates.proc_macro("word", '"\\"{word}\\"".parse().unwrap()'),
    "told": "{word}\n",
    "linked": "{word}\n",
    "other": "{word}\n",
    "assembled": "{word}\n",
    "layout": "LAYOUT = {number};\n",
}
SCRIPT = """
use std::{env, fs};
fn main() {
    for name in ["data.txt", "../../.words/told.txt"] {
        println!("cargo::rerun-if-changed={name}");
    }
    let out = env::var("OUT_DIR").unwrap();
    let data = fs::read_to_string("data.txt").unwrap();
    fs::write(format!("{out}/made.rs"), format!("pub const DATA: &str = {:?};", data)).unwrap();
    println!("cargo::rustc-env=TOLD={}", fs::read_to_string("../../.words/told.txt").unwrap().trim());
}
"""
OWN_SCRIPT = """
fn main() {
    println!("cargo::rerun-if-changed=layout.ld");
    println!("cargo::rustc-link-arg=-Ttiny/layout.ld");
}
"""
WORDS = ("a1", "b2", "c3", "d4")
OPTIONS = ((), (), (), ("cache=off",), ("profile=dev",), ("profile=size",), ("-j1",))


def write_tiny(tree: Tree) -> None:
    """Write the packages, with the first word everywhere."""
    crates.add(tree, "tinymac", "[lib]\nproc-macro = true", lib="")
    crates.add(tree, "tinylib", f"[dependencies]\n{crates.paths('tinymac')}", lib="", build=SCRIPT)
    asks = f"[dependencies]\n{crates.RUNTIME}\n{crates.paths('tinylib', 'tinymac')}"
    crates.add(tree, "tiny", asks, main="", build=OWN_SCRIPT)
    for what in PLACES:
        write_word(tree.root, what, WORDS[0])
    (tree.root / LIBRARY / "link.txt").symlink_to("../../words/linked.txt")


def write_word(root: Path, what: str, word: str) -> None:
    path = root / PLACES[what]
    path.parent.mkdir(parents=True, exist_ok=True)
    number = str(0x1000 + 16 * WORDS.index(word))
    path.write_text(TEXTS[what].replace("{word}", word).replace("{number}", number), encoding="utf-8")


@dataclass
class Misfortune:
    """`victim` suffers; `std` is a cache that holds std alone, for clean builds in `judges`."""

    victim: Tree
    std: Path
    judges: Path
    seed: int
    done: list[str] = field(default_factory=list)
    verdicts: dict[tuple[str, tuple[str, ...]], bytes] = field(default_factory=dict)
    stash: bool = False
    builds: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - faults, not secrets
        self.operations = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("do_")]

    @property
    def root(self) -> Path:
        return self.victim.root

    def run(self, steps: int) -> None:
        """Take so many steps. Raises `WrongOutcomeError` with all that was done so far."""
        for _ in range(steps):
            for operation in self.random.choices(self.operations, k=self.random.choice((1, 1, 2, 3))):
                self.done.append(operation.__name__.removeprefix("do_"))
                operation()
            self.compare(self.random.choice(OPTIONS))

    def do_edit(self) -> None:
        what, word = self.random.choice(list(PLACES)), self.random.choice(WORDS)
        self._note(f"{what} {word}")
        write_word(self.root, what, word)

    def do_edit_and_put_the_time_back(self) -> None:
        what, word = self.random.choice(list(PLACES)), self.random.choice(WORDS)
        self._note(f"{what} {word}")
        path = self.root / PLACES[what]
        before = path.stat()
        write_word(self.root, what, word)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def do_replace_by_rename(self) -> None:
        what, word = self.random.choice(list(PLACES)), self.random.choice(WORDS)
        self._note(f"{what} {word}")
        path = self.root / PLACES[what]
        before, aside = path.stat(), path.with_name("aside~")
        shutil.copy2(path, aside)
        write_word(self.root, what, word)
        shutil.copy(path, aside)
        os.utime(aside, ns=(before.st_atime_ns, before.st_mtime_ns))
        aside.replace(path)

    def do_touch(self) -> None:
        os.utime(self.root / PLACES[self.random.choice(list(PLACES))])

    def do_swap_two_words(self) -> None:
        one, two = (self.root / PLACES[what] for what in ("linked", "other"))
        aside = one.with_name("aside")
        one.rename(aside)
        two.rename(one)
        aside.rename(two)

    def do_turn_the_link(self) -> None:
        link = self.root / LIBRARY / "link.txt"
        goal = self.random.choice(("linked.txt", "other.txt", "alias.txt"))
        (self.root / "words/alias.txt").unlink(missing_ok=True)
        (self.root / "words/alias.txt").symlink_to(self.random.choice(("linked.txt", "other.txt")))
        link.unlink()
        link.symlink_to(f"../../words/{goal}")

    def do_put_a_copy_in_the_links_place(self) -> None:
        link = self.root / LIBRARY / "link.txt"
        text = link.read_text()
        link.unlink()
        link.write_text(text)

    def do_change_a_mode(self) -> None:
        path = self.root / PLACES[self.random.choice(list(PLACES))]
        path.chmod(self.random.choice((0o600, 0o644, 0o755, 0o664)))

    def do_move_a_folder_and_back(self) -> None:
        folder = self.root / self.random.choice((PACKAGE, LIBRARY, MACRO, "words", ".words", f"{PACKAGE}/src/parts"))
        self._note(str(folder.relative_to(self.root)))
        folder.rename(folder.with_name("moved"))
        result = self.victim.scons("tiny")
        if result.code == 0 and folder.name != "words":
            self._fail(result, "a build without its sources ended well")
        folder.with_name("moved").rename(folder)

    def do_move_the_checkout(self) -> None:
        other = self.root.with_name("moved" if self.root.name != "moved" else "victim")
        self.root.rename(other)
        self.victim = Tree(other, self.victim.cache)

    def do_copy_the_checkout(self) -> None:
        other = self.root.with_name("copied" if self.root.name != "copied" else "victim")
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(self.root, other, symlinks=True)
        old, self.victim = self.root, Tree(other, self.victim.cache)
        shutil.rmtree(old)

    def do_commit_and_go_back(self) -> None:
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", "a step")
        self._git("checkout", "-q", f"HEAD~{self.random.choice((0, 1))}")

    def do_stash(self) -> None:
        self._git(*(("stash", "pop", "-q") if self.stash else ("stash", "-q")), check=False)
        self.stash = not self.stash
        self._git("checkout", "-q", "HEAD", "--", ".") if b"UU" in self._git("status", "--porcelain") else None

    def do_lose_files(self) -> None:
        for path in self._some_files(self.root / "build"):
            self._note(path.name)
            self.random.choice((Path.unlink, flip, cut, empty, _folder, _link))(path)

    def do_lose_a_folder(self) -> None:
        folders = [path for path in sorted((self.root / "build").rglob("*")) if path.is_dir() and not path.is_symlink()]
        if folders:
            shutil.rmtree(self.random.choice(folders))

    def do_swap_two_outputs(self) -> None:
        files = self._some_files(self.root / "build")
        if len(files) > 1:
            one, two = files[:2]
            content = one.read_bytes()
            one.write_bytes(two.read_bytes())
            two.write_bytes(content)

    def do_damage_the_cache(self) -> None:
        for path in self._some_files(Path(self.victim.cache)):
            self.random.choice((Path.unlink, flip, cut, empty))(path)

    def do_restore_an_old_build_folder(self) -> None:
        aside = self.root.with_name("old-build")
        if aside.exists():
            shutil.rmtree(self.root / "build", ignore_errors=True)
            shutil.copytree(aside, self.root / "build", symlinks=True)
            shutil.rmtree(aside)
        elif (self.root / "build").exists():
            shutil.copytree(self.root / "build", aside, symlinks=True)

    def do_kill_a_build(self) -> None:
        process = self._start()
        time.sleep(self.random.uniform(0.03, 1.5))
        process.send_signal(self.random.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT)))
        process.communicate(timeout=120)

    def do_edit_during_a_build(self) -> None:
        process = self._start()
        for _ in range(self.random.choice((1, 2, 3))):
            time.sleep(self.random.uniform(0.01, 0.6))
            self.do_edit()
        process.communicate(timeout=120)

    def do_edit_and_undo_during_a_build(self) -> None:
        what, word = self.random.choice(list(PLACES)), self.random.choice(WORDS)
        self._note(f"{what} {word}")
        path = self.root / PLACES[what]
        process = self._start()
        time.sleep(self.random.uniform(0.01, 0.8))
        before = path.read_text()
        write_word(self.root, what, word)
        time.sleep(self.random.uniform(0.0, 0.2))
        path.write_text(before)
        process.communicate(timeout=120)

    def do_two_builds_at_once(self) -> None:
        both = [self._start(), self._start()]
        for process in both:
            process.communicate(timeout=240)

    def do_lose_files_during_a_build(self) -> None:
        process = self._start()
        time.sleep(self.random.uniform(0.05, 1.0))
        for path in self._some_files(self.root / "build"):
            with contextlib.suppress(OSError):
                self.random.choice((Path.unlink, flip, cut))(path)
        process.communicate(timeout=120)

    def _start(self) -> subprocess.Popen[str]:
        return self.victim.start("tiny", *self.random.choice(OPTIONS))

    def _some_files(self, folder: Path) -> list[Path]:
        files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
        return self.random.sample(files, min(len(files), self.random.choice((1, 2, 5))))

    def _git(self, *words: str, check: bool = True) -> bytes:
        who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.hooksPath=/dev/null")
        return subprocess.run(["git", *who, *words], cwd=self.root, check=check, capture_output=True).stdout

    def _note(self, more: str) -> None:
        self.done[-1] += f" {more}"

    def compare(self, options: tuple[str, ...]) -> None:
        """Build, and hold the program against a clean build's."""
        self.done.append(f"build {' '.join(options)}")
        result = self.victim.scons("tiny", *options)
        self.builds += 1
        profile = next((word.partition("=")[2] for word in options if word.startswith("profile=")), "release")
        if result.code:
            self._fail(result, "a build failed that a clean one would not")
        truth = self._truth(tuple(word for word in options if word.startswith("profile=")))
        # what is compiled incrementally has other bytes, and says the same
        found = self._found(self.victim, profile)
        if found != truth:
            self._fail(result, f"not what a clean build makes: {self.victim.run('tiny', profile=profile)[1]}")
        again = self.victim.scons("tiny", *options)
        if again.stderr.strip():
            self._fail(again, "something was left to do")

    def _truth(self, options: tuple[str, ...]) -> bytes:
        state = self._state()
        if (state, options) not in self.verdicts:
            shutil.rmtree(self.judges, ignore_errors=True)
            self.judges.mkdir()
            shutil.copytree(self.std, self.judges / "cache", copy_function=os.link)
            judge = copy_sources(Tree(self.root, str(self.judges / "cache")), self.judges / "judge")
            judge.build("tiny", *options)
            profile = options[0].partition("=")[2] if options else "release"
            self.verdicts[state, options] = self._found(judge, profile)
        return self.verdicts[state, options]

    def _found(self, tree: Tree, profile: str) -> bytes:
        said = tree.run("tiny", profile=profile)[1].encode()
        return said if profile == "dev" else said + tree.program("tiny", profile).read_bytes()

    def _state(self) -> str:
        """All that is in the sources, and in which mode."""
        hasher = hashlib.sha256()
        for top in ("user-rs", "words", ".words"):
            for path in sorted((self.root / top).rglob("*")):
                if path.is_file():
                    hasher.update(f"{path.relative_to(self.root)} {path.stat().st_mode & 0o100}\n".encode())
                    hasher.update(path.read_bytes())
        return hasher.hexdigest()

    def _fail(self, result: Result, what: str) -> None:
        steps = "\n  ".join(self.done)
        raise WrongOutcomeError(f"{what}\nseed {self.seed}:\n  {steps}\nexit code {result.code}\n{result.stderr}")


def _folder(path: Path) -> None:
    path.unlink()
    (path / "within").mkdir(parents=True)


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/null")


def misfortune(folder: Path, std: Path, seed: int) -> Misfortune:
    """Set a checkout up, as it was committed; `std` holds what was compiled of std."""
    copy_cache(std, folder / "cache")
    victim = copy_tree(folder / "victim", str(folder / "cache"))
    write_tiny(victim)
    (victim.root / ".gitignore").open("a").write("\n/build/\n__pycache__/\n/.toolchain\n")
    subject = Misfortune(victim, std, folder / "judges", seed)
    subject._git("init", "-q")  # noqa: SLF001 - as one of its steps would
    for _ in range(2):
        subject._git("add", "-A")  # noqa: SLF001 - likewise
        subject._git("commit", "-q", "--allow-empty", "-m", "the first step")  # noqa: SLF001 - likewise
    return subject


def main() -> None:
    """Have a build suffer as often as the command line says, and tell from what."""
    folder, seed, steps = Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3])
    std = folder / "std"
    if not std.exists():
        std.mkdir(parents=True)
        maker = copy_tree(folder / "maker", str(std))
        for profile in ("release", "dev", "size"):
            maker.build("hello-rs", f"profile={profile}")
    with contextlib.ExitStack() as stack:
        place = folder / f"seed-{seed}"
        place.mkdir()
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        subject = misfortune(place, std, seed)
        if wanted := sys.argv[4:]:
            subject.operations = [getattr(subject, f"do_{name}") for name in wanted]
        try:
            subject.run(steps)
        finally:
            sys.stdout.write(f"{subject.builds} builds\n")


if __name__ == "__main__":
    main()
