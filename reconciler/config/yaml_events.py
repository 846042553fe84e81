"""The YAML parser: its events, its complaints in words that help, and plain scalars by the core schema of YAML 1.2.

PyYAML resolves scalars by YAML 1.1, where `no` is false, `1:30` is ninety and `010` is eight. A configuration that
cancels tasks must not depend on such surprises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

LOADER: Final[type] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser where it exists, the pure one elsewhere; both give the same tree."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where something stands: line and column from 1, characters on that line, and its last line."""

    line: int
    column: int
    length: int = 1
    last_line: int = 0


class YamlError(Exception):
    """Text that is not YAML, or YAML that is not accepted; never leaves this package."""

    def __init__(self, message: str, span: Span, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint


def events(text: str, loader_class: type) -> Iterator[yaml.Event]:
    loader = None
    try:
        loader = loader_class(text)
        while loader.check_event():
            yield loader.get_event()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # The pure parser converts escapes such as "\UFFFFFFFF" without a check of its own.
        span = _place(getattr(loader, "get_mark", lambda: None)())
        raise YamlError("not valid YAML: a character or an escape that is not allowed", span) from error
    finally:
        if loader is not None:
            loader.dispose()


def _place(mark: Any) -> Span:  # noqa: ANN401 - libyaml's marks and the pure ones share no type
    """A place as we count, from 1; the parser counts from 0."""
    return Span(mark.line + 1, mark.column + 1) if mark is not None else Span(1, 1)


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    span = _place(error.problem_mark or error.context_mark)
    character = _character(text, span)
    problem = error.problem or error.context or "it cannot be read"
    if "cannot start any token" in problem and character == "\t":
        return YamlError("a tab cannot be used to indent", span, "use spaces")
    if "cannot start any token" in problem:
        return YamlError(f"a value cannot begin with `{character}`", span, "quote the value")
    if "mapping values are not allowed" in problem:
        hint = "check the indentation; a value that contains `: ` must be quoted"
        return YamlError("not valid YAML: a second `:` on one line, or a key where none is expected", span, hint)
    hint = ""
    if error.context and error.context_mark and error.context_mark.line + 1 != span.line:
        hint = f"{error.context} that begins on line {error.context_mark.line + 1}"
    return YamlError(f"not valid YAML: {problem}", span, hint)


def _character(text: str, span: Span) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    line = lines[span.line - 1] if span.line <= len(lines) else ""
    return line[span.column - 1 : span.column]


Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o([0-7]+)")
_HEXADECIMAL = re.compile(r"0x([0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")

_LONGEST_NUMBER = 100
"""Characters. Longer runs of digits are taken as text: Python refuses to convert very long ones at all."""


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar; text that is no null, truth value or number is itself."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _LONGEST_NUMBER:
        return text
    if _DECIMAL.fullmatch(text):
        return int(text)
    if octal := _OCTAL.fullmatch(text):
        return int(octal[1], 8)
    if hexadecimal := _HEXADECIMAL.fullmatch(text):
        return int(hexadecimal[1], 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if infinity := _INFINITY.fullmatch(text):
        return float(f"{infinity[1]}inf")
    return text
