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

from reconciler.config.model import Target
from reconciler.providers.aliyun import PROVIDER as ALIYUN
from reconciler.providers.aws import PROVIDER as AWS
from reconciler.providers.base import Client
from reconciler.providers.huaweicloud import PROVIDER as HUAWEICLOUD
from reconciler.providers.listing import Bounds
from reconciler.providers.pages import LONGEST_MARKER
from reconciler.providers.registry import catalogue
from reconciler.providers.transport.caller import Tally
from reconciler.tasks.observation import Completeness, Observation
from reconciler.tasks.resource_type import Paging, ResourceType
from reconciler.tasks.sink import by_id
from reconciler.tasks.task import LARGEST_INTEGER, LONGEST_TEXT, MOST_TEXTS, Status, Task
from tests.providers.aliyun import cloud as aliyun
from tests.providers.huaweicloud import cloud as huaweicloud
from tests.providers.loopback import around

KINDS = catalogue().resource_types
BY_TOKEN = [row for row in KINDS.values() if row.listing.paging is Paging.TOKEN]
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


TOKENS: list[object] = [None, None, "", "t", "u", "t\n", "x" * 1_000_000, 7, True, ["t"], {"t": "u"}]


def framed(path: str, content: object) -> dict[str, object]:
    """What stands in a body where keys, joined by dots, lead; nothing without a path."""
    *outer, last = path.split(".")
    body: dict[str, object] = {last: content} if path else {}
    for key in reversed(outer):
        body = {key: body}
    return body


@st.composite
def bodies(draw: st.DrawFn, kind: ResourceType) -> bytes:
    """A body of the documented form whose fields hold anything, and perhaps one other place does."""
    id_key, *keys = dict.fromkeys(field.source[0] for field in kind.fields.values() if field.source)
    row = st.fixed_dictionaries({id_key: st.sampled_from(IDS)}, optional=dict.fromkeys(keys, VALUES))
    rows: list[Any] = draw(st.lists(row, max_size=4))
    body: Any = {"NonExists": [], "CanceledJobs": IDS[:1], "RequestId": "r", "JobId": IDS[0]}
    body |= framed(kind.listing.envelope, rows) | framed(kind.listing.total, len(rows))
    body |= framed(kind.listing.next_page, draw(st.sampled_from(TOKENS)))
    if (reading := kind.listing.reading) and reading.envelope != kind.listing.envelope:
        body |= framed(reading.envelope, rows[0] if rows and reading.single else rows)
    match draw(st.sampled_from([None, None, id_key, "a key", "another total", "the whole"])):
        case None:
            pass
        case "a key":
            odd = [*body, "next_marker", "is_truncated", "RequestId", "error_code"]
            body[draw(st.sampled_from(odd))] = draw(VALUES)
        case "another total":
            body |= framed(kind.listing.total, draw(st.integers(0, 4) | st.just(10**9)))
        case "the whole":
            body = draw(VALUES)
        case _:
            body |= framed(kind.listing.envelope, [{**each, id_key: draw(VALUES)} for each in rows] or draw(VALUES))
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
    return cast("Client", asked(kind, Canned(answers)))


