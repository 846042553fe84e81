"""What the cloud says to a cancel or a delete, and what it means."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from reconciler.provider.loopback import Received, Reply, as_json
from reconciler.providers.huaweicloud.errors import CODES
from reconciler.providers.transport.answers import Redactor
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.resource_type import Action, ResourceType
from tests.providers.huaweicloud.cloud import (
    PACKAGING,
    SNAPSHOT,
    TRANSCODING,
    TYPES,
    VOD_EDITING,
    VOD_TRANSCODING,
    connected,
    one_fault,
)
from tests.providers.loopback import FROZEN

CANCEL, DELETE = Action.CANCEL, Action.DELETE


def perform(
    answer: Callable[[Received], Reply] | list[Reply], resource: ResourceType, action: Action, task_id: str = "100211"
) -> tuple[Fault | None, list[Received]]:
    async def run() -> tuple[Fault | None, list[Received]]:
        operation = resource.operation(action)
        assert operation is not None
        async with connected(answer) as (client, server):
            verdict = one_fault(await client.perform(resource, operation, [task_id]))
        return verdict, server.requests

    return asyncio.run(run())


def refused(status: int, code: str, message: str = "m") -> Reply:
    return as_json({"error_code": code, "error_msg": message}, status)


OPERATIONS = [(row, operation.action) for row in TYPES.values() for operation in row.operations]


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        (refused(503, "MPC.10211"), Meaning.UNAVAILABLE),
        (Reply(403, b"<html>Forbidden by a proxy</html>", {"Content-Type": "text/html"}), Meaning.MALFORMED),
        (Reply(400), Meaning.MALFORMED),
        (Reply(202), Meaning.MALFORMED),
        (as_json({"result": "deleted"}), Meaning.MALFORMED),
    ],
)
def test_what_may_have_had_an_effect_is_sent_once_and_uncertain(reply: Reply, meaning: Meaning) -> None:
    fault, received = perform([reply, Reply(204)], TRANSCODING, CANCEL)
    assert fault is not None
    assert fault.meaning is meaning
    assert fault.meaning.effect_uncertain
    assert len(received) == 1


@pytest.mark.parametrize(
    "reply",
    [
        refused(429, "APIGW.0308"),
        refused(403, "VOD.10127"),
        Reply(429),
        refused(429, "APIG.0308"),
        refused(503, "APIGW.0308"),
    ],
)
def test_throttled_is_sent_again(reply: Reply) -> None:
    fault, received = perform([reply, reply, Reply(204)], VOD_EDITING, CANCEL)
    assert fault is None
    assert len(received) == 3


@pytest.mark.parametrize(
    ("resource", "action", "status", "code", "meaning"),
    [
        (TRANSCODING, CANCEL, 400, "MPC.10212", Meaning.CHANGED),
        (TRANSCODING, CANCEL, 400, "MPC.10213", Meaning.CHANGED),
        (TRANSCODING, CANCEL, 400, "MPC.10202", Meaning.CHANGED),
        (TRANSCODING, CANCEL, 403, "MPC.10211", Meaning.GONE),
        (TRANSCODING, DELETE, 400, "MPC.10213", Meaning.CHANGED),
        (TRANSCODING, DELETE, 403, "MPC.10211", Meaning.GONE),
        (TRANSCODING, DELETE, 400, "MPC.10202", Meaning.PERMANENT),
        (PACKAGING, CANCEL, 400, "MPC.10202", Meaning.CHANGED),
        (PACKAGING, DELETE, 403, "MPC.10211", Meaning.GONE),
        (PACKAGING, DELETE, 400, "MPC.10213", Meaning.CHANGED),
        (PACKAGING, DELETE, 403, "MPC.10212", Meaning.CHANGED),
        (SNAPSHOT, CANCEL, 400, "MPC.10202", Meaning.CHANGED),
        (SNAPSHOT, CANCEL, 400, "MPC.99999", Meaning.CHANGED),
        (VOD_EDITING, CANCEL, 400, "VOD.10083", Meaning.CHANGED),
        (VOD_EDITING, CANCEL, 400, "VOD.10053", Meaning.CHANGED),
        (VOD_EDITING, CANCEL, 400, "VOD.77777", Meaning.CHANGED),
        (VOD_EDITING, CANCEL, 400, "", Meaning.CHANGED),
        (VOD_EDITING, CANCEL, 403, "VOD.10062", Meaning.GONE),
        (VOD_EDITING, CANCEL, 403, "VOD.10074", Meaning.PERMISSION),
        (VOD_EDITING, CANCEL, 403, "VOD.10120", Meaning.PERMISSION),
        (VOD_EDITING, CANCEL, 400, "VOD.10054", Meaning.CREDENTIALS),
        (VOD_TRANSCODING, CANCEL, 400, "VOD.10083", Meaning.CHANGED),
        (PACKAGING, DELETE, 403, "APIGW.0302", Meaning.PERMISSION),
        (PACKAGING, DELETE, 403, "MPC.10208", Meaning.PERMISSION),
        (PACKAGING, DELETE, 403, "MPC.88888", Meaning.PERMANENT),
        (PACKAGING, DELETE, 403, "", Meaning.PERMANENT),
        (PACKAGING, DELETE, 404, "APIGW.0101", Meaning.PERMANENT),
        (PACKAGING, DELETE, 401, "APIGW.0301", Meaning.CREDENTIALS),
        (PACKAGING, DELETE, 401, "APIGW.0303", Meaning.CREDENTIALS),
        (PACKAGING, DELETE, 401, "APIGW.0307", Meaning.CREDENTIALS),
        (PACKAGING, DELETE, 401, "", Meaning.CREDENTIALS),
        (PACKAGING, DELETE, 401, "MPC.10203", Meaning.CREDENTIALS),
        (PACKAGING, DELETE, 406, "MPC.10217", Meaning.PERMANENT),
        (PACKAGING, DELETE, 403, "VOD.10051", Meaning.UNAVAILABLE),
    ],
)
def test_refusals_are_decided_by_code(
    resource: ResourceType, action: Action, status: int, code: str, meaning: Meaning
) -> None:
    fault, received = perform([refused(status, code), Reply(204)], resource, action)
    assert fault is not None
    assert (fault.meaning, fault.http_status, fault.code) == (meaning, status, code or None)
    assert len(received) == 1


def test_clock_skew_is_said() -> None:
    reply = as_json({"error_code": "APIGW.0303", "error_msg": "m"}, 401, Date="Tue, 02 Jan 2024 03:04:05 GMT")
    fault, _ = perform([reply], PACKAGING, DELETE)
    assert fault is not None
    assert "clock of this machine" in fault.message
    assert "ahead of the server's" in fault.message


@pytest.mark.parametrize("date", ["Tue, 02 Jan 2024 03:04:05 GMT", "Sat, 01 Jan 0000 00:00:00 GMT"])
@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("20240102T050405Z", "; this clock is 7200 s behind the server's; wrong AK/SK"),
        ("2024-01-02T02:04:05+00:00", "; this clock is 3600 s ahead of the server's; wrong AK/SK"),
        ("20240102T030505Z", "; wrong AK/SK"),
        ("00000102T030505Z", "; wrong AK/SK"),
        ("9" * 5000, "; wrong AK/SK"),
    ],
)
def test_a_time_that_the_refusal_tells_counts_and_comes_first(server: str, words: str, date: str) -> None:
    said = f"Signature expired, time: 20240102T000000Z, server time: {server}"
    answer = httpx.Response(401, json={"error_code": "APIGW.0301", "error_msg": said}, headers={"Date": date})
    fault = CODES.refusal(answer, Redactor([]), now=lambda: FROZEN)
    assert fault.meaning is Meaning.CREDENTIALS
    assert words in fault.message
    assert ("this clock" in fault.message) == ("this clock" in words)


def test_a_fault_shows_what_the_server_said_and_no_secret() -> None:
    body = {
        "error_code": "MPC.10202\x1b[31m",
        "error_msg": "bad https://h/v.mp4?token=hunter2 SkExample/Secret+Key0000000000000000000 \u202e" + "x" * 5000,
        "request_id": "rid",
    }
    fault, _ = perform([as_json(body, 403)], PACKAGING, DELETE)
    assert fault is not None
    shown = str(fault) + repr(fault)
    assert "hunter2" not in shown
    assert "SkExample" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len(fault.message) <= 300
    assert fault.request_id == "rid"
