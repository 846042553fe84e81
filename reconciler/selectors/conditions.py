"""The condition on one field: a scalar, a list of which any may hold, or a mapping of operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diagnostics import Problem, Rule, Severity, did_you_mean
from reconciler.selectors.mistake import Misfit, TooManyError, UnknownField, described, noting, shown
from reconciler.selectors.operands import (
    LIST_OPERATORS,
    OPERATORS,
    TYPE_NAMES,
    Subject,
    doubt_about,
    pattern_size,
    read_operand,
    read_value,
)
from reconciler.selectors.syntax import AllOf, Operator, Test
from reconciler.tasks.field import FieldType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.diagnostics import DocumentPath
    from reconciler.selectors.syntax import Operand, Selector
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["COMBINATORS", "ConditionParser"]

COMBINATORS = ("all", "any", "not")
"""The keys of a match that are not fields."""

MAX_WORK = 20_000
"""Instructions of re2 in all patterns of one match: what a character of a task may cost, at the worst."""

_OTHER_WORDS = {"and": "all", "or": "any", "none": "not"}


class ConditionParser:
    """Reads conditions on the fields of some resource types.

    Methods raise Mistake about the value they were given, and note in `problems` what is wrong further down.
    """

    def __init__(self, types: Sequence[ResourceType], problems: list[Problem]) -> None:
        self.types = types
        self.problems = problems
        self.fields = tuple(sorted({name for row in types for name in row.fields}))
        self._work = 0
        self.vendor_words = {word: status for row in types for word, status in row.statuses.items()}

    def condition(self, name: str, data: object, path: DocumentPath) -> Selector:
        """The selector of one field's condition; several operators are ANDed."""
        subjects = self._subjects(name)
        if not subjects:
            raise self._unknown_field(name, data)
        if data is None or data == {}:
            hint = f"to select tasks without it, write `{name}: {{exists: false}}`"
            raise Misfit(f"the condition of `{name}` is empty", hint)
        if not isinstance(data, dict):
            self._warn_lacking(name, path)
            return self._equality(subjects, data, path)
        if any(key != Operator.EXISTS for key in data):
            # A field that is lacking answers `exists` definitely; every other test leaves it unknown.
            self._warn_lacking(name, path)
        return self._operators(subjects, data, path)

    def _subjects(self, name: str) -> list[Subject]:
        """The field with each type that some resource type gives it; nearly always one."""
        kinds = dict.fromkeys(row.fields[name].type for row in self.types if name in row.fields)
        return [Subject(name, kind, self.vendor_words) for kind in kinds]

    def _equality(self, subjects: Sequence[Subject], data: object, path: DocumentPath) -> Selector:
        for subject in subjects:
            if Operator.EQ in OPERATORS[subject.type]:
                continue
            example = "older_than: 6h" if subject.type is FieldType.TIMESTAMP else 'contains: "..."'
            raise Misfit(
                f"`{subject.name}` is {TYPE_NAMES[subject.type]}, which is compared by an operator only",
                f"write for example `{subject.name}: {{{example}}}`",
                tuple(OPERATORS[subject.type]),
            )
        return self._test(subjects, Operator.IN if isinstance(data, list) else Operator.EQ, data, path)

    def _operators(self, subjects: Sequence[Subject], data: Mapping[object, object], path: DocumentPath) -> Selector:
        parts: list[Selector] = []
        for key, raw in data.items():
            if not isinstance(key, str):
                message = f"an operator must be text, but this is {described(key)}"
                self.problems.append(Problem(path, message, rule=Rule.SELECTOR))
                continue
            with noting(self.problems, (*path, key)):
                operator = _operator(subjects, key)
                parts.append(self._test(subjects, operator, raw, (*path, key)))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _test(self, subjects: Sequence[Subject], operator: Operator, raw: object, path: DocumentPath) -> Test:
        """One operator and its operand, which must be good for every type that the field has."""
        read = self._values if operator in LIST_OPERATORS else _operand
        operand, *_ = [read(subject, operator, raw, path) for subject in subjects]
        self._work += pattern_size(operator, operand)
        if self._work > MAX_WORK:
            raise TooManyError("the patterns of this match take too long; use fewer, or count up to less in them")
        for index, item in enumerate(operand if isinstance(operand, tuple) else (operand,)):
            if isinstance(item, str) and (doubt := doubt_about(subjects[0], operator, item)):
                place = (*path, index) if isinstance(raw, list) else path
                self.problems.append(Problem(place, *doubt, severity=Severity.WARNING, rule=Rule.SELECTOR))
                break
        return Test(subjects[0].name, operator, operand)

    def _values(self, subject: Subject, operator: Operator, raw: object, path: DocumentPath) -> Operand:
        """A list of values; each that is wrong is a problem of its own."""
        if not isinstance(raw, list):
            hint = f"write `{operator}: [{shown(raw).strip('`')}]`" if isinstance(raw, str | int) else ""
            raise Misfit(f"`{operator}` takes a list, but this is {described(raw)}", hint)
        if not raw:
            raise Misfit("an empty list matches nothing", "name at least one value")
        values: list[str | int] = []
        for index, item in enumerate(raw):
            with noting(self.problems, (*path, index)):
                values.append(read_value(subject, item))
        return tuple(dict.fromkeys(values))  # type: ignore[return-value]  # all of one type, the field's

    def _warn_lacking(self, name: str, path: DocumentPath) -> None:
        lacking = ", ".join(row.name for row in self.types if name not in row.fields)
        if lacking:
            message = f"`{name}` is not a field of {lacking}: it is unknown there, and unknown protects all their tasks"
            hint = "narrow `resource`, or write a protection for each kind"
            rule = Rule.PROTECTION_BREADTH
            self.problems.append(Problem(path, message, hint, at_key=True, severity=Severity.WARNING, rule=rule))

    def _unknown_field(self, name: str, data: object) -> UnknownField:
        keys = data if isinstance(data, dict) else ()
        dotted = (f"{name}.{key}" for key in keys if isinstance(key, str) and f"{name}.{key}" in self.fields)
        close = _OTHER_WORDS.get(name) or next(dotted, None)
        hint = f"did you mean `{close}`?" if close else did_you_mean(name, (*self.fields, *COMBINATORS))
        where = ", ".join(row.name for row in self.types)
        where = where if len(self.types) == 1 else f"any of {where}"
        return UnknownField(f"{shown(name)} is not a field of {where}", hint, self.fields, at_key=True)


def _operand(subject: Subject, operator: Operator, raw: object, _path: DocumentPath) -> Operand:
    return read_operand(subject, operator, raw)


def _operator(subjects: Sequence[Subject], key: str) -> Operator:
    """The operator of that name, which must apply to every type that the field has."""
    for subject in subjects:
        allowed = tuple(OPERATORS[subject.type])
        if key in allowed:
            continue
        what = f"`{subject.name}`, which is {TYPE_NAMES[subject.type]}"
        if key in set(Operator):
            raise Misfit(f"`{key}` does not apply to {what}", allowed=allowed, at_key=True)
        hint = did_you_mean(key, allowed)
        if key in COMBINATORS:
            around = f"`not: {{{subject.name}: ...}}`" if key == "not" else f"`{key}: [{{{subject.name}: ...}}]`"
            hint = f"combinators stand around fields: {around}"
        raise Misfit(f"{shown(key)} is not an operator of {what}", hint, allowed, at_key=True)
    return Operator(key)
