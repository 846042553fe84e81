"""What a row can say of its calls: tokens instead of totals, envelopes within envelopes, a read call of its own."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import httpx
import pytest

from reconciler.provider import (
    Action,
    Codes,
    Completeness,
    Field,
    FieldType,
    Listing,
    Meaning,
    Observation,
    Operation,
    Paging,
    Quota,
    Reading,
    Readings,
    ResolvedCredentials,
    ResourceType,
    RowClient,
    Said,
    Status,
    Target,
    parsed_object,
)
from reconciler.provider.loopback import Received, Reply, Time, as_json, serving
from tests.providers.loopback import around

T = TypeVar("T")

FIELDS = {
    field.name: field
    for field in (
        Field("id", FieldType.STRING, "Id", ("Id",)),
        Field("status", FieldType.STATUS, "Status"),
        Field("provider_status", FieldType.STRING, "Status", ("State",)),
    )
}
STATUSES = {"Waits": Status.PENDING, "Runs": Status.RUNNING, "Done": Status.SUCCEEDED, "Stopped": Status.CANCELED}

QUEUED = ResourceType(
    name="cloud.media.job",
    summary="A list by tokens, and ids read by a call that names the missing.",
    fields=FIELDS,
    statuses=STATUSES,
    listing=Listing(
        "/list",
        "Jobs.Job",
        Paging.TOKEN,
        total="",
        page_size=2,
        page_parameter="Token",
        size_parameter="Size",
        next_page="Next.Token",
        status_parameter="State",
        ids_parameter="Ids",
        reading=Reading("/read", "Jobs.Job", method="POST", joined=True, missing="Missing.Id", constants=(("v", "2"),)),
    ),
    operations=(
        Operation(
            Action.CANCEL,
            "/jobs/{id}/state",
            "",
            frozenset({Status.PENDING}),
            Status.CANCELED,
            method="PUT",
            accepted=frozenset({202}),
            constants=(("to", "Abort"),),
        ),
    ),
)
SINGLE = ResourceType(
    name="cloud.media.clip",
    summary="One id to a call, in its path.",
    fields=FIELDS,
    statuses=STATUSES,
    listing=Listing(
        "/clips",
        "clips",
        Paging.TOKEN,
        total="",
        next_page="next",
        ids_per_call=1,
        reading=Reading("/clips/{id}", "clip", single=True),
    ),
    operations=(),
)


class Unsigned:
    """An `Auth` of a cloud that asks nobody who they are."""

    async def current(self) -> None: ...

    def sign(self, request: httpx.Request, credential: None) -> None: ...

    def refused(self, _: httpx.Response) -> bool:
        return False

    async def renewed(self, refused: None) -> None: ...


class Cloud(RowClient[ResolvedCredentials[None]]):
    quotas = MappingProxyType({"media": Quota(10_000, 1.0)})

    def auth(self) -> Unsigned:
        return Unsigned()

    async def call(self, service: str, method: str, path: str, parameters: Any, judge: Any, **how: Any) -> Any:  # noqa: ANN401 - as in RowClient
        url = f"{self.target.endpoints[service]}{path}?{urlencode(parameters, quote_via=quote)}"
        return await self.send(method, url, {}, judge, service=service, group="g", **how)


def with_client(
    answer: Callable[[Received], Reply] | list[Reply],
    act: Callable[[Cloud], Awaitable[T]],
    of: type[Cloud] | None = None,
) -> tuple[T, list[Received]]:
    async def run() -> tuple[T, list[Received]]:
        async with serving(answer) as server:
            target = Target("here", "cloud", "r", endpoints={"media": server.url})
            client = (of or Cloud)(
                target,
                ResolvedCredentials(None, "nowhere"),
                [server.url],
                concurrency=4,
                surroundings=around(time=Time()),
            )
            async with client:
                return await act(client), server.requests

    return asyncio.run(run())


def observe(answer: Callable[[Received], Reply] | list[Reply], *statuses: str) -> tuple[Observation, list[Received]]:
    return with_client(answer, lambda client: client.observe(QUEUED, frozenset(statuses) or None))


def read(answer: Callable[[Received], Reply] | list[Reply], resource: ResourceType, *ids: str) -> Readings:
    return with_client(answer, lambda client: client.read(resource, ids))[0]


def jobs(*ids: str, state: str = "Waits", token: object = None, missing: Sequence[str] | None = None) -> Reply:
    body: dict[str, Any] = {"Jobs": {"Job": [{"Id": each, "State": state} for each in ids]}}
    body |= {} if token is None else {"Next": {"Token": token}}
    return as_json(body | ({} if missing is None else {"Missing": {"Id": list(missing)}}))


def test_a_list_of_tokens_is_whole_once_there_is_no_more() -> None:
    for last in (None, ""):
        seen, received = observe([jobs("a", "b", token="t 1"), jobs("c", token=last)])
        assert seen.complete
        assert [task.id for task in seen.tasks] == ["a", "b", "c"]
        assert [request.query for request in received] == [[("Size", "2")], [("Size", "2"), ("Token", "t 1")]]


def test_a_status_is_asked_for_one_pass_each_in_the_order_of_the_lifecycle() -> None:
    seen, received = observe([jobs("a"), jobs("a", state="Runs")], "Runs", "Waits")
    assert [request.value("State") for request in received] == ["Waits", "Runs"]
    assert [task.status for task in seen.tasks] == [Status.RUNNING]


def test_an_empty_page_with_a_token_is_not_the_end() -> None:
    seen, received = observe([jobs(token="1"), jobs("a")])
    assert seen.complete
    assert [task.id for task in seen.tasks] == ["a"]
    assert len(received) == 2


@pytest.mark.parametrize("tokens", [["1", "1"], ["1", "2", "1"]])
def test_a_token_that_was_seen_before_makes_the_listing_incomplete(tokens: list[str]) -> None:
    seen, received = observe([jobs(str(number), token=token) for number, token in enumerate(tokens)])
    assert seen.completeness is Completeness.UNSTABLE
    assert seen.fault is not None
    assert "in circles" in seen.fault.message
    assert len(received) == len(tokens)
    assert {task.id for task in seen.tasks} == set(map(str, range(len(tokens))))


@pytest.mark.parametrize("token", [7, True, ["x"], {}, "x" * 5000, "a\nb", "\ud800"])
def test_a_token_that_cannot_be_sent_back_fails_the_scope(token: object) -> None:
    seen, received = observe(lambda _: jobs("a", token=token))
    assert seen.completeness is Completeness.FAILED
    assert seen.fault is not None
    assert seen.fault.meaning is Meaning.MALFORMED
    assert len(received) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"Jobs": None},
        {"Jobs": []},
        {"Jobs": {}},
        {"Jobs": {"Job": None}},
        {"Jobs": {"Job": {}}},
        {"Jobs": {"Job": "a"}},
        {"Job": []},
        {"Jobs.Job": []},
        {"RequestId": "r"},
    ],
    ids=str,
)
def test_a_page_without_its_envelope_is_no_empty_page(body: object) -> None:
    for replies in ([as_json(body)], [jobs("a", token="1"), as_json(body)]):
        seen, _ = observe(replies)
        assert seen.completeness is Completeness.FAILED
        assert not seen.tasks
    assert not read(lambda _: as_json(body), QUEUED, "a").tasks


def test_ids_are_read_by_the_call_of_their_own() -> None:
    readings, received = with_client(
        [jobs("a", state="Done", missing=["b"])], lambda client: client.read(QUEUED, ["a", "b"])
    )
    assert {task.id: task.status for task in readings.tasks.values()} == {"a": Status.SUCCEEDED, "b": Status.GONE}
    [request] = received
    assert (request.method, request.path, request.query) == ("POST", "/read", [("v", "2"), ("Ids", "a,b")])


@pytest.mark.parametrize("missing", [None, [], ["other"]])
def test_an_id_that_is_neither_shown_nor_named_as_missing_is_unknown(missing: Sequence[str] | None) -> None:
    readings = read([jobs("a", missing=missing)], QUEUED, "a", "b")
    assert readings.tasks.keys() == {"a"}
    assert readings.faults.keys() == {"b"}


def test_an_id_that_is_shown_and_named_as_missing_is_unknown() -> None:
    readings = read([jobs("a", "b", missing=["b"])], QUEUED, "a", "b")
    assert readings.tasks.keys() == {"a"}
    assert readings.faults.keys() == {"b"}


@pytest.mark.parametrize("missing", ["b", {"a": 1}, [7], [None], [["b"]]], ids=str)
def test_a_list_of_missing_ids_that_is_none_tells_nothing(missing: object) -> None:
    body = {"Jobs": {"Job": []}, "Missing": {"Id": missing}}
    readings = read([as_json(body)], QUEUED, "b")
    assert not readings.tasks
    assert readings.faults.keys() == {"b"}


def test_an_id_stands_in_the_path() -> None:
    readings, [request] = with_client(
        [as_json({"clip": {"Id": "a", "State": "Runs"}})], lambda client: client.read(SINGLE, ["a"])
    )
    assert request.path == "/clips/a"
    assert readings.tasks["a"].status is Status.RUNNING


def test_one_task_that_is_refused_as_missing_is_gone() -> None:
    """Which status or code says so is the cloud's; here none does, so that nothing is concluded."""
    readings = read([Reply(404)], SINGLE, "a")
    assert not readings.tasks
    assert readings.faults.keys() == {"a"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"clip": None},
        {"clip": []},
        {"clip": {}},
        {"clip": {"Id": "b", "State": "Runs"}},
        {"clip": {"Id": ["a"], "State": "Runs"}},
        {"Id": "a", "State": "Runs"},
    ],
    ids=str,
)
def test_another_task_than_the_one_asked_for_tells_nothing_of_it(body: object) -> None:
    readings = read([as_json(body)], SINGLE, "a")
    assert not readings.tasks
    assert readings.faults.keys() == {"a"}


