"""What documents name is there: tests, files, modules, verbs."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from ostoo_build.cli import command_line

ROOT = Path(__file__).parents[2]
NAMES = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.splitlines()
DOCUMENTS = [name for name in NAMES if name.endswith(".md") and name != "CHANGELOG.md"]
TESTS = {
    name: set(re.findall(r"^(?:async )?def (test_\w+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
    for name in NAMES
    if Path(name).name.startswith("test_") and name.endswith(".py")
}
PACKAGE = "site_scons/ostoo_build/"
PACKAGES = {Path(name).parent.name for name in NAMES if name.startswith(PACKAGE) and name.endswith("__init__.py")}

OF_CARGO = frozenset({"build.target"})


def words(document: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", (ROOT / document).read_text(encoding="utf-8"))


def files_called(name: str) -> list[str]:
    return [each for each in NAMES if each == name or each.endswith(f"/{name}")]


def is_module(dotted: str) -> bool:
    """Whether this is a module of ours, or a name that one defines."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        path = ROOT / PACKAGE / Path(*parts[:cut])
        if path.with_suffix(".py").is_file():
            text = path.with_suffix(".py").read_text(encoding="utf-8")
            return all(re.search(rf"\b{part}\b", text) for part in parts[cut:])
    return (ROOT / PACKAGE / Path(*parts)).is_dir()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_tests_that_a_document_names_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    assert named <= set().union(*TESTS.values())
    pairs = re.findall(r"`((?:[\w/]+/)?test_\w+\.py)`: `(test_\w+)`", text)
    assert [pair for pair in pairs if not any(pair[1] in TESTS[name] for name in files_called(pair[0]))] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_python_files_that_a_document_names_exist(document: str) -> None:
    named = {word for word in words(document) if re.fullmatch(r"[\w./]+\.py", word)}
    assert {name for name in named if not files_called(name)} == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_modules_that_a_document_names_exist(document: str) -> None:
    dotted = {word for word in words(document) if re.fullmatch(r"[a-z_]+(\.\w+)+", word) and not files_called(word)}
    ours = {word for word in dotted if word.partition(".")[0] in PACKAGES and word not in OF_CARGO}
    assert {word for word in ours if not is_module(word)} == set()


def test_modules_that_our_own_source_names_exist() -> None:
    """A docstring that sends the reader to a module that was renamed sends nobody anywhere."""
    sources = [name for name in NAMES if name.startswith("site_scons/") and name.endswith(".py") and "_pb2" not in name]
    named = {(source, word) for source in sources if (ROOT / source).is_file() for word in words(source)}
    dotted = {(source, word) for source, word in named if re.fullmatch(r"[a-z_]+(\.\w+)+", word)}
    ours = {(source, word) for source, word in dotted if word.partition(".")[0] in PACKAGES and not files_called(word)}
    assert ("site_scons/ostoo_build/planning/plan.py", "rules.actions") in ours
    assert {(source, word) for source, word in ours if not is_module(word) and word not in OF_CARGO} == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_verbs_that_a_document_names_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    known = command_line.parser().verbs
    assert "addr2line" in known
    assert set(re.findall(r"\./ostoo ([a-z][a-z0-9-]*)", text)) <= {*known, "help"}


def test_documents_were_found() -> None:
    assert {"README.md", "docs/architecture.md"} <= set(DOCUMENTS)
    assert sum(len(words(document)) for document in DOCUMENTS) > 1000


TERMS = re.findall(
    r"^\| ([^|]+?) \| [^|]+ \| [^|]+ \| `([\w.]+)` \|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE
)


def test_the_glossary_has_its_terms_in_order() -> None:
    rows = [line for line in (ROOT / "docs/glossary.md").read_text().splitlines() if line.startswith("| ")]
    assert len(TERMS) == len(rows) - 2 >= 20, "a row that is no term has another form"
    assert [term for term, _ in TERMS] == sorted({term for term, _ in TERMS}, key=str.lower)


@pytest.mark.parametrize(("term", "module"), TERMS)
def test_a_term_of_the_glossary_has_a_module_and_is_used(term: str, module: str) -> None:
    assert (ROOT / PACKAGE / (module.replace(".", "/") + ".py")).is_file()
    users = [*DOCUMENTS, *(name for name in NAMES if name.startswith(PACKAGE) and name.endswith(".py"))]
    texts = (
        (ROOT / name).read_text(encoding="utf-8")
        for name in users
        if name != "docs/glossary.md" and (ROOT / name).is_file()
    )
    word = re.compile(rf"\b{re.escape(term)}s?\b".replace("\\ ", r"\s+"), re.IGNORECASE)
    assert any(word.search(text) for text in texts)


