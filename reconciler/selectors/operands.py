"""What may stand after an operator: which operators each type of field has, and how each reads its operand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from reconciler.diagnostics import QUOTE_IT, did_you_mean
from reconciler.redaction import presentable
from reconciler.selectors.mistake import Misfit, described, shown
from reconciler.selectors.operators import OPERATORS, TYPE_NAMES, Form
from reconciler.tasks.task import OBSERVABLE, FieldType, Status, composed
from reconciler.tasks.timestamps import parse_duration, parse_timestamp
from reconciler.tasks.url_parts import UrlPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.selectors.syntax import Operand, Operator
    from reconciler.tasks.task import Field

_Result = TypeVar("_Result")

_BRACES = re.compile(r"\{[^{},\"]*+,")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_PLAIN_PORT = re.compile(r":(?:80|443)?\Z")
_LITERAL = re.compile(r"[^*?\[]*")
"""What a glob begins with, before its first wildcard."""
_EXPRESSION = re.compile(
    r"(?:\(\?[a-zA-Z]+\))?(?P<start>\^|\\A)?(?:\((?:\?:)?)*(?:\\(?=/))?(?P<body>.*?)(?:\$|\\z)?", re.DOTALL
)
"""A regular expression: the text in it, behind flags, an anchor and the groups that it begins with."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The field that a condition is about. `vendor_words` are the vendor's statuses and what they mean to us."""

    field: Field
    vendor_words: Mapping[str, Status]

    @property
    def name(self) -> str:
        """As messages have it: a key in it may be anything."""
        return presentable(self.field.name)

    @property
    def type(self) -> FieldType:
        return self.field.type

    @property
    def is_vendor_status(self) -> bool:
        return self.name == "provider_status"


def read_operand(subject: Subject, operator: Operator, raw: object) -> Operand:
    """The operand of a test that takes one value. Raises Misfit."""
    spec = OPERATORS[operator]
    if isinstance(raw, list | tuple | dict):
        hint = f"write `{spec.plural}: [...]`" if spec.plural else ""
        raise Misfit(f"`{operator}` takes one value, not {described(raw)}", hint)
    operand = _READERS[spec.form](subject, raw)
    if subject.field.part is UrlPart.HOST and isinstance(operand, str) and spec.form is Form.TEXT:
        # In a regular expression, it is not for us to change the case: `\\D` is no `\\d`.
        operand = _as_host(operand) if spec.pattern is None or spec.pattern.whole else f"(?i){operand}"
    if spec.pattern is not None:
        _worded(spec.pattern.compile, str(operand))
    return operand


def _as_host(text: str) -> str:
    """What is compared with a host, which is in lower case and has no port that goes without saying."""
    return _PLAIN_PORT.sub("", text).lower()


def read_member(subject: Subject, operator: Operator, raw: object) -> str | int:
    """One of a list of values, or of texts. Raises Misfit."""
    if OPERATORS[operator].form is Form.VALUES:
        return read_value(subject, raw)
    return str(read_operand(subject, operator, raw))


def read_value(subject: Subject, raw: object) -> str | int:
    """A value that a field is compared with for equality. Raises Misfit."""
    if subject.type is FieldType.INTEGER:
        return _integer(subject, raw)
    text = _text(subject, raw)
    if subject.field.part is UrlPart.HOST:
        return _as_host(text)
    if subject.type is FieldType.STATUS:
        _check_status(subject, text)
    elif subject.is_vendor_status and subject.vendor_words:
        _check_vendor_status(subject, text)
    return text


def read_line(subject: Subject, operator: Operator, line: str) -> str | int:
    """The same for a line of a file. Raises Misfit, whose words do not quote it: it may be of any file."""
    whole = subject.type is FieldType.INTEGER and _WHOLE.fullmatch(line)
    raw = int(line) if whole else line
    try:
        return read_member(subject, operator, raw)
    except Misfit as misfit:
        message = f"is no value of `{subject.name}`, which is {TYPE_NAMES[subject.type]}"
        raise Misfit(message, "", misfit.allowed) from None


