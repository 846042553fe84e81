"""The meaning of selectors: tables for a reader, and random ones against an evaluator written from the design."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.selectors.compile import KNOWN, compile_column, compile_selector
from reconciler.selectors.operators import APPLICABLE, OPERATORS
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Operator, Selector, Truth
from reconciler.selectors.syntax import Test as Condition
from reconciler.selectors.trace import fields_of
from reconciler.tasks.resource_type import ResourceType
from reconciler.tasks.task import Status, Value
from reconciler.tasks.timestamps import parse_timestamp

NOW = 1_750_000_000
HOUR = 3_600
T, U, F = Truth.TRUE, Truth.UNKNOWN, Truth.FALSE

TASK: dict[str, Value] = {
    "id": "10743",
    "status": "pending",
    "provider_status": "WAITING",
    "created_at": NOW - HOUR,
    "progress": 0,
    "input.bucket": "legal-2025",
    "template_ids": ("7", "70"),
}


def _parsed(match: object, row: ResourceType) -> Selector:
    selector, problems = parse_selector(match, [row])
    assert selector is not None, problems
    return selector


@pytest.mark.parametrize(
    ("match", "truth"),
    [
        ("all", T),
        # A test on a field that is there.
        ({"status": "pending"}, T),
        ({"status": ["running", "failed"]}, F),
        ({"status": {"ne": "running"}}, T),
        ({"status": {"not_in": ["pending", "running"]}}, F),
        ({"progress": 0}, T),
        ({"progress": {"gt": 0}}, F),
        ({"progress": {"gte": 0, "lte": 0}}, T),
        ({"progress": {"lt": 0}}, F),
        ({"input.bucket": {"glob": "legal-*"}}, T),
        ({"input.bucket": {"glob": "Legal-*"}}, F),
        ({"input.bucket": {"regex": r"\d{4}$"}}, T),
        ({"input.bucket": {"contains": "gal-"}}, T),
        ({"template_ids": {"contains": "70"}}, T),
        ({"template_ids": {"contains": "0"}}, F),
        # Ages: exactly one hour is neither older nor newer than one hour.
        ({"created_at": {"older_than": "1h"}}, F),
        ({"created_at": {"newer_than": "1h"}}, F),
        ({"created_at": {"older_than": "59m59s"}}, T),
        ({"created_at": {"newer_than": "1h1s"}}, T),
        ({"created_at": {"before": "2025-06-15T14:06:40Z"}}, F),
        ({"created_at": {"before": "2025-06-15T14:06:41Z"}}, T),
        ({"created_at": {"after": "2025-06-15T14:06:40Z"}}, F),
        ({"created_at": {"after": "2025-06-15T14:06:39Z"}}, T),
        # A field that is not there is unknown to every test but `exists`.
        ({"user_data": "x"}, U),
        ({"user_data": {"ne": "x"}}, U),
        ({"user_data": {"not_in": ["x"]}}, U),
        ({"user_data": {"regex": "x"}}, U),
        ({"not": {"user_data": {"contains": "x"}}}, U),
        ({"user_data": {"exists": False}}, T),
        ({"user_data": {"exists": True}}, F),
        ({"id": {"exists": False}}, F),
        # `missing` says what it is then: of the condition as it is written.
        ({"user_data": {"contains": "x", "missing": True}}, T),
        ({"user_data": {"contains": "x", "missing": False}}, F),
        ({"not": {"user_data": {"contains": "x", "missing": False}}}, T),
        ({"user_data": {"not_contains": "x", "missing": True}}, T),
        ({"user_data": {"not_contains": "x", "missing": False}}, F),
        ({"progress": {"gt": 0, "missing": True}}, F),
        ({"user_data": {"glob": "a*", "ne": "b", "missing": True}, "status": "pending"}, T),
        # Lists: any of them; for `not_`, none of them.
        ({"input.bucket": {"glob": ["drafts-*", "legal-*"]}}, T),
        ({"input.bucket": {"not_glob": ["drafts-*", "legal-*"]}}, F),
        ({"input.bucket": {"not_glob": ["drafts-*", "tax-*"]}}, T),
        ({"input.bucket": {"regex": ["^tax", "2025$"]}}, T),
        ({"input.bucket": {"not_regex": "^tax"}}, T),
        ({"input.bucket": {"not_contains": ["tax", "2024"]}}, T),
        ({"template_ids": {"contains": ["8", "70"]}}, T),
        ({"template_ids": {"not_contains": ["8", "70"]}}, F),
        ({"user_data": {"not_glob": "x"}}, U),
        # Kleene: unknown loses against what decides.
        ({"user_data": "x", "status": "pending"}, U),
        ({"user_data": "x", "status": "running"}, F),
        ({"any": [{"user_data": "x"}, {"status": "pending"}]}, T),
        ({"any": [{"user_data": "x"}, {"status": "running"}]}, U),
        ({"not": {"user_data": "x", "status": "running"}}, T),
    ],
)
def test_meaning(match: object, truth: Truth, packaging: ResourceType) -> None:
    assert compile_selector(_parsed(match, packaging), NOW)(TASK) is truth


def test_a_time_to_come_is_newer_than_anything(packaging: ResourceType) -> None:
    values: dict[str, Value] = {"created_at": NOW + HOUR}
    assert compile_selector(_parsed({"created_at": {"newer_than": "1s"}}, packaging), NOW)(values) is T
    assert compile_selector(_parsed({"created_at": {"older_than": "1s"}}, packaging), NOW)(values) is F


@pytest.mark.parametrize(
    "match",
    [
        {"status": "pending"},
        {"status": ["pending"]},
        {"status": {"not_in": ["running"]}},
        {"not": {"status": "running"}},
    ],
)
def test_the_enum_and_its_text_are_one_status(match: object, packaging: ResourceType) -> None:
    predicate = compile_selector(_parsed(match, packaging), NOW)
    assert predicate({"status": Status.PENDING}) is T
    assert predicate({"status": "pending"}) is T


NFC, NFD = "r\u00e9sum\u00e9", "re\u0301sume\u0301"


@pytest.mark.parametrize("spelling", [NFC, NFD])
@pytest.mark.parametrize("value", [NFC, NFD])
@pytest.mark.parametrize("operator", ["eq", "in", "glob", "glob-runs", "regex", "contains", "member"])
def test_two_spellings_of_a_letter_are_one(operator: str, spelling: str, value: str, packaging: ResourceType) -> None:
    conditions: dict[str, object] = {
        "eq": {"user_data": spelling},
        "in": {"user_data": ["x", spelling]},
        "glob": {"user_data": {"glob": f"?{spelling[1:]}"}},
        "glob-runs": {"user_data": {"glob": f"*{spelling}"}},
        "regex": {"user_data": {"regex": f"^.{spelling[1:]}$"}},
        "contains": {"user_data": {"contains": spelling[1:]}},
        "member": {"template_ids": {"contains": spelling}},
    }
    compiled = compile_selector(_parsed(conditions[operator], packaging), NOW)
    assert compiled({"user_data": value, "template_ids": (value,)}) is Truth.TRUE


@pytest.mark.parametrize("match", [{"status": {"not_in": ["pending"]}}, {"not": {"status": "pending"}}])
def test_an_undocumented_vendor_status_is_no_status(match: object, packaging: ResourceType) -> None:
    assert compile_selector(_parsed(match, packaging), NOW)({"provider_status": "NEED_TO_BE_AUDIT"}) is U


def test_every_operator_has_its_row() -> None:
    assert set(OPERATORS) == set(Operator)
    assert {operator for operators in APPLICABLE.values() for operator in operators} == set(Operator)


def test_cheap_conditions_come_first(packaging: ResourceType) -> None:
    """Values that only a regular expression would choke on prove that it is not reached."""
    match = {"user_data": {"regex": "a+b"}, "status": "running"}
    values: Any = {"user_data": object(), "status": "pending"}
    assert compile_selector(_parsed(match, packaging), NOW)(values) is F
    match_any = {"any": [{"user_data": {"regex": "a+b"}}, {"status": "pending"}]}
    assert compile_selector(_parsed(match_any, packaging), NOW)(values) is T


@pytest.mark.parametrize(
    "condition",
    [
        Condition("user_data", Operator.GLOB, 1),
        Condition("progress", Operator.GT, "1"),
        Condition("status", Operator.IN, "pending"),
        Condition("user_data", Operator.NOT_CONTAINS, ()),
    ],
)
def test_an_operand_that_no_parser_makes_is_refused(condition: Condition) -> None:
    with pytest.raises(TypeError, match="this operator takes"):
        compile_selector(condition, NOW)


# The same meaning, written down a second time: naively, over documents instead of trees, None for unknown.

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def _naive(
    match: Any,  # noqa: ANN401 - plain data
    values: dict[str, Value],
) -> bool | None:
    if match == "all":
        return True
    results = []
    for key, condition in match.items():
        if key == "all":
            results.append(_and([_naive(part, values) for part in condition]))
        elif key == "any":
            results.append(_not(_and([_not(_naive(part, values)) for part in condition])))
        elif key == "not":
            results.append(_not(_naive(condition, values)))
        elif isinstance(condition, dict):
            absent = condition.get("missing") if values.get(key) is None else None
            tests = [(operator, operand) for operator, operand in condition.items() if operator != "missing"]
            results += [
                _naive_test(values.get(key), operator, operand) if absent is None else absent
                for operator, operand in tests
            ]
        else:
            results.append(_naive_test(values.get(key), "in" if isinstance(condition, list) else "eq", condition))
    return _and(results)


def _and(results: list[bool | None]) -> bool | None:
    if False in results:
        return False
    return None if None in results else True


def _not(result: bool | None) -> bool | None:
    return None if result is None else not result


def _naive_test(  # the arguments are plain data
    value: Any,  # noqa: ANN401
    operator: str,
    operand: Any,  # noqa: ANN401
) -> bool | None:
    if operator == "exists":
        return bool((value is not None) == operand)
    if value is None:
        return None
    if operator in ("glob", "regex", "contains") and isinstance(operand, list):
        return any(_naive_test(value, operator, one) for one in operand)
    if operator in ("not_glob", "not_regex", "not_contains"):
        return _not(_naive_test(value, operator.removeprefix("not_"), operand))
    if operator in ("glob", "regex") and isinstance(value, tuple):
        return any(_naive_test(one, operator, operand) for one in value)
    match operator:
        case "eq":
            return bool(value == operand)
        case "ne":
            return bool(value != operand)
        case "in":
            return bool(value in operand)
        case "not_in":
            return bool(value not in operand)
        case "contains":
            return bool(operand in value)
        case "regex":
            return re.search(operand.replace("$", r"\Z"), value) is not None
        case "glob":
            return _naive_glob(operand, value)
        case "gt" | "lte":
            return bool((value > operand) == (operator == "gt"))
        case "lt" | "gte":
            return bool((value < operand) == (operator == "lt"))
        case "older_than" | "newer_than":
            duration = int(operand[:-1]) * _SECONDS[operand[-1]]
            age = NOW - value
            return bool(age > duration if operator == "older_than" else age < duration)
        case "before":
            return bool(value < parse_timestamp(operand))
        case "after":
            return bool(value > parse_timestamp(operand))
    raise AssertionError(operator)


def _naive_glob(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_naive_glob(pattern[1:], text[start:]) for start in range(len(text) + 1))
    if not text:
        return False
    if pattern[0] == "[":
        members, rest = pattern[1:].split("]", 1)
        if members.startswith("!"):
            return text[0] not in members[1:] and _naive_glob(rest, text[1:])
        return text[0] in members and _naive_glob(rest, text[1:])
    return pattern[0] in ("?", text[0]) and _naive_glob(pattern[1:], text[1:])


@settings(max_examples=200)
@given(st.data())
def test_agrees_with_a_naive_reading(
    packaging: ResourceType,
    documents: st.SearchStrategy[Any],
    tasks: st.SearchStrategy[dict[str, Value]],
    data: st.DataObject,
) -> None:
    match, values = data.draw(documents), data.draw(tasks)
    expected = {True: T, None: U, False: F}[_naive(match, values)]
    assert compile_selector(_parsed(match, packaging), NOW)(values) is expected


def _parts(selector: Selector) -> Iterator[Selector]:
    yield selector
    match selector:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _parts(part)
        case Negation(part):
            yield from _parts(part)


@settings(max_examples=150)
@given(st.data())
def test_what_looks_at_one_field_can_be_asked_about_its_value(
    packaging: ResourceType,
    documents: st.SearchStrategy[Any],
    tasks: st.SearchStrategy[dict[str, Value]],
    data: st.DataObject,
) -> None:
    match, values, now = data.draw(documents), data.draw(tasks), data.draw(st.sampled_from([NOW, None]))
    for part in _parts(Negation(_parsed(match, packaging))):
        fields = fields_of(part)
        if len(fields) == 1 and (value := values.get(*fields)) is not None:
            holds, negated = compile_column(part, *fields, now)
            found = holds(value)
            expected = KNOWN[compile_selector(part, now)(values)]
            assert (None if found is None else found is not negated) is expected


@settings(max_examples=150)
@given(st.data())
def test_laws_of_logic(
    packaging: ResourceType,
    documents: st.SearchStrategy[Any],
    tasks: st.SearchStrategy[dict[str, Value]],
    data: st.DataObject,
) -> None:
    a, b = (_parsed(data.draw(documents), packaging) for _ in range(2))
    values = data.draw(tasks)

    def truth(selector: Selector) -> Truth:
        return compile_selector(selector, NOW)(values)

    assert truth(Negation(Negation(a))) is truth(a)
    assert truth(Negation(AllOf((a, b)))) is truth(AnyOf((Negation(a), Negation(b))))
    assert truth(Negation(AnyOf((a, b)))) is truth(AllOf((Negation(a), Negation(b))))
    assert truth(AllOf((a, b))) is truth(AllOf((b, a))) is min(truth(a), truth(b))
    assert truth(AnyOf((a, b))) is truth(AnyOf((b, a))) is max(truth(a), truth(b))
    assert truth(AllOf((a, Everything()))) is truth(a)
    assert truth(AnyOf((a, Everything()))) is T


def _without_exists(match: object) -> bool:
    return "exists" not in repr(match) and "missing" not in repr(match) and match != "all"


@settings(max_examples=150)
@given(st.data())
def test_nothing_known_selects_nothing_in_any_polarity(
    packaging: ResourceType, documents: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    selector = _parsed(data.draw(documents.filter(_without_exists)), packaging)
    assert compile_selector(selector, NOW)({}) is U
    assert compile_selector(Negation(selector), NOW)({}) is U


@settings(max_examples=150)
@given(st.data())
def test_to_forget_a_field_never_turns_a_truth_round(
    packaging: ResourceType,
    documents: st.SearchStrategy[Any],
    tasks: st.SearchStrategy[dict[str, Value]],
    data: st.DataObject,
) -> None:
    selector = _parsed(data.draw(documents.filter(_without_exists)), packaging)
    values = data.draw(tasks.filter(bool))
    forgotten = data.draw(st.sampled_from(sorted(values)))
    predicate = compile_selector(selector, NOW)
    rest = {name: value for name, value in values.items() if name != forgotten}
    assert predicate(rest) in {predicate(values), U}
