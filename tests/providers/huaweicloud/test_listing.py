"""A listing is whole, or says that it is not."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from reconciler.provider.loopback import Received, Reply, as_json
from reconciler.providers.listing import Bounds, list_scope
from reconciler.providers.transport.caller import Tally
from reconciler.tasks.observation import Completeness, Fault, Meaning, Observation
from reconciler.tasks.resource_type import ResourceType
from reconciler.tasks.sink import Collected
from tests.providers.huaweicloud.cloud import (
    ANIMATED_GIF,
    PACKAGING,
    SNAPSHOT,
    TRANSCODING,
    TYPES,
    VOD_EDITING,
    VOD_TRANSCODING,
    connected,
    seen,
)

Row = dict[str, Any]


def observe(
    answer: Callable[[Received], Reply] | list[Reply], resource: ResourceType, statuses: set[str] | None = None
) -> tuple[Observation, list[Received]]:
    async def run() -> tuple[Observation, list[Received]]:
        async with connected(answer) as (client, server):
            observation = await client.observe(resource, None if statuses is None else frozenset(statuses))
            assert client.requests == observation.requests == len(server.requests)
        return observation, server.requests

    return asyncio.run(run())


def rows(*numbers: int, status: str = "WAITING", key: str = "task_id") -> list[Row]:
    return [{key: str(number), "status": status, "create_time": "20240101000000"} for number in numbers]


def paged(tasks: list[Row], envelope: str = "task_array") -> Callable[[Received], Reply]:
    """A cloud that filters by status and pages as MPC does."""

    def answer(request: Received) -> Reply:
        status = request.value("status")
        matching = [row for row in tasks if status is None or row["status"] == status]
        page, size = int(request.value("page") or 0), int(request.value("size") or 10)
        return as_json({"total": len(matching), envelope: matching[page * size : (page + 1) * size]})

    return answer


def test_a_filtered_scope_costs_its_pages_only() -> None:
    tasks = rows(*range(150)) + rows(*range(150, 5000), status="SUCCEEDED")
    observation, received = observe(paged(tasks), TRANSCODING, {"WAITING"})
    assert observation.complete
    assert len(observation.tasks) == 150
    assert [request.raw_query for request in received] == [
        "page=0&size=100&status=WAITING",
        "page=1&size=100&status=WAITING",
    ]


def test_the_whole_list_where_all_statuses_are_wanted() -> None:
    observation, received = observe(paged(rows(*range(250))), TRANSCODING)
    assert observation.complete
    assert sorted(request.raw_query for request in received) == [f"page={page}&size=100" for page in range(3)]
    _, received = observe(paged(rows(1)), TRANSCODING, set(TRANSCODING.statuses))
    assert [request.raw_query for request in received] == ["page=0&size=100"]


def test_the_whole_list_where_a_status_is_wanted_that_the_table_has_not() -> None:
    tasks = [*rows(1), *rows(2, status="NEED_TO_BE_AUDIT")]
    observation, received = observe(paged(tasks), TRANSCODING, {"NEED_TO_BE_AUDIT"})
    assert [request.value("status") for request in received] == [None]
    unknown = next(task for task in observation.tasks if task.id == "2")
    assert unknown.status.value == "unknown"
    assert "status" not in unknown.values
    assert unknown.values["provider_status"] == "NEED_TO_BE_AUDIT"


def test_nothing_wanted_costs_nothing() -> None:
    observation, received = observe([], TRANSCODING, set())
    assert observation.complete
    assert received == []


def test_one_pass_for_each_status_in_lifecycle_order() -> None:
    _, received = observe(paged([], "tasks"), PACKAGING, {"CANCELED", "WAITING", "INIT", "FAILED"})
    assert [request.value("status") for request in received] == ["INIT", "WAITING", "FAILED", "CANCELED"]


def test_the_filter_may_be_spelt_otherwise_than_the_answer() -> None:
    def answer(request: Received) -> Reply:
        assert request.value("status") == "PREPROCESSING"
        return as_json({"total": 1, "tasks": rows(1, status="PROCESSING")})

    observation, _ = observe(answer, ANIMATED_GIF, {"PROCESSING"})
    assert seen(observation) == {"1": "running"}


def test_a_task_that_moves_on_between_passes_is_seen_as_it_is_later() -> None:
    statuses: dict[str, str] = {"1": "WAITING", "2": "WAITING"}

    def answer(request: Received) -> Reply:
        found = [{"task_id": task, "status": status} for task, status in statuses.items()]
        shown = [row for row in found if row["status"] == request.value("status")]
        statuses["1"] = "TRANSCODING"
        return as_json({"total": len(shown), "task_array": shown})

    observation, _ = observe(answer, TRANSCODING, {"WAITING", "TRANSCODING"})
    assert observation.complete
    assert seen(observation) == {"1": "running", "2": "pending"}


def test_rows_of_another_status_than_asked_are_kept_as_they_are() -> None:
    tasks = [*rows(1), *rows(2, status="SUCCEEDED")]
    observation, _ = observe(lambda _: as_json({"total": 2, "task_array": tasks}), SNAPSHOT, {"WAITING"})
    assert seen(observation) == {"1": "pending", "2": "succeeded"}


def test_no_task_is_no_task() -> None:
    tasks = [*rows(1), {"task_id": "2", "status": "NO_TASK"}]
    observation, _ = observe(lambda _: as_json({"total": 2, "task_array": tasks}), SNAPSHOT)
    assert observation.complete
    assert seen(observation) == {"1": "pending"}


def test_numbers_where_the_schema_says_text() -> None:
    row = {
        "task_id": 10743,
        "status": "SUCCEED",
        "create_time": 20201117021558,
        "start_time": 20201117021558,
        "end_time": 20201117021559,
        "user_data": 1795687,
        "complete_ratio": 100,
        "description": None,
        "error_code": "",
        "input": {"bucket": "b", "object": "o.mp4", "location": "cn-north-4"},
        "output": None,
    }
    observation, _ = observe([as_json({"total": "1", "tasks": [row]})], PACKAGING)
    [task] = observation.tasks
    assert task.values == {
        "id": "10743",
        "status": "succeeded",
        "provider_status": "SUCCEED",
        "created_at": 1605579358,
        "started_at": 1605579358,
        "finished_at": 1605579359,
        "progress": 100,
        "user_data": "1795687",
        "input.bucket": "b",
        "input.object": "o.mp4",
        "input.location": "cn-north-4",
    }


@pytest.mark.parametrize("resource", TYPES.values(), ids=TYPES.keys())
def test_an_empty_scope_is_complete(resource: ResourceType) -> None:
    observation, received = observe([as_json({resource.listing.total: 0, resource.listing.envelope: []})], resource)
    assert observation.complete
    assert observation.tasks == ()
    assert len(received) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"task_array": []},
        {"total": None, "task_array": []},
        {"total": True, "task_array": []},
        {"total": -1, "task_array": []},
        {"total": "many", "task_array": []},
        {"total": 10**20, "task_array": []},
        {"total": 0},
        {"total": 3, "task_array": None},
        {"task_array": None},
        {"total": "many", "task_array": rows(1)},
        {"total": 0, "task_array": None},
        {"total": 0, "task_array": {}},
        {"total": 0, "task_array": ""},
        {"total": 1, "task_array": ["1"]},
        {"total": 1, "task_array": [None]},
        {"total": 1, "task_array": [{}]},
        {"total": 1, "task_array": [{"task_id": None, "status": "WAITING"}]},
        {"total": 1, "task_array": [{"task_id": "", "status": "WAITING"}]},
        {"total": 1, "task_array": [{"task_id": " 1", "status": "WAITING"}]},
        {"total": 1, "task_array": [{"task_id": "1\n", "status": "WAITING"}]},
        {"total": 1, "task_array": [{"task_id": True, "status": "WAITING"}]},
        {"total": 1, "task_array": [{"task_id": 1.5, "status": "WAITING"}]},
        {"total": 1, "task_array": [{"task_id": ["1"], "status": "WAITING"}]},
        {"total": 1, "task_array": [{"task_id": "1,2", "status": "WAITING"}]},
        {"total": 1, "task_array": [{"task_id": -1, "status": "WAITING"}]},
        {"total": 1, "task_array": [{"task_id": 10**400, "status": "WAITING"}]},
        {"total": 1, "task_array": [{"task_id": "9" * 1_000_000, "status": "WAITING"}]},
        {"total": 2, "task_array": [*rows(1), {"task_id": "\ud800", "status": "WAITING"}]},
        {"total": 10_001, "task_array": rows(*range(10_001))},
        {"total": 1, "tasks": rows(1)},
    ],
)
def test_a_body_that_is_not_the_documented_one_fails_the_scope(body: dict[str, Any]) -> None:
    observation, _ = observe(lambda _: as_json(body), TRANSCODING)
    assert observation.completeness is Completeness.FAILED
    assert observation.tasks == ()


@pytest.mark.parametrize("status", [201, 202, 204, 206])
def test_a_list_with_another_status_than_200_fails_the_scope(status: int) -> None:
    observation, _ = observe(lambda _: as_json({"total": 1, "task_array": rows(1)}, status), TRANSCODING)
    assert (observation.completeness, observation.tasks) == (Completeness.FAILED, ())


def test_the_row_that_cannot_be_read_is_named() -> None:
    odd = [*rows(1), {"task_id": "1,2\n", "status": "WAITING"}]
    observation, _ = observe([as_json({"total": 2, "task_array": odd})], TRANSCODING)
    assert observation.fault is not None
    assert observation.fault.message == (
        "unexpected answer: row 2 of 'task_array' without a usable 'task_id': '1,2\\n'"
    )


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_is_no_answer(name: str) -> None:
    body = f'{{"total": 1, "task_array": [{{"task_id": "1", "status": "WAITING", "progress": {name}}}]}}'
    observation, _ = observe([Reply(200, body.encode())], TRANSCODING)
    assert observation.completeness is Completeness.FAILED


def test_one_page_that_fails_fails_the_scope() -> None:
    cloud = paged(rows(*range(1000)))

    def answer(request: Received) -> Reply:
        return Reply(403, b'{"error_code": "APIGW.0302"}') if request.value("page") == "7" else cloud(request)

    observation, _ = observe(answer, TRANSCODING)
    assert observation.completeness is Completeness.FAILED
    assert observation.tasks == ()
    assert observation.fault is not None
    assert observation.fault.meaning is Meaning.PERMISSION


class Shifting:
    """A list from which, after each page, a task ends and leaves the top, for the first `shifts` pages."""

    def __init__(self, count: int, shifts: int) -> None:
        self.tasks = rows(*range(count))
        self.shifts = shifts

    def __call__(self, request: Received) -> Reply:
        reply = paged(self.tasks)(request)
        if self.shifts:
            self.shifts -= 1
            self.tasks = self.tasks[1:]
        return reply


def test_a_list_that_shifts_is_repeated_and_united() -> None:
    observation, received = observe(Shifting(250, shifts=2), TRANSCODING, {"WAITING"})
    assert observation.complete
    assert len(received) == 6
    # Sightings of the first pass stay: a task that is gone is found out when it is read.
    assert {str(number) for number in range(2, 250)} <= seen(observation).keys()


def test_a_list_that_never_settles_is_unstable() -> None:
    observation, received = observe(Shifting(350, shifts=1000), TRANSCODING, {"WAITING"})
    assert observation.completeness is Completeness.UNSTABLE
    assert len(received) == 12
    assert observation.tasks
    assert observation.fault is not None
    assert "did not settle in 3 passes" in observation.fault.message


@pytest.mark.parametrize("total", [0, 1, 3])
def test_a_total_that_never_fits_the_rows_is_unstable(total: int) -> None:
    observation, _ = observe(lambda _: as_json({"total": total, "task_array": rows(1, 2)}), TRANSCODING)
    assert observation.completeness is Completeness.UNSTABLE
    assert seen(observation).keys() == {"1", "2"}


def test_a_row_that_comes_twice_is_one_task_and_does_not_add_up() -> None:
    observation, _ = observe(lambda _: as_json({"total": 2, "task_array": rows(1, 1)}), TRANSCODING)
    assert observation.completeness is Completeness.UNSTABLE
    assert seen(observation).keys() == {"1"}


def test_a_full_page_that_is_all_there_is_costs_another_request() -> None:
    """A total that counts the rows of a page looks like one that counts them all: the next page tells."""
    observation, received = observe(paged(rows(*range(100))), TRANSCODING, {"WAITING"})
    assert observation.complete
    assert [request.value("page") for request in received] == ["0", "1"]
    _, received = observe(paged(rows(*range(99))), TRANSCODING, {"WAITING"})
    assert len(received) == 1
    _, received = observe(paged(rows(*range(200))), TRANSCODING, {"WAITING"})
    assert len(received) == 2


@pytest.mark.parametrize("count", [101, 150, 200, 250])
def test_a_total_that_counts_the_rows_of_the_page_is_found_out(count: int) -> None:
    tasks = rows(*range(count))

    def answer(request: Received) -> Reply:
        page = int(request.value("page") or 0)
        part = tasks[page * 100 : (page + 1) * 100]
        return as_json({"total": len(part), "task_array": part})

    observation, received = observe(answer, TRANSCODING)
    assert observation.completeness is Completeness.UNSTABLE
    assert len(received) == 6
    assert len(observation.tasks) == min(count, 200)


@pytest.mark.parametrize("mark", [1, "1", True])
def test_a_last_page_that_says_there_is_more_is_not_the_last(mark: object) -> None:
    observation, _ = observe(
        lambda _: as_json({"total": 2, "task_array": rows(1, 2), "is_truncated": mark}), TRANSCODING
    )
    assert observation.completeness is Completeness.UNSTABLE
    assert observation.fault is not None
    assert "the last page says that there are more" in observation.fault.message
    observation, _ = observe(lambda _: as_json({"total": 1, "task_array": rows(1), "is_truncated": 0}), TRANSCODING)
    assert observation.complete


def test_vod_editing_pages_by_rows_and_is_never_filtered() -> None:
    tasks = rows(*range(230))

    def answer(request: Received) -> Reply:
        offset, limit = int(request.value("offset") or 0), int(request.value("limit") or 10)
        return as_json({"total": len(tasks), "tasks": tasks[offset : offset + limit]})

    observation, received = observe(answer, VOD_EDITING, {"WAITING"})
    assert observation.complete
    assert sorted(request.raw_query for request in received) == [
        "limit=100&offset=0",
        "limit=100&offset=100",
        "limit=100&offset=200",
    ]


def asset(asset_id: str, status: str, created: object = "2024-01-01T00:00:00Z", **more: object) -> Row:
    return {"type": "TRANSCODE", "asset_id": asset_id, "status": status, "create_time": created, **more}


def by_marker(tasks: list[Row]) -> Callable[[Received], Reply]:
    def answer(request: Received) -> Reply:
        wanted = [text for name, text in request.query if name == "status"]
        matching = [row for row in tasks if not wanted or row["status"] in wanted]
        start, limit = int(request.value("marker") or 0), int(request.value("limit") or 10)
        body: Row = {"count": len(matching), "results": matching[start : start + limit]}
        if start + limit < len(matching):
            body["next_marker"] = str(start + limit)
        return as_json(body)

    return answer


def test_vod_transcoding_follows_the_markers() -> None:
    observation, received = observe(by_marker([asset(f"a{n}", "WAITING") for n in range(250)]), VOD_TRANSCODING)
    assert observation.complete
    assert len(observation.tasks) == 250
    assert [request.raw_query for request in received] == [
        "limit=100&type=TRANSCODE",
        "limit=100&marker=100&type=TRANSCODE",
        "limit=100&marker=200&type=TRANSCODE",
    ]


def test_an_asset_is_pending_if_any_of_its_rows_waits() -> None:
    tasks = [asset("a", "SUCCEED"), asset("a", "WAITING"), asset("a", "PROCESSING"), asset("b", "SUCCEED")]
    observation, _ = observe(by_marker(tasks), VOD_TRANSCODING)
    assert observation.complete
    assert seen(observation) == {"a": "pending", "b": "succeeded"}


def test_a_filter_by_status_asks_for_those_that_speak_before_it() -> None:
    tasks = [asset("a", "PROCESSING"), asset("a", "WAITING"), asset("b", "PROCESSING"), asset("c", "SUCCEED")]
    observation, received = observe(by_marker(tasks), VOD_TRANSCODING, {"PROCESSING"})
    assert received[0].raw_query == "limit=100&status=PROCESSING&status=WAITING&type=TRANSCODE"
    assert seen(observation) == {"a": "pending", "b": "running"}


def test_an_asset_whose_rows_differ_has_no_age() -> None:
    old, new = "2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"
    tasks = [asset("a", "WAITING", old), asset("a", "WAITING", new), asset("b", "WAITING", old), asset("b", "SUCCEED")]
    observation, _ = observe(by_marker(tasks), VOD_TRANSCODING)
    ages = {task.id: task.created_at for task in observation.tasks}
    assert ages == {"a": None, "b": 1704067200}


def test_an_asset_with_a_row_of_unknown_status_is_unknown() -> None:
    observation, _ = observe(by_marker([asset("a", "WAITING"), asset("a", "PAUSED")]), VOD_TRANSCODING)
    assert seen(observation) == {"a": "unknown"}


def test_more_pages_than_anybody_reads_leave_the_scope_incomplete() -> None:
    observation, received = observe(lambda _: as_json({"total": 10**9, "task_array": rows(1)}), TRANSCODING)
    assert observation.completeness is Completeness.UNSTABLE
    assert seen(observation).keys() == {"1"}
    assert len(received) == 1
    assert observation.fault is not None
    assert observation.fault.message == (
        "the list was not read to its end: a total of 1000000000 tasks takes 1000000000 pages"
    )


@pytest.mark.parametrize("resource", [TRANSCODING, VOD_EDITING], ids=lambda row: row.name)
@pytest.mark.parametrize("cap", [1, 7, 30, 99])
def test_a_server_that_caps_its_pages_is_followed_at_its_own_size(resource: ResourceType, cap: int) -> None:
    """By page as well as by offset, and whatever a server takes the start of a page for that it then makes smaller."""
    tasks = rows(*range(100))

    def answer(request: Received) -> Reply:
        if request.value("page") is not None:
            start = int(request.value("page") or 0) * int(request.value("size") or 10)
        else:
            start = int(request.value("offset") or 0)
        shown = tasks[start : start + cap]
        return as_json({"total": len(tasks), resource.listing.envelope: shown})

    observation, received = observe(answer, resource)
    assert observation.complete
    assert len(observation.tasks) == 100
    assert len(received) == -(-100 // cap)


def test_a_server_whose_pages_shrink_is_not_taken_at_its_word() -> None:
    tasks = rows(*range(100))

    def answer(request: Received) -> Reply:
        page, size = int(request.value("page") or 0), int(request.value("size") or 10)
        shown = tasks[page * size : (page + 1) * size][: 40 if page == 0 else 25]
        return as_json({"total": len(tasks), "task_array": shown})

    observation, received = observe(answer, TRANSCODING)
    assert observation.completeness is Completeness.UNSTABLE
    assert len(received) == 9


@pytest.mark.parametrize("other", [{"status": "SUCCEEDED"}, {"create_time": "20200101000000"}, {"status": "NO_TASK"}])
def test_rows_that_contradict_each_other_are_no_task_that_a_selector_sees(other: Row) -> None:
    [row] = rows(1)
    body = as_json({"total": 1, "task_array": [row, row | other]})
    observation, _ = observe(lambda _: body, TRANSCODING)
    assert observation.completeness is Completeness.UNSTABLE
    assert (observation.tasks, observation.total, len(observation.rows)) == ((), 1, 2)


def test_a_later_pass_settles_what_rows_contradict() -> None:
    [row] = rows(1)
    odd = as_json({"total": 1, "task_array": [row, row | {"status": "SUCCEEDED"}]})
    observation, _ = observe([odd, as_json({"total": 1, "task_array": [row]})], TRANSCODING)
    assert observation.complete
    assert seen(observation) == {"1": "pending"}


def endless(total: object, count: int = 1, **more: object) -> Callable[[Received], Reply]:
    """Markers without end, each new, with so many new assets to a page."""

    def answer(request: Received) -> Reply:
        number = int(request.value("marker") or 0)
        found = [asset(f"a{number}-{n}", "WAITING", **more) for n in range(count)]
        return as_json({"count": total, "results": found, "next_marker": str(number + 1)})

    return answer


@pytest.mark.parametrize("grows", [0, 100], ids=["a total that stays", "a total that grows with them"])
def test_markers_without_end_are_given_up_once_there_is_far_more_than_announced(grows: int) -> None:
    def answer(request: Received) -> Reply:
        return endless(250 + grows * int(request.value("marker") or 0), 100)(request)

    observation, received = observe(answer, VOD_TRANSCODING)
    assert not observation.complete
    assert len(received) == 16
    assert observation.fault is not None
    assert "a total of 250 tasks, and 1600 shown" in observation.fault.message


@pytest.mark.parametrize(
    ("bounds", "requests", "reason"),
    [(Bounds(pages=7), 7, "more than 7 pages"), (Bounds(text=100_000), 8, "a list of more than 100000 characters")],
)
async def test_pages_and_memory_are_bounded_whatever_the_total(bounds: Bounds, requests: int, reason: str) -> None:
    url = "https://h/" + "x" * 14_000
    async with connected(endless(10**6, transcode_result={"template_name": url})) as (client, server):
        tally = Tally()
        ask = partial(client.page, VOD_TRANSCODING, tally)
        found = await list_scope(ask, VOD_TRANSCODING, None, Collected(), bounds)
        assert tally.requests == len(server.requests)
        made = tally.requests
    assert isinstance(found, Fault)
    assert reason in found.message
    assert made == requests


def test_pages_that_show_more_and_more_are_given_up() -> None:
    def answer(request: Received) -> Reply:
        first = int(request.value("page") or 0) * 1000
        return as_json({"total": 20_000, "task_array": rows(*range(first, first + 1000))})

    observation, received = observe(answer, TRANSCODING)
    assert observation.completeness is Completeness.UNSTABLE
    assert observation.fault is not None
    assert "a total of 20000 tasks, and " in observation.fault.message
    assert len(received) < 200


@pytest.mark.parametrize("marker", [7, ["x"], True, "x" * 5000, "a\ud800", "a\nb"])
def test_a_marker_that_cannot_be_sent_back_fails_the_scope(marker: object) -> None:
    body = {"count": 2, "results": [asset("a", "WAITING")], "next_marker": marker}
    observation, received = observe(lambda _: as_json(body), VOD_TRANSCODING)
    assert observation.completeness is Completeness.FAILED
    assert len(received) == 1


def test_an_asset_of_which_some_rows_may_be_missing_is_not_acted_upon() -> None:
    """A row that was not seen may be one that waits, and younger than the policy asks for."""
    observation, _ = observe(lambda _: as_json({"count": 2, "results": [asset("a", "WAITING")]}), VOD_TRANSCODING)
    assert observation.completeness is Completeness.FAILED
    assert observation.tasks == ()


def test_an_asset_that_the_list_says_is_none() -> None:
    tasks = [asset("a", "NO_TASK"), asset("b", "NO_TASK"), asset("b", "WAITING")]
    observation, _ = observe(by_marker(tasks), VOD_TRANSCODING)
    assert seen(observation) == {"b": "pending"}


def test_markers_that_run_in_circles_fail_the_scope() -> None:
    observation, _ = observe(
        lambda _: as_json({"count": 9, "results": [asset("a", "WAITING")], "next_marker": "x"}), VOD_TRANSCODING
    )
    assert observation.completeness is Completeness.FAILED
