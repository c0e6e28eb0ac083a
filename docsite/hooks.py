"""Adds the pages that are not in docs/ to the site, and lets links lead to its pages: mkdocs calls it.

Added are the reference, which is made from the code, and the documents at the top of the repository.
"""

from __future__ import annotations

import posixpath
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "site_scons"))
import diagrams_of_pages  # noqa: E402 - mkdocs lets this file find its neighbours while it loads it
import reference  # noqa: E402 - likewise, and what it shows is found by the path that is set above

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

HOME = "index.md"
OF_TOP = {"README.md": HOME, "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""Documents at the top of the repository, and the pages of the site that have what they say."""

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]+)(?=[)#\s])")
_PICTURE = re.compile(
    r"<picture>\s*<source [^>]*dark[^>]*srcset=\"(?P<dark>[^\"]+)\"[^>]*>"
    r"\s*<img alt=\"(?P<alt>[^\"]*)\" src=\"(?P<light>[^\"]+)\"[^>]*>\s*</picture>"
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add pages; one in docs/ has precedence over a document at the top."""
    for name, text in reference.pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    for document, page in OF_TOP.items():
        if files.get_file_from_path(page) is None:
            text = _moved((ROOT / document).read_text(encoding="utf-8"), document, page)
            files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - mkdocs names them
    """Let links that leave docs/ lead to the site's pages, and pictures follow the colours that a reader chose."""
    here = page.file.src_uri
    if page.file.generated_by is None:
        markdown = _moved(markdown, f"docs/{here}", here)
    markdown = diagrams_of_pages.drawn(markdown, partial(_diagram, here, files))
    return _PICTURE.sub(_of_both_colours, markdown)


def _moved(text: str, document: str, page: str) -> str:
    """Return the text of a document of the repository with links as they are from a page of the site."""

    def link(found: re.Match[str]) -> str:
        goal = posixpath.normpath(posixpath.join(posixpath.dirname(document), found[1]))
        there = OF_TOP.get(goal, goal.removeprefix("docs/"))
        return posixpath.relpath(there, posixpath.dirname(page) or ".")

    return _LINK.sub(link, text)


def _diagram(page: str, files: Files, source: str, heading: str) -> str:
    """Return the pictures of a diagram. Raises `PluginError` if it was not drawn."""
    paths = [
        f"{diagrams_of_pages.FOLDER}/{diagrams_of_pages.picture(source, colours)}" for colours in ("light", "dark")
    ]
    if not all(map(files.get_file_from_path, paths)):
        what = f"docs/{page}: the diagram below the heading {heading!r} was edited, and no picture shows it"
        raise PluginError(f"{what}\n  help: draw it with bench/diagrams.py, which says how")
    light, dark = (posixpath.relpath(path, posixpath.dirname(page) or ".") for path in paths)
    return _both(f"Diagram: {heading}", light, dark)


def _of_both_colours(found: re.Match[str]) -> str:
    return _both(found["alt"], found["light"], found["dark"])


def _both(alt: str, light: str, dark: str) -> str:
    """Return pictures in the form by which the theme shows the one for its colours."""
    return f"![{alt}]({light}#only-light)\n![{alt}]({dark}#only-dark)"
