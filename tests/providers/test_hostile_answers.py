"""Whatever a server answers, reading it gives tasks or a fault: it never raises, nor takes nonsense for a list."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.providers.aliyun.answers import Infos, Question, canceled_in, infos_in
from reconciler.providers.aliyun.url_upload import URL_UPLOAD
from reconciler.providers.huaweicloud.merging import tasks_of
from reconciler.providers.huaweicloud.pages import Page, page
from reconciler.providers.registry import catalogue
from reconciler.providers.transport.answers import Excerpts
from reconciler.tasks.fault import Fault
from reconciler.tasks.resource_type import Action, ResourceType

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["a1", "WAITING", "PENDING"]),
)
KEYS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            "task_array",
            "tasks",
            "jobs",
            "results",
            "total",
            "count",
            "is_truncated",
            "next_marker",
            "task_id",
            "job_id",
            "asset_id",
            "status",
            "create_time",
            "input",
            "bucket",
            "URLUploadInfoList",
            "NonExists",
            "CanceledJobs",
            "JobId",
            "Status",
            "UploadURL",
            "CreationTime",
            "FileSize",
            "error_code",
            "error_msg",
            "error",
            "Code",
            "Message",
            "RequestId",
        ]
    ),
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=20,
)
BODIES = st.one_of(st.binary(max_size=60), DOCUMENTS.map(lambda data: json.dumps(data).encode()))
STATUSES = st.sampled_from([200, 201, 204, 302, 304, 400, 401, 403, 404, 429, 500, 503])
HEADERS = st.sampled_from([{}, {"Content-Type": "text/html"}, {"Content-Type": "application/json"}, {"Date": "soon"}])
ANSWERS = st.builds(
    lambda status, body, headers: httpx.Response(status, content=body, headers=headers), STATUSES, BODIES, HEADERS
)

HUAWEICLOUD = [row for row in catalogue().resource_types.values() if row.provider == "huaweicloud"]
EXCERPTS = Excerpts(("secret",))


def now() -> datetime:
    return datetime(2026, 1, 2, tzinfo=UTC)


@settings(max_examples=400)
@given(ANSWERS, st.sampled_from(HUAWEICLOUD))
def test_a_page_of_huaweicloud(answer: httpx.Response, kind: ResourceType) -> None:
    found = page(answer, kind.listing, EXCERPTS, now)
    assert isinstance(found, Page | Fault)
    if isinstance(found, Fault):
        return
    body = json.loads(answer.content)
    assert answer.status_code == 200
    assert kind.listing.envelope in body
    tasks = tasks_of("t", kind, found.rows)
    assert isinstance(tasks, Fault) or all(task.id for task in tasks)


@settings(max_examples=400)
@given(ANSWERS, st.sampled_from(["JobIds", "UploadURLs"]))
def test_what_aliyun_says_of_jobs(answer: httpx.Response, parameter: str) -> None:
    question = Question(parameter, ("a1", "https://h/v.mp4"))
    found = infos_in(answer, question, "t", EXCERPTS, now)
    assert isinstance(found, Infos | Fault)
    if isinstance(found, Infos):
        assert answer.status_code == 200
        assert found.missing <= set(question.entries)
        assert found.unanswered <= set(question.entries)


@settings(max_examples=400)
@given(ANSWERS)
def test_what_aliyun_says_of_canceling(answer: httpx.Response) -> None:
    operation = URL_UPLOAD.operation(Action.CANCEL)
    assert operation is not None
    found = canceled_in(answer, operation, ["a1", "b2"], EXCERPTS, now)
    if isinstance(found, Fault):
        return
    assert answer.status_code == 200
    assert found.keys() == {"a1", "b2"}
    accepted = [task_id for task_id, fault in found.items() if fault is None]
    assert all(task_id in answer.content.decode("utf-8", "replace") for task_id in accepted)
