"""GitHub's expressions, as far as our files use them: names, texts, comparisons, `&&`, `||`, `!`, status functions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Status", "condition", "expand"]

_PLACE = re.compile(r"\$\{\{(.*?)\}\}")
_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w.-]*)|(?P<mark>\|\||&&|==|!=|!|\(|\)))")
_STATUS = re.compile(r"\b(?:always|success|failure|cancelled)\(\)")

Value = str | bool


@dataclass(frozen=True)
class Status:
    """How the steps before this one ended."""

    failed: bool = False
    cancelled: bool = False


def expand(text: str, names: Mapping[str, str]) -> str:
    """`text` with each `${{ }}` replaced by its value. `names` holds every context as dotted paths."""
    return _PLACE.sub(lambda place: _text(_Expression(place[1], names, Status()).value()), text)


def condition(text: str | None, names: Mapping[str, str], status: Status) -> bool:
    """Whether a step or job with this `if` runs. Without a status function, success() is meant as well."""
    if not text:
        return not (status.failed or status.cancelled)
    bare = _PLACE.sub(lambda place: place[1], text)
    if not _STATUS.search(bare) and (status.failed or status.cancelled):
        return False
    return bool(_Expression(bare, names, status).value())


def _text(value: Value) -> str:
    return value if isinstance(value, str) else str(value).lower()


class _Expression:
    """A parser by recursive descent that works out values on the way. What it does not know is an error."""

    def __init__(self, text: str, names: Mapping[str, str], status: Status) -> None:
        self._tokens = [match[0].strip() for match in _TOKEN.finditer(text)]
        assert "".join(self._tokens) == re.sub(r"\s+(?=(?:[^']*'[^']*')*[^']*$)", "", text), f"unknown form: {text}"
        self._names = names
        self._status = status

    def value(self) -> Value:
        found = self._either()
        assert not self._tokens, f"left over: {self._tokens}"
        return found

    def _next(self, *marks: str) -> bool:
        if self._tokens and self._tokens[0] in marks:
            del self._tokens[0]
            return True
        return False

    def _either(self) -> Value:
        found = self._both()
        while self._next("||"):
            other = self._both()
            found = found or other
        return found

    def _both(self) -> Value:
        found = self._compared()
        while self._next("&&"):
            other = self._compared()
            found = found and other
        return found

    def _compared(self) -> Value:
        found = self._term()
        if self._next("=="):
            return _text(found).lower() == _text(self._term()).lower()
        if self._next("!="):
            return _text(found).lower() != _text(self._term()).lower()
        return found

    def _term(self) -> Value:
        if self._next("!"):
            return not self._term()
        if self._next("("):
            found = self._either()
            assert self._next(")")
            return found
        token = self._tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self._next("("):
            assert self._next(")")
            return self._function(token)
        return self._names.get(token, "")

    def _function(self, name: str) -> bool:
        functions = {
            "always": True,
            "success": not (self._status.failed or self._status.cancelled),
            "failure": self._status.failed,
            "cancelled": self._status.cancelled,
        }
        return functions[name]
