"""Queries rustc about a target spec: its schema, and whether it accepts the spec and generates code for it.

rustc's answer is final.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import process, spelling
from ostoo_build.target.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ostoo_build.base.json_positions import Pointer
    from ostoo_build.base.process import Completed

_EMPTY_CRATE = "#![feature(no_core)]\n#![no_core]\n"
_UNREADABLE = "error loading target specification: "
_MOST_REFUSALS = 16
"""Each costs a start of rustc, some 40 ms; the rest is reported the next time."""


class _Diagnostic(Struct, frozen=True):
    """A message of rustc or LLVM, the key that it is about, and our text for it.

    `pattern` may contain a group `name` for the wrong part of the value. `known` is the rustc option that prints the
    valid names; `remedy` may refer to groups.
    """

    pattern: str
    key: str
    what: str
    remedy: str = ""
    known: str = ""


_REFUSALS = (
    _Diagnostic(r"could not create LLVM TargetMachine for triple", "llvm-target", "LLVM has no such target"),
    _Diagnostic(
        r"LLVM ERROR: '\S+' is not a recognized feature",
        "llvm-target",
        "this is another processor than that of `arch`",
    ),
    _Diagnostic(
        r"differs from LLVM target's .* default layout, `(?P<layout>.+)`",
        "data-layout",
        "LLVM's data layout for llvm-target differs",
        "expected {layout}",
    ),
    _Diagnostic(r"target feature `(?P<name>[^`]+)` is invalid", "features", "{name} must begin with + or -"),
    _Diagnostic(r"target feature `(?P<name>[^`]+)` is required by the ABI", "features", "the ABI needs {name}"),
)
_WARNINGS = (
    _Diagnostic(
        r"'(?P<name>[^']+)' is not a recognized processor", "cpu", "LLVM does not know {name}", known="target-cpus"
    ),
    _Diagnostic(
        r"'(?P<name>[^']+)' is not a recognized feature",
        "features",
        "LLVM does not know {name}",
        known="target-features",
    ),
    _Diagnostic(r"target feature `(?P<name>[^`]+)` must be enabled", "features", "the ABI needs +{name}"),
)
"""What rustc ignores, so that the code differs from the spec. The first kind causes the others."""


class TargetCompiler(Struct, frozen=True):
    """A rustc, and a folder for its files. `env` is the complete environment of its processes."""

    rustc: Path
    env: Mapping[str, str]
    folder: Path

    def schema(self) -> Mapping[str, Any]:
        """Return the schema that rustc prints for target specs, draft 2020-12.

        If it prints none, everything is valid.
        """
        answer = self._run("--print=target-spec-json-schema")
        schema: dict[str, Any] = json.loads(answer.stdout) if answer.returncode == 0 else {}
        return schema

    def accepts(self, spec: Mapping[str, Any]) -> bool:
        """Whether rustc makes an object file for the spec without a message. If so, the other methods find nothing."""
        answer = self._make_object(spec)
        return answer.returncode == 0 and not answer.stderr

    def refusals(self, spec: Mapping[str, Any]) -> list[Finding]:
        """Return the reasons for which rustc rejects the spec.

        rustc stops at the first error in file order. The member that it names is removed, and rustc is run again.
        """
        found: list[Finding] = []
        remaining = dict(spec)
        while len(found) < _MOST_REFUSALS and (message := _refusal(self._ask(remaining, "--print=cfg"))):
            pointer = _named_member(message, remaining)
            if not pointer:
                # once a member was taken out, this may be a consequence
                return found or [_located(message, spec)]
            found.append(Finding(pointer, _reason(message)))
            del remaining[str(pointer[0])]
        return found

    def warnings(self, spec: Mapping[str, Any]) -> list[Finding]:
        """Return what rustc ignores in a spec that it accepts."""
        said = "\n".join(_messages(self._ask(spec, "--print=cfg"), "warning"))
        for saying in _WARNINGS:
            names = dict.fromkeys(match["name"] for match in re.finditer(saying.pattern, said))
            if names:
                known = self._known(saying, spec)
                return [
                    Finding((saying.key,), saying.what.format(name=name), _suggestion(name, known)) for name in names
                ]
        return []

    def codegen_refusals(self, spec: Mapping[str, Any]) -> list[Finding]:
        """Return the reasons for which rustc makes no object file.

        Only code generation compares data-layout with LLVM's.
        """
        message = _refusal(self._make_object(spec))
        return [_located(message, spec)] if message else []

    def _make_object(self, spec: Mapping[str, Any]) -> Completed:
        crate = self.folder / "empty.rs"
        crate.write_text(_EMPTY_CRATE, encoding="utf-8")
        return self._ask(spec, "--crate-type=lib", "--emit=obj", "-oempty.o", crate.name)

    def _known(self, saying: _Diagnostic, spec: Mapping[str, Any]) -> list[str]:
        if not saying.known:
            return []
        printed = self._ask(spec, f"--print={saying.known}").stdout.decode()
        return re.findall(r"^ {4}(\S+)", printed, re.MULTILINE)

    def _ask(self, spec: Mapping[str, Any], *arguments: str) -> Completed:
        path = self.folder / "target.json"
        path.write_text(json.dumps(spec), encoding="utf-8")
        return self._run("--error-format=json", f"--target={path}", *arguments)

    def _run(self, *arguments: str) -> Completed:
        return process.run([str(self.rustc), "-Zunstable-options", *arguments], cwd=self.folder, env=self.env)


def _messages(answer: Completed, level: str) -> Iterator[str]:
    """Return rustc's messages of one level, "error" or "warning", and lines of LLVM and of crashes without one."""
    for line in answer.stderr.decode("utf-8", "replace").splitlines():
        if line.startswith('{"'):
            diagnostic = json.loads(line)
            if diagnostic["level"] == level:
                yield diagnostic["message"]
        elif line and not line.startswith("thread "):
            yield line


