"""The explanation of every resource type as whole text, and what holds for the drawing of any."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.providers.registry import catalogue
from reconciler.reports.explanation.document import EXPLANATION, Lifecycle, explanation, lifecycle
from reconciler.reports.explanation.drawing import draw_lifecycle, mermaid_lifecycle
from reconciler.reports.explanation.text import render_explanation
from reconciler.tasks.resource_type import Action, Listing, Paging, ResourceType
from reconciler.tasks.task import OBSERVABLE, TERMINAL, Status
from tests.goldens import golden
from tests.rows import operation

GOLDENS = Path(__file__).parent / "explanations"
ROWS = catalogue().resource_types


@pytest.mark.parametrize("name", ROWS)
def test_golden(name: str) -> None:
    text = render_explanation(ROWS[name])
    assert text == golden(GOLDENS / f"{name}.txt", text)


def test_every_golden_has_its_resource_type() -> None:
    assert {path.stem for path in GOLDENS.iterdir()} == set(ROWS)


def made(statuses: Mapping[str, Status], actions: tuple[Action, ...]) -> ResourceType:
    operations = tuple(operation(action, "/tasks", "id") for action in actions)
    return ResourceType("c.s.k", "A kind.", {}, statuses, Listing("/tasks", "tasks", Paging.PAGE), operations)


PLAIN = {status.value.upper(): status for status in OBSERVABLE}


def test_without_operations_every_state_that_ends_a_task_is_a_dead_end() -> None:
    life = lifecycle(made(PLAIN, ()))
    dead = [state.status.value for state in life.states if state.dead_end]
    assert dead == ["succeeded", "failed", "canceled"]
    assert {transition.action for transition in life.transitions} == {None}
    assert "\n".join(draw_lifecycle(made(PLAIN, ()))).count("no way out") == 3


def test_with_delete_alone_no_state_is_a_dead_end_and_nothing_leads_to_canceled() -> None:
    row = made(PLAIN, (Action.DELETE,))
    drawing = "\n".join(draw_lifecycle(row))
    assert drawing.count("--delete--> gone") == 3
    assert "no way out" not in drawing
    assert not any(transition.end is Status.CANCELED for transition in lifecycle(row).transitions)


def test_a_state_that_the_vendor_never_lists_is_shown_only_if_something_leads_there() -> None:
    words = {word: status for word, status in PLAIN.items() if status is not Status.CANCELED}
    assert "(not listed)" in "\n".join(draw_lifecycle(made(words, (Action.CANCEL,))))
    assert "canceled" not in "\n".join(draw_lifecycle(made(words, ())))


def test_progress_passes_over_a_state_without_a_word() -> None:
    words = {word: status for word, status in PLAIN.items() if status is not Status.RUNNING}
    ways = {(way.start.value, way.end.value) for way in lifecycle(made(words, ())).transitions}
    assert ways == {("pending", "succeeded"), ("pending", "failed")}


ANY_ROW = st.builds(
    made,
    st.dictionaries(
        st.text(min_size=1, max_size=30).filter(lambda word: "no way out" not in word),
        st.sampled_from([*OBSERVABLE, Status.GONE]),
        max_size=14,
    ),
    st.sampled_from([(), (Action.CANCEL,), (Action.DELETE,), (Action.CANCEL, Action.DELETE)]),
)


@given(ANY_ROW)
def test_any_drawing_is_ascii_within_the_width_and_nothing_in_it_overlaps(row: ResourceType) -> None:
    life = lifecycle(row)
    lines = draw_lifecycle(row)
    drawing = "\n".join(lines)
    assert drawing.isascii()
    assert drawing.replace("\n", "").isprintable()
    assert max(map(len, lines), default=0) <= 78
    by_action = Counter(way.action for way in life.transitions)
    assert drawing.count("--delete--> gone") == by_action[Action.DELETE]
    assert drawing.count("no way out") == sum(state.dead_end for state in life.states)
    assert len(re.findall(r"(?m)^ {3}[|] cancel(?: |$)", drawing)) == by_action[Action.CANCEL]
    for state in life.states:
        assert any(f"| {state.status.value} " in line for line in lines)


@given(ANY_ROW)
def test_any_lifecycle_is_what_the_planner_searches(row: ResourceType) -> None:
    life = lifecycle(row)
    for state in life.states:
        route = row.route(state.status, lambda _: False)
        first = [way.action for way in life.leaving(state.status) if way.action is not None]
        assert first == ([] if route is None else [route[0].action])
        assert state.dead_end == (state.status in TERMINAL and route is None)
        gone = row.route(state.status, lambda _: True)
        assert (gone is not None) == _leads_to_gone(life, state.status)


def _leads_to_gone(life: Lifecycle, status: Status) -> bool:
    """Whether operations alone do."""
    ends = [way.end for way in life.leaving(status) if way.action is not None]
    return any(end is Status.GONE or _leads_to_gone(life, end) for end in ends)


@given(ANY_ROW)
def test_any_diagram_names_states_and_transitions_and_lets_no_word_out_of_its_line(row: ResourceType) -> None:
    life = lifecycle(row)
    lines = mermaid_lifecycle(row).splitlines()
    assert sum("-->" in line for line in lines) == len(life.transitions) + (life.state(Status.PENDING) is not None)
    assert all(line.isascii() and ";" not in line and "%" not in line for line in lines)
    assert len(lines) == 1 + sum("-->" in line for line in lines) + len(life.states) + sum(
        state.dead_end for state in life.states
    )


def test_the_document_holds_states_and_transitions() -> None:
    document = EXPLANATION.document(explanation([ROWS["huaweicloud.mpc.packaging"], ROWS["huaweicloud.vod.editing"]]))
    found, editing = (row["lifecycle"] for row in document["resource_types"])
    assert found["states"][0] == {"status": "pending", "provider_statuses": ["INIT", "WAITING"], "dead_end": False}
    assert found["transitions"][:2] == [
        {"start": "pending", "end": "running", "action": None, "call": ""},
        {"start": "pending", "end": "canceled", "action": "cancel", "call": "DELETE /v1/{project_id}/remux"},
    ]
    assert [state["status"] for state in editing["states"] if state["dead_end"]] == ["succeeded", "failed", "canceled"]