def asked(kind: ResourceType, call: object) -> Any:  # noqa: ANN401 - the client of a provider
    """A client of this kind whose every call is another."""
    url = "http://127.0.0.1:1"
    made: Any
    match kind.provider:
        case "aliyun":
            inventory = {"job_ids": tuple(IDS), "upload_urls": ("http://h/a,b",)}
            target = aliyun.target(url, inventory=inventory)
            made = ALIYUN.client(target, concurrency=1, surroundings=around(aliyun.KEYS))
        case "aws":
            keys = {"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "sk"}
            target = Target("t", "aws", "eu-west-1", endpoints={"mediaconvert": url})
            made = AWS.client(target, concurrency=1, surroundings=around(keys))
        case _:
            made = HUAWEICLOUD.client(huaweicloud.target(url), concurrency=1, surroundings=around(huaweicloud.KEYS))
    made.call = call
    return made


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


@settings(max_examples=80)
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


@settings(max_examples=80)
@given(CASES, st.lists(st.sampled_from(IDS) | st.text(max_size=4), max_size=15))
def test_reading(case: tuple[ResourceType, list[tuple[int, bytes]]], ids: list[str]) -> None:
    kind, answers = case
    readings = asyncio.run(client(kind, answers).read(kind, ids))
    assert readings.tasks.keys() | readings.faults.keys() == set(ids)
    assert readings.tasks.keys().isdisjoint(readings.faults)
    for task_id, task in readings.tasks.items():
        assert task.id == task_id
        check(task, kind)


@settings(max_examples=80)
@given(CASES, st.lists(st.sampled_from(IDS) | st.text(max_size=4), max_size=10, unique=True))
def test_acting(case: tuple[ResourceType, list[tuple[int, bytes]]], ids: list[str]) -> None:
    kind, answers = case
    for operation in kind.operations:
        verdicts = asyncio.run(client(kind, answers).perform(kind, operation, ids[: operation.batch_size]))
        assert verdicts.keys() == set(ids[: operation.batch_size])
        assert all(verdicts[task_id] is not None for task_id in verdicts if not kind.has_id(task_id))


# -- lists by tokens ----------------------------------------------------------------------------------------


class Chain:
    """A list by tokens: the first page where no token is sent, and after each token the page behind the first that
    gave it. Behind the last page stand empty ones without end, each with a token of its own, where that has one."""

    def __init__(self, kind: ResourceType, pages: Sequence[dict[str, Any]]) -> None:
        self._kind = kind
        self._pages = pages
        self.asked = 0

    async def __call__(self, *words: object, tally: Tally, **_: object) -> object:
        *_call, parameters, judge = cast("tuple[Any, ...]", words)
        tally.requests += 1
        self.asked += 1
        body = self._page(dict(parameters).get(self._kind.listing.page_parameter))
        return judge(httpx.Response(200, json=body, headers={"Content-Type": "application/json"}))

    def _page(self, token: str | None) -> dict[str, Any]:
        place = 0
        if token is not None:
            gave = (number for number, page in enumerate(self._pages, 1) if page.get("token") == token)
            place = next(gave, len(self._pages))
        if place == len(self._pages):
            return self._body({"rows": [], "token": f"endless-{self.asked}"})
        return self._body(self._pages[place])

    def _body(self, page: dict[str, Any]) -> dict[str, Any]:
        listing = self._kind.listing
        body = framed(listing.envelope, page["rows"]) if "rows" in page else {"RequestId": "r"}
        return body | (framed(listing.next_page, page["token"]) if "token" in page else {})


def expected(kind: ResourceType, pages: Sequence[dict[str, Any]]) -> tuple[Completeness, list[dict[str, Any]]]:
    """What becomes of the list, by the rules alone, and the rows that it has."""
    used: set[str] = set()
    rows: list[dict[str, Any]] = []
    for page in pages:
        token = page.get("token")
        found = page.get("rows")
        if not isinstance(found, list) or not (token is None or (isinstance(token, str) and token.isprintable())):
            return Completeness.FAILED, []
        if isinstance(token, str) and len(token) > LONGEST_MARKER:
            return Completeness.FAILED, []
        rows += found
        if not token:
            contradicted = any(
                one != other and one[ID[kind.name]] == other[ID[kind.name]] for one in rows for other in rows
            )
            return Completeness.UNSTABLE if contradicted else Completeness.COMPLETE, rows
        if token in used:
            return Completeness.UNSTABLE, rows
        used.add(token)
    return Completeness.UNSTABLE, rows  # a chain without end


ID = {kind.name: kind.fields["id"].source[0] for kind in BY_TOKEN}


@st.composite
def chains(draw: st.DrawFn) -> tuple[ResourceType, list[dict[str, Any]]]:
    kind = draw(st.sampled_from(BY_TOKEN))
    words = st.sampled_from(sorted(kind.statuses))
    row = st.fixed_dictionaries({ID[kind.name]: st.sampled_from(IDS), kind.fields["provider_status"].source[0]: words})
    rows = st.lists(row, max_size=2)
    page = st.fixed_dictionaries(
        {}, optional={"rows": rows | st.sampled_from([None, {}, "none"]), "token": st.sampled_from(TOKENS)}
    )
    usual = st.fixed_dictionaries({"rows": rows, "token": st.sampled_from(["t", "u", "v", "w"])})
    return kind, draw(st.lists(usual, max_size=4)) + draw(st.lists(page, min_size=1, max_size=2))


@settings(max_examples=80)
@given(chains())
def test_a_chain_of_tokens_is_whole_only_where_it_ends(case: tuple[ResourceType, list[dict[str, Any]]]) -> None:
    kind, pages = case
    chain = Chain(kind, pages)
    seen = asyncio.run(asked(kind, chain).observe(kind, None, bounds=Bounds(pages=8)))
    completeness, rows = expected(kind, pages)
    assert seen.completeness is completeness
    assert (seen.fault is None) == seen.complete
    assert {task.id for task in (*seen.tasks, *seen.rows)} == {row[ID[kind.name]] for row in rows}
    assert chain.asked <= 3 * 8
