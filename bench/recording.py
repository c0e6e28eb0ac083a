"""Records what a terminal shows of builds: python bench/recording.py [--markdown].

A cold build, an edit, a mistake, and Ctrl-C, in a checkout of its own without any cache, as whole screens of a terminal
emulator. Some 3 minutes; Linux only.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[1:1] = [str(ROOT / path) for path in ("site_scons", "tests/e2e", "tests/support")]

import page  # noqa: E402 - found only by the path that is set above
from screens import terminal  # noqa: E402 - likewise
from trees import copy_tree  # noqa: E402 - likewise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from screens import Terminal

SOURCE = "user-rs/hello-std/src/main.rs"
ANCHOR = 'println!("Hello'
_STOP = "\x03"


@dataclass(frozen=True)
class Recorder:
    """A checkout in which commands are typed."""

    root: Path
    environment: dict[str, str]

    def replace(self, old: str, new: str) -> None:
        """Edit the program's source."""
        path = self.root / SOURCE
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    def recorded(self, words: str, *moments: Callable[[Terminal], list[str]]) -> str:
        """Run `./sconsw` with arguments, and return its screens at some moments and at its end."""
        command = [sys.executable, "-S", "-P", "site_scons/ostoo_scons/start.py", "cache=off", *words.split()]
        start = time.monotonic()
        shown: list[str] = []
        with terminal(command, cwd=self.root, environ=self.environment, columns=100, rows=30) as screen:
            for moment in moments:
                rows = [*moment(screen)]
                shown += [f"[after {time.monotonic() - start:.0f} s]", *rows, ""]
            rows = screen.to_the_end()
        code = screen.process.returncode
        ended = f"exit code {code}" if code >= 0 else f"ended by {signal.Signals(-code).name}"
        end = f"[the end, after {time.monotonic() - start:.1f} s, {ended}]"
        text = "\n".join(row.rstrip() for row in [f"$ ./sconsw {words}", *shown, end, *rows])
        return f"```text\n{text}\n```"


def after(seconds: int) -> Callable[[Terminal], list[str]]:
    """Return a moment: the first screen whose status block counts so many seconds."""

    def moment(screen: Terminal) -> list[str]:
        return screen.until(lambda rows: any(_seconds(row) >= seconds for row in rows))

    return moment


def _seconds(row: str) -> int:
    found = re.match(r" +Building .*\((\d+) s\)", row)
    return int(found[1]) if found else -1


def _stopped(screen: Terminal) -> list[str]:
    rows = after(3)(screen)
    screen.type(_STOP)
    return rows


def scenes(recorder: Recorder) -> Iterator[tuple[str, str]]:
    """Yield a title and the screens of each scene."""
    yield "Ctrl-C while core compiles", recorder.recorded("hello-std", _stopped)
    yield "A cold build", recorder.recorded("hello-std", after(8), after(16))
    yield "Nothing to do", recorder.recorded("hello-std")
    time.sleep(3)  # the server prepares the next build
    recorder.replace(ANCHOR, f'println!("An edit."); {ANCHOR}')
    yield "An edit", recorder.recorded("hello-std")
    recorder.replace("An edit.", "An edit.{}")
    yield "A mistake", recorder.recorded("hello-std")


def main() -> None:
    parser = argparse.ArgumentParser(description="Record what a terminal shows of builds.")
    parser.add_argument("--markdown", action="store_true", help="put the screens into docs/terminal.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        root = Path(scratch).resolve()
        tree = copy_tree(root / "checkout", "off")
        left_out = ("CI", "NO_COLOR", "FORCE_COLOR")
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        recorder = Recorder(tree.root, {**kept, "XDG_CACHE_HOME": str(root / "caches")})
        recorder.recorded("sysroot")
        text = "\n\n".join(f"## {title}\n\n{shown}" for title, shown in scenes(recorder))
    print(text)
    if arguments.markdown:
        page.write("recording.py", text, page.TERMINAL)


if __name__ == "__main__":
    main()
