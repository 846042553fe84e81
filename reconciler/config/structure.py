"""Checks the structure of a file against the JSON Schema, and says in our words what is wrong.

The schema is written so that each mistake yields its own error at its own place: whatever may have several forms, or be
empty or a variable, is told apart by `if`.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from reconciler.config.conformance import Conformance, UnknownKeyword, matches, repetitions
from reconciler.config.environment import Expanded, Unexpanded, quoted, shown
from reconciler.config.schema_parts import UNEXPANDED
from reconciler.config.yaml_document import SENSITIVE_KEY
from reconciler.diagnostics import MAX_PROBLEMS, QUOTE_IT, Problem, Rule, did_you_mean
from reconciler.tasks.timestamps import DURATION_PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jsonschema import Draft7Validator as Validator
    from jsonschema.exceptions import ValidationError

    from reconciler.config.schema_parts import Schema
    from reconciler.diagnostics import DocumentPath
    from reconciler.tasks.resource_type import Catalogue

_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
}
_WITH_CREDENTIALS = ("defaults", "targets")
_NOT_SHARED = ("provider", "region", "regions", "inventory")
_AT_LEAST = ("at_least", "min", "minimum", "exactly")
_NEVER_MADE = "a policy says how many tasks may be there at most: tasks can be canceled and deleted, but not made"
_broken = partial(Problem, rule=Rule.STRUCTURE)


@cache
def validator_class() -> type[Validator]:
    """jsonschema's, with the patterns of ECMA-262, and lists of scalars looked at once.

    It is imported when something is wrong: it takes longer to import than a file that is in order to read.
    """
    from jsonschema import Draft7Validator  # noqa: PLC0415 - see above
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415
    from jsonschema.validators import extend  # noqa: PLC0415

    def ecma_pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
        if isinstance(instance, str) and not matches(pattern, instance):
            yield ValidationError(f"{instance!r} does not match {pattern!r}")

    def unique(_: object, wanted: object, instance: object, __: object) -> Iterator[ValidationError]:
        if wanted and isinstance(instance, list) and next(repetitions(instance), None) is not None:
            yield ValidationError("an item stands twice")

    is_unexpanded = partial(_is_of, OWN_TYPES[UNEXPANDED])
    checker = Draft7Validator.TYPE_CHECKER.redefine(UNEXPANDED, is_unexpanded)
    made: type[Validator] = extend(  # type: ignore[no-untyped-call] # so in jsonschema
        Draft7Validator, {"pattern": ecma_pattern, "uniqueItems": unique}, type_checker=checker
    )
    return made


def _is_of(kind: type, _: object, instance: object) -> bool:
    return isinstance(instance, kind)


OWN_TYPES: Mapping[str, type] = {UNEXPANDED: Unexpanded}
"""JSON types that only our schemas know."""


class Structure:
    """The check of structure against one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._conformance = Conformance(schema, OWN_TYPES)

    def problems(self, data: Any) -> list[Problem]:  # noqa: ANN401 - YAML may hold anything
        """Every structural mistake in the data of one file, each once, in our words. Selectors are not looked at.

        Beyond `MAX_PROBLEMS` the rest is not looked for.
        """
        with suppress(UnknownKeyword):
            if self._conformance.holds(data):
                return []
        validator = validator_class()(self._schema)
        found: dict[tuple[DocumentPath, str], Problem] = {}
        problems = (problem for error in validator.iter_errors(data) for problem in _translated(error))
        for problem in islice(problems, MAX_PROBLEMS):
            found.setdefault((problem.path, problem.message), problem)
        return list(found.values())


_latest: dict[Callable[[Catalogue], Schema], tuple[Catalogue, Structure]] = {}


def structure_of(catalogue: Catalogue, schema: Callable[[Catalogue], Schema]) -> Structure:
    """The check against the `schema` of a catalogue; that of the last one is kept, since a run has but one."""
    if schema not in _latest or _latest[schema][0] is not catalogue:
        _latest[schema] = (catalogue, Structure(schema(catalogue)))
    return _latest[schema][1]


def kind_of(value: object) -> str:
    """What a value is, in the words of the messages."""
    match value:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case Unexpanded():
            return "a variable"
        case _:
            return "a mapping"