def _refusal(answer: Completed) -> str:
    """Return rustc's first error, or an empty text if it accepts the spec."""
    if answer.returncode == 0:
        return ""
    messages = (each for each in _messages(answer, "error") if "(ignoring " not in each)
    message = next(messages, f"exit code {answer.returncode}")
    return message if answer.returncode == 1 else f"rustc crashes: {message}"


def _located(message: str, spec: Mapping[str, Any]) -> Finding:
    for saying in _REFUSALS:
        if match := re.search(saying.pattern, message):
            groups = match.groupdict()
            return Finding((saying.key,), saying.what.format(**groups), saying.remedy.format(**groups))
    if missing := re.search(r"missing field `([^`]+)`", message):
        return Finding((missing[1],), "this key is missing")
    return Finding(_mentioned_key(message, spec), _reason(message))


def _mentioned_key(message: str, spec: Mapping[str, Any]) -> Pointer:
    """Return the last of the spec's keys in a sentence. Keys without a hyphen are also ordinary words."""
    words = re.findall(r"[\w-]+", message.replace("_", "-"))
    keys = [word for word in words if "-" in word and word in spec]
    return tuple(keys[-1:])


def _named_member(message: str, spec: Mapping[str, Any]) -> Pointer:
    """Return the member at the path in front of serde's reason, such as `pre-link-args.gnu-lld[0]: `."""
    return _walk(message.removeprefix(_UNREADABLE), spec, "") if message.startswith(_UNREADABLE) else ()


def _walk(text: str, value: Any, separator: str) -> Pointer:
    steps: Sequence[tuple[str, str | int, Any]] = ()
    if isinstance(value, dict):
        steps = [(f"{separator}{name}", name, member) for name, member in value.items()]
    elif isinstance(value, list):
        steps = [(f"[{index}]", index, item) for index, item in enumerate(value)]
    for written, part, inner in sorted(steps, key=lambda step: len(step[0]), reverse=True):
        rest = text.removeprefix(written)
        if text.startswith(written) and rest.startswith((": ", ".", "[")):
            return (part, *_walk(rest, inner, "."))
    return ()


def _reason(message: str) -> str:
    """Return rustc's message without the position, which refers to our copy of the file."""
    return re.sub(r"^\S+: |\s+at line \d+ column \d+$", "", message.removeprefix(_UNREADABLE))


def _suggestion(name: str, known: Sequence[str]) -> str:
    sign = name[0] if name[0] in "+-" else ""
    return spelling.nearest(name, [f"{sign}{each}" for each in known])
