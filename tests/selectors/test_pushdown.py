from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.selectors.compile import compile_selector
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.states import wanted_statuses
from reconciler.selectors.syntax import Selector, Truth
from reconciler.tasks.resource_type import ResourceType
from reconciler.tasks.task import Value

NOW = 1_750_000_000
PENDING = {"INIT", "WAITING"}
OLD = {"created_at": {"older_than": "6h"}}


def _selectors(matches: list[Any], row: ResourceType) -> list[Selector]:
    selectors = [parse_selector(match, [row])[0] for match in matches]
    assert None not in selectors
    return [selector for selector in selectors if selector is not None]


@pytest.mark.parametrize(
    ("matches", "wanted"),
    [
        ([], set()),
        ([{"status": "pending"}], PENDING),
        ([{"status": "pending", **OLD}], PENDING),
        ([{"status": "pending"}, {"status": ["failed"]}], {*PENDING, "FAILED"}),
        ([{"any": [{"status": "pending"}, {"status": "failed", "id": "x"}]}], {*PENDING, "FAILED"}),
        ([{"provider_status": "WAITING"}], {"WAITING"}),
        ([{"provider_status": "NEED_TO_BE_AUDIT"}], {"NEED_TO_BE_AUDIT"}),
        ([{"status": "pending", "not": {"provider_status": "INIT"}}], {"WAITING"}),
        ([{"not": {"status": "pending"}}], {"PROCESSING", "SUCCEED", "FAILED", "CANCELED"}),
        ([{"status": "pending", "provider_status": "FAILED"}], set()),
        # The whole list:
        ([OLD], None),
        (["all"], None),
        ([{"status": "pending"}, OLD], None),
        ([{"any": [{"status": "pending"}, {"id": "x"}]}], None),
        ([{"status": {"exists": True}}], None),
        ([{"status": {"exists": False}}], None),
        ([{"provider_status": {"ne": "FAILED"}}], None),
        ([{"provider_status": {"glob": "WAIT*"}}], None),
        ([{"status": "pending"}, {"not": {"status": "pending"}}], None),
    ],
)
def test_pushdown(matches: list[Any], wanted: set[str] | None, packaging: ResourceType) -> None:
    assert wanted_statuses(_selectors(matches, packaging), packaging) == wanted


@settings(max_examples=150)
@given(st.data())
def test_a_task_that_is_not_wanted_is_never_selected(
    packaging: ResourceType,
    documents: st.SearchStrategy[Any],
    tasks: st.SearchStrategy[dict[str, Value]],
    data: st.DataObject,
) -> None:
    selectors = _selectors(data.draw(st.lists(documents, min_size=1, max_size=2)), packaging)
    values = data.draw(tasks)
    wanted = wanted_statuses(selectors, packaging)
    if wanted is not None and values.get("provider_status") not in wanted:
        assert all(compile_selector(selector, NOW)(values) is not Truth.TRUE for selector in selectors)
