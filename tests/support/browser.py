"""A headless Chromium, spoken to over pipes in its DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

WORDS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe")
_START = """import fcntl, os, sys
ends = [fcntl.fcntl(int(word), fcntl.F_DUPFD, 10) for word in sys.argv[1:3]]
for place, end in zip((3, 4), ends):
    os.dup2(end, place)
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads from descriptor 3 and writes to 4."""


class Browser:
    """A browser with one tab."""

    def __init__(self, profile: Path) -> None:
        mine, theirs = os.pipe(), os.pipe()
        ends = (str(mine[0]), str(theirs[1]))
        command = ("chromium-headless-shell", *WORDS, f"--user-data-dir={profile}")
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *ends, *command],
            pass_fds=(mine[0], theirs[1]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(mine[0])
        os.close(theirs[1])
        self._write, self._read = os.fdopen(mine[1], "wb"), os.fdopen(theirs[0], "rb")
        self._sent, self._session = 0, ""
        self.errors: list[str] = []
        made = self.ask("Target.createTarget", url="about:blank")
        self._session = self.ask("Target.attachToTarget", targetId=made["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.ask(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._write.close()
        self._read.close()

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result. Exceptions of the page and requests for other pages are `errors`."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._write.write(json.dumps(message).encode() + b"\0")
        self._write.flush()
        while (answer := self._next()).get("id") != self._sent:
            pass
        assert "error" not in answer, (method, answer)
        found: dict[str, Any] = answer["result"]
        return found

    def _next(self) -> dict[str, Any]:
        content = b""
        while not content.endswith(b"\0"):
            byte = self._read.read(1)
            assert byte, "the browser has ended"
            content += byte
        message: dict[str, Any] = json.loads(content[:-1])
        if message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(message["params"]["exceptionDetails"]))
        if message.get("method") == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            self.errors += [] if url.startswith(("file:", "about:", "data:")) else [url]
        return message

    def open(self, page: Path, width: int, colours: str) -> None:
        """Open a page in a window of some pixels, in `light` or `dark` colours, and wait until its script has run."""
        self.resize(width)
        self.colours(colours)
        self.visit(page.as_uri())

    def visit(self, url: str) -> None:
        """Open a page in the window that there is, and wait until its script has run."""
        self.ask("Page.navigate", url="about:blank")
        self.ask("Page.navigate", url=url)
        while self.run("document.readyState") != "complete":
            pass

    def resize(self, width: int) -> None:
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)

    def colours(self, colours: str) -> None:
        """Let a page know that its reader likes `light` or `dark` colours."""
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colours}])

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    def screenshot(self, path: Path) -> None:
        """Write a picture of the whole page."""
        height = self.run("document.documentElement.scrollHeight")
        width = self.run("innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.ask("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))
