from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.selectors.compile import compile_selector
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.syntax import AllOf, Negation, Operator
from reconciler.selectors.syntax import Test as Condition
from reconciler.selectors.trace import Trace, trace
from reconciler.selectors.truth import Truth

if TYPE_CHECKING:
    from reconciler.tasks.field import Value
    from reconciler.tasks.resource_type import ResourceType

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
            Trace(Negation(status), Truth.FALSE, parts=(Trace(status, Truth.TRUE, "pending"),)),
        ),
    )


@settings(deadline=None, max_examples=100)
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
