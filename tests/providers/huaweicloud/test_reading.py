"""Asked for by id: there, gone, or not answered. The last two are never mistaken for each other."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from reconciler.provider.loopback import Received, Reply, as_json
from reconciler.providers.base import Readings
from reconciler.tasks.observation import Meaning
from reconciler.tasks.resource_type import ResourceType
from tests.providers.huaweicloud.cloud import PACKAGING, SNAPSHOT, TRANSCODING, VOD_EDITING, VOD_TRANSCODING, connected

Row = dict[str, Any]


def read(
    answer: Callable[[Received], Reply] | list[Reply], resource: ResourceType, ids: Sequence[str]
) -> tuple[Readings, list[Received]]:
    async def run() -> tuple[Readings, list[Received]]:
        async with connected(answer) as (client, server):
            readings = await client.read(resource, ids)
        return readings, server.requests

    return asyncio.run(run())


def row(task_id: str, status: str = "WAITING") -> Row:
    return {"task_id": task_id, "status": status}


def statuses(readings: Readings) -> dict[str, str]:
    return {task_id: task.status.value for task_id, task in readings.tasks.items()}


def asked(request: Received, name: str = "task_id") -> list[str]:
    return [text for key, text in request.query if key == name]


def test_ten_ids_to_a_call() -> None:
    ids = [str(number) for number in range(25)]

    def answer(request: Received) -> Reply:
        shown = [row(task_id, "SUCCEEDED") for task_id in asked(request)]
        return as_json({"total": len(shown), "task_array": shown})

    readings, received = read(answer, TRANSCODING, [*ids, *ids])
    assert sorted(len(asked(request)) for request in received) == [5, 10, 10]
    assert statuses(readings) == dict.fromkeys(ids, "succeeded")
    assert all("page" not in request.target for request in received)


def test_what_a_consistent_answer_leaves_out_is_gone() -> None:
    readings, _ = read([as_json({"total": 1, "tasks": [row("1")]})], PACKAGING, ["1", "2"])
    assert statuses(readings) == {"1": "pending", "2": "gone"}
    assert readings.faults == {}


def test_no_task_is_gone() -> None:
    body = {"total": 2, "task_array": [row("1"), row("2", "NO_TASK")]}
    readings, _ = read([as_json(body)], SNAPSHOT, ["1", "2"])
    assert statuses(readings) == {"1": "pending", "2": "gone"}


@pytest.mark.parametrize(
    "body",
    [
        {"total": 3, "tasks": [row("1"), row("7"), row("8")]},
        {"total": 2, "tasks": [row("1")]},
        {"total": 0, "tasks": [row("1")]},
    ],
    ids=["rows that nobody asked for", "rows held back", "a total below the rows"],
)
def test_what_an_inconsistent_answer_leaves_out_is_unknown(body: Row) -> None:
    readings, _ = read([as_json(body)], PACKAGING, ["1", "2"])
    assert statuses(readings) == {"1": "pending"}
    assert readings.faults.keys() == {"2"}
    assert readings.faults["2"].meaning is Meaning.MALFORMED


def test_rows_of_others_are_not_handed_out() -> None:
    readings, _ = read([as_json({"total": 1, "tasks": [row("7")]})], PACKAGING, ["1"])
    assert readings.tasks == {}
    assert readings.faults.keys() == {"1"}


def test_a_row_without_an_id_leaves_every_id_unknown() -> None:
    readings, _ = read([as_json({"total": 2, "tasks": [row("1"), {"status": "WAITING"}]})], PACKAGING, ["1", "2"])
    assert readings.tasks == {}
    assert readings.faults.keys() == {"1", "2"}


def test_a_refusal_of_one_call_leaves_the_others() -> None:
    ids = [str(number) for number in range(20)]

    def answer(request: Received) -> Reply:
        if "0" in asked(request):
            return as_json({"error_code": "MPC.10202", "error_msg": "Invalid request parameter"}, 400)
        return as_json({"total": 0, "tasks": []})

    readings, _ = read(answer, PACKAGING, ids)
    assert readings.faults.keys() == set(ids[:10])
    assert statuses(readings) == dict.fromkeys(ids[10:], "gone")


def test_a_refusal_because_one_is_missing_is_looked_into() -> None:
    def answer(request: Received) -> Reply:
        if "2" in asked(request):
            return as_json({"error_code": "MPC.10211", "error_msg": "The task does not exist."}, 403)
        shown = [row(task_id) for task_id in asked(request)]
        return as_json({"total": len(shown), "tasks": shown})

    readings, _ = read(answer, PACKAGING, ["1", "2", "3"])
    assert statuses(readings) == {"1": "pending", "2": "gone", "3": "pending"}


def editing(tasks: list[Row]) -> Callable[[Received], Reply]:
    def answer(request: Received) -> Reply:
        if request.value("task_id") is not None:
            shown = [found for found in tasks if found["task_id"] == request.value("task_id")]
            return as_json({"total": len(shown), "tasks": shown})
        offset = int(request.value("offset") or 0)
        return as_json({"total": len(tasks), "tasks": tasks[offset : offset + 100]})

    return answer


def test_vod_editing_reads_one_by_one_where_that_is_cheaper() -> None:
    tasks = [row(str(number)) for number in range(250)]

    async def run() -> list[Received]:
        async with connected(editing(tasks)) as (client, server):
            await client.observe(VOD_EDITING, None)
            before = len(server.requests)
            readings = await client.read(VOD_EDITING, ["1", "999"])
            assert statuses(readings) == {"1": "pending", "999": "gone"}
            return server.requests[before:]

    assert sorted(request.raw_query for request in asyncio.run(run())) == ["task_id=1", "task_id=999"]


async def test_vod_editing_lists_again_where_that_is_cheaper_and_asks_for_what_the_list_lacks() -> None:
    tasks = [row(str(number)) for number in range(250)]
    async with connected(editing(tasks)) as (client, server):
        await client.observe(VOD_EDITING, None)
        before = len(server.requests)
        readings = await client.read(VOD_EDITING, [*(str(number) for number in range(40)), "999"])
        assert len(readings.tasks) == 41
        assert readings.tasks["999"].status.value == "gone"
        received = server.requests[before:]
    assert len(received) == 4
    assert received[-1].raw_query == "task_id=999"


@pytest.mark.parametrize(("count", "listed"), [(1100, 0), (1101, 1), (900, 9)])
def test_a_list_that_was_never_seen_says_with_its_first_page_whether_it_is_worth_it(count: int, listed: int) -> None:
    tasks = [row(str(number)) for number in range(count)]
    wanted = [str(count - number) for number in range(1, 12 if listed else 11)]
    readings, received = read(editing(tasks), VOD_EDITING, wanted)
    assert readings.tasks.keys() == set(wanted)
    assert sum(request.value("task_id") is None for request in received) == listed
    assert len(received) == (listed if listed > 1 else listed + len(wanted))


def test_what_a_list_contradicts_is_asked_for_by_id() -> None:
    tasks = [*(row(str(number)) for number in range(20)), row("7", "CANCEL")]

    def answer(request: Received) -> Reply:
        if request.value("task_id") is None:
            return as_json({"total": len(tasks), "tasks": tasks})
        return as_json({"total": 1, "tasks": [row("7", "SUCCEED")]})

    readings, received = read(answer, VOD_EDITING, [str(number) for number in range(20)])
    assert [request.raw_query for request in received] == ["limit=100&offset=0", "task_id=7"]
    assert statuses(readings)["7"] == "succeeded"


@pytest.mark.parametrize("whole", [True, False])
def test_assets_are_listed_again_where_the_list_is_whole(*, whole: bool) -> None:
    """Rows that are missing may be of any asset, and wait."""
    rows = [{"asset_id": f"a{number}", "status": "SUCCEED"} for number in range(20)]

    def answer(request: Received) -> Reply:
        shown = [each for each in rows if request.value("asset_id") in {None, each["asset_id"]}]
        missing = 0 if whole or request.value("asset_id") else 1
        return as_json({"count": len(shown) + missing, "results": shown})

    readings, received = read(answer, VOD_TRANSCODING, [f"a{number}" for number in range(20)])
    assert len(readings.tasks) == 20
    assert len(received) == (1 if whole else 21)


def test_vod_editing_that_cannot_be_listed_is_read_one_by_one() -> None:
    def answer(request: Received) -> Reply:
        if request.value("task_id") is None:
            return as_json({"error_code": "VOD.10074"}, 403)
        return as_json({"total": 1, "tasks": [row(str(request.value("task_id")))]})

    readings, _ = read(answer, VOD_EDITING, [str(number) for number in range(30)])
    assert len(readings.tasks) == 30


def test_an_asset_is_done_when_none_of_its_rows_waits() -> None:
    def answer(request: Received) -> Reply:
        rows = {"a": ["SUCCEED"], "b": ["WAITING", "SUCCEED"], "c": []}[str(request.value("asset_id"))]
        shown = [{"asset_id": request.value("asset_id"), "status": status} for status in rows]
        return as_json({"count": len(shown), "results": shown})

    readings, received = read(answer, VOD_TRANSCODING, ["a", "b", "c"])
    assert statuses(readings) == {"a": "succeeded", "b": "pending", "c": "gone"}
    assert received[0].path.endswith("/asset/tasks")


@pytest.mark.parametrize("spelt", ["007", "+7", "7.0", "7e0"])
def test_a_number_is_an_id_in_one_spelling_only(spelt: str) -> None:
    readings, received = read([], TRANSCODING, [spelt])
    assert readings.faults.keys() == {spelt}
    assert received == []


def test_rows_that_contradict_each_other_leave_the_task_unknown() -> None:
    body = {"total": 3, "tasks": [row("1"), row("1", "CANCELED"), row("2")]}
    readings, _ = read([as_json(body)], PACKAGING, ["1", "2"])
    assert statuses(readings) == {"2": "pending"}
    assert readings.faults["1"].message == "unexpected answer: rows of this task that contradict each other"


def test_an_id_in_another_case_is_another_task() -> None:
    readings, _ = read([as_json({"total": 1, "tasks": [row("AB")]})], PACKAGING, ["ab"])
    assert readings.tasks == {}
    assert readings.faults.keys() == {"ab"}


def test_without_a_total_nothing_is_gone() -> None:
    readings, _ = read([as_json({"tasks": [row("1")]})], PACKAGING, ["1", "2"])
    assert statuses(readings) == {"1": "pending"}
    assert readings.faults.keys() == {"2"}


def test_an_asset_of_which_rows_are_held_back_is_unknown() -> None:
    """One of them may wait."""
    rows = [{"asset_id": "a", "status": "SUCCEED"}]
    readings, _ = read([as_json({"count": 101, "results": rows, "next_marker": "x"})], VOD_TRANSCODING, ["a"])
    assert readings.tasks == {}
    assert readings.faults.keys() == {"a"}
