"""The condition of one field, as loaded from YAML, to a tree of tests: every mistake at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diagnostics import Problem, Rule, Severity, did_you_mean
from reconciler.selectors.contradictions import check_together
from reconciler.selectors.mistake import Misfit, Mistake, TooManyError, UnknownField, described, noting, shown
from reconciler.selectors.operands import Subject, doubts_about, read_line, read_member, read_operand
from reconciler.selectors.operators import APPLICABLE, MISSING, OPERATORS, TYPE_NAMES, Form
from reconciler.selectors.syntax import AllOf, Operator, Test
from reconciler.tasks.task import FieldType, composed
from reconciler.tasks.url_parts import UrlPart

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from reconciler.diagnostics import DocumentPath
    from reconciler.selectors.mistake import Lists
    from reconciler.selectors.operators import OperatorSpec
    from reconciler.selectors.syntax import Operand, Selector
    from reconciler.tasks.resource_type import ResourceType

MAX_WORK = 20_000
"""Instructions of re2 in all patterns of one match: what a character of a task may cost, at the worst."""

MAX_TEXTS = 1_000
"""Texts that one condition looks for, other than by equality: each costs time of its own."""

_MAX_LINES = 20
"""Lines of a file that are told each by itself."""

COMBINATORS = ("all", "any", "not")
_OTHER_WORDS = {"and": "all", "or": "any", "none": "not"}


class Conditions:
    """Reads the conditions of one match, which is for resource types that are known.

    A method raises Mistake about the very value it was given. What is wrong further down is noted in `problems`, and
    the part left out of the result, which is discarded in the end.
    """

    def __init__(self, types: Sequence[ResourceType], problems: list[Problem], lists: Lists, *, shared: bool) -> None:
        self.problems = problems
        self._types = types
        self._lists = lists
        self._shared = shared
        self._fields = tuple(sorted({name for row in types for name in row.selectable}))
        self._vendor_words = {word: status for row in types for word, status in row.statuses.items()}
        self._work = 0

    def on(self, name: str, data: object, path: DocumentPath) -> Selector:
        """The selector of one field's condition; several operators are ANDed."""
        name = composed(name)
        subjects = self._subjects(name)
        if not subjects:
            raise self._unknown_field(name, data)
        if self._shared and (lacking := self._lacking(name)):
            message, hint = lacking_field(name, lacking)
            raise UnknownField(message, hint, self._common(), at_key=True)
        if data is None or data == {}:
            hint = f"to select tasks without it, write `{subjects[0].name}: {{exists: false}}`"
            raise Misfit(f"the condition of {shown(name)} is empty", hint)
        if not isinstance(data, dict) or _is_file(data):
            self._warn_lacking(name, path)
            return self._equality(subjects, data, path)
        if MISSING not in data and any(key != Operator.EXISTS for key in data):
            # A field that is lacking answers `exists` definitely; every other test leaves it unknown.
            self._warn_lacking(name, path)
        return self._operators(subjects, data, path)

    def _common(self) -> tuple[str, ...]:
        """The fields that all types have."""
        return tuple(name for name in self._fields if all(name in row.selectable for row in self._types))

    def _lacking(self, name: str) -> list[str]:
        """The types that do not have it."""
        return [row.name for row in self._types if row.field_named(name) is None]

    def _subjects(self, name: str) -> list[Subject]:
        """The field with each type that some resource type gives it; nearly always one."""
        found: dict[FieldType, Subject] = {}
        for row in self._types:
            if field := row.field_named(name):
                found.setdefault(field.type, Subject(field, self._vendor_words))
        return list(found.values())

    def _equality(self, subjects: Sequence[Subject], data: object, path: DocumentPath) -> Selector:
        for subject in subjects:
            if Operator.EQ in APPLICABLE[subject.type]:
                continue
            example = "older_than: 6h" if subject.type is FieldType.TIMESTAMP else 'contains: "..."'
            raise Misfit(
                f"`{subject.name}` is {TYPE_NAMES[subject.type]}, which is compared by an operator only",
                f"write for example `{subject.name}: {{{example}}}`",
                (*APPLICABLE[subject.type], MISSING),
            )
        several = isinstance(data, list | dict)
        return self._test(subjects, Operator.IN if several else Operator.EQ, data, path, None)

    def _operators(self, subjects: Sequence[Subject], data: Mapping[object, object], path: DocumentPath) -> Selector:
        parts: list[Test] = []
        missing: bool | None = None
        if MISSING in data:
            with noting(self.problems, (*path, MISSING)):
                missing = _missing(subjects[0], data)
        for key, raw in data.items():
            if not isinstance(key, str):
                message = f"an operator must be text, but this is {described(key)}"
                self.problems.append(Problem(path, message, rule=Rule.SELECTOR))
                continue
            with noting(self.problems, (*path, key)):
                if key != MISSING:
                    operator = _operator(subjects, key)
                    parts.append(self._test(subjects, operator, raw, (*path, key), missing))
        check_together(parts)
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _test(
        self, subjects: Sequence[Subject], operator: Operator, raw: object, path: DocumentPath, missing: bool | None
    ) -> Test:
        """One operator and its operand, which must be good for every type that the field has."""
        spec = OPERATORS[operator]
        if spec.form is Form.VALUES or (spec.form is Form.TEXT and (isinstance(raw, list) or _is_file(raw))):
            operand, *_ = [self._values(subject, operator, raw, path) for subject in subjects]
        else:
            operand, *_ = [read_operand(subject, operator, raw) for subject in subjects]
        operands = operand if isinstance(operand, tuple) else (operand,)
        self._check_words(subjects[0], operands, spec)
        if spec.pattern:
            self._work += sum(map(spec.pattern.size, map(str, operands)))
        if self._work > MAX_WORK:
            raise TooManyError("the patterns of this match take too long; use fewer, or count up to less in them")
        if subjects[0].name == "id" and spec.form in (Form.VALUE, Form.VALUES) and not _is_file(raw):
            self._doubt_ids(operands, path if isinstance(raw, list) else None, path)
        told: set[str] = set()  # of each kind the first: a list may be long
        for index, item in enumerate(operands):
            for message, hint in doubts_about(subjects[0], operator, item) if isinstance(item, str) else ():
                if hint not in told:
                    place = (*path, index) if isinstance(raw, list) else path
                    said = "an entry of the file" + message[message.rindex("`") + 1 :] if _is_file(raw) else message
                    self.problems.append(Problem(place, said, hint, severity=Severity.WARNING, rule=Rule.SELECTOR))
                told.add(hint)
        field = subjects[0].field
        return Test(field.held, operator, operand, missing, field.part)

    def _doubt_ids(self, ids: Sequence[object], listed: DocumentPath | None, path: DocumentPath) -> None:
        """Tell of the first that no task can have."""
        for index, one in enumerate(ids):
            if not any(row.has_id(str(one)) for row in self._types):
                message = f"{shown(one)} can be no id of {' or '.join(row.name for row in self._types)}"
                hint = f"write `{{file: {one}}}` for a list that stands there" if _is_path(one) else ""
                place = path if listed is None else (*listed, index)
                self.problems.append(Problem(place, message, hint, severity=Severity.WARNING, rule=Rule.SELECTOR))
                return

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
        """A list of values, each that is wrong is a problem of its own; or the file that it stands in."""
        spec = OPERATORS[operator]
        if _is_file(raw):
            return self._lines(subject, operator, raw["file"], (*path, "file"))  # type: ignore[index]  # a mapping
        if not isinstance(raw, list):
            hint = f"write `{operator}: [{shown(raw).strip('`')}]`" if isinstance(raw, str | int) else ""
            hint = f"write `{operator}: {{file: {shown(raw).strip('`')}}}`" if _is_path(raw) else hint
            raise Misfit(f"`{operator}` takes a list, but this is {described(raw)}", hint)
        if not raw:
            raise Misfit("an empty list matches nothing", "name at least one value")
        values: list[str | int] = []
        for index, item in enumerate(raw):
            with noting(self.problems, (*path, index)):
                values.append(read_member(subject, operator, item))
        return self._unique(values, spec)

    def _unique(self, values: Sequence[str | int], spec: OperatorSpec) -> Operand:
        found = tuple(dict.fromkeys(values))
        if spec.form is Form.TEXT and len(found) > MAX_TEXTS:
            raise Misfit(f"more than {MAX_TEXTS} texts to look for take too long", f"`{Operator.IN}` takes any number")
        return found  # type: ignore[return-value]  # all of one type, the field's

    def _lines(self, subject: Subject, operator: Operator, file: object, path: DocumentPath) -> Operand:
        """The entries of a file. A line that is none is told by its number."""
        if not isinstance(file, str) or not file:
            raise Misfit(f"`file` takes the path of a file, but this is {described(file)}")
        values: list[str | int] = []
        wrong = 0
        for number, line in self._lists(file):
            try:
                values.append(read_line(subject, operator, line))
                if subject.name == "id" and not any(row.has_id(line) for row in self._types):
                    raise Misfit(f"can be no id of {' or '.join(row.name for row in self._types)}")
            except Misfit as misfit:
                wrong += 1
                if wrong <= _MAX_LINES:
                    message = f"line {number} of {shown(file)} {misfit.message}"
                    self.problems.append(Problem(path, message, misfit.hint, misfit.allowed, rule=misfit.rule))
        if wrong > _MAX_LINES:
            raise Misfit(f"{wrong - _MAX_LINES} more lines of {shown(file)} are no values of `{subject.name}`")
        if not values and not wrong:
            raise Misfit(f"{shown(file)} has no entry: an empty list matches nothing", "write at least one, one a line")
        return self._unique(values, OPERATORS[operator])

    def _warn_lacking(self, name: str, path: DocumentPath) -> None:
        lacking = ", ".join(self._lacking(name))
        if lacking:
            message = f"{shown(name)} is not a field of {lacking}"
            message += ": it is unknown there, and unknown protects all their tasks"
            hint = "narrow `resource`, or write a protection for each kind"
            rule = Rule.PROTECTION_BREADTH
            self.problems.append(Problem(path, message, hint, at_key=True, severity=Severity.WARNING, rule=rule))

    def _unknown_field(self, name: str, data: object) -> UnknownField:
        keys = data if isinstance(data, dict) else ()
        words = (key for key in keys if isinstance(key, str) and key not in (*Operator, MISSING))
        base = name.removesuffix("*").removesuffix(".")
        meant = (subject.name for key in words for subject in self._subjects(f"{base}.{key}"))
        close = _OTHER_WORDS.get(name) or next(meant, None)
        hint = f"did you mean `{close}`?" if close else did_you_mean(name, (*self._fields, *COMBINATORS))
        if not close and f"{base}.*" in self._fields:
            hint = f"name a key: `{base}.KEY`"
        where = ", ".join(row.name for row in self._types)
        where = where if len(self._types) == 1 else f"any of {where}"
        return UnknownField(f"{shown(name)} is not a field of {where}", hint, self._fields, at_key=True)