def test_an_operation_has_its_id_in_the_path_and_its_constants_along() -> None:
    [operation] = QUEUED.operations
    answers, [request] = with_client([Reply(202)], lambda client: client.perform(QUEUED, operation, ["a-1"]))
    assert answers == {"a-1": None}
    assert (request.method, request.target) == ("PUT", "/jobs/a-1/state?to=Abort")


@pytest.mark.parametrize("status", [200, 204])
def test_an_operation_is_accepted_by_its_own_status_alone(status: int) -> None:
    [operation] = QUEUED.operations
    answers, _ = with_client([Reply(status)], lambda client: client.perform(QUEUED, operation, ["a-1"]))
    assert answers["a-1"] is not None
    assert answers["a-1"].meaning is Meaning.MALFORMED


def test_a_list_without_a_total_is_not_gone_through_for_a_few_ids() -> None:
    """How long it is, its first page does not say."""
    ids = [f"j{number}" for number in range(300)]

    def answer(request: Received) -> Reply:
        assert request.path == "/read"
        return jobs(*(request.value("Ids") or "").split(","), missing=[])

    readings, received = with_client(answer, lambda client: client.read(QUEUED, ids))
    assert len(readings.tasks) == 300
    assert len(received) == 30


def test_a_list_without_a_total_that_is_known_to_be_short_is_gone_through_instead() -> None:
    ids = [f"j{number}" for number in range(30)]

    async def act(client: Cloud) -> Readings:
        await client.observe(QUEUED, None)
        return await client.read(QUEUED, ids)

    readings, received = with_client(lambda _: jobs(*ids), act)
    assert len(readings.tasks) == 30
    assert [request.path for request in received] == ["/list", "/list"]