def _translated(error: ValidationError) -> Iterator[Problem]:
    path = tuple(error.path)
    if _in_credentials(path):
        yield from _credentials_problem(error, path)
        return
    yield from _TRANSLATIONS.get(str(error.validator), _other)(error, path)


def _unknown_keys(error: ValidationError, path: DocumentPath) -> Iterator[Problem]:
    instance, schema = _as_mapping(error.instance), _as_mapping(error.schema)
    known = sorted(_as_mapping(schema.get("properties")))
    others = tuple(_as_mapping(schema.get("patternProperties")))
    for key in instance:
        if key not in known and not any(re.search(pattern, key) for pattern in others):
            message, hint = f"unknown key {quoted(key)}", _hint_for_key(key, known, path)
            yield Problem((*path, key), message, hint, tuple(known), at_key=True, rule=Rule.UNKNOWN_KEY)


def _hint_for_key(key: str, known: list[str], path: DocumentPath) -> str:
    if path[-1:] == ("ensure",) and key in _AT_LEAST:
        return _NEVER_MADE
    if path[:1] == ("defaults",) and len(path) == 2 and key in _NOT_SHARED:
        return f"each target says its own `{key}`; those that are alike may share it through an anchor of YAML"
    meant = did_you_mean(key, known)
    if not meant and len(path) == 2 and path[0] in _WITH_CREDENTIALS and SENSITIVE_KEY.search(key):
        return f"it belongs under `credentials`, as {key}: {{env: NAME}} or {{file: PATH}}"
    return meant


def _missing_key(error: ValidationError, path: DocumentPath) -> Iterator[Problem]:
    for key in _as_list(error.validator_value):
        if key not in _as_mapping(error.instance):
            hint = "every file needs `version: 1`" if (*path, key) == ("version",) else ""
            yield _broken(path, f"missing key `{key}`", hint, at_key=True)


def _wrong_type(error: ValidationError, path: DocumentPath) -> Iterator[Problem]:
    expected = f"be {_KINDS.get(str(error.validator_value), str(error.validator_value))}"
    hint = ""
    if error.validator_value == "string" and isinstance(error.instance, bool | int | float):
        hint = "" if isinstance(error.instance, Expanded) else QUOTE_IT
        pattern = _as_mapping(error.schema).get("pattern")
        if pattern and not re.search(str(pattern), str(error.instance)):
            expected, hint = _expected(error.schema), _with_unit(error)
    elif error.validator_value == "array" and isinstance(error.instance, str):
        hint = f"write [{shown(error.instance)}]"
    elif error.validator_value == "integer" and isinstance(error.instance, str) and error.instance.isdecimal():
        hint = "leave out the quotes"
    elif error.validator_value == "boolean" and error.instance in ("yes", "no", "on", "off"):
        hint = "YAML 1.2 knows `true` and `false` only"
    yield _broken(path, f"must {expected}, but is {kind_of(error.instance)}", hint)


def _not_allowed(error: ValidationError, path: DocumentPath) -> Iterator[Problem]:
    values = _as_list(error.validator_value) if error.validator == "enum" else [error.validator_value]
    allowed = [_written(value) for value in values if value not in (None, "")]
    found = quoted(_written(error.instance) if isinstance(error.instance, bool) else error.instance)
    hint = "" if isinstance(error.instance, Expanded) else did_you_mean(str(error.instance), allowed)
    rule = Rule.STRUCTURE
    match path:
        case ("policies", _, "ensure"):
            message = "must be `absent` or `{at_most: N, per: [fields], keep: newest|oldest}`"
            yield _broken(path, message, _NEVER_MADE if error.instance == "present" else hint)
            return
        case _ if not isinstance(error.instance, str | int | float):
            message, hint = f"must be one of the allowed values, but is {kind_of(error.instance)}", ""
        case ("version",):
            message = f"version {found} of the format is not supported"
            if isinstance(error.instance, str):
                message, hint = "the version must be the number 1", "leave out the quotes"
        case ("targets", _, "provider"):
            message, rule = f"unknown provider {found}", Rule.UNKNOWN_REFERENCE
        case ("policies" | "protect", _, "resource", *_):
            message, rule = f"unknown resource type {found}", Rule.UNKNOWN_REFERENCE
        case ("policies", _, "ensure", "per", int()):
            message, rule = f"unknown field {found}", Rule.UNKNOWN_FIELD
        case _:
            message = f"{found} is not an allowed value"
    yield Problem(path, message, hint, tuple(allowed), rule=rule)


