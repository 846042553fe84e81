"""What is sent again, when, and what is left to the caller."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from email.utils import format_datetime
from functools import partial
from itertools import cycle

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.exceptions import CredentialsError, ProviderError
from reconciler.provider.loopback import GONE_SILENT, Received, Reply, Time, serving
from reconciler.providers.credential_source import CredentialSource, Fixed, Kept, Renewed, RenewingAuth
from reconciler.providers.credentials import AccessKey
from reconciler.providers.transport.answers import Redactor
from reconciler.providers.transport.caller import (
    READS,
    USER_AGENT,
    WRITES,
    Auth,
    Caller,
    Draft,
    Retries,
    Tally,
    hinted_delay,
)
from reconciler.providers.transport.pacing import AT_MOST, AT_ONCE, GIVEN_UP, GIVEN_UP_AFTER, LOOK, Pace, Quota
from reconciler.tasks.observation import Fault, Meaning
from tests.providers.loopback import FROZEN, around

RETRY_HEADER = "x-acs-retry-after"
MEANINGS = {
    429: Meaning.THROTTLED,
    500: Meaning.UNAVAILABLE,
    503: Meaning.UNAVAILABLE,
    403: Meaning.PERMISSION,
    409: Meaning.CHANGED,
}


class Numbered(RenewingAuth[AccessKey]):
    """Signs with a number, so that each try shows its own, and takes none that bears a signature already."""

    def __init__(self, source: CredentialSource[AccessKey] | None = None) -> None:
        super().__init__(source or Fixed(AccessKey("key", "secret")))
        self.signed = 0

    def mark(self, request: httpx.Request, _: AccessKey) -> None:
        self.signed += 1
        assert "Authorization" not in request.headers
        request.headers["Authorization"] = f"signature {self.signed}"

    def refused(self, response: httpx.Response) -> bool:
        return response.status_code == 401


def judge(response: httpx.Response) -> int | Fault:
    meaning = MEANINGS.get(response.status_code)
    return Fault(meaning, "refused", http_status=response.status_code) if meaning else response.status_code


def send(
    answers: list[Reply], retries: Retries, time: Time | None = None, jitter: float = 1.0
) -> tuple[int | Fault, list[Received], Tally]:
    time = time or Time()
    surroundings = replace(around(time=time), uniform=lambda low, high: low + jitter * (high - low))

    async def run() -> tuple[int | Fault, list[Received], Tally]:
        caller = Caller(
            auth=Numbered(), concurrency=4, redactor=Redactor(), surroundings=surroundings, retry_header=RETRY_HEADER
        )
        tally = Tally()
        async with serving(answers) as server:
            request = Draft("DELETE", f"{server.url}/task", {})
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


async def test_a_write_that_was_never_sent_is_tried_again() -> None:
    time = Time()
    caller = Caller(auth=Numbered(), concurrency=4, redactor=Redactor(), surroundings=around(time=time))
    tally = Tally()
    pace = Pace(Quota(1000, 1.0), time.monotonic, time.sleep)
    async with serving([]) as server:
        url = server.url
    request = Draft("DELETE", url, {})
    verdict = await caller.send(request, judge, pace=pace, retries=WRITES, tally=tally)
    await caller.close()
    assert time.monotonic() <= 1000.0 + WRITES.deadline + 0.01
    tries = tally.requests
    assert isinstance(verdict, Fault)
    assert verdict.meaning is Meaning.UNREACHABLE
    assert tries > 3


def test_the_deadline_ends_it() -> None:
    time = Time()
    verdict, received, _ = send([Reply(503)] * 100, Retries(frozenset({Meaning.UNAVAILABLE}), deadline=60.0), time)
    assert isinstance(verdict, Fault)
    assert sum(time.slept) <= 60.0
    # 0.5 + 1 + 2 + 4 + 8 + 16 + 20 = 51.5 s with the longest jitter; the next 20 s would pass the deadline.
    assert sum(time.slept) == 51.5
    assert len(received) == 8


def unreachable(retries: Retries) -> tuple[Fault, Time, str]:
    """Send to where nobody listens."""
    time = Time()

    async def run() -> int | Fault:
        async with serving([]) as server:
            url = f"{server.url}/task?token=hunter2"
        caller = Caller(auth=Numbered(), concurrency=1, redactor=Redactor(), surroundings=around(time=time))
        pace = Pace(Quota(1000, 1.0), time.monotonic, time.sleep)
        request = Draft("GET", url, {})
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
    assert sum(time.slept) == 7.0
    time = Time()
    send([Reply(429, headers={RETRY_HEADER: "1500"}), Reply(200)], READS, time)
    assert sum(time.slept) == 1.5


@pytest.mark.parametrize("headers", [{"Retry-After": "0"}, {RETRY_HEADER: "0"}, {RETRY_HEADER: "1"}])
@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_who_always_says_at_once_is_not_asked_as_often_as_it_likes(headers: dict[str, str], jitter: float) -> None:
    time = Time()
    _, received, _ = send([Reply(429, headers=headers)] * 1000, READS, time, jitter=jitter)
    assert len(received) <= READS.tries
    assert 0.5 * (len(received) - 1) <= sum(time.slept) <= READS.deadline


@pytest.mark.parametrize("meaning", [500, 503])
def test_tries_are_bounded_however_short_the_pauses(meaning: int) -> None:
    _, received, _ = send([Reply(meaning, headers={"Retry-After": "0"})] * 1000, READS, jitter=0.0)
    assert len(received) == READS.tries


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
        ({"retry-after": "1" + 20 * "0"}, 120.0),
        ({"retry-after": 10_000 * "9"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "\u0663"}, None),
        ({"retry-after": "Tue, 02 Jan 100000000000000000000 03:04:05 GMT"}, None),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 -2359"}, None),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 120.0),
        ({RETRY_HEADER: "1" + 20 * "0"}, 120.0),
        ({RETRY_HEADER: "-1", "retry-after": "-1"}, None),
        ({RETRY_HEADER: "250", "retry-after": "9"}, 0.25),
        ({RETRY_HEADER: "nan", "retry-after": "9"}, 9.0),
    ],
)
def test_hints(headers: dict[str, str], seconds: float | None) -> None:
    assert hinted_delay(headers, lambda: FROZEN, RETRY_HEADER) == seconds


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from(["retry-after", RETRY_HEADER]),
        st.one_of(
            st.text(),
            st.integers().map(str),
            st.floats().map(str),
            st.datetimes().map(lambda moment: format_datetime(moment.replace(tzinfo=UTC))),
            st.from_regex(r"\A[A-Z][a-z]{2}, \d{1,25} [A-Z][a-z]{2} \d{1,25} \d{1,25}:\d{2}:\d{2} [-+]?\w{0,9}\Z"),
        ),
    )
)
def test_a_hint_is_a_time_within_bounds_or_none(headers: dict[str, str]) -> None:
    hint = hinted_delay(headers, lambda: FROZEN, RETRY_HEADER)
    assert hint is None or 0.0 <= hint <= 120.0


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
        caller = Caller(auth=Numbered(), concurrency=3, redactor=Redactor(), surroundings=around(time=time))
        pace = Pace(Quota(1000, 1.0), time.monotonic, time.sleep)
        async with listener:
            await asyncio.gather(
                *(caller.send(Draft("GET", url, {}), judge, pace=pace, retries=READS, tally=Tally()) for _ in range(30))
            )
            await caller.close()
        return most

    assert asyncio.run(run()) == 3


async def test_a_renewal_that_takes_its_time_lets_no_more_leave_than_the_quota() -> None:
    """Who waits for credentials has not had his turn yet: else all would leave at once when they are there."""
    time, left = Time(), list[float]()

    async def fetched() -> AccessKey:
        for _ in range(20):
            await time.sleep(0.1)
        return AccessKey("key", "secret")

    class Noting(Numbered):
        def mark(self, request: httpx.Request, credential: AccessKey) -> None:
            super().mark(request, credential)
            left.append(time.now)

    surroundings = around(time=time)
    source = Renewed(
        fetched, margin=60.0, now=surroundings.now, monotonic=time.monotonic, learn=lambda _: None, kept=Kept()
    )
    caller = Caller(auth=Noting(source), concurrency=100, redactor=Redactor(), surroundings=surroundings)
    pace = Pace(Quota(50, 1.0), time.monotonic, time.sleep)
    async with serving(lambda _: Reply(200)) as server:
        draft = Draft("GET", server.url, {})
        sent = (caller.send(draft, judge, pace=pace, retries=READS, tally=Tally()) for _ in range(100))
        assert await asyncio.gather(*sent) == [200] * 100
        await caller.close()
    assert max(sum(moment - 1.0 < each <= moment for each in left) for moment in left) <= 50


class Replaced(Numbered):
    """Has a key with a token, which the cloud refuses, and then one without; notes when it was asked for either."""

    def __init__(self, asked: Callable[[str], None] = lambda _: None) -> None:
        super().__init__()
        self._asked = asked

    async def current(self) -> AccessKey:
        self._asked("current")
        return AccessKey("old", "secret", "token")

    async def renewed(self, refused: AccessKey) -> AccessKey | None:
        self._asked("renewed")
        return AccessKey("new", "secret") if refused.id == "old" else None

    def mark(self, request: httpx.Request, credential: AccessKey) -> None:
        super().mark(request, credential)
        request.headers["X-Key"] = credential.id
        if credential.security_token:
            request.headers["X-Token"] = credential.security_token


async def called(
    auth: Auth, permitted: Callable[[], bool] = lambda: True, retries: Retries = WRITES, known: str = "new"
) -> tuple[int | Fault, list[Received], Tally]:
    """Send a request to a cloud that knows one key."""
    time, tally = Time(), Tally()
    caller = Caller(auth=auth, concurrency=1, redactor=Redactor(["s3cret"]), surroundings=around(time=time))
    pace = Pace(Quota(10, 1.0), time.monotonic, time.sleep)
    answer: Callable[[Received], Reply] = lambda received: Reply(200 if received.header("x-key") == known else 401)  # noqa: E731 - of one line
    async with serving(answer) as server:
        draft = Draft("DELETE", server.url, {})
        verdict = await caller.send(draft, judge_keys, pace=pace, retries=retries, tally=tally, permitted=permitted)
        await caller.close()
        return verdict, server.requests, tally


def judge_keys(response: httpx.Response) -> int | Fault:
    return 200 if response.status_code == 200 else Fault(Meaning.CREDENTIALS, "refused", http_status=401)


async def test_what_is_refused_for_its_credentials_is_sent_once_more_with_others_and_no_trace_of_the_first() -> None:
    verdict, received, tally = await called(Replaced())
    assert verdict == 200
    assert [(each.header("x-key"), each.headers.get("x-token")) for each in received] == [
        ("old", ["token"]),
        ("new", None),
    ]
    assert (tally.requests, tally.retried) == (2, 1)


async def test_credentials_are_renewed_once_for_a_call() -> None:
    asked: list[str] = []
    verdict, received, _ = await called(Replaced(asked.append), known="another")
    assert isinstance(verdict, Fault)
    assert (verdict.meaning, len(received), asked) == (Meaning.CREDENTIALS, 2, ["current", "renewed"])


async def test_once_nothing_is_permitted_any_more_nothing_is_sent_again_with_others() -> None:
    """A stop, or a lock that was lost, may come while credentials are renewed."""
    asked: list[str] = []
    verdict, received, tally = await called(Replaced(asked.append), lambda: "renewed" not in asked)
    assert isinstance(verdict, Fault)
    assert (verdict.meaning, tally.requests) == (Meaning.UNREACHABLE, 1)
    assert [each.header("x-key") for each in received] == ["old"]


async def test_who_may_send_nothing_asks_for_no_credentials() -> None:
    asked: list[str] = []
    verdict, received, tally = await called(Replaced(asked.append), lambda: False)
    assert isinstance(verdict, Fault)
    assert (asked, received, tally.requests) == ([], [], 0)


@pytest.mark.parametrize(
    ("error", "meaning", "tries"),
    [
        (CredentialsError("no"), Meaning.CREDENTIALS, 1),
        (ProviderError(Fault(Meaning.UNREACHABLE, "away")), Meaning.UNREACHABLE, 3),
        (httpx.ConnectError("s3cret is away"), Meaning.UNREACHABLE, 3),
    ],
    ids=["refused", "away", "away, in httpx's words"],
)
async def test_who_has_no_credentials_takes_no_turn(error: Exception, meaning: Meaning, tries: int) -> None:
    asked: list[str] = []

    class Without(Replaced):
        async def current(self) -> AccessKey:
            asked.append("current")
            raise error

    verdict, received, tally = await called(Without(), retries=replace(WRITES, tries=3))
    assert isinstance(verdict, Fault)
    assert "s3cret" not in verdict.message
    assert (verdict.meaning, len(asked), received, tally.requests) == (meaning, tries, [], 0)


async def test_what_is_cut_off_is_not_on_its_way_any_more() -> None:
    """A large quota is felt for with few requests at once: those that were cut off keep nobody from his turn."""
    time, arrived = Time(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await reader.read()  # until the other side hangs up
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    draft = Draft("GET", f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/", {})
    caller = Caller(auth=Numbered(), concurrency=1, redactor=Redactor(), surroundings=around(time=time))
    pace = Pace(Quota(10_000, 1.0), time.monotonic, time.sleep)
    async with listener:
        for _ in range(AT_MOST):
            sending = asyncio.ensure_future(caller.send(draft, judge, pace=pace, retries=READS, tally=Tally()))
            await arrived.wait()
            arrived.clear()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        await caller.close()
    began = time.monotonic()
    await asyncio.gather(*(pace.turn() for _ in range(AT_ONCE)))
    assert time.monotonic() == began


@pytest.mark.parametrize("hint", ["0", "1", "59", "80", "120", "99999"])
@pytest.mark.parametrize("retries", [READS, WRITES], ids=["reads", "writes"])
async def test_who_always_wants_to_be_asked_later_is_waited_for_once_by_all(hint: str, retries: Retries) -> None:
    """However many requests there are, one after the other or at once, and whatever is asked for."""
    time = Time()
    caller = Caller(auth=Numbered(), concurrency=4, redactor=Redactor(), surroundings=around(time=time))
    pace = Pace(Quota(100, 60.0), time.monotonic, time.sleep)
    async with serving(lambda _: Reply(429, headers={"Retry-After": hint})) as server:

        async def one() -> int | Fault:
            request = Draft("GET", server.url, {})
            return await caller.send(request, judge, pace=pace, retries=retries, tally=Tally())

        verdicts = [await one() for _ in range(20)]
        verdicts += await asyncio.gather(*(one() for _ in range(100)))
        await caller.close()
    sent = len(server.requests)
    assert time.now - 1000.0 <= GIVEN_UP_AFTER
    assert sent < 200
    words = {str(verdict) for verdict in verdicts}
    assert words <= {"HTTP 429: refused", f"HTTP 429: refused; {GIVEN_UP}", GIVEN_UP}
    assert str(verdicts[-1]) == GIVEN_UP


def test_an_answer_now_and_then_keeps_it_going() -> None:
    time = Time()

    async def run() -> list[int | Fault]:
        caller = Caller(auth=Numbered(), concurrency=4, redactor=Redactor(), surroundings=around(time=time))
        pace = Pace(Quota(100, 60.0), time.monotonic, time.sleep)
        turn = cycle([Reply(429, headers={"Retry-After": "60"}), Reply(409)])
        async with serving(lambda _: next(turn)) as server:
            request = Draft("DELETE", server.url, {})
            verdicts = [await caller.send(request, judge, pace=pace, retries=WRITES, tally=Tally()) for _ in range(20)]
            await caller.close()
        return verdicts

    assert {str(verdict) for verdict in asyncio.run(run())} == {"HTTP 409: refused"}
    assert time.now - 1000.0 >= 20 * 60.0


@pytest.mark.parametrize("answer", [Reply(429, headers={"Retry-After": "60"}), Reply(429)])
async def test_who_may_not_send_any_more_stops_waiting(answer: Reply) -> None:
    """A run that was interrupted ends within seconds, whatever a cloud wants to be waited for."""
    time = Time()
    caller = Caller(auth=Numbered(), concurrency=4, redactor=Redactor(), surroundings=around(time=time))
    pace = Pace(Quota(100, 60.0), time.monotonic, time.sleep)
    async with serving([answer] * 10) as server:
        request = Draft("DELETE", server.url, {})
        permitted = partial(lambda until: time.monotonic() < until, time.monotonic() + 5)
        verdict = await caller.send(request, judge, pace=pace, retries=WRITES, tally=Tally(), permitted=permitted)
        await caller.close()
    assert isinstance(verdict, Fault)
    assert verdict.meaning is Meaning.UNREACHABLE
    assert time.now - 1000.0 <= 5 + LOOK


def test_a_request_takes_no_client_of_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes as much time as the wire, for redirects, cookies and a log that must not be."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(httpx.AsyncClient, "__init__", refuse)
    monkeypatch.setattr(httpx.AsyncClient, "send", refuse)
    verdict, (received,), _ = send([Reply(302, headers={"Location": "/elsewhere", "Set-Cookie": "a=b"})], READS)
    assert verdict == 302
    assert {name: values for name, values in received.headers.items() if name != "host"} == {
        "accept": ["*/*"],
        "accept-encoding": ["identity"],
        "authorization": ["signature 1"],
        "connection": ["keep-alive"],
        "content-length": ["0"],
        "user-agent": [USER_AGENT],
    }
