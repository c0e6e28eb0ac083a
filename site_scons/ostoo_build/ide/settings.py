"""Writes the settings of editors that make rust-analyzer ask this build about projects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import layout
from ostoo_build.ide.discovery import WATCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class EditorFile(Struct, frozen=True):
    """A file of settings by its path below the top of a project."""

    path: str
    text: str


def options(program: str) -> dict[str, Any]:
    """Return rust-analyzer's options, as a client sends them; `program` is the one with our verbs."""
    command = [program, "ide", "--discover", "{arg}"]
    discovery = {"command": command, "progressLabel": "ostoo", "filesToWatch": list(WATCHED)}
    return {
        "workspace": {"discoverConfig": discovery},
        "check": {"workspace": False},
        "cargo": {"targetDir": layout.IDE},  # it writes what a check says there
    }


def of(editor: str, program: str) -> EditorFile:
    """Return the settings of one of `EDITORS`."""
    return EDITORS[editor](options(program))


def _vscode(found: Mapping[str, Any]) -> EditorFile:
    named = {f"rust-analyzer.{group}.{name}": value for group, each in found.items() for name, value in each.items()}
    return EditorFile(".vscode/settings.json", _json(named))


def _zed(found: Mapping[str, Any]) -> EditorFile:
    return EditorFile(".zed/settings.json", _json({"lsp": {"rust-analyzer": {"initialization_options": found}}}))


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _helix(found: Mapping[str, Any]) -> EditorFile:
    lines = ["[language-server.rust-analyzer]", 'command = "rust-analyzer"']
    for group, each in found.items():
        for name, value in each.items():
            lines += _toml(f"language-server.rust-analyzer.config.{group}", name, value)
    return EditorFile(".helix/languages.toml", "\n".join([*lines, ""]))


def _toml(table: str, name: str, value: Any) -> list[str]:
    # JSON's strings, lists and booleans are also TOML's
    if isinstance(value, dict):
        return ["", f"[{table}.{name}]", *(f"{key} = {_plain(each)}" for key, each in value.items())]
    return ["", f"[{table}]", f"{name} = {_plain(value)}"]


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _neovim(found: Mapping[str, Any]) -> EditorFile:
    head = "-- read where 'exrc' is set; rust-analyzer is started by nvim 0.11's vim.lsp or by nvim-lspconfig"
    called = f'vim.lsp.config("rust_analyzer", {{ settings = {{ ["rust-analyzer"] = {_lua(found)} }} }})'
    return EditorFile(".nvim.lua", f'{head}\n{called}\nvim.lsp.enable("rust_analyzer")\n')


def _lua(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_lua(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list):
        return "{ " + ", ".join(map(_lua, value)) + " }"
    return _plain(value)


def _emacs(found: Mapping[str, Any]) -> EditorFile:
    head = ";; for eglot; lsp-mode has no variable for it: see docs/editor.md"
    options = f"(:rust-analyzer {_lisp(found)})"
    return EditorFile(
        ".dir-locals.el",
        f"{head}\n((rust-mode . ((eglot-workspace-configuration . {options})))\n"
        f" (rust-ts-mode . ((eglot-workspace-configuration . {options}))))\n",
    )


def _lisp(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + " ".join(f":{name} {_lisp(each)}" for name, each in value.items()) + ")"
    if isinstance(value, list):
        return "[" + " ".join(map(_lisp, value)) + "]"
    if isinstance(value, bool):
        return "t" if value else ":json-false"
    return _plain(value)


EDITORS: Mapping[str, Callable[[Mapping[str, Any]], EditorFile]] = {
    "vscode": _vscode,
    "neovim": _neovim,
    "helix": _helix,
    "zed": _zed,
    "emacs": _emacs,
}
"""The editors by the names that `--settings` takes."""
