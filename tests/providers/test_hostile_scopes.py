"""Whatever the pages of a scope hold: listing, reading and acting give tasks or faults, never an exception, and
nothing that is larger than its bound or cannot be written down."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any, cast

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.providers.aliyun import PROVIDER as ALIYUN
from reconciler.providers.aliyun.url_upload import URL_UPLOAD
from reconciler.providers.base import Client
from reconciler.providers.huaweicloud import PROVIDER as HUAWEICLOUD
from reconciler.providers.registry import catalogue
from reconciler.providers.transport.caller import Tally
from reconciler.tasks.observation import Completeness, Observation
from reconciler.tasks.resource_type import Paging, ResourceType
from reconciler.tasks.sink import by_id
from reconciler.tasks.task import LARGEST_INTEGER, LONGEST_TEXT, MOST_TEXTS, Status, Task
from tests.providers.aliyun import cloud as aliyun
from tests.providers.huaweicloud import cloud as huaweicloud
from tests.providers.loopback import around

KINDS = {name: row for name, row in catalogue().resource_types.items() if row.listing.paging is not Paging.TOKEN}
"""Lists by tokens are held to their own in test_row_client."""
IDS = ["1", "2", "10"]

DEEP: object = "1"
for _ in range(400):
    DEEP = [DEEP]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        [*IDS, "1,2", "1 ", "-1", "\ud800", "a" * 300, "x" * 17_000, 10**400, -(10**30), DEEP, ["y"] * 1001]
    ),
    st.sampled_from(["WAITING", "CANCELED", "NO_TASK", "PENDING", "20240102030405", "00000000000000", "http://h/a,b"]),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
)


@st.composite
def bodies(draw: st.DrawFn, kind: ResourceType) -> bytes:
    """A body of the documented form whose fields hold anything, and perhaps one other place does."""
    id_key, *keys = dict.fromkeys(field.source[0] for field in kind.fields.values() if field.source)
    row = st.fixed_dictionaries({id_key: st.sampled_from(IDS)}, optional=dict.fromkeys(keys, VALUES))
    rows: list[Any] = draw(st.lists(row, max_size=4))
    body: Any = {kind.listing.envelope: rows, kind.listing.total: len(rows), "NonExists": [], "CanceledJobs": IDS[:1]}
    match draw(st.sampled_from([None, None, id_key, "a key", "another total", "the whole"])):
        case None:
            pass
        case "a key":
            odd = [*body, "next_marker", "is_truncated", "RequestId", "error_code"]
            body[draw(st.sampled_from(odd))] = draw(VALUES)
        case "another total":
            body[kind.listing.total] = draw(st.integers(0, 4) | st.just(10**9))
        case "the whole":
            body = draw(VALUES)
        case _:
            body[kind.listing.envelope] = [{**each, id_key: draw(VALUES)} for each in rows] or draw(VALUES)
    return json.dumps(body).encode()


class Canned:
    """The way to a cloud whose answers go round, whatever is asked."""

    def __init__(self, answers: Sequence[tuple[int, bytes]]) -> None:
        self._answers = cycle(answers)

    async def __call__(self, *words: object, tally: Tally, **_: object) -> object:
        judge = cast("Callable[[httpx.Response], object]", words[-1])
        tally.requests += 1
        status, body = next(self._answers)
        return judge(httpx.Response(status, content=body, headers={"Content-Type": "application/json"}))


def client(kind: ResourceType, answers: Sequence[tuple[int, bytes]]) -> Client:
    if kind is URL_UPLOAD:
        inventory = {"job_ids": tuple(IDS), "upload_urls": ("http://h/a,b",)}
        made: Any = ALIYUN.client(
            aliyun.target("http://127.0.0.1:1", inventory=inventory), concurrency=1, surroundings=around(aliyun.KEYS)
        )
    else:
        made = HUAWEICLOUD.client(
            huaweicloud.target("http://127.0.0.1:1"), concurrency=1, surroundings=around(huaweicloud.KEYS)
        )
    made.call = Canned(answers)
    return cast("Client", made)


def check(task: Task, kind: ResourceType) -> None:
    """What the rest of the tool takes for granted."""
    assert kind.has_id(task.id)
    assert task.values["id"] == task.id
    known = task.status not in {Status.UNKNOWN, Status.GONE}
    assert task.values.get("status") == (task.status.value if known else None)
    for value in task.values.values():
        texts = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
        assert len(texts) <= MOST_TEXTS
        assert all(0 < len(text) <= LONGEST_TEXT for text in texts)
        "".join(texts).encode()  # raises for what nobody could write down
        assert not isinstance(value, int) or abs(value) <= LARGEST_INTEGER


CASES = st.sampled_from(sorted(KINDS)).flatmap(
    lambda name: st.tuples(
        st.just(KINDS[name]),
        st.lists(st.tuples(st.sampled_from([200] * 6 + [204, 400, 403]), bodies(KINDS[name])), min_size=1, max_size=3),
    )
)


@settings(max_examples=150)
@given(CASES, st.sampled_from([None, frozenset({"WAITING"})]))
def test_listing(case: tuple[ResourceType, list[tuple[int, bytes]]], statuses: frozenset[str] | None) -> None:
    kind, answers = case
    observation: Observation = asyncio.run(client(kind, answers).observe(kind, statuses))
    several = {task_id for task_id, rows in Counter(task.id for task in observation.tasks).items() if rows > 1}
    assert several == by_id(observation.tasks)[1].keys(), (
        "rows of one task are there only where they contradict each other"
    )
    assert (observation.fault is None) == observation.complete
    assert observation.completeness is not Completeness.FAILED or observation.tasks == ()
    for task in observation.tasks:
        check(task, kind)


@settings(max_examples=150)
@given(CASES, st.lists(st.sampled_from(IDS) | st.text(max_size=4), max_size=15))
def test_reading(case: tuple[ResourceType, list[tuple[int, bytes]]], ids: list[str]) -> None:
    kind, answers = case
    readings = asyncio.run(client(kind, answers).read(kind, ids))
    assert readings.tasks.keys() | readings.faults.keys() == set(ids)
    assert readings.tasks.keys().isdisjoint(readings.faults)
    for task_id, task in readings.tasks.items():
        assert task.id == task_id
        check(task, kind)


@settings(max_examples=150)
@given(CASES, st.lists(st.sampled_from(IDS) | st.text(max_size=4), max_size=10, unique=True))
def test_acting(case: tuple[ResourceType, list[tuple[int, bytes]]], ids: list[str]) -> None:
    kind, answers = case
    for operation in kind.operations:
        verdicts = asyncio.run(client(kind, answers).perform(kind, operation, ids[: operation.batch_size]))
        assert verdicts.keys() == set(ids[: operation.batch_size])
        assert all(verdicts[task_id] is not None for task_id in verdicts if not kind.has_id(task_id))
