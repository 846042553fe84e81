"""The table and the document of `query`: what a cloud calls its tasks moves nothing in a terminal."""

import json

import pytest
from hypothesis import given

from reconciler.engine.queries import QueryResult
from reconciler.providers.registry import catalogue
from reconciler.reports.task_list import TASK_LIST, TaskList, render_tasks, task_list
from reconciler.tasks.observation import Completeness, Fault, Meaning, Observation, Scope
from reconciler.tasks.task import Status, Task, Value
from tests.reports.examples import NOW, TRANSCODING
from tests.reports.hostile_texts import hostile

ROW = catalogue().resource_types[TRANSCODING]


def found(task_id: str, title: str = "") -> TaskList:
    values: dict[str, Value] = {"id": task_id, "created_at": NOW - 7_200, "input.object": title or "a.mp4"}
    task = Task("huawei-prod", TRANSCODING, task_id, Status.PENDING, values)
    fault = Fault(Meaning.PERMANENT, title)
    failed = Observation(Scope("huawei-test", TRANSCODING), (), 1, Completeness.FAILED, fault)
    return task_list(QueryResult((task, task), (failed,)), ROW)


def test_a_table() -> None:
    assert render_tasks(found("24010"), NOW) == (
        "TARGET       ID     STATUS   AGE     INPUT.OBJECT\n"
        "huawei-prod  24010  pending  2h ago  a.mp4\n"
        "huawei-prod  24010  pending  2h ago  a.mp4\n"
        "2 tasks.\n"
    )


@pytest.mark.parametrize(
    ("resource", "field"), [("aws.mediaconvert.job", "input.location"), ("huaweicloud.mpc.editing", "output.object")]
)
def test_each_kind_names_its_object_in_its_own_field(resource: str, field: str) -> None:
    task = Task("here", resource, "1", Status.PENDING, {"id": "1", field: "s3://b/a.mp4"})
    shown = render_tasks(task_list(QueryResult((task,), (), 1), catalogue().resource_types[resource]), NOW)
    assert shown.splitlines()[0].split()[-1] == field.upper()


@given(hostile)
def test_nothing_hostile_reaches_a_terminal(text: str) -> None:
    for rendered in (render_tasks(found(text, text), NOW), TASK_LIST.text(found(text, text))):
        assert len(rendered.splitlines()) == len(rendered.split("\n")) - 1
        assert all(line.isprintable() for line in rendered.splitlines())
    assert len(render_tasks(found(text, text), NOW).splitlines()) == 4


def test_the_document_has_the_ids_as_calls_need_them() -> None:
    document = json.loads(TASK_LIST.text(found("0a-B_1")))
    assert [task["id"] for task in document["tasks"]] == ["0a-B_1", "0a-B_1"]
    assert document["complete"] is False


def test_one_long_id_does_not_stretch_every_row() -> None:
    assert max(map(len, render_tasks(found("x" * 100_000), NOW).splitlines())) < 200
