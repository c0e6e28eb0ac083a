"""Makes the pictures of the documentation: python bench/pictures.py.

The pages of the graph, of times and of sizes for hello-std in Chromium, and a film of a terminal: a first build without
a cache, an edit and the program. A checkout of its own is built for them. Some 3 minutes; Linux only.
"""

from __future__ import annotations

import base64
import math
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[1:1] = [str(ROOT / path) for path in ("site_scons", "tests/e2e", "tests/support")]

import terminal_svg  # noqa: E402 - found only by the path that is set above
from browser import Browser  # noqa: E402 - likewise
from screens import terminal  # noqa: E402 - likewise
from terminal_svg import Piece  # noqa: E402 - likewise
from trees import Tree, copy_tree  # noqa: E402 - likewise

from ostoo_build.start import provided_tools  # noqa: E402 - likewise

PICTURES = ROOT / "docs/pictures"
PROGRAM = "hello-std"
_FIRST = 12
"""Seconds for which the film shows the first build, however long it took."""

_PROMPT = b"\x1b[32m$\x1b[0m "
_REST = 1.2
"""Seconds between a command's end and the next one."""

_EDIT = f"sed -i 's/Hello from/Greetings from/' user-rs/{PROGRAM}/src/main.rs"
_WINDOW = (1280, 800)
_QUALITY = 80


@dataclass
class Film:
    """What was typed in a checkout and what was shown then."""

    tree: Tree
    environment: dict[str, str]
    pieces: list[Piece] = field(default_factory=list)
    now: float = 0.0

    def type(self, words: str) -> None:
        """Show how a command is typed."""
        self.show(_PROMPT)
        self.now += _REST
        self.show(f"{words}\r\n".encode())

    def show(self, content: bytes) -> None:
        self.pieces.append(Piece(self.now, content))

    def play(self, words: str, argv: list[str], longest: float = math.inf) -> int:
        """Type a command, run it on a terminal, and show what it wrote at the times at which it did.

        If it took longer than some seconds, it is shown faster; returns how much.
        """
        self.type(words)
        size = {"columns": terminal_svg.COLUMNS, "rows": terminal_svg.ROWS}
        with terminal(argv, cwd=self.tree.root, environ=self.environment, **size) as screen:
            screen.to_the_end()
        if screen.process.returncode:
            sys.exit("\n".join(["this failed:", *screen.rows]))
        before, began = 0, self.now
        faster = math.ceil(screen.moments[-1][0] / longest) or 1
        for at, end in screen.moments:
            self.now = began + at / faster
            self.show(bytes(screen.raw[before:end]))
            before = end
        return faster


def film(tree: Tree, environment: dict[str, str]) -> str:
    """Build, edit, build again and run, and return the picture."""
    made = Film(tree, environment)
    build = tree.command(PROGRAM, "--timings")
    faster = made.play(f"./sconsw {PROGRAM} --timings", build, _FIRST)
    made.play(_EDIT, ["sh", "-c", _EDIT])
    time.sleep(3)  # the server prepares the next build
    made.play(f"./sconsw {PROGRAM}", tree.command(PROGRAM))
    program = str(tree.program(PROGRAM).relative_to(tree.root))
    made.play(program, [program])
    made.show(_PROMPT)
    return terminal_svg.drawn(made.pieces, f"a first build, {faster} times as fast; an edit, as fast as it is")


def pages(tree: Tree) -> dict[str, Path]:
    """Let verbs write their pages, and return these by the names of their pictures."""
    tree.ostoo("graph", PROGRAM)
    tree.ostoo("size", PROGRAM)
    build = tree.root / "build"
    (treemap,) = build.glob(f"reports/*/release/{PROGRAM}/treemap.html")
    return {"graph": build / "graph/graph.html", "timings": build / "timings/timings.html", "size": treemap}


def shoot(browser: Browser, page: Path, name: str) -> None:
    """Take a picture of the top of a page in each colour."""
    width, height = _WINDOW
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    for colours in ("light", "dark"):
        browser.open(page, width, colours)
        time.sleep(1)
        shot = browser.ask("Page.captureScreenshot", format="webp", quality=_QUALITY, clip=clip)
        (PICTURES / f"{name}-{colours}.webp").write_bytes(base64.b64decode(shot["data"]))


def main() -> None:
    os.environ["PATH"] = provided_tools.on_path(os.environ, ROOT)  # Chromium is where `./sconsw test` put it
    PICTURES.mkdir(exist_ok=True)
    left_out = ("CI", "NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    with tempfile.TemporaryDirectory(prefix="pictures-") as scratch:
        root = Path(scratch).resolve()
        environment["XDG_CACHE_HOME"] = os.environ["XDG_CACHE_HOME"] = str(root / "caches")
        tree = copy_tree(root / "checkout", "off")
        tree.build("sysroot")
        (PICTURES / "terminal.svg").write_text(film(tree, environment), encoding="utf-8")
        with Browser(root / "browser") as browser:
            for name, page in pages(tree).items():
                shoot(browser, page, name)
    for path in sorted(PICTURES.iterdir()):
        print(f"{path.stat().st_size:>8,} bytes  {path.name}")


if __name__ == "__main__":
    main()