@pytest.mark.parametrize("document", ["README.md", "docs/architecture.md", "docs/manual.md", "docs/design_notes.md"])
def test_a_reader_finds_the_glossary(document: str) -> None:
    assert "glossary.md)" in (ROOT / document).read_text(encoding="utf-8")


NOTES = (ROOT / "docs/design_notes.md").read_text(encoding="utf-8")
STATUS = r"(?:accepted|open|superseded)(?: by \d+)?(?:[,:] [^·|]+)?"


def notes() -> list[tuple[str, ...]]:
    """Number, title, date and status of each note of a decision."""
    form = rf"^### (\d+)\. (.+)\n\n\*(\d+ [A-Z][a-z]+ 20\d\d) · ({STATUS})\*\n\n\*\*Decision\.\*\* "
    return re.findall(form, NOTES, re.MULTILINE)


def test_each_design_note_has_a_number_a_date_a_status_and_a_decision() -> None:
    headings = re.findall(r"^### (.+)$", NOTES, re.MULTILINE)
    assert [f"{number}. {title}" for number, title, _, _ in notes()] == headings
    numbers = [int(number) for number, *_ in notes()]
    assert len(numbers) > 60
    assert sorted(numbers) == list(range(1, len(numbers) + 1)), "a number stands for one note, and none is left out"


def test_the_index_of_the_design_notes_is_what_the_notes_say() -> None:
    index = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", NOTES, re.MULTILINE)
    assert sorted(index, key=lambda row: int(row[0])) == sorted(notes(), key=lambda row: int(row[0]))
    assert NOTES.index("## Index") < NOTES.index("### 1. ")


def test_a_note_is_superseded_or_extended_by_one_that_exists() -> None:
    numbers = {number for number, *_ in notes()}
    named = {by for *_, status in notes() for by in re.findall(r"by (\d+)", status)}
    assert named
    assert named <= numbers
    assert all("by " in status for *_, status in notes() if status.startswith("superseded"))


def test_each_module_is_on_the_map_below_its_package() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    parts = dict(re.findall(r"^### `([a-z.]+)`\n(.*?)(?=^##)", text, re.MULTILINE | re.DOTALL))
    files = [(ROOT / name).relative_to(ROOT / PACKAGE) for name in NAMES if name.startswith(PACKAGE)]
    modules = [file for file in files if file.suffix == ".py" and file.stem != "__init__" and "_pb2" not in file.stem]
    assert len(modules) > 100
    listed = {
        file: re.findall(r"^- `(?:\w+\.)?(\w+)`: ", parts.get(".".join(file.parts[:-1]), ""), re.MULTILINE)
        for file in modules
        if (ROOT / PACKAGE / file).is_file()
    }
    assert {str(file) for file, names in listed.items() if file.stem not in names} == set()


OF_OTHERS = frozenset(
    {
        "Is a directory",
        "No space left on device",
        "Not a directory",
        "can't find crate for",
        "duplicate lang item in crate `std`",
        "entry symbol `main` declared multiple times",
    }
)
"""Messages of the manual that are the operating system's or the compiler's."""


def text_of(node: ast.JoinedStr | ast.Constant) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


def test_messages_that_the_manual_explains_exist() -> None:
    sources = [ROOT / name for name in NAMES if name.startswith("site_scons/") and (ROOT / name).is_file()]
    modules = [ast.parse(path.read_text(encoding="utf-8")) for path in sources if path.suffix == ".py"]
    nodes = (node for module in modules for node in ast.walk(module))
    texts = [text_of(node) for node in nodes if isinstance(node, ast.JoinedStr | ast.Constant)]
    texts += [path.read_text(encoding="utf-8") for path in sources if path.suffix == ".sh"]
    manual = (ROOT / "docs/manual.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| .+ \|$", manual[manual.index("\n## When something goes wrong") :], re.MULTILINE)
    messages = [a or b for row in rows for a, b in re.findall(r"`` ?(.+?) ?``|`([^`]+)`", row)]
    parts = {part.strip(" :") for message in messages for part in message.split("…")} - {""}
    assert len(parts) > len(rows) > len(OF_OTHERS)
    assert {part for part in parts if not any(part in text for text in texts)} == OF_OTHERS


def test_no_link_in_the_repository_leads_out_of_it() -> None:
    """It would name a folder of one machine, and replace what others have in its place."""
    links = {name: (ROOT / name).readlink() for name in NAMES if (ROOT / name).is_symlink()}
    assert {name: str(goal) for name, goal in links.items() if goal.is_absolute() or ".." in goal.parts} == {}