class Spoken(Cloud):
    """Of a vendor whose errors come with HTTP 200, and whose calls have a body."""

    codes = Codes(
        {Meaning.GONE: ("NoJob",), Meaning.PERMISSION: ("Denied",), Meaning.THROTTLED: ("Slowly",)},
        {},
        lambda response: Said(str((parsed_object(response) or {}).get("Error", "")), "", "", documented=True),
        clock="clock",
        in_success=True,
    )

    async def call(self, service: str, method: str, path: str, parameters: Any, judge: Any, **how: Any) -> Any:  # noqa: ANN401 - as above
        body = json.dumps(dict(parameters)).encode()
        url = f"{self.target.endpoints[service]}{path}"
        return await self.send(method, url, {}, judge, service=service, group="g", body=body, **how)


def spoken(answers: list[Reply], act: Callable[[Cloud], Awaitable[T]]) -> tuple[T, list[Received]]:
    return with_client(answers, act, of=Spoken)


def test_a_body_goes_along_each_time() -> None:
    seen, received = spoken(
        [as_json({"Error": "Slowly"}), jobs("a")], lambda client: client.observe(QUEUED, frozenset({"Waits"}))
    )
    assert [task.id for task in seen.tasks] == ["a"]
    assert [json.loads(request.body) for request in received] == [{"Size": "2", "State": "Waits"}] * 2


def test_where_errors_come_with_success_they_mean_what_they_say() -> None:
    [operation] = QUEUED.operations
    for status in (200, 202):
        answers, _ = spoken(
            [as_json({"Error": "Denied"}, status)], lambda client: client.perform(QUEUED, operation, ["a"])
        )
        assert answers["a"] is not None
        assert answers["a"].meaning is Meaning.PERMISSION
    readings, _ = spoken([as_json({"Error": "NoJob"})], lambda client: client.read(SINGLE, ["a"]))
    assert readings.tasks["a"].status is Status.GONE
    seen, _ = spoken([as_json({"Error": "Denied"})], lambda client: client.observe(QUEUED, None))
    assert seen.completeness is Completeness.FAILED


def test_elsewhere_a_code_beside_a_success_is_no_refusal() -> None:
    [operation] = QUEUED.operations
    answers, _ = with_client(
        [as_json({"Error": "Denied"}, 202)], lambda client: client.perform(QUEUED, operation, ["a"])
    )
    assert answers["a"] is None


@pytest.mark.parametrize(
    ("body", "accepted"),
    [({"Response": {"RequestId": "r"}}, True), ({"Response": {}}, False), ({}, False), ({"RequestId": "r"}, False)],
    ids=str,
)
def test_a_success_without_what_it_always_has_is_none(body: object, accepted: bool) -> None:
    [operation] = QUEUED.operations
    operation = replace(operation, envelope="Response.RequestId")
    answers, _ = with_client([as_json(body, 202)], lambda client: client.perform(QUEUED, operation, ["a"]))
    assert (answers["a"] is None) is accepted
