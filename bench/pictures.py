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
from typing import NamedTuple

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
_WIDTH = 1280
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
        took = screen.moments[-1][0] if screen.moments else 0
        faster = math.ceil(took / longest) or 1
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


class Shot(NamedTuple):
    """A page to take a picture of: its top, of a height in pixels."""

    name: str
    page: Path
    height: int
    fragment: str = ""


def shots(tree: Tree) -> tuple[Shot, ...]:
    """Let verbs write their pages."""
    tree.ostoo("graph", PROGRAM)
    tree.ostoo("size", PROGRAM)
    build = tree.root / "build"
    (treemap,) = build.glob(f"reports/*/release/{PROGRAM}/treemap.html")
    return (
        Shot("graph", build / "graph/graph.html", 1000, "#alloc%20v0.0.0"),
        Shot("timings", build / "timings/timings.html", 980),
        Shot("size", treemap, 800),
    )


def take(browser: Browser, shot: Shot) -> None:
    """Take a picture in each colour."""
    clip = {"x": 0, "y": 0, "width": _WIDTH, "height": shot.height, "scale": 1}
    browser.resize(_WIDTH)
    for colours in ("light", "dark"):
        browser.colours(colours)
        browser.visit(f"{shot.page.as_uri()}{shot.fragment}")
        time.sleep(1)
        taken = browser.ask(
            "Page.captureScreenshot", format="webp", quality=_QUALITY, clip=clip, captureBeyondViewport=True
        )
        (PICTURES / f"{shot.name}-{colours}.webp").write_bytes(base64.b64decode(taken["data"]))


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
        try:
            (PICTURES / "terminal.svg").write_text(film(tree, environment), encoding="utf-8")
            with Browser(root / "browser") as browser:
                for shot in shots(tree):
                    take(browser, shot)
        finally:
            tree.ostoo("server", "stop")
    for path in sorted(PICTURES.iterdir()):
        print(f"{path.stat().st_size:>8,} bytes  {path.name}")


if __name__ == "__main__":
    main()
