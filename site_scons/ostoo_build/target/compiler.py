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
"""Each takes a start of rustc, some 40 ms; what is left is told the next time."""


class _Saying(Struct, frozen=True):
    """How rustc or LLVM puts a mistake, the key that it is about, and how to tell it.

    `pattern` may have a group `name`, for the part of the value that is wrong. `known` is what rustc prints the known
    names of; `remedy` may refer to groups.
    """

    pattern: str
    key: str
    what: str
    remedy: str = ""
    known: str = ""


_REFUSALS = (
    _Saying(r"could not create LLVM TargetMachine for triple", "llvm-target", "LLVM has no such target"),
    _Saying(
        r"LLVM ERROR: '\S+' is not a recognized feature", "llvm-target", "this is another processor than arch says"
    ),
    _Saying(
        r"differs from LLVM target's .* default layout, `(?P<layout>.+)`",
        "data-layout",
        "LLVM lays data out in another way for llvm-target",
        "expected {layout}",
    ),
    _Saying(r"target feature `(?P<name>[^`]+)` is invalid", "features", "{name} must begin with + or -"),
    _Saying(r"target feature `(?P<name>[^`]+)` is required by the ABI", "features", "the ABI needs {name}"),
)
_WARNINGS = (
    _Saying(r"'(?P<name>[^']+)' is not a recognized processor", "cpu", "LLVM knows no {name}", known="target-cpus"),
    _Saying(
        r"'(?P<name>[^']+)' is not a recognized feature", "features", "LLVM knows no {name}", known="target-features"
    ),
    _Saying(r"target feature `(?P<name>[^`]+)` must be enabled", "features", "the ABI needs +{name}"),
)
"""What rustc passes over, and then makes other code than the spec asks for. The first kind brings about the others."""


class TargetCompiler(Struct, frozen=True):
    """A rustc, and a folder for what it reads and writes. `env` is the whole environment of its processes."""

    rustc: Path
    env: Mapping[str, str]
    folder: Path

    def schema(self) -> Mapping[str, Any]:
        """The schema that rustc prints for target specs, draft 2020-12. One that prints none allows everything."""
        answer = self._run("--print=target-spec-json-schema")
        schema: dict[str, Any] = json.loads(answer.stdout) if answer.returncode == 0 else {}
        return schema

    def accepts(self, spec: Mapping[str, Any]) -> bool:
        """Whether rustc makes an object file for the spec and has nothing to say: then the other questions are idle."""
        answer = self._make_object(spec)
        return answer.returncode == 0 and not answer.stderr

    def refusals(self, spec: Mapping[str, Any]) -> list[Finding]:
        """Why rustc does not read the spec.

        It stops at the first mistake in the file's order: a member that it names is taken out, and it is asked again.
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
        """What rustc ignores in a spec that it reads."""
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
        """Why rustc makes no object file for the spec: only then data-layout is compared with LLVM's."""
        message = _refusal(self._make_object(spec))
        return [_located(message, spec)] if message else []

    def _make_object(self, spec: Mapping[str, Any]) -> Completed:
        crate = self.folder / "empty.rs"
        crate.write_text(_EMPTY_CRATE, encoding="utf-8")
        return self._ask(spec, "--crate-type=lib", "--emit=obj", "-oempty.o", crate.name)

    def _known(self, saying: _Saying, spec: Mapping[str, Any]) -> list[str]:
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
    """What rustc says on that level, "error" or "warning", and the lines of LLVM and of a crash, which have none."""
    for line in answer.stderr.decode("utf-8", "replace").splitlines():
        if line.startswith('{"'):
            diagnostic = json.loads(line)
            if diagnostic["level"] == level:
                yield diagnostic["message"]
        elif line and not line.startswith("thread "):
            yield line


def _refusal(answer: Completed) -> str:
    """Rustc's first error; empty where the spec was accepted."""
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
    """The last of the spec's keys in a sentence; those without a hyphen are everyday words, too."""
    words = re.findall(r"[\w-]+", message.replace("_", "-"))
    keys = [word for word in words if "-" in word and word in spec]
    return tuple(keys[-1:])


def _named_member(message: str, spec: Mapping[str, Any]) -> Pointer:
    """The member that serde's path in front of the reason leads to, such as `pre-link-args.gnu-lld[0]: `."""
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
    """What rustc says without its place: that is told by what stands in the user's file."""
    return re.sub(r"^\S+: |\s+at line \d+ column \d+$", "", message.removeprefix(_UNREADABLE))


def _suggestion(name: str, known: Sequence[str]) -> str:
    sign = name[0] if name[0] in "+-" else ""
    return spelling.nearest(name, [f"{sign}{each}" for each in known])
