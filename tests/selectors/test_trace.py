from collections.abc import Iterator
from itertools import count, product
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reconciler.selectors.compile import compile_selector
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Operator, Truth
from reconciler.selectors.syntax import Test as Condition
from reconciler.selectors.trace import Trace, leaves, trace
from reconciler.tasks.resource_type import ResourceType
from reconciler.tasks.task import Value

NOW = 1_750_000_000


def test_shows_every_part_in_the_order_written() -> None:
    name = Condition("user_data", Operator.REGEX, "^x")
    status = Condition("status", Operator.EQ, "pending")
    selector = AllOf((name, Negation(status)))
    assert trace(selector, {"status": "pending"}, NOW) == Trace(
        selector,
        Truth.FALSE,
        parts=(
            Trace(name, Truth.UNKNOWN),
            Trace(
                Negation(status), Truth.FALSE, parts=(Trace(status, Truth.TRUE, "pending", decides=True),), decides=True
            ),
        ),
        decides=True,
    )


@settings(max_examples=100)
@given(st.data())
def test_agrees_with_the_predicate(
    packaging: ResourceType,
    documents: st.SearchStrategy[Any],
    tasks: st.SearchStrategy[dict[str, Value]],
    data: st.DataObject,
) -> None:
    selector, _ = parse_selector(data.draw(documents), [packaging])
    assert selector is not None
    values = data.draw(tasks)
    assert trace(selector, values, NOW).truth is compile_selector(selector, NOW)(values)


# -- which conditions decide --------------------------------------------------------------------------------
def _marks(match: object, values: dict[str, Value], row: ResourceType) -> list[str]:
    selector, problems = parse_selector(match, [row])
    assert selector is not None, problems
    return [_field(leaf) for leaf in leaves(trace(selector, values, NOW)) if leaf.decides]


def _field(leaf: Trace) -> str:
    assert isinstance(leaf.selector, Condition)
    return leaf.selector.field


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"status": "pending", "progress": 1}, ["status", "progress"]),  # true: all are needed
        ({"status": "running", "progress": 2}, ["status"]),  # false: the first false one is enough
        ({"user_data": "x", "progress": 2}, ["progress"]),  # a false one overrules an unknown one
        ({"progress": 1, "user_data": "x"}, ["user_data"]),  # unknown
        ({"any": [{"status": "running"}, {"progress": 1}, {"id": "a"}]}, ["progress"]),
        ({"any": [{"status": "running"}, {"progress": 2}]}, ["status", "progress"]),
        ({"any": [{"user_data": "x"}, {"progress": 2}]}, ["user_data", "progress"]),  # either might make it true
        ({"not": {"status": "pending", "progress": 1}}, ["status", "progress"]),
        ({"not": {"status": "running", "progress": 2}}, ["status"]),
        ({"not": {"progress": 1, "user_data": "x"}}, ["progress", "user_data"]),  # a false one would make it true
        ({"not": {"any": [{"progress": 2}, {"user_data": "x"}]}}, ["user_data"]),
    ],
)
def test_marks_the_conditions_that_decide(packaging: ResourceType, match: object, expected: list[str]) -> None:
    assert _marks(match, {"id": "a", "status": "pending", "progress": 1}, packaging) == expected


def _truth(node: Trace, truths: dict[int, Truth], numbers: Iterator[int]) -> Truth:
    """The truth of the tree if its conditions, numbered as written, had these truths."""
    match node.selector:
        case AllOf():
            return min(_truth(part, truths, numbers) for part in node.parts)
        case AnyOf():
            return max(_truth(part, truths, numbers) for part in node.parts)
        case Negation():
            return Truth(2 - _truth(node.parts[0], truths, numbers))
        case _:
            return truths[next(numbers)]


def _settled(root: Trace, truth: Truth, *, unknown_holds: bool) -> bool:
    if root.truth is Truth.UNKNOWN:
        return truth is not (Truth.FALSE if unknown_holds else Truth.TRUE)
    return truth is root.truth


def _outcomes(root: Trace, free: set[int], *, unknown_holds: bool) -> Iterator[bool]:
    """Whether the whole is settled, for every truth that the free conditions might have."""
    fixed = {number: leaf.truth for number, leaf in enumerate(leaves(root)) if number not in free}
    for truths in product(Truth, repeat=len(free)):
        truth = _truth(root, fixed | dict(zip(free, truths, strict=True)), count())
        yield _settled(root, truth, unknown_holds=unknown_holds)


# Most selectors that are drawn have more conditions than can be tried out.
@settings(max_examples=150, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_what_decides_is_enough_and_nothing_of_it_can_be_left_out(
    packaging: ResourceType,
    documents: st.SearchStrategy[Any],
    tasks: st.SearchStrategy[dict[str, Value]],
    data: st.DataObject,
) -> None:
    selector, _ = parse_selector(data.draw(documents), [packaging])
    assert selector is not None
    unknown_holds = data.draw(st.booleans())
    root = trace(selector, data.draw(tasks), NOW, unknown_holds=unknown_holds)
    conditions = list(leaves(root))
    assume(len(conditions) <= 6)
    assume(not isinstance(selector, Everything))
    others = {number for number, leaf in enumerate(conditions) if not leaf.decides}
    assert all(_outcomes(root, others, unknown_holds=unknown_holds))
    for number in range(len(conditions)):
        if number not in others:
            assert not all(_outcomes(root, others | {number}, unknown_holds=unknown_holds))
