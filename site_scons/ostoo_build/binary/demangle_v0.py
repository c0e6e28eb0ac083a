"""Demangles names of rustc's v0 scheme (RFC 2603).

It follows rustc-demangle's printer, so that both give the same text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

_DEEPEST = 200
_MOST_STEPS = 20_000
_BASE_62 = {each: at for at, each in enumerate("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")}
_BASIC = {
    "a": "i8",
    "b": "bool",
    "c": "char",
    "d": "f64",
    "e": "str",
    "f": "f32",
    "h": "u8",
    "i": "isize",
    "j": "usize",
    "l": "i32",
    "m": "u32",
    "n": "i128",
    "o": "u128",
    "p": "_",
    "s": "i16",
    "t": "u16",
    "u": "()",
    "v": "...",
    "x": "i64",
    "y": "u64",
    "z": "!",
}
_SPECIAL = {"C": "closure", "S": "shim"}
_HEX = lazy_pattern(r"([0-9a-f]*)_")
_DIGITS = lazy_pattern(r"0|[1-9]\d{0,5}")
_LARGEST = (1 << 64) - 1
_ALPHABET = 26
_ESCAPES = {"\t": "\\t", "\r": "\\r", "\n": "\\n", "\\": "\\\\", "\0": "\\0", "'": "\\'", '"': '\\"'}


class NotMangledError(ValueError):
    """The name does not use this mangling scheme."""


class Reader:
    """A recursive-descent parser. Each method reads one production, from position `at`, and returns its text.

    `crate` is the crate of the first path. Raises `NotMangledError`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.at = 0
        self.crate = ""
        self._steps = 0
        self._depth = 0
        self._bound = 0
        self._unprinted = 0

    def peek(self) -> str:
        return self.name[self.at : self.at + 1]

    def path(self, *, in_value: bool) -> str:
        self._enter()
        text = self._path(self._next(), in_value=in_value)
        self._depth -= 1
        return text

    def _path(self, tag: str, *, in_value: bool) -> str:
        match tag:
            case "C":
                self._disambiguator()
                name = self._identifier()
                if not name:
                    raise NotMangledError
                self.crate = self.crate or name
                return name
            case "N":
                return self._nested(in_value=in_value)
            case "M" | "X":
                self._disambiguator()
                self._skipped(lambda: self.path(in_value=False))  # the path of the impl, which determines the crate
                return self._qualified(has_trait=tag == "X")
            case "Y":
                known, self.crate = self.crate, "?"
                kind = self.type()
                self.crate = known
                return f"<{kind} as {self.path(in_value=False)}>"
            case "I":
                path = self.path(in_value=in_value)
                return f"{path}{'::' if in_value else ''}<{self._list(self._generic_argument)}>"
            case "B":
                return self._backref(lambda: self.path(in_value=in_value))
        raise NotMangledError

    def _nested(self, *, in_value: bool) -> str:
        space = self._next()
        if not space.isalpha():
            raise NotMangledError
        path = self.path(in_value=in_value)
        number = self._disambiguator()
        name = self._identifier()
        if space.isupper():
            return f"{path}::{{{_SPECIAL.get(space, space)}{f':{name}' if name else ''}#{number}}}"
        return f"{path}::{name}" if name else path

    def _qualified(self, *, has_trait: bool) -> str:
        kind = self.type()
        return f"<{kind} as {self.path(in_value=False)}>" if has_trait else f"<{kind}>"

    def _generic_argument(self) -> str:
        if self._eat("L"):
            return self._lifetime(self._number_62())
        return self._const(in_value=False) if self._eat("K") else self.type()

    def type(self) -> str:
        tag = self._next()
        if tag in _BASIC:
            return _BASIC[tag]
        self._enter()
        text = self._type(tag)
        self._depth -= 1
        return text

    def _type(self, tag: str) -> str:  # noqa: PLR0911 - a table: one case for each tag of the grammar
        match tag:
            case "R" | "Q":
                number = self._number_62() if self._eat("L") else 0
                lifetime = f"{self._lifetime(number)} " if number else ""
                return f"&{lifetime}{'mut ' if tag == 'Q' else ''}{self.type()}"
            case "P" | "O":
                return f"*{'const' if tag == 'P' else 'mut'} {self.type()}"
            case "A":
                return f"[{self.type()}; {self._const(in_value=True)}]"
            case "S":
                return f"[{self.type()}]"
            case "T":
                return self._tuple(self.type)
            case "F":
                return self._in_binder(self._function)
            case "D":
                return self._trait_object()
            case "B":
                return self._backref(self.type)
            case "W":
                return f"{self.type()} is {self._pattern()}"
        self.at -= 1
        return self.path(in_value=False)

    def _tuple(self, element: Callable[[], str]) -> str:
        start = self.at
        text = self._list(element)
        is_single = self.at > start + 1 and self._count == 1
        return f"({text}{',' if is_single else ''})"

    def _function(self) -> str:
        text = "unsafe " if self._eat("U") else ""
        if self._eat("K"):
            abi = "C" if self._eat("C") else self._identifier().replace("_", "-")
            text += f'extern "{abi}" '
        text += f"fn({self._list(self.type)})"
        return text if self._eat("u") else f"{text} -> {self.type()}"

    def _trait_object(self) -> str:
        text = "dyn " + self._in_binder(lambda: self._list(self._dyn_trait, " + "))
        if not self._eat("L"):
            raise NotMangledError
        number = self._number_62()
        return f"{text} + {self._lifetime(number)}" if number else text

    def _dyn_trait(self) -> str:
        text, is_open = self._open_path()
        while self._eat("p"):
            name = self._identifier()
            value = self._const(in_value=False) if self._eat("K") else self.type()
            text += f"{', ' if is_open else '<'}{name} = {value}"
            is_open = True
        return f"{text}>" if is_open else text

    def _open_path(self) -> tuple[str, bool]:
        """Read a trait. If the result is true, its argument list is still open, for bindings of associated types."""
        if self._eat("B"):
            opened: list[bool] = []

            def read() -> str:
                text, is_open = self._open_path()
                opened.append(is_open)
                return text

            text = self._backref(read)
            return text, bool(opened and opened[0])
        if self._eat("I"):
            return f"{self.path(in_value=False)}<{self._list(self._generic_argument)}", True
        return self.path(in_value=False), False

    def _pattern(self) -> str:
        match self._next():
            case "R":
                return f"{self._const(in_value=False)}..={self._const(in_value=False)}"
            case "O":
                return self._list(self._pattern, " | ")
            case "N":
                return "!null"
        raise NotMangledError

    def _const(self, *, in_value: bool) -> str:
        self._enter()
        text, is_plain = self._value(self._next(), in_value=in_value)
        self._depth -= 1
        return text if is_plain or in_value else f"{{{text}}}"

    def _value(self, tag: str, *, in_value: bool) -> tuple[str, bool]:  # noqa: C901, PLR0911 - likewise
        """Read a constant. The result is true if it needs no braces as a generic argument."""
        match tag:
            case "p":
                return "_", True
            case "h" | "t" | "m" | "y" | "o" | "j":
                return self._integer(), True
            case "a" | "s" | "l" | "x" | "n" | "i":
                return ("-" if self._eat("n") else "") + self._integer(), True
            case "b" | "c":
                return self._bool() if tag == "b" else self._char(), True
            case "e":
                return f"*{self._string()}", False
            case "R" if self._eat("e"):
                return self._string(), True
            case "R" | "Q":
                return f"&{'mut ' if tag == 'Q' else ''}{self._const(in_value=True)}", False
            case "A":
                return f"[{self._list(lambda: self._const(in_value=True))}]", False
            case "T":
                return self._tuple(lambda: self._const(in_value=True)), False
            case "V":
                return self.path(in_value=True) + self._fields(), False
            case "B":
                return self._backref(lambda: self._const(in_value=in_value)), True
        raise NotMangledError

    def _fields(self) -> str:
        match self._next():
            case "U":
                return ""
            case "T":
                return f"({self._list(lambda: self._const(in_value=True))})"
            case "S":
                return f" {{ {self._list(self._field)} }}"
        raise NotMangledError

    def _field(self) -> str:
        self._disambiguator()
        return f"{self._identifier()}: {self._const(in_value=True)}"

    def _integer(self) -> str:
        digits = self._hex()
        value = int(digits or "0", 16)
        return str(value) if value <= _LARGEST else f"0x{digits}"

    def _bool(self) -> str:
        known = {0: "false", 1: "true"}.get(int(self._hex() or "0", 16))
        if known is None:
            raise NotMangledError
        return known

    def _char(self) -> str:
        try:
            return _quoted(chr(int(self._hex() or "0", 16)), "'")
        except (ValueError, OverflowError) as error:
            raise NotMangledError from error

    def _string(self) -> str:
        try:
            return _quoted(bytes.fromhex(self._hex()).decode(), '"')
        except ValueError as error:
            raise NotMangledError from error

    def _in_binder(self, read: Callable[[], str]) -> str:
        count = self._number_62() + 1 if self._eat("G") else 0
        if count > _MOST_STEPS:
            raise NotMangledError
        names = []
        for _ in range(count):
            self._bound += 1
            names.append(self._lifetime(1))
        text = read()
        self._bound -= count
        return f"for<{', '.join(names)}> {text}" if names else text

    def _lifetime(self, number: int) -> str:
        if number == 0:
            return "'_"
        depth = self._bound - number
        if depth < 0 and not self._unprinted:
            raise NotMangledError
        return f"'{chr(ord('a') + depth)}" if depth < _ALPHABET else f"'_{depth}"

    def _list(self, element: Callable[[], str], between: str = ", ") -> str:
        parts = []
        while not self._eat("E"):
            parts.append(element())
        self._count = len(parts)
        return between.join(parts)

    def _skipped(self, read: Callable[[], str]) -> None:
        self._unprinted += 1
        read()
        self._unprinted -= 1

    def _backref(self, read: Callable[[], str]) -> str:
        tag = self.at - 1
        target = self._number_62()
        if target >= tag:
            raise NotMangledError
        if self._unprinted and self.crate:
            return ""
        behind, self.at = self.at, target
        text = read()
        self.at = behind
        return text

    def _identifier(self) -> str:
        is_punycode = self._eat("u")
        digits = _DIGITS.match(self.name, self.at)
        if digits is None:
            raise NotMangledError
        self.at = digits.end()
        self._eat("_")
        end = self.at + int(digits[0])
        text, self.at = self.name[self.at : end], end
        if end > len(self.name):
            raise NotMangledError
        if not is_punycode:
            return text
        plain, _, code = text.rpartition("_")
        try:
            return f"{plain}-{code}".removeprefix("-").encode("ascii").decode("punycode")
        except UnicodeError as error:
            raise NotMangledError from error

    def _disambiguator(self) -> int:
        return self._number_62() + 1 if self._eat("s") else 0

    def _number_62(self) -> int:
        if self._eat("_"):
            return 0
        value = 0
        while (digit := self._next()) != "_":
            if digit not in _BASE_62 or value > _LARGEST:
                raise NotMangledError
            value = value * 62 + _BASE_62[digit]
        return value + 1

    def _hex(self) -> str:
        match = _HEX.match(self.name, self.at)
        if match is None:
            raise NotMangledError
        self.at = match.end()
        return match[1].lstrip("0") if len(match[1]) > 2 * 8 else match[1]

    def _enter(self) -> None:
        self._depth += 1
        self._steps += 1
        if self._depth > _DEEPEST or self._steps > _MOST_STEPS:
            raise NotMangledError

    def _eat(self, wanted: str) -> bool:
        if self.name.startswith(wanted, self.at):
            self.at += 1
            return True
        return False

    def _next(self) -> str:
        if self.at >= len(self.name):
            raise NotMangledError
        self.at += 1
        return self.name[self.at - 1]


def _quoted(text: str, quote: str) -> str:
    other = "'" if quote == '"' else '"'
    return quote + "".join(each if each == other else _ESCAPES.get(each, each) for each in text) + quote
