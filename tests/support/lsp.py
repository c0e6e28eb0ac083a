"""A small client of the Language Server Protocol, for rust-analyzer."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_CONTENT_MODIFIED = -32801
_NEWS = ("experimental/serverStatus", "window/showMessage", "window/logMessage", "$/progress")
"""What tells how the server gets on."""

PATIENCE = 600.0
"""In seconds: after it the server counts as hung. What it asks for may compile core beside other tests."""

_PAUSE, _TRIES = 0.5, 20


class Client:
    """A server at work on a folder, with the options that an editor would give it."""

    def __init__(self, command: Sequence[str], root: Path, options: dict[str, Any]) -> None:
        self._options = options
        self._process = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._number = 0
        self._answers: dict[int, Any] = {}
        self._changed = threading.Condition()
        self.diagnostics: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.said: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        able = {
            "experimental": {"serverStatusNotification": True},
            "window": {"workDoneProgress": True},
            "workspace": {"configuration": True, "didChangeWatchedFiles": {"dynamicRegistration": True}},
        }
        folder = {"uri": root.as_uri(), "name": root.name}
        about = {"processId": None, "rootUri": root.as_uri(), "workspaceFolders": [folder]}
        self.ask("initialize", {**about, "capabilities": able, "initializationOptions": options})
        self.tell("initialized", {})

    def tell(self, method: str, params: dict[str, Any] | None) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: dict[str, Any] | None) -> Any:
        """Ask, and again while the server says that it has learned something meanwhile."""
        while True:
            self._number += 1
            number = self._number
            self._send({"id": number, "method": method, "params": params})
            self.wait(partial(self._answers.__contains__, number), method)
            answer = self._answers.pop(number)
            if "error" not in answer:
                return answer["result"]
            assert answer["error"]["code"] == _CONTENT_MODIFIED, answer

    def ask_until_told(self, method: str, params: dict[str, Any]) -> Any:
        """Ask until there is an answer: a server may be quiet before it has loaded a project.

        It may not look for the project of a file that is opened while it loads another one, so that is opened again.
        """
        end, file = time.monotonic() + PATIENCE, Path(unquote(urlsplit(params["textDocument"]["uri"]).path))
        for number in itertools.count(1):
            if found := self.ask(method, params):
                return found
            assert time.monotonic() < end, f"no answer to {method}; the server said {self.said[-20:]}"
            time.sleep(_PAUSE)
            if number % _TRIES == 0:
                self.tell("textDocument/didClose", {"textDocument": params["textDocument"]})
                self.open(file)
        return None

    def open(self, file: Path) -> None:
        document = {"uri": file.as_uri(), "languageId": "rust", "version": 1, "text": file.read_text(encoding="utf-8")}
        self.tell("textDocument/didOpen", {"textDocument": document})

    def at(self, file: Path, text: str) -> dict[str, Any]:
        """The place of the first occurrence of a text in a file, as requests name it."""
        before = file.read_text(encoding="utf-8").partition(text)[0]
        position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        return {"textDocument": {"uri": file.as_uri()}, "position": position}

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE
        with self._changed:
            while not holds():
                assert self._process.poll() is None, f"the server ended before {what}"
                assert time.monotonic() < end, f"no {what}; the server said {self.said[-20:]}"
                self._changed.wait(0.1)

    def close(self) -> None:
        self.ask("shutdown", None)
        self.tell("exit", None)
        self._process.wait(PATIENCE)

    def _send(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._process.stdin.flush()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream
        while head := stream.readline():
            size = int(head.partition(b":")[2])
            while stream.readline().strip():
                pass
            self._take(json.loads(stream.read(size)))

    def _take(self, message: dict[str, Any]) -> None:
        params = message.get("params") or {}
        with self._changed:
            if "method" not in message:
                self._answers[message["id"]] = message
            elif "id" in message:
                count = len(params.get("items", ()))
                result = [self._options] * count if message["method"] == "workspace/configuration" else None
                self._send({"id": message["id"], "result": result})
            elif message["method"] == "textDocument/publishDiagnostics":
                self.diagnostics[params["uri"]] = params["diagnostics"]
            elif message["method"] in _NEWS:
                self.said.append(str(params))
            self._changed.notify_all()