def lacking_field(name: str, types: Sequence[str]) -> tuple[str, str]:
    """What is wrong with a field that not all types of a policy have, and what to do."""
    return (
        f"{shown(name)} is not a field of {', '.join(types)}",
        "narrow `resource`, or write a policy for each kind",
    )


def _is_file(data: object) -> bool:
    """Whether a list is said to stand in a file."""
    return isinstance(data, dict) and list(data) == ["file"]


def _missing(subject: Subject, data: Mapping[object, object]) -> bool:
    """What a task without the field counts as."""
    if Operator.EXISTS in data:
        raise Mistake("`exists` says already whether the field must be there", f"leave out `{MISSING}`", at_key=True)
    if len(data) == 1:
        hint = f"to select tasks without it, write `{subject.name}: {{exists: false}}`"
        raise Mistake(f"`{MISSING}` stands beside an operator, and there is none here", hint, at_key=True)
    said = data[MISSING]
    if not isinstance(said, bool):
        hint = "leave out the quotes" if said in ("true", "false") else ""
        raise Misfit(f"`{MISSING}` takes `true` or `false`, not {described(said)}", hint, ("true", "false"))
    return said


def _is_path(data: object) -> bool:
    """Whether a text looks like the name of a file."""
    return isinstance(data, str) and data.endswith((".txt", ".csv", ".list")) and data.isprintable()


