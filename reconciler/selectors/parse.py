"""`match` as loaded from YAML, to the tree of `syntax.py`: every mistake at once, each with the path to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diagnostics import Problem, Rule, Severity, did_you_mean
from reconciler.selectors.mistake import Misfit, Mistake, TooManyError, UnknownField, described, noting, shown
from reconciler.selectors.operands import Subject, doubts_about, read_operand, read_value
from reconciler.selectors.operators import APPLICABLE, OPERATORS, TYPE_NAMES, Form
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Operator, Test
from reconciler.tasks.task import FieldType

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from reconciler.diagnostics import DocumentPath
    from reconciler.selectors.operators import OperatorSpec
    from reconciler.selectors.syntax import Operand, Selector
    from reconciler.tasks.resource_type import ResourceType

MAX_DEPTH = 50
"""Levels of combinators within one another."""

MAX_CONDITIONS = 10_000
"""Keys of one selector, fields and combinators; a bound on what aliases in YAML can unfold to."""

MAX_WORK = 20_000
"""Instructions of re2 in all patterns of one match: what a character of a task may cost, at the worst."""

_COMBINATORS = ("all", "any", "not")
_OTHER_WORDS = {"and": "all", "or": "any", "none": "not"}


def parse_selector(
    match: object, types: Sequence[ResourceType], path: DocumentPath = (), *, shared: bool = False
) -> tuple[Selector | None, list[Problem]]:
    """The selector that a `match` writes, and all that is wrong with it; never raises on plain data.

    No selector comes back where a problem is an error. `types` are the resource types that it is for. A field must
    exist in one of them. One that others lack is a warning, as a protection has it, and what is `shared` by a policy's
    types alone may stand in its match: there it is an error, as is a status that one of them does not have.
    Without any type there is nothing to check against, and the answer is empty: the caller reports that.
    """
    if not types:
        return None, []
    problems: list[Problem] = []
    selector: Selector | None = None
    try:
        with noting(problems, path):
            selector = _Parser(types, problems, shared=shared).match(match, path)
    except TooManyError as error:
        problems.append(Problem(path, str(error), rule=Rule.SELECTOR))
    failed = any(problem.severity is Severity.ERROR for problem in problems)
    return (None if failed else selector), problems


class _Parser:
    """One pass over one match.

    A method raises Mistake about the very value it was given. What is wrong further down is noted in `problems`, and
    the part left out of the result, which is discarded in the end.
    """

    def __init__(self, types: Sequence[ResourceType], problems: list[Problem], *, shared: bool) -> None:
        self.problems = problems
        self._types = types
        self._shared = shared
        self._fields = tuple(sorted({name for row in types for name in row.fields}))
        self._vendor_words = {word: status for row in types for word, status in row.statuses.items()}
        self._seen = 0
        self._work = 0

    def match(self, data: object, path: DocumentPath) -> Selector:
        match data:
            case "all":
                return Everything()
            case dict() if data:
                return self._mapping(data, path, 0)
            case None | "" | dict():
                raise Mistake("an empty match selects nothing", "write `match: all` to select every task")
            case list():
                raise Mistake("a match is a mapping, not a list", "write `any: [...]` or `all: [...]`")
            case _:
                message = f"a match is a mapping of fields to conditions, or `all`, but this is {described(data)}"
                raise Mistake(message, "write `match: all` to select every task")

    def _mapping(self, data: Mapping[object, object], path: DocumentPath, depth: int) -> Selector:
        """Fields and combinators, ANDed."""
        parts: list[Selector] = []
        for key, value in data.items():
            if not isinstance(key, str):
                # At the mapping, since places are known for keys of text only.
                message = f"a key must be text, but this is {described(key)}"
                self.problems.append(Problem(path, message, "put it in quotes", rule=Rule.SELECTOR))
                continue
            self._seen += 1
            if self._seen > MAX_CONDITIONS:
                raise TooManyError(f"a match may not have more than {MAX_CONDITIONS} conditions")
            with noting(self.problems, (*path, key)):
                parts.append(self._entry(key, value, (*path, key), depth))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _entry(self, key: str, data: object, path: DocumentPath, depth: int) -> Selector:
        if key not in _COMBINATORS:
            return self._condition(key, data, path)
        if key == "not":
            if isinstance(data, list):
                raise Mistake("`not` takes one match, not a list", "write `not: {any: [...]}`")
            return Negation(self._nested(data, path, depth + 1))
        if not isinstance(data, list):
            raise Mistake(f"`{key}` takes a list of matches, but this is {described(data)}", f"write `{key}: [...]`")
        if not data:
            raise Mistake(f"`{key}` needs at least one match in its list")
        parts: list[Selector] = []
        for index, item in enumerate(data):
            with noting(self.problems, (*path, index)):
                parts.append(self._nested(item, (*path, index), depth + 1))
        return AllOf(tuple(parts)) if key == "all" else AnyOf(tuple(parts))

    def _nested(self, data: object, path: DocumentPath, depth: int) -> Selector:
        """A match within a combinator."""
        if depth > MAX_DEPTH:
            raise Mistake(f"combinators are nested more than {MAX_DEPTH} levels deep")
        if data == "all":
            raise Mistake("`all` selects everything and is allowed only as the whole match: `match: all`")
        if not isinstance(data, dict):
            raise Mistake(f"a mapping of fields to conditions belongs here, but this is {described(data)}")
        if not data:
            raise Mistake("an empty mapping sets no condition", "name a field, or leave it out")
        return self._mapping(data, path, depth)

    def _condition(self, name: str, data: object, path: DocumentPath) -> Selector:
        """The selector of one field's condition; several operators are ANDed."""
        subjects = self._subjects(name)
        if not subjects:
            raise self._unknown_field(name, data)
        if self._shared and (lacking := [row.name for row in self._types if name not in row.fields]):
            message, hint = lacking_field(name, lacking)
            raise UnknownField(message, hint, self._common(), at_key=True)
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

    def _common(self) -> tuple[str, ...]:
        """The fields that all types have."""
        return tuple(name for name in self._fields if all(name in row.fields for row in self._types))

    def _subjects(self, name: str) -> list[Subject]:
        """The field with each type that some resource type gives it; nearly always one."""
        kinds = dict.fromkeys(row.fields[name].type for row in self._types if name in row.fields)
        return [Subject(name, kind, self._vendor_words) for kind in kinds]

    def _equality(self, subjects: Sequence[Subject], data: object, path: DocumentPath) -> Selector:
        for subject in subjects:
            if Operator.EQ in APPLICABLE[subject.type]:
                continue
            example = "older_than: 6h" if subject.type is FieldType.TIMESTAMP else 'contains: "..."'
            raise Misfit(
                f"`{subject.name}` is {TYPE_NAMES[subject.type]}, which is compared by an operator only",
                f"write for example `{subject.name}: {{{example}}}`",
                tuple(APPLICABLE[subject.type]),
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
        spec = OPERATORS[operator]
        if spec.form is Form.VALUES:
            operand, *_ = [self._values(subject, operator, raw, path) for subject in subjects]
        else:
            operand, *_ = [read_operand(subject, operator, raw) for subject in subjects]
        self._check_words(subjects[0], operand if isinstance(operand, tuple) else (operand,), spec)
        self._work += spec.pattern.size(str(operand)) if spec.pattern else 0
        if self._work > MAX_WORK:
            raise TooManyError("the patterns of this match take too long; use fewer, or count up to less in them")
        told: set[str] = set()  # of each kind the first: a list may be long
        for index, item in enumerate(operand if isinstance(operand, tuple) else (operand,)):
            for message, hint in doubts_about(subjects[0], operator, item) if isinstance(item, str) else ():
                if hint not in told:
                    place = (*path, index) if isinstance(raw, list) else path
                    self.problems.append(Problem(place, message, hint, severity=Severity.WARNING, rule=Rule.SELECTOR))
                told.add(hint)
        return Test(subjects[0].name, operator, operand)

    def _check_words(self, subject: Subject, values: Sequence[object], spec: OperatorSpec) -> None:
        """Refuse statuses that one of several types does not have: of its tasks, nobody meant to say so."""
        if not self._shared or spec.form not in (Form.VALUE, Form.VALUES):
            return
        for row in self._types if len(self._types) > 1 else ():
            words: Container[object] = row.statuses if subject.is_vendor_status else row.statuses.values()
            lacking = [value for value in values if value not in words]
            if lacking and (subject.type is FieldType.STATUS or (subject.is_vendor_status and row.statuses)):
                message = f"{row.name} has no status {', '.join(map(shown, lacking))}"
                raise Misfit(message, "narrow `resource`, or write a policy for each kind")

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
        lacking = ", ".join(row.name for row in self._types if name not in row.fields)
        if lacking:
            message = f"`{name}` is not a field of {lacking}: it is unknown there, and unknown protects all their tasks"
            hint = "narrow `resource`, or write a protection for each kind"
            rule = Rule.PROTECTION_BREADTH
            self.problems.append(Problem(path, message, hint, at_key=True, severity=Severity.WARNING, rule=rule))

    def _unknown_field(self, name: str, data: object) -> UnknownField:
        keys = data if isinstance(data, dict) else ()
        dotted = (f"{name}.{key}" for key in keys if isinstance(key, str) and f"{name}.{key}" in self._fields)
        close = _OTHER_WORDS.get(name) or next(dotted, None)
        hint = f"did you mean `{close}`?" if close else did_you_mean(name, (*self._fields, *_COMBINATORS))
        where = ", ".join(row.name for row in self._types)
        where = where if len(self._types) == 1 else f"any of {where}"
        return UnknownField(f"{shown(name)} is not a field of {where}", hint, self._fields, at_key=True)


def lacking_field(name: str, types: Sequence[str]) -> tuple[str, str]:
    """What is wrong with a field that not all types of a policy have, and what to do."""
    return (
        f"{shown(name)} is not a field of {', '.join(types)}",
        "narrow `resource`, or write a policy for each kind",
    )


def _operator(subjects: Sequence[Subject], key: str) -> Operator:
    """The operator of that name, which must apply to every type that the field has."""
    for subject in subjects:
        allowed = tuple(APPLICABLE[subject.type])
        if key in allowed:
            continue
        what = f"`{subject.name}`, which is {TYPE_NAMES[subject.type]}"
        if key in set(Operator):
            raise Misfit(f"`{key}` does not apply to {what}", allowed=allowed, at_key=True)
        hint = did_you_mean(key, allowed)
        if key in _COMBINATORS:
            around = f"`not: {{{subject.name}: ...}}`" if key == "not" else f"`{key}: [{{{subject.name}: ...}}]`"
            hint = f"combinators stand around fields: {around}"
        raise Misfit(f"{shown(key)} is not an operator of {what}", hint, allowed, at_key=True)
    return Operator(key)
