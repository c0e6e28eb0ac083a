"""Reads a JSON file and holds it against the schema that lies beside it. Does not know what the document is about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ostoo_build import digest
from ostoo_build.errors import OstooError

if TYPE_CHECKING:
    from pathlib import Path


def load(path: Path, schema: str, title: str) -> Any:
    """Read the document at `path`; `schema` is the schema's file name, `title` what messages call the document.

    Raises `OstooError` with file and line, or JSON pointer.
    """
    document = _read(path)
    _validate(document, path, path.with_name(schema), title)
    return document


def _read(path: Path) -> Any:
    try:
        with digest.opened(path) as stream:
            return json.loads(stream.read())
    except OSError as error:
        raise OstooError(f"can't read it: {error.strerror}", where=str(path)) from error
    except json.JSONDecodeError as error:
        raise OstooError(f"not JSON: {error.msg}", where=f"{path}:{error.lineno}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise OstooError(f"not JSON: {error}", where=str(path)) from error


def _validate(document: Any, path: Path, schema: Path, title: str) -> None:
    import jsonschema  # noqa: PLC0415 - 50 ms that only who checks a document has to pay

    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(_read(schema)).iter_errors(document))
    if error is not None:
        pointer = "".join(f"/{part}" for part in error.absolute_path)
        raise OstooError(
            f"{title} breaks its schema: {error.message}",
            where=f"{path}#{pointer}",
            remedy=f"{schema} tells what is allowed there",
        )
