from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.selectors.compile import compile_selector
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.states import after_operation, holds_in
from reconciler.tasks.status import Status

if TYPE_CHECKING:
    from reconciler.tasks.field import Value
    from reconciler.tasks.resource_type import ResourceType

NOW = 1_750_000_000
TASK: dict[str, Value] = {"id": "1", "status": "pending", "provider_status": "WAITING", "created_at": 0}


@pytest.mark.parametrize(
    ("match", "holding"),
    [
        ({"status": "pending"}, {Status.PENDING}),
        ({"created_at": {"older_than": "6h"}}, {*Status} - {Status.GONE}),
        ("all", {*Status} - {Status.GONE}),
        ({"id": "2"}, set()),
        # `provider_status` follows the status, through each word that the vendor has for it.
        ({"provider_status": "WAITING"}, {Status.PENDING}),
        ({"provider_status": "INIT"}, {Status.PENDING}),
        ({"provider_status": "CANCELED"}, {Status.CANCELED}),
        ({"status": {"exists": False}}, {Status.UNKNOWN}),
        ({"provider_status": "NEED_TO_BE_AUDIT"}, {Status.UNKNOWN}),
    ],
)
def test_holds_in(match: object, holding: set[Status], packaging: ResourceType) -> None:
    selector, _ = parse_selector(match, [packaging])
    assert selector is not None
    assert {status for status in Status if holds_in(selector, packaging, TASK, status, NOW)} == holding


def test_without_a_word_of_the_vendor_the_vendor_status_is_missing(upload: ResourceType) -> None:
    selector, _ = parse_selector({"provider_status": {"exists": False}}, [upload])
    assert selector is not None
    holds = after_operation(compile_selector(selector, NOW), upload)
    assert {status for status in Status if holds(TASK, status)} == {Status.CANCELED, Status.UNKNOWN}


def test_the_values_given_stay_as_they_are(packaging: ResourceType) -> None:
    selector, _ = parse_selector("all", [packaging])
    assert selector is not None
    before = dict(TASK)
    holds_in(selector, packaging, TASK, Status.CANCELED, NOW)
    assert before == TASK
