"""Writes the results of a check as SARIF 2.1.0, which code scanners and their hosts exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ostoo_build.check.results import Checked

_LEVELS = {"error": "error", "error: internal compiler error": "error", "warning": "warning"}


def document(checked: Iterable[Checked], version: str) -> str:
    """Return the document; `version` is rustc's. What has no place in a file is told with the program as a whole."""
    found = [diagnostic for each in checked for diagnostic in each.diagnostics if _has_news(diagnostic)]
    rules = sorted({_rule(each) for each in found} - {""})
    driver = {"name": "rustc", "version": version, "rules": [{"id": rule} for rule in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"TOP": {"description": {"text": "the top folder of the checkout"}}},
        "results": list({msgspec.json.encode(result): result for result in map(_result, found)}.values()),
    }
    made = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n"


def _has_news(diagnostic: dict[str, Any]) -> bool:
    """Whether it is more than rustc's count of what it said."""
    return bool(diagnostic["spans"] or diagnostic["code"])


def _rule(diagnostic: dict[str, Any]) -> str:
    code = diagnostic["code"]
    return code["code"] if code else ""


def _result(diagnostic: dict[str, Any]) -> dict[str, Any]:
    spans = [span for span in diagnostic["spans"] if span["is_primary"]]
    rule = _rule(diagnostic)
    return {
        **({"ruleId": rule} if rule else {}),
        "level": _LEVELS.get(diagnostic["level"], "note"),
        "message": {"text": diagnostic["message"]},
        "locations": [{"physicalLocation": _place(span)} for span in spans],
    }


def _place(span: dict[str, Any]) -> dict[str, Any]:
    name = span["file_name"]
    artifact = {"uri": f"file://{name}"} if name.startswith("/") else {"uri": name, "uriBaseId": "TOP"}
    region = {
        "startLine": span["line_start"],
        "startColumn": span["column_start"],
        "endLine": span["line_end"],
        "endColumn": span["column_end"],
    }
    return {"artifactLocation": artifact, "region": region}
