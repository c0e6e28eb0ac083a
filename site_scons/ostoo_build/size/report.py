"""Formats a size report by crate, section and function, and compares two of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, to_builtins

from ostoo_build.base import byte_size, layout, numbered, pages
from ostoo_build.base.errors import OstooError
from ostoo_build.size import parts as size_parts
from ostoo_build.size.parts import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_PAGE = Path(__file__).with_name("treemap.html")
_SHOWN = 25
_CRATES_SHOWN = 12


class SizeReport(Struct, frozen=True):
    """`parts` are sorted by size, each name once for its crate and section. Together they have `file_size` bytes."""

    program: str
    file_size: int
    parts: tuple[Part, ...]

    def by(self, key: Callable[[Part], str]) -> Counter[str]:
        """Add up bytes by a property of parts."""
        found: Counter[str] = Counter()
        for part in self.parts:
            found[key(part)] += part.size
        return found

    def to_json(self) -> str:
        """Return the report for tools and for `read`. Equal reports give equal text."""
        return json.dumps(numbered.to_builtins(self), indent=1) + "\n"

    def to_page(self, about: Mapping[str, str]) -> str:
        """Return a self-contained HTML page; `about` is what it says of where it is from."""
        return pages.page(_PAGE, to_builtins(self), about)


def analyse(shipped: Path, unstripped: Path, name: str) -> SizeReport:
    """Analyse a program. Raises `OstooError` if a file can't be read, or the two are different programs."""
    found: Counter[tuple[str, str, str]] = Counter()
    for part in size_parts.share_out(shipped, unstripped, name):
        found[part.section, part.crate, part.name] += part.size
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return SizeReport(name, found.total(), tuple(Part(*place, size) for place, size in ranked))


def read(path: Path) -> SizeReport:
    """Read a report that `to_json` wrote. Raises `OstooError`."""
    try:
        return numbered.from_json(path.read_bytes(), SizeReport)
    except (OSError, ValueError, RecursionError) as error:
        raise OstooError(f"can't read the report: {error}", where=str(path), remedy="build it again") from error


def of_file(path: Path) -> SizeReport:
    """Read a report from any path: a stored report, or a program with its NAME.debug beside it."""
    if path.suffix == ".json":
        return read(path)
    if path.is_dir():
        raise OstooError("this is a folder, not a program", where=str(path))
    shipped = path.with_suffix("") if path.suffix == layout.SYMBOLS else path
    unstripped = shipped.with_name(f"{shipped.name}{layout.SYMBOLS}")
    for each in (shipped, unstripped):
        if not each.is_file():
            raise OstooError(
                "there is no such program",
                where=str(each),
                remedy="a program and its NAME.debug must be in the same folder",
            )
    return analyse(shipped, unstripped, shipped.name)


def table(report: SizeReport, *, whole: bool) -> str:
    """Return a text with crates, sections, and the largest functions and data, or all of them if `whole` is set."""
    return "".join(f"{line}\n" for line in _lines(report, whole=whole))


def _lines(report: SizeReport, *, whole: bool) -> Iterator[str]:
    yield f"{report.program}: {report.file_size} bytes ({byte_size.show(report.file_size)})"
    for title, key in (("crate", _crate), ("section", _section)):
        yield ""
        yield f"{'bytes':>8} {'%':>6}  {title}"
        for name, size in report.by(key).most_common():
            yield f"{size:>8} {_percent(size, report.file_size)}  {name}"
    shown = report.parts if whole else report.parts[:_SHOWN]
    yield ""
    yield f"{'bytes':>8} {'%':>6}  {'crate':<18} function, data"
    for part in shown:
        yield f"{part.size:>8} {_percent(part.size, report.file_size)}  {part.crate:<18} {part.name}"
    rest = report.parts[len(shown) :]
    if rest:
        size = sum(part.size for part in rest)
        yield f"{size:>8} {_percent(size, report.file_size)}  {len(rest)} more; --all shows them"


def comparison(before: SizeReport, after: SizeReport, *, whole: bool) -> str:
    """Return a text about what grew and shrank."""
    return "".join(f"{line}\n" for line in _changes(before, after, whole=whole))


def _changes(before: SizeReport, after: SizeReport, *, whole: bool) -> Iterator[str]:
    grown = after.file_size - before.file_size
    yield f"{after.program}: {before.file_size} -> {after.file_size} bytes ({grown:+})"
    if before.parts == after.parts:
        yield "no size changed"
        return
    for title, key in (("crate", _crate), ("section", _section), ("function, data", _full_name)):
        ranked = _ranked(before.by(key), after.by(key))
        shown = ranked if whole else ranked[:_SHOWN]
        if ranked:
            yield ""
            yield f"{'change':>8} {'before':>8} {'after':>8}  {title}"
        for name, old, new in shown:
            yield f"{new - old:>+8} {old:>8} {new:>8}  {name}"
        if len(ranked) > len(shown):
            yield f"{'':>26}  {len(ranked) - len(shown)} more; --all shows them"


def _ranked(before: Counter[str], after: Counter[str]) -> list[tuple[str, int, int]]:
    changed = [(name, before[name], after[name]) for name in before.keys() | after.keys()]
    changed = [each for each in changed if each[1] != each[2]]
    return sorted(changed, key=lambda each: (-abs(each[2] - each[1]), each[0]))


def _crate(part: Part) -> str:
    return part.crate


def _section(part: Part) -> str:
    return part.section


def _full_name(part: Part) -> str:
    return f"{part.crate:<18} {part.name}"


def _percent(size: int, whole: int) -> str:
    return f"{100 * size / whole:>6.1f}"
