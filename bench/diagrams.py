"""Draws the diagrams of the documentation: python bench/diagrams.py FILE.

FILE is `dist/mermaid.min.js` of mermaid's package (`npm pack mermaid@11`), which runs in Chromium; it is needed only
when a diagram was edited. Pictures that no page shows any more are removed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[1:1] = [str(ROOT / path) for path in ("docsite", "site_scons", "tests/support")]

from browser import Browser  # noqa: E402 - likewise

import diagrams_of_pages  # noqa: E402 - found only by the path that is set above
from ostoo_build.start import provided_tools  # noqa: E402 - likewise

DOCS = ROOT / "docs"
_THEMES = {"light": "default", "dark": "dark"}
_DRAW = """(async () => {
  mermaid.initialize({ startOnLoad: false, theme: %s, htmlLabels: false, flowchart: { htmlLabels: false } });
  return (await mermaid.render('diagram', %s)).svg;
})()"""


def main() -> None:
    os.environ["PATH"] = provided_tools.on_path(os.environ, ROOT)  # Chromium is where `./sconsw test` put it
    parser = argparse.ArgumentParser(description="Draw the diagrams of the documentation.")
    parser.add_argument("mermaid", type=Path, metavar="FILE", help="mermaid.min.js")
    script = parser.parse_args().mermaid.read_text(encoding="utf-8")
    folder = DOCS / diagrams_of_pages.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    pages = (page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md")))
    sources = [source for page in pages for source in diagrams_of_pages.sources(page)]
    made = set()
    with tempfile.TemporaryDirectory(prefix="diagrams-") as profile, Browser(Path(profile)) as browser:
        browser.visit("about:blank")
        browser.run(f"{script}\n;0")
        for source in sources:
            for colours in diagrams_of_pages.COLOURS:
                drawn = browser.run(_DRAW % (json.dumps(_THEMES[colours]), json.dumps(source)))
                path = folder / diagrams_of_pages.picture(source, colours)
                path.write_text(f"{drawn}\n", encoding="utf-8")
                made.add(path)
    for path in set(folder.iterdir()) - made:
        path.unlink()


if __name__ == "__main__":
    main()
