"""Reads a JSON file and validates it against one of this build's schemas."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

from ostoo_build.base import digest, own_source, user_cache
from ostoo_build.base.content_memo import ContentMemo
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jsonschema.exceptions import ValidationError

DECIDED_BY = ("base",)


def load(path: Path, schema: Path, title: str) -> Any:
    """Read the document at `path` and validate it.

    `title` names the document in messages.

    Raises `OstooError` with the file and a line or JSON pointer. Successful validations are cached for all checkouts
    of the user: loading the validator takes longer than compiling a small crate.
    """
    text = _read(path)
    document = _parsed(text, path)  # invalid JSON is reported before any validation
    texts = [text, _read(schema)]

    def judge() -> bool:
        _validate(document, path, _parsed(texts[1], schema), schema, title)
        return True

    judges = own_source.digest_of(*DECIDED_BY)
    question = digest.of_json([judges, *map(digest.of_bytes, texts)])
    answers = ContentMemo(user_cache.folder() / user_cache.DOCUMENTS)
    answers.get(question, judge)
    with contextlib.suppress(OSError):
        answers.save()
    return document


def _read(path: Path) -> bytes:
    try:
        with digest.opened(path) as stream:
            return stream.read()
    except OSError as error:
        raise OstooError(f"can't read it: {error.strerror}", where=str(path)) from error


def _parsed(text: bytes, path: Path) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise OstooError(f"not valid JSON: {error.msg}", where=f"{path}:{error.lineno}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise OstooError(f"not valid JSON: {error}", where=str(path)) from error


def complaint(schema: Any) -> str:
    """Return why `schema` is not a valid draft 2020-12 schema; empty if it is valid."""
    import jsonschema  # noqa: PLC0415 - 50 ms that only who checks a document has to pay

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        return error.message
    return ""


def problems(document: Any, schema: Mapping[str, Any]) -> list[ValidationError]:
    """Return all violations of a schema in a document. Raises `OstooError` if the schema can't be applied.

    References to other documents are not followed.
    """
    import jsonschema  # noqa: PLC0415 - 50 ms that only who checks a document has to pay
    import referencing  # noqa: PLC0415 - likewise

    try:
        return list(jsonschema.Draft202012Validator(schema, registry=referencing.Registry()).iter_errors(document))
    except referencing.exceptions.Unresolvable as error:
        raise OstooError(f"the schema refers to {error.ref}, which it does not contain") from error
    except (re.error, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # an invalid pattern, or an invalid schema that only a reference reaches and the meta-schema does not
        raise OstooError(f"the schema can't be applied: {error}") from error


def _validate(document: Any, path: Path, rules: Any, schema: Path, title: str) -> None:
    import jsonschema  # noqa: PLC0415 - 50 ms that only who checks a document has to pay

    if said := complaint(rules):
        raise OstooError(f"not a valid JSON schema: {said}", where=str(schema))
    try:
        error = jsonschema.exceptions.best_match(problems(document, rules))
    except OstooError as odd:
        raise OstooError(odd.what, where=str(schema)) from odd
    if error is not None:
        pointer = "".join(f"/{part}" for part in error.absolute_path)
        raise OstooError(
            f"{title} violates its schema: {error.message}",
            where=f"{path}#{pointer}",
            remedy=f"see {schema} for what is allowed there",
        )
