"""Random edits, faults and undos of one checkout; each build after them must equal a clean build of the same sources.

By hand: python tests/e2e/torture.py SEED STEPS [OPERATION...], such as `1 200 edit kill_a_build`
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from damage import cut, flip
from trees import Result, Tree, copy_cache, copy_tree

PROGRAMS = ("cat-rs", "hello-rs")
SOURCES = ("user-rs/cat-rs/src/main.rs", "user-rs/hello-rs/src/main.rs", "user-rs/rt/src/io.rs")
SAID = {"cat-rs": "cat-rs: {}: error", "hello-rs": "Heap works"}
BROKEN = "\nfn broken( {\n"


class WrongOutcomeError(AssertionError):
    """A build that a clean one contradicts."""


@dataclass
class Torture:
    """`victim` suffers, `judge` is built from nothing; both have the same sources when they are compared."""

    victim: Tree
    judge: Tree
    seed: int
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - faults, not secrets
        self.history: dict[str, list[str]] = {name: [self._text(name)] for name in SOURCES}
        self.verdicts: dict[str, dict[str, str]] = {}
        self.operations = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("do_")]

    def run(self, steps: int) -> None:
        """Take so many steps. Raises `WrongOutcomeError` with all that was done so far."""
        for _ in range(steps):
            for operation in self.random.choices(self.operations, k=self.random.choice((1, 1, 2, 3))):
                self.done.append(operation.__name__.removeprefix("do_"))
                operation()
            programs = self.random.sample(PROGRAMS, self.random.choice((1, 2)))
            self.done.append(f"build {' '.join(programs)}")
            self._compare(programs)

    def do_edit(self) -> None:
        name = self._source()
        self._write(name, f"{self._text(name)}\n// {self.random.random()}\n")

    def do_edit_what_is_printed(self) -> None:
        program = self.random.choice(PROGRAMS)
        name = f"user-rs/{program}/src/main.rs"
        text = self._text(name)
        if SAID[program] in text:
            self._write(name, text.replace(SAID[program], f"{self.random.randrange(10)}{SAID[program]}"))

    def do_edit_and_put_the_time_back(self) -> None:
        name = "user-rs/hello-rs/src/main.rs"
        status = (self.victim.root / name).stat()
        text = self._text(name)
        digit = self.random.randrange(10, 99)
        self._write(name, text.replace("Box::new(42)", f"Box::new({digit})"))
        os.utime(self.victim.root / name, ns=(status.st_atime_ns, status.st_mtime_ns))

    def do_touch(self) -> None:
        os.utime(self.victim.root / self._source())

    def do_return_to_an_earlier_text(self) -> None:
        name = self._source()
        self._write(name, self.random.choice(self.history[name]))

    def do_break_a_source(self) -> None:
        self._write(self._source(), BROKEN)

    def do_add_a_module(self) -> None:
        name = "user-rs/hello-rs/src/main.rs"
        (self.victim.root / "user-rs/hello-rs/src/more.rs").write_text(f"// {self.random.random()}\n")
        if "mod more;" not in self._text(name):
            self._write(name, f"{self._text(name)}\nmod more;\n")

    def do_take_the_module_away(self) -> None:
        (self.victim.root / "user-rs/hello-rs/src/more.rs").unlink(missing_ok=True)

    def do_change_the_profile(self) -> None:
        path = self.victim.root / "user-rs/Cargo.toml"
        table = "\n[profile.release.package.hello-rs]\n"
        level = self.random.choice(("1", "2", '"s"'))
        path.write_text(f"{path.read_text().partition(table)[0]}{table}opt-level = {level}\n")

    def do_damage_an_output(self) -> None:
        files = [path for path in sorted((self.victim.root / "build").rglob("*")) if path.is_file()]
        if files:
            path = self.random.choice(files)
            self.done[-1] += f" {path.name}"
            self.random.choice((flip, cut, Path.unlink))(path)

    def do_damage_a_library_and_use_it(self) -> None:
        libraries = sorted((self.victim.root / "build").rglob("*.rlib"))
        if libraries:
            cut(self.random.choice(libraries))
            for program in PROGRAMS:
                name = f"user-rs/{program}/src/main.rs"
                self._write(name, f"{self._text(name)}\n// {self.random.random()}\n")

    def do_forget(self) -> None:
        shutil.rmtree(self.victim.root / "build/.ostoo", ignore_errors=True)

    def do_forget_what_scons_knows(self) -> None:
        for path in self.victim.root.glob("build/.ostoo/sconsign*"):
            path.unlink()

    def do_clean(self) -> None:
        self.victim.scons("-c", *self.random.choice(((), ("hello-rs",))))

    def do_kill_a_build(self) -> None:
        process = self.victim.start(*PROGRAMS)
        time.sleep(self.random.uniform(0.05, 1.5))
        process.send_signal(self.random.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT)))
        process.communicate(timeout=120)

    def _compare(self, programs: list[str]) -> None:
        published = {name: _sha256(self.victim.program(name)) for name in programs}
        result = self.victim.scons(*programs)
        truth = self._truth()
        for name in programs:
            found = _sha256(self.victim.program(name))
            if result.code == 0 and found != truth[name]:
                self._fail(result, f"{name} is not what a clean build makes of these sources")
            if result.code != 0 and published[name] and found not in (published[name], truth[name]):
                self._fail(result, f"{name} was lost, or half-written, in a build that failed")
        if (result.code == 0) != all(truth[name] for name in programs):
            self._fail(result, "one of both builds failed, the other did not")
        again = self.victim.scons(*programs)
        if result.code == 0 and again.stderr:
            self._fail(again, "something was left to do")

    def _truth(self) -> dict[str, str]:
        """What a clean build makes of the victim's sources; an empty text for a program that it can't build."""
        state = self._state()
        if state not in self.verdicts:
            shutil.rmtree(self.judge.root / "user-rs")
            shutil.copytree(self.victim.root / "user-rs", self.judge.root / "user-rs")
            self.verdicts[state] = {}
            for name in PROGRAMS:
                shutil.rmtree(self.judge.root / "build", ignore_errors=True)
                built = self.judge.scons(name).code == 0
                self.verdicts[state][name] = _sha256(self.judge.program(name)) if built else ""
        return self.verdicts[state]

    def _state(self) -> str:
        folder = self.victim.root / "user-rs"
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return hashlib.sha256(repr([(str(path), path.read_bytes()) for path in files]).encode()).hexdigest()

    def _source(self) -> str:
        return self.random.choice(SOURCES)

    def _text(self, name: str) -> str:
        return (self.victim.root / name).read_text(encoding="utf-8")

    def _write(self, name: str, text: str) -> None:
        (self.victim.root / name).write_text(text, encoding="utf-8")
        if text != BROKEN:
            self.history[name].append(text)

    def _fail(self, result: Result, what: str) -> None:
        steps = "\n  ".join(self.done)
        raise WrongOutcomeError(f"{what}\nseed {self.seed}:\n  {steps}\nexit code {result.code}\n{result.stderr}")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def torture(folder: Path, cache: Path, seed: int) -> Torture:
    """Set both checkouts up. Their caches are apart: what one stores wrongly the other must not find."""
    victim_cache = folder / "cache"
    copy_cache(cache, victim_cache)
    return Torture(copy_tree(folder / "victim", str(victim_cache)), copy_tree(folder / "judge", str(cache)), seed)


def main() -> None:
    """Torture a build as often as the command line says, and tell what was done to it."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder, "judge-cache")
        cache.mkdir()
        subject = torture(Path(folder), cache, int(sys.argv[1]))
        if wanted := sys.argv[3:]:
            subject.operations = [getattr(subject, f"do_{name}") for name in wanted]
        try:
            subject.run(int(sys.argv[2]))
        finally:
            sys.stdout.write("\n".join((*subject.done, "")))


if __name__ == "__main__":
    main()