def _operator(subjects: Sequence[Subject], key: str) -> Operator:
    """The operator of that name, which must apply to every type that the field has."""
    for subject in subjects:
        allowed = (*APPLICABLE[subject.type], MISSING)
        if key in allowed:
            continue
        what = f"`{subject.name}`, which is {TYPE_NAMES[subject.type]}"
        if key in set(Operator):
            raise Misfit(f"`{key}` does not apply to {what}", allowed=allowed, at_key=True)
        raise Misfit(f"{shown(key)} is not an operator of {what}", _meant(subject, key), allowed, at_key=True)
    return Operator(key)


def _meant(subject: Subject, key: str) -> str:
    """What to write instead of a word that is no operator of the field."""
    allowed = APPLICABLE[subject.type]
    word = key.strip().lower().replace("-", "_").replace(" ", "_")
    if key in COMBINATORS:
        around = f"`not: {{{subject.name}: ...}}`" if key == "not" else f"`{key}: [{{{subject.name}: ...}}]`"
        return f"combinators stand around fields: {around}"
    if subject.field.url and key in set(UrlPart):
        return f"did you mean `{subject.name}.{key}`?"
    if key == "file":
        return f"write `{subject.name}: {{in: {{file: ...}}}}`"
    for operator in allowed:
        if word == operator or word in OPERATORS[operator].synonyms:
            return f"did you mean `{operator}`?"
    if (opposite := word.removeprefix("not_")) in allowed:
        return f"write `not: {{{subject.name}: {{{opposite}: ...}}}}`"
    if any(word in spec.synonyms for spec in OPERATORS.values()):
        return ""  # it is known what is meant, and the field has no such operator
    return did_you_mean(key, (*allowed, MISSING))
