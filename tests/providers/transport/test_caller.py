"""What is sent again, when, and what is left to the caller."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.providers.transport.answers import Excerpts
from reconciler.providers.transport.caller import Caller, Tally
from reconciler.providers.transport.pacing import Pace, Quota
from reconciler.providers.transport.retries import READS, WRITES, Retries, hinted_delay
from reconciler.tasks.fault import Fault, Meaning
from tests.providers.loopback import FROZEN, GONE_SILENT, Reply, Time, around, serving

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.providers.loopback import Received

MEANINGS = {
    429: Meaning.THROTTLED,
    500: Meaning.UNAVAILABLE,
    503: Meaning.UNAVAILABLE,
    403: Meaning.PERMISSION,
    409: Meaning.CHANGED,
}


class Numbered(httpx.Auth):
    """Signs with a number, so that each try shows its own."""

    def __init__(self) -> None:
        self.signed = 0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        self.signed += 1
        request.headers["Authorization"] = f"signature {self.signed}"
        yield request


def judge(response: httpx.Response) -> int | Fault:
    meaning = MEANINGS.get(response.status_code)
    return Fault(meaning, "refused", http_status=response.status_code) if meaning else response.status_code


def send(answers: list[Reply], retries: Retries, time: Time | None = None) -> tuple[int | Fault, list[Received], Tally]:
    time = time or Time()

    async def run() -> tuple[int | Fault, list[Received], Tally]:
        caller = Caller(auth=Numbered(), concurrency=4, excerpts=Excerpts(), surroundings=around(time=time))
        tally = Tally()
        async with serving(answers) as server:
            request = caller.request("DELETE", f"{server.url}/task", {})
            pace = Pace(Quota(1000, 1.0), time.monotonic, time.sleep)
            verdict = await caller.send(request, judge, pace=pace, retries=retries, tally=tally)
            assert caller.requests == tally.requests
            await caller.close()
        return verdict, server.requests, tally

    return asyncio.run(run())


@pytest.mark.parametrize("first", [Reply(429), Reply(500), Reply(503), GONE_SILENT], ids=["429", "500", "503", "lost"])
def test_reads_are_sent_again(first: Reply) -> None:
    verdict, received, tally = send([first, first, Reply(200)], READS)
    assert verdict == 200
    assert tally.requests == len(received) == 3


def test_each_try_is_signed_anew() -> None:
    _, received, _ = send([Reply(503), Reply(503), Reply(200)], READS)
    assert [request.header("authorization") for request in received] == ["signature 1", "signature 2", "signature 3"]


def test_a_throttled_write_is_sent_again_since_it_had_no_effect() -> None:
    verdict, received, _ = send([Reply(429), Reply(204)], WRITES)
    assert verdict == 204
    assert len(received) == 2


@pytest.mark.parametrize(
    ("first", "meaning"),
    [
        (Reply(500), Meaning.UNAVAILABLE),
        (Reply(503, headers={"Retry-After": "1"}), Meaning.UNAVAILABLE),
        (GONE_SILENT, Meaning.LOST),
        (Reply(raw=b"HTTP/1.1 204 No Content\r\nContent-Le", hang_up=True), Meaning.LOST),
        (Reply(200, b"x", {"Content-Encoding": "br"}), Meaning.MALFORMED),
    ],
    ids=["500", "503 with a hint", "closed", "torn head", "encoded"],
)
def test_a_write_that_may_have_had_an_effect_is_sent_once(first: Reply, meaning: Meaning) -> None:
    verdict, received, _ = send([first, Reply(204)], WRITES)
    assert isinstance(verdict, Fault)
    assert verdict.meaning is meaning
    assert verdict.meaning.effect_uncertain
    assert len(received) == 1


@pytest.mark.parametrize("status", [403, 409])
@pytest.mark.parametrize("retries", [READS, WRITES], ids=["read", "write"])
def test_a_refusal_is_final(status: int, retries: Retries) -> None:
    verdict, received, _ = send([Reply(status), Reply(200)], retries)
    assert isinstance(verdict, Fault)
    assert len(received) == 1


def test_a_write_that_was_never_sent_is_tried_again() -> None:
    async def run() -> tuple[object, int]:
        time = Time()
        caller = Caller(auth=Numbered(), concurrency=4, excerpts=Excerpts(), surroundings=around(time=time))
        tally = Tally()
        pace = Pace(Quota(1000, 1.0), time.monotonic, time.sleep)
        async with serving([]) as server:
            url = server.url
        request = caller.request("DELETE", url, {})
        verdict = await caller.send(request, judge, pace=pace, retries=WRITES, tally=tally)
        await caller.close()
        assert time.monotonic() <= 1000.0 + WRITES.deadline + 0.01
        return verdict, tally.requests

    verdict, tries = asyncio.run(run())
    assert isinstance(verdict, Fault)
    assert verdict.meaning is Meaning.UNREACHABLE
    assert tries > 3


def test_the_deadline_ends_it() -> None:
    time = Time()
    verdict, received, _ = send([Reply(503)] * 100, Retries(frozenset({Meaning.UNAVAILABLE}), deadline=60.0), time)
    assert isinstance(verdict, Fault)
    assert sum(time.slept) <= 60.0
    # 0.5 + 1 + 2 + 4 + 8 + 16 + 20 = 51.5 s with the longest jitter; the next 20 s would pass the deadline.
    assert time.slept == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0]
    assert len(received) == 8


def unreachable(retries: Retries) -> tuple[Fault, Time, str]:
    """Send to where nobody listens."""
    time = Time()

    async def run() -> int | Fault:
        async with serving([]) as server:
            url = f"{server.url}/task?token=hunter2"
        caller = Caller(auth=Numbered(), concurrency=1, excerpts=Excerpts(), surroundings=around(time=time))
        pace = Pace(Quota(1000, 1.0), time.monotonic, time.sleep)
        request = caller.request("GET", url, {})
        verdict = await caller.send(request, judge, pace=pace, retries=retries, tally=Tally())
        await caller.close()
        return verdict

    fault = asyncio.run(run())
    assert isinstance(fault, Fault)
    return fault, time, fault.message


def test_a_missing_network_is_reported_sooner_than_a_quota_that_lasts(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "reconciler.transport"):
        fault, time, _ = unreachable(READS)
    assert fault.meaning is Meaning.UNREACHABLE
    assert 10.0 < sum(time.slept) <= 20.0
    _, time, _ = unreachable(WRITES)
    assert 20.0 < sum(time.slept) <= 90.0
    time = Time()
    send([Reply(429)] * 100, READS, time)
    assert 60.0 < sum(time.slept) <= 90.0


def test_each_retry_is_logged_without_the_query(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "reconciler.transport"):
        send([Reply(503), Reply(429), Reply(200)], READS)
        unreachable(Retries(READS.on, deadline=0.6))
    lines = [record.getMessage() for record in caplog.records]
    assert lines[:2] == [
        "DELETE 127.0.0.1/task: HTTP 503: refused; again in 0.5 s",
        "DELETE 127.0.0.1/task: HTTP 429: refused; again in 1.0 s",
    ]
    assert len(lines) == 3
    assert "hunter2" not in caplog.text


def test_retry_after_is_honoured() -> None:
    time = Time()
    send([Reply(429, headers={"Retry-After": "7"}), Reply(200)], READS, time)
    assert time.slept[0] == 7.0
    time = Time()
    send([Reply(429, headers={"x-acs-retry-after": "1500"}), Reply(200)], READS, time)
    assert time.slept[0] == 1.5


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "Tue, 02 Jan 2024 03:04:25 GMT"}, 20.0),
        ({"retry-after": "Tue, 02 Jan 2024 03:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "99999999"}, 120.0),
        ({"x-acs-retry-after": "250", "retry-after": "9"}, 0.25),
        ({"x-acs-retry-after": "nan", "retry-after": "9"}, 9.0),
    ],
)
def test_hints(headers: dict[str, str], seconds: float | None) -> None:
    assert hinted_delay(headers, lambda: FROZEN) == seconds


def test_no_more_than_so_many_are_in_flight() -> None:
    async def run() -> int:
        most = flying = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal most, flying
            while await reader.readline():
                while (await reader.readline()) not in {b"\r\n", b""}:
                    pass
                flying += 1
                most = max(most, flying)
                for _ in range(20):
                    await asyncio.sleep(0)
                flying -= 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            writer.close()

        time = Time()
        listener = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
        caller = Caller(auth=Numbered(), concurrency=3, excerpts=Excerpts(), surroundings=around(time=time))
        pace = Pace(Quota(1000, 1.0), time.monotonic, time.sleep)
        async with listener:
            await asyncio.gather(
                *(
                    caller.send(caller.request("GET", url, {}), judge, pace=pace, retries=READS, tally=Tally())
                    for _ in range(30)
                )
            )
            await caller.close()
        return most

    assert asyncio.run(run()) == 3
