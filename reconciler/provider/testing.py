"""What every provider keeps, as tests: subclass `ProviderSuite` in a test module, and pytest runs it.

Between the client and the service stands a server of the suite's, which passes requests on, or answers in the place of
the service as a network, a proxy or a cloud in trouble would. `docs/how-to/provider.md` has the tests of a whole
provider; `reconciler.provider.loopback` has the servers. Neither needs pytest to be imported.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.provider import (
    Completeness,
    Fault,
    HttpProvider,
    Meaning,
    Operation,
    ResourceType,
    Status,
    Surroundings,
    Target,
)
from reconciler.provider.loopback import GONE_SILENT, ODD_ANSWERS, Received, Reply, Time, as_json, passed_on, serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from reconciler.provider import Client, Observation, Readings

__all__ = ["ProviderSuite"]

T = TypeVar("T")

LOST = Reply(raw=b"", hang_up=True)
"""The service gets the request, and its answer does not arrive."""
TORN = Reply(raw=b"", hang_up=True)
"""All but the last byte of the answer arrives."""

ERRORS = {f"HTTP {status}": Reply(status) for status in (400, 401, 403, 404, 408, 409, 410, 429, 500, 502, 503, 504)}
IMPOSSIBLE = ("", "a,b", "a b", "a\n", "a&id=b", "../a", "\ud800", "a" * 257)
"""Ids that no service can have: each would be two of them, or another, once it is in a request."""
LONGEST = 2000
"""Characters of what a fault says at most."""


def _redirect(request: Received) -> Reply:
    """To the same place, where the service answers: who follows finds what was asked for."""
    return Reply(307, b"", {"Location": f"http://{request.header('host')}{request.target}"})


def _keeps(kept: object, rule: str) -> None:
    if not kept:
        raise AssertionError(rule)


class ProviderSuite:
    """Tests of one kind of task of a provider. See the module; a test that does not hold names the rule."""

    provider: HttpProvider[Any]
    resource: ResourceType
    waiting: Sequence[str]
    """Ids of two tasks or more that wait in the service when a test begins."""
    missing: str
    """An id that the service could have, and has not."""
    environment: Mapping[str, str] = {}
    """The variables that a client may see."""
    secrets: Sequence[str] = ()
    """What is in them, or in files, and never told."""
    throttled: Reply = Reply(429, headers={"Retry-After": "3"})
    """How the service says that there were too many requests."""
    signature: str = ""
    """Name, in lower case, of the header that signs a request; empty where none is signed."""

    def service(self) -> AbstractContextManager[str]:
        """The URL of a service on loopback that is as new."""
        raise NotImplementedError

    def target(self, url: str) -> Target:
        """A target whose services are all at `url`, of which a client needs to look nothing up first."""
        raise NotImplementedError

    def test_a_listing_shows_what_is_there(self) -> None:
        seen, sent = self._run(self._observe)
        ids = [task.id for task in seen.tasks]
        _keeps(seen.complete and seen.fault is None, f"a listing that came through is complete, not {seen.fault}")
        _keeps(len(ids) == len(set(ids)), "each task is listed once")
        pending = {task.id for task in seen.tasks if task.status is Status.PENDING}
        _keeps(len(self.waiting) > 1 and set(self.waiting) <= pending, f"what waits is pending, not {pending}")
        _keeps(seen.requests == len(sent), "each request is counted")

    def test_what_is_no_list_is_never_an_empty_one(self) -> None:
        for name, reply in {**ODD_ANSWERS, **ERRORS}.items():
            seen, _ = self._run(self._observe, always=reply)
            failed = seen.completeness is Completeness.FAILED and not seen.tasks
            _keeps(failed and seen.fault, f"{name} is no list, and none of tasks")
            malformed = seen.fault and seen.fault.meaning is Meaning.MALFORMED
            _keeps(malformed or name in ERRORS, f"{name} is of another form than is documented: {seen.fault}")

    def test_a_read_is_made_again_before_it_fails(self) -> None:
        passing = {"no answer": GONE_SILENT, "a torn answer": TORN, "HTTP 500": Reply(500), "HTTP 503": Reply(503)}
        for name, reply in passing.items():
            seen, _ = self._run(self._observe, reply, reply)
            _keeps(seen.complete, f"after {name} a listing is asked for again")
        seen, sent = self._run(self._observe, always=GONE_SILENT)
        _keeps(not seen.complete and seen.fault, "a listing that is never answered fails")
        _keeps(1 < len(sent) < 100, f"it is asked for again, and not for ever: {len(sent)} times")

    def test_a_throttled_read_comes_again_signed_anew(self) -> None:
        seen, sent = self._run(self._observe, self.throttled, self.throttled)
        _keeps(seen.complete, f"a listing that was throttled is asked for again, but: {seen.fault}")
        self._signed_anew(sent[:3])
        seen, _ = self._run(self._observe, always=self.throttled)
        _keeps(seen.fault and seen.fault.meaning is Meaning.THROTTLED, f"it says so in the end: {seen.fault}")

    def test_a_throttled_read_waits_as_long_as_it_is_told(self) -> None:
        clock = Time()
        self._run(self._observe, self.throttled, clock=clock)
        told = float(self.throttled.headers.get("Retry-After", 0.5))
        _keeps(sum(clock.slept) >= told - 0.01, f"it came again before {told:g} s were over")

    def test_no_redirect_is_followed(self) -> None:
        seen, _ = self._run(self._observe, _redirect)
        _keeps(not seen.complete and not seen.tasks, "a redirect is no list, and leads to none")
        read, _ = self._run(partial(self._read, ids=self.waiting[:1]), _redirect)
        _keeps(not read.tasks, "a redirect tells of no task")
        fault, sent = self._run(self._perform, _redirect)
        _keeps(fault and fault.meaning is Meaning.MALFORMED, f"a redirect leaves a change uncertain, not {fault}")
        _keeps(len(sent) == 1, "a change is sent nowhere else")

    def test_reading_says_what_became_of_each_id(self) -> None:
        read, _ = self._run(partial(self._read, ids=[*self.waiting, self.missing]))
        _keeps(not read.faults, f"all ids are answered: {dict(read.faults)}")
        found = {task_id: task.status for task_id, task in read.tasks.items()}
        expected = {**dict.fromkeys(self.waiting, Status.PENDING), self.missing: Status.GONE}
        _keeps(found == expected, f"what waits is pending, and what is missing is gone: {found}")

    def test_an_odd_answer_makes_no_task_gone(self) -> None:
        for name, reply in {**ODD_ANSWERS, "no answer": GONE_SILENT, "HTTP 500": Reply(500)}.items():
            read, _ = self._run(self._read, always=reply)
            _keeps(not read.tasks, f"{name} tells nothing of a task")
            _keeps(read.faults.keys() == set(self.waiting), f"after {name} each id has a fault: {dict(read.faults)}")

    def test_an_answer_to_another_question_makes_no_task_gone(self) -> None:
        """Where a filter is ignored, what an answer does not show may be there all the same."""

        async def run(url: str) -> Readings:
            kept: list[Reply] = []

            async def answer(request: Received) -> Reply:
                if not kept:
                    kept.append(await passed_on(request, url))
                return kept[0]

            async with serving(answer) as between, self._client(between.url, Time()) as client:
                await self._read(client, self.waiting[:1])
                read: Readings = await self._read(client, self.waiting[1:2])
                return read

        with self.service() as url:
            read = asyncio.run(run(url))
        _keeps(not read.tasks and read.faults, "what shows others, and not the task, tells nothing of it")

    def test_what_can_be_no_id_goes_into_no_request(self) -> None:
        for odd in IMPOSSIBLE:
            read, sent = self._run(partial(self._read, ids=[odd]))
            _keeps(odd in read.faults and not sent, f"{odd!r} is not asked for")
            read, _ = self._run(partial(self._read, ids=[self.waiting[0], odd]))
            _keeps(read.tasks.keys() == set(self.waiting[:1]), f"beside {odd!r} others are: {dict(read.faults)}")
            fault, sent = self._run(partial(self._perform, task_id=odd))
            _keeps(fault and not fault.meaning.effect_uncertain and not sent, f"{odd!r} is not changed")

    def test_what_was_accepted_took_place(self) -> None:
        async def act(client: Client) -> tuple[Fault | None, Status]:
            return await self._perform(client), await self._status(client)

        (fault, status), _ = self._run(act)
        _keeps(fault is None, f"a change that was accepted is a success, not {fault}")
        _keeps(status not in self._operation.starts, f"it took place, but the task is still {status.value}")

    def test_a_lost_answer_is_no_success_and_not_sent_again(self) -> None:
        async def act(client: Client) -> tuple[Fault | None, int, Status]:
            fault, sent = await self._perform(client), client.requests
            return fault, sent, await self._status(client)

        for reply, took_place in ((LOST, True), (GONE_SILENT, False)):
            (fault, sent, status), _ = self._run(act, reply)
            _keeps(fault and fault.meaning is Meaning.LOST, f"a change whose answer is lost is lost, not {fault}")
            _keeps(sent == 1, f"a change whose answer is lost is not sent again, but {sent} times")
            _keeps((status not in self._operation.starts) is took_place, "reading it back tells what became of it")

    def test_what_may_have_had_an_effect_is_uncertain_and_sent_once(self) -> None:
        successes = {f"HTTP {status}": as_json({}, status) for status in (200, 201, 202, 203, 206)}
        failures = {name: ERRORS[name] for name in ("HTTP 408", "HTTP 500", "HTTP 502", "HTTP 503", "HTTP 504")}
        failures["HTML of a proxy"] = Reply(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"})
        for operation in self.resource.operations:
            answers = {**successes, **ODD_ANSWERS}
            odd = {name: reply for name, reply in answers.items() if reply.status not in operation.accepted}
            for name, reply in {**odd, **failures}.items():
                fault, sent = self._run(partial(self._perform, by=operation), always=reply)
                meaning = Meaning.UNAVAILABLE if name in failures else Meaning.MALFORMED
                _keeps(fault and fault.meaning is meaning, f"{name} leaves a change uncertain, not {fault}")
                _keeps(len(sent) == 1, f"{name} to a change is read back, and not sent again")

    def test_a_throttled_change_comes_again_signed_anew(self) -> None:
        async def act(client: Client) -> tuple[Fault | None, int, Status]:
            fault, sent = await self._perform(client), client.requests
            return fault, sent, await self._status(client)

        (fault, sent, status), requests = self._run(act, self.throttled, self.throttled)
        _keeps(fault is None and sent == 3, f"a change that was throttled had no effect, and is sent again: {fault}")
        _keeps(status not in self._operation.starts, f"it took place, but the task is still {status.value}")
        self._signed_anew(requests[:3])

    def test_what_is_not_permitted_any_more_is_not_sent(self) -> None:
        fault, sent = self._run(partial(self._perform, permitted=lambda: False))
        _keeps(fault and fault.meaning is Meaning.UNREACHABLE and not sent, f"it is not sent, and says so: {fault}")

        async def act(client: Client) -> Fault | None:
            return await self._perform(client, permitted=lambda: client.requests == 0)

        fault, sent = self._run(act, self.throttled)
        _keeps(fault and not fault.meaning.effect_uncertain, f"what was throttled had no effect: {fault}")
        _keeps(len(sent) == 1, "it is not sent again once that is not permitted any more")

    def test_a_service_that_is_not_there_is_unreachable(self) -> None:
        async def act() -> tuple[Observation, Readings, Fault | None]:
            async with self._client("http://127.0.0.1:9", Time()) as client:
                return await self._observe(client), await self._read(client), await self._perform(client)

        seen, read, fault = asyncio.run(act())
        _keeps(seen.completeness is Completeness.FAILED and seen.fault, "a listing fails")
        _keeps(read.faults and not read.tasks, "no task is gone")
        _keeps(fault and fault.meaning is Meaning.UNREACHABLE, f"a change was not sent, and has no effect: {fault}")

    def test_what_a_server_echoes_is_told_without_secrets(self) -> None:
        said = f"\x1b[2J\u202e{' '.join(self.secrets)}{'x' * 10_000}"
        echo = dict.fromkeys(("message", "Message", "error_msg", "code", "Code", "error_code"), said)
        for status in (200, 400, 403, 500):
            for reply in (as_json(echo, status), Reply(status, said.encode())):
                seen, _ = self._run(self._observe, always=reply)
                read, _ = self._run(self._read, always=reply)
                fault, _ = self._run(self._perform, always=reply)
                for each in (seen.fault, *read.faults.values(), fault):
                    told = f"{each} {each!r}"
                    _keeps(each and not any(secret in told for secret in self.secrets), "a fault repeats no secret")
                    _keeps(told.isprintable() and len(told) < LONGEST, "a fault is printable and bounded")

    @property
    def _operation(self) -> Operation:
        return next(operation for operation in self.resource.operations if Status.PENDING in operation.starts)

    async def _observe(self, client: Client) -> Observation:
        return await client.observe(self.resource, None)

    async def _read(self, client: Client, ids: Sequence[str] | None = None) -> Readings:
        return await client.read(self.resource, list(self.waiting) if ids is None else ids)

    async def _status(self, client: Client) -> Status:
        """That of the task that was to be changed."""
        read = await self._read(client, self.waiting[:1])
        task = read.tasks.get(self.waiting[0])
        _keeps(task, f"it can be read back: {dict(read.faults)}")
        return task.status if task else Status.UNKNOWN

    async def _perform(
        self,
        client: Client,
        task_id: str | None = None,
        permitted: Callable[[], bool] = lambda: True,
        by: Operation | None = None,
    ) -> Fault | None:
        changed = self.waiting[0] if task_id is None else task_id
        return (await client.perform(self.resource, by or self._operation, [changed], permitted))[changed]

    def _signed_anew(self, sent: Sequence[Received]) -> None:
        if self.signature:
            signatures = {request.header(self.signature) for request in sent}
            _keeps(len(signatures) == len(sent) and None not in signatures, "each request is signed anew")

    def _client(self, url: str, clock: Time) -> Any:  # noqa: ANN401 - whatever the provider makes
        began, start = datetime.now(UTC), clock.now
        surroundings = Surroundings(
            now=lambda: began + timedelta(seconds=clock.now - start),
            monotonic=clock.monotonic,
            sleep=clock.sleep,
            uniform=lambda _low, high: high,
            environment=self.environment,
            home=Path(os.devnull),
        )
        return self.provider.client(self.target(url), concurrency=8, surroundings=surroundings)

    def _run(
        self,
        act: Callable[[Client], Awaitable[T]],
        *replies: Reply | Callable[[Received], Reply],
        always: Reply | None = None,
        clock: Time | None = None,
    ) -> tuple[T, list[Received]]:
        """Let `act` use a client; what came of it, and what was sent. The first requests get `replies`, all others what
        is `always` answered, else what the service answers."""
        planned = list(replies)

        async def run(url: str) -> tuple[T, list[Received]]:
            async def answer(request: Received) -> Reply:
                reply = planned.pop(0) if planned else always
                if reply is not None and reply is not LOST and reply is not TORN:
                    return reply(request) if callable(reply) else reply
                passed = await passed_on(request, url)
                if reply is TORN:
                    return Reply(raw=(passed.raw or b"")[:-1], hang_up=True)
                return passed if reply is None else reply

            async with serving(answer) as between, self._client(between.url, clock or Time()) as client:
                return await act(client), list(between.requests)

        with self.service() if always is None else nullcontext("") as url:
            return asyncio.run(run(url))
