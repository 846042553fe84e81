"""What follows from the lifecycle alone, by example and against simulated tasks."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.selectors.compile import compile_selector
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.states import (
    HoldsAfter,
    Situation,
    admits,
    admitted_statuses,
    after_operation,
    can_act,
    dead_ends,
    joint_truths,
    spelt,
    undocumented,
)
from reconciler.selectors.syntax import Selector, Truth
from reconciler.tasks.resource_type import ResourceType
from reconciler.tasks.task import PROGRESS, Status, Value

NOW = 1_750_000_000
PENDING, RUNNING, UNKNOWN = Status.PENDING, Status.RUNNING, Status.UNKNOWN
TERMINAL = (Status.SUCCEEDED, Status.FAILED, Status.CANCELED)
T, U, F = Truth.TRUE, Truth.UNKNOWN, Truth.FALSE
OLD = {"created_at": {"older_than": "6h"}}


def _parsed(match: object, row: ResourceType) -> Selector:
    selector, problems = parse_selector(match, [row])
    assert selector is not None, problems
    return selector


@pytest.mark.parametrize(
    ("match", "without_delete", "with_delete"),
    [
        ({"status": "pending"}, (), ()),
        (OLD, TERMINAL, ()),
        ("all", TERMINAL, ()),
        ({"status": ["pending", "canceled"]}, (Status.CANCELED,), ()),
        ({"status": ["pending", "running"]}, (), ()),
        ({"status": "running"}, (), ()),
        ({"status": ["running", "failed"]}, (Status.FAILED,), ()),
        ({"not": {"status": "pending"}}, TERMINAL, ()),
        ({"status": {"not_in": ["succeeded", "failed", "canceled"]}}, (), ()),
        ({"status": {"exists": False}}, (), ()),
        ({"provider_status": "CANCELED"}, (Status.CANCELED,), ()),
        ({"provider_status": {"glob": "F*"}}, (Status.FAILED,), ()),
        ({"any": [{"status": "pending"}, {"status": "failed", "progress": 0}]}, (Status.FAILED,), ()),
        ({"status": "failed", "not": {"all": [{"status": "failed"}]}}, (), ()),
    ],
)
def test_dead_ends(
    match: object,
    without_delete: tuple[Status, ...],
    with_delete: tuple[Status, ...],
    editing: ResourceType,
    packaging: ResourceType,
) -> None:
    assert dead_ends(_parsed(match, editing), editing) == without_delete
    assert dead_ends(_parsed(match, packaging), packaging) == with_delete


@pytest.mark.parametrize(
    ("match", "without_delete", "with_delete"),
    [
        ({"status": "pending"}, True, True),
        ({"status": "running"}, False, False),
        ({"status": "failed"}, False, True),
        (OLD, False, True),
        ({"status": ["pending", "canceled"]}, False, True),
        ({"status": {"exists": False}}, False, False),
        # A cancel leads out of the first alternative, unless the task happens to satisfy the second as well.
        ({"any": [{"status": "pending", "progress": 0}, {"status": "canceled", "id": "x"}]}, True, True),
    ],
)
def test_can_act(
    match: object, *, without_delete: bool, with_delete: bool, editing: ResourceType, packaging: ResourceType
) -> None:
    assert can_act(_parsed(match, editing), editing) is without_delete
    assert can_act(_parsed(match, packaging), packaging) is with_delete


@pytest.mark.parametrize(
    ("match", "admitted"),
    [
        ("all", {PENDING, RUNNING, *TERMINAL, UNKNOWN}),
        (OLD, {PENDING, RUNNING, *TERMINAL, UNKNOWN}),
        ({"status": "pending", **OLD}, {PENDING}),
        ({"not": {"status": ["pending", "running"]}}, set(TERMINAL)),
        ({"status": {"exists": False}}, {UNKNOWN}),
        ({"provider_status": "INIT"}, {PENDING}),
        ({"provider_status": {"ne": "INIT"}}, {PENDING, RUNNING, *TERMINAL, UNKNOWN}),
        ({"provider_status": {"not_in": ["INIT", "WAITING"]}}, {RUNNING, *TERMINAL, UNKNOWN}),
        ({"provider_status": "NEED_TO_BE_AUDIT"}, {UNKNOWN}),
        ({"provider_status": {"regex": "^A"}}, {UNKNOWN}),
        ({"provider_status": "NO_TASK"}, set()),
        ({"status": "pending", "provider_status": "FAILED"}, set()),
    ],
)
def test_admitted_statuses(match: object, admitted: set[Status], packaging: ResourceType) -> None:
    assert admitted_statuses(_parsed(match, packaging), packaging) == admitted


def test_admits_vendor_statuses(packaging: ResourceType) -> None:
    selector = _parsed({"any": [{"status": "pending"}, {"provider_status": {"ne": "FAILED"}}]}, packaging)
    words = [word for word in packaging.statuses if admits(selector, packaging, word)]
    assert words == ["INIT", "WAITING", "PROCESSING", "SUCCEED", "CANCELED", "NEED_TO_BE_AUDIT"]
    assert admits(selector, packaging, None)
    assert admits(selector, packaging, "A_NEW_ONE")


def test_a_field_that_the_type_lacks_is_missing(editing: ResourceType, packaging: ResourceType) -> None:
    """As under a protection, whose selector serves several types."""
    selector, _ = parse_selector({"user_data": "x"}, [editing, packaging])
    assert selector is not None
    assert admitted_statuses(selector, editing) == frozenset()
    assert PENDING in admitted_statuses(selector, packaging)


@pytest.mark.parametrize(
    ("match", "known", "truths"),
    [
        ({"status": "pending"}, {"status": "pending"}, {T}),
        ({"status": "pending"}, {"status": None}, {U}),
        ({"status": "pending"}, {}, {T, U, F}),
        ({"id": {"exists": True}}, {}, {T, F}),
        ({"id": {"exists": True}}, {"id": None}, {F}),
        ({"status": "pending", "id": "x"}, {"status": "running"}, {F}),
        ({"any": [{"status": "pending"}, {"id": "x"}]}, {"status": None}, {T, U}),
        ({"not": {"status": "pending", "id": "x"}}, {"status": "pending"}, {T, U, F}),
        (OLD, {"created_at": 0}, {T, F}),
        (OLD, {"created_at": None}, {U}),
        ({"created_at": {"before": "2025-01-01T00:00:00Z"}}, {"created_at": 0}, {T}),
    ],
)
def test_possible_truths(
    match: object, known: dict[str, Value | None], truths: set[Truth], packaging: ResourceType
) -> None:
    assert joint_truths(_parsed(match, packaging), [Situation(known)]) == {(truth,) for truth in truths}


@pytest.mark.parametrize(
    ("condition", "truths"),
    [
        ("WAITING", {F, U}),
        ({"not_in": ["WAITING", "FAILED"]}, {T, U}),
        ({"glob": "WAIT*"}, {T, U, F}),
        ({"exists": True}, {T, F}),
    ],
)
def test_an_undocumented_status_is_none_of_the_documented(
    condition: object, truths: set[Truth], packaging: ResourceType
) -> None:
    selector = _parsed({"provider_status": condition}, packaging)
    assert joint_truths(selector, [undocumented(packaging)]) == {(truth,) for truth in truths}


def test_what_does_not_hang_on_the_status_stays_when_it_changes(packaging: ResourceType) -> None:
    selector = _parsed({"provider_status": {"ne": "CANCELED"}, "id": "x"}, packaging)
    cases = [spelt(packaging, "WAITING"), spelt(packaging, "CANCELED")]
    assert joint_truths(selector, cases) == {(T, F), (U, F), (F, F)}


@settings(max_examples=200)
@given(st.data())
def test_no_truth_is_overlooked(
    packaging: ResourceType,
    documents: st.SearchStrategy[Any],
    tasks: st.SearchStrategy[dict[str, Value]],
    data: st.DataObject,
) -> None:
    selector, values = _parsed(data.draw(documents), packaging), data.draw(tasks)
    names = data.draw(st.sets(st.sampled_from(sorted(packaging.fields))))
    known = {name: values.get(name) for name in names}
    assert (compile_selector(selector, NOW)(values),) in joint_truths(selector, [Situation(known)])


def _leads_out(row: ResourceType, holds: HoldsAfter, values: dict[str, Value], status: Status) -> bool:
    """A task in a state, simulated: can it be brought, or does it go by itself, out of the selector?"""
    if not holds(values, status):
        return True
    if any(
        operation.ends is Status.GONE or _leads_out(row, holds, values, operation.ends)
        for operation in row.operations
        if status in operation.starts
    ):
        return True
    return status in PROGRESS and all(_leads_out(row, holds, values, state) for state in PROGRESS[status])


@settings(max_examples=150)
@given(st.data())
def test_without_a_dead_end_every_selected_task_finds_a_way_out(
    types: tuple[ResourceType, ...],
    documents: st.SearchStrategy[Any],
    tasks: st.SearchStrategy[dict[str, Value]],
    data: st.DataObject,
) -> None:
    row = data.draw(st.sampled_from(types))
    selector, _ = parse_selector(data.draw(documents), types)
    assert selector is not None
    values = {name: value for name, value in data.draw(tasks).items() if row.field_named(name)}
    predicate = compile_selector(selector, NOW)
    status = Status(str(values.get("status", "unknown")))
    if predicate(values) is not T:
        return
    holds = after_operation(predicate, row)
    assert status in admitted_statuses(selector, row) or values.get("provider_status") not in row.statuses
    if status is not Status.UNKNOWN and not dead_ends(selector, row):
        assert _leads_out(row, holds, values, status)
    if not can_act(selector, row):
        assert row.route(status, lambda state: holds(values, state)) is None


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
def test_what_holds_after_an_operation(match: object, holding: set[Status], packaging: ResourceType) -> None:
    holds, before = after_operation(compile_selector(_parsed(match, packaging), NOW), packaging), dict(TASK)
    assert {status for status in Status if holds(TASK, status)} == holding
    assert before == TASK


def test_without_a_word_of_the_vendor_the_vendor_status_is_missing(upload: ResourceType) -> None:
    selector = _parsed({"provider_status": {"exists": False}}, upload)
    holds = after_operation(compile_selector(selector, NOW), upload)
    assert {status for status in Status if holds(TASK, status)} == {Status.CANCELED, Status.UNKNOWN}