def _written(value: object) -> str:
    """A value as YAML has it on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bad_pattern(error: ValidationError, path: DocumentPath) -> Iterator[Problem]:
    expected, found = _expected(error.schema), quoted(error.instance)
    if "propertyNames" in error.absolute_schema_path:
        yield _broken((*path, str(error.instance)), f"{found} must {expected}", at_key=True)
    elif path == ("settings", "backend") or path[:2] == ("settings", "notify"):
        # What is no URL of ours may be any way to write a password.
        yield _broken(path, f"must {expected}")
    else:
        yield _broken(path, f"{found} must {expected}", _with_unit(error))


def _expected(schema: object) -> str:
    """What the pattern of a text asks for, in words."""
    told = _as_mapping(schema)
    return str(told.get("patternErrorMessage", f"must match {told.get('pattern')}")).removeprefix("must ")


def _with_unit(error: ValidationError) -> str:
    """A hint for a duration that lacks its unit."""
    number = str(error.instance)
    if _as_mapping(error.schema).get("pattern") != DURATION_PATTERN or not re.fullmatch("0*[1-9][0-9]{0,11}", number):
        return ""
    return f"write {shown(error.instance)}s for seconds"


def _out_of_bounds(error: ValidationError, path: DocumentPath) -> Iterator[Problem]:
    side = "least" if error.validator == "minimum" else "most"
    yield _broken(path, f"must be at {side} {error.validator_value}, but is {shown(error.instance)}")


def _empty(_: ValidationError, path: DocumentPath) -> Iterator[Problem]:
    yield _broken(path, "must not be empty")


def _too_long(error: ValidationError, path: DocumentPath) -> Iterator[Problem]:
    yield _broken(path, f"must not be longer than {error.validator_value} characters")


def _repeated(error: ValidationError, path: DocumentPath) -> Iterator[Problem]:
    for index in repetitions(_as_list(error.instance)):
        yield _broken((*path, index), f"{quoted(_as_list(error.instance)[index])} stands twice in the list")


def _other(error: ValidationError, path: DocumentPath) -> Iterator[Problem]:
    """Keywords that only a provider's own schema can bring in. Their own messages repeat the value."""
    yield _broken(path, f"breaks the rule `{error.validator}: {shown(error.validator_value)}`")


_TRANSLATIONS: Mapping[str, Callable[[ValidationError, DocumentPath], Iterator[Problem]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_key,
    "type": _wrong_type,
    "enum": _not_allowed,
    "const": _not_allowed,
    "pattern": _bad_pattern,
    "minimum": _out_of_bounds,
    "maximum": _out_of_bounds,
    "minLength": _empty,
    "maxLength": _too_long,
    "minItems": _empty,
    "minProperties": _empty,
    "uniqueItems": _repeated,
}


def _in_credentials(path: DocumentPath) -> bool:
    match path:
        case ("defaults" | "targets", _, "credentials", *_):
            return True
        case ("settings", "notify", _, "apprise", *_) | ("settings", "notify", _, "webhook", "secret", *_):
            return True
    return False


def _is_secret(path: DocumentPath) -> bool:
    """Whether it is said there where a secret is read from, and nothing more."""
    match path:
        case (_, _, "credentials", key):
            return key != "profile"
        case (_, _, _, "apprise") | (_, _, _, "webhook", "secret"):
            return True
    return False


def _credentials_problem(error: ValidationError, path: DocumentPath) -> Iterator[Problem]:
    """Like the others, but no value is ever repeated: it may be a secret in the wrong place."""
    where = "write {env: NAME} or {file: PATH}"
    if error.validator == "additionalProperties":
        yield from _unknown_keys(error, path)
    elif error.validator == "type" and _is_secret(path):
        hint = f"{where}; and renew it if it was committed"
        yield Problem(path, "a secret must not stand in the configuration", hint, rule=Rule.SECRET)
    elif error.validator == "type":
        yield from _wrong_type(error, path)
    elif error.validator in {"minProperties", "maxProperties"}:
        yield _broken(path, "needs exactly one of the keys `env` and `file`", where)
    elif error.validator == "pattern":
        yield _broken(path, "must be the name of an environment variable")
    else:
        yield _broken(path, "must not be empty")


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _as_mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