def doubts_about(subject: Subject, operator: Operator, text: str) -> Iterator[tuple[str, str]]:
    """Why a text that may be compared with a field was probably not meant so, each reason with what to do."""
    spec = OPERATORS[operator]
    body, begins = text, True
    expression = _EXPRESSION.fullmatch(text) if spec.pattern is not None and not spec.pattern.whole else None
    if expression:
        body, begins = expression["body"], expression["start"] is not None
    # A part of a text may be any, but not a member of a list.
    whole = spec.pattern.whole if spec.pattern else spec.form is not Form.TEXT or subject.type is FieldType.STRINGS
    if spec.pattern is not None or whole:
        if body != body.strip() and not (expression and body.endswith("\\ ")):
            yield f"{shown(text)} begins or ends with a blank, which compares as well", "remove it if it is not meant"
        if subject.name.endswith(".object") and begins and body.startswith("/"):
            yield f"{shown(text)} begins with `/`, which the name of an object does not", "leave it out"
    if subject.field.url and subject.field.part is None and whole:
        begin = _LITERAL.match(text)[0] if spec.pattern else text  # type: ignore[index] # matches anything
        literal = begin == text and (spec.pattern or "*" not in text)
        if "://" not in begin and (literal or (spec.pattern and ("." in begin or "/" in begin))):
            yield f"{shown(text)} is no URL: it does not begin with a scheme, such as `https://`", "add it"
            return
    if subject.field.part is UrlPart.HOST and "/" in text:
        yield f"{shown(text)} is no host: it holds a `/`, as URLs do", "leave out scheme and path"
        return
    if subject.field.part is UrlPart.PATH and whole:
        if not text.startswith(("/", "*", "?", "[") if spec.pattern else "/"):
            yield f"{shown(text)} does not begin with `/`, as the path of a URL does", "add it"
            return
        if "?" in text and not spec.pattern:
            yield f"{shown(text)} holds a `?`: a query is no part of the path", "leave out the query"
            return
    if spec.pattern is not None:
        if not expression and _BRACES.search(text):
            yield f"{shown(text)}: braces compare literally", "write `any:` with a glob for each"
        return
    prose = "://" in text or '"' in text or any(map(str.isspace, text.strip()))
    if "*" in text or (not prose and ("?" in text or "[" in text)):
        yield f"{shown(text)} compares literally; did you mean glob?", ""


def _check_status(subject: Subject, text: str) -> None:
    allowed = tuple(status.value for status in OBSERVABLE)
    if text in allowed:
        return
    meaning = subject.vendor_words.get(text)
    if meaning in OBSERVABLE:
        hint = f"it is the vendor's word: write `status: {meaning}`, or name it under `provider_status`"
    elif text == Status.UNKNOWN:
        hint = "tasks of a vendor status that is not in the table are selected by `status: {exists: false}`"
    else:
        hint = did_you_mean(text.lower(), allowed)
    raise Misfit(f"{shown(text)} is not a status", hint, allowed)


def _check_vendor_status(subject: Subject, text: str) -> None:
    allowed = tuple(subject.vendor_words)
    if text in allowed:
        return
    if any(text == status for status in OBSERVABLE):
        hint = f"`{text}` is a value of `status`, not of `provider_status`"
    else:
        hint = did_you_mean(text, allowed) or did_you_mean(text.upper(), allowed)
    raise Misfit(f"{shown(text)} is not a status of the vendor", hint, allowed)


def _text(subject: Subject, raw: object) -> str:
    if not isinstance(raw, str):
        hint = QUOTE_IT if isinstance(raw, int | float) else ""
        what = "holds texts" if subject.type is FieldType.STRINGS else f"is {TYPE_NAMES[subject.type]}"
        raise Misfit(f"`{subject.name}` {what}, but this is {described(raw)}", hint)
    if not raw:
        hint = f"select tasks without it by `{subject.name}: {{exists: false}}`"
        raise Misfit("an empty text is never a value: an empty field counts as missing", hint)
    return composed(raw)


def _integer(subject: Subject, raw: object) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    hint = ""
    if isinstance(raw, str) and raw.removeprefix("-").isdecimal():
        hint = f"leave out the quotes: {shown(raw)}"
    raise Misfit(f"`{subject.name}` is a whole number, but this is {described(raw)}", hint)


def _flag(_subject: Subject, raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    hint = "leave out the quotes" if raw in ("true", "false") else ""
    raise Misfit(f"`exists` takes `true` or `false`, not {described(raw)}", hint, ("true", "false"))


def _duration(subject: Subject, raw: object) -> int:
    if isinstance(raw, str):
        return _worded(parse_duration, raw)
    whole = isinstance(raw, int) and not isinstance(raw, bool) and 0 < raw < 1_000_000_000
    hint = f"add a unit: `{raw}h`, `{raw}d`" if whole else ""
    raise Misfit(f"`{subject.name}` is compared with a duration here, but this is {described(raw)}", hint)


def _timestamp(subject: Subject, raw: object) -> int:
    if isinstance(raw, str):
        return _worded(parse_timestamp, raw)
    hint = "write it like `2025-01-31T08:00:00Z`"
    raise Misfit(f"`{subject.name}` is compared with a timestamp here, but this is {described(raw)}", hint)


def _worded(read: Callable[[str], _Result], text: str) -> _Result:
    """What `read` makes of the text; its ValueError, in the form "what; what to do", becomes a Misfit."""
    try:
        return read(text)
    except ValueError as error:
        message, _, hint = str(error).partition("; ")
        raise Misfit(f"{shown(text)}: {message}", hint) from None


_READERS: Mapping[Form, Callable[[Subject, object], Operand]] = MappingProxyType(
    {Form.VALUE: read_value, Form.TEXT: _text, Form.FLAG: _flag, Form.DURATION: _duration, Form.TIME: _timestamp}
)
