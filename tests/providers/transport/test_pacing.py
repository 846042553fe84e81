"""Pacing keeps to the quota, whoever asks, and gives way when throttled."""

import asyncio
import random
from collections import Counter, deque
from heapq import heappop, heappush
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.model import Rate
from reconciler.provider.loopback import Time
from reconciler.providers.transport.adaptive_rate import AdaptiveRate
from reconciler.providers.transport.pacing import (
    GIVEN_UP_AFTER,
    LATE,
    LOOK,
    MEASURED,
    TICK,
    Arrivals,
    Pace,
    PaceBook,
    Quota,
)
from reconciler.tasks.observation import Fault

if TYPE_CHECKING:
    from collections.abc import Callable


def turns(pace: Pace, count: int, *, answered: bool = True) -> list[float]:
    """When so many requests went out, each of them answered at once if wanted."""

    async def one() -> float | Fault:
        moment = await pace.turn()
        if answered and not isinstance(moment, Fault):
            pace.ended(moment, let_through=True)
        return moment

    async def run() -> list[float | Fault]:
        return await asyncio.gather(*(one() for _ in range(count)))

    return [moment for moment in asyncio.run(run()) if not isinstance(moment, Fault)]


async def test_who_is_not_permitted_any_more_leaves_the_queue_without_a_turn() -> None:
    time = Time()
    pace = Pace(Quota(1, 60.0), time.monotonic, time.sleep)
    began = time.monotonic()
    first, *others = await asyncio.gather(*(pace.turn(lambda: time.monotonic() < began + 3) for _ in range(5)))
    assert first == began
    assert {str(other) for other in others} == {"not sent: it was called off while it waited"}
    assert time.monotonic() <= began + 3 + LOOK, "nobody waits for a turn that is not taken"


@given(
    requests=st.integers(1, 150),
    seconds=st.sampled_from([0.5, 1.0, 60.0]),
    pauses=st.lists(st.tuples(st.integers(1, 60), st.floats(0, 100)), max_size=6),
)
@settings(max_examples=60)
def test_no_window_holds_more_than_the_quota(requests: int, seconds: float, pauses: list[tuple[int, float]]) -> None:
    time = Time()
    pace = Pace(Quota(requests, seconds), time.monotonic, time.sleep)
    sent: list[float] = []
    for count, idle in [*pauses, (3 * requests, 0.0)]:
        sent += turns(pace, count)
        time.now += idle
    for index in range(len(sent) - requests):
        assert sent[index + requests] - sent[index] >= seconds


def test_the_whole_quota_is_used() -> None:
    time = Time()
    sent = turns(Pace(Quota(100, 60.0), time.monotonic, time.sleep), 1000)
    # Nine full windows, then the last hundred: a fifth at once and 80 in steps of 0.6 s.
    assert sent[-1] - sent[0] <= 9 * (60.0 + TICK) + 80 * 0.6 + 0.001


def test_a_fifth_goes_out_at_once_and_the_rest_evenly() -> None:
    time = Time()
    sent = turns(Pace(Quota(100, 60.0), time.monotonic, time.sleep), 60)
    assert sent[19] == pytest.approx(sent[0])
    assert all(later - earlier == pytest.approx(0.6) for earlier, later in pairwise(sent[19:]))


async def test_first_come_first_served() -> None:
    time = Time()
    pace = Pace(Quota(5, 1.0), time.monotonic, time.sleep)
    order: list[int] = []

    async def caller(number: int) -> None:
        await pace.turn()
        order.append(number)

    await asyncio.gather(*(caller(number) for number in range(40)))
    assert order == list(range(40))


def test_throttling_stops_everybody_for_as_long_as_the_server_asks() -> None:
    time = Time()
    pace = Pace(Quota(100, 1.0), time.monotonic, time.sleep)
    (sent,) = turns(pace, 1, answered=False)
    pace.throttled(sent, 7.0, told=True)
    assert turns(pace, 3)[0] >= sent + 7.0


def test_what_was_on_its_way_together_is_refused_once() -> None:
    rates = set()
    for refused in (1, 5):
        time = Time()
        pace = Pace(Quota(100, 1.0), time.monotonic, time.sleep)
        turns(pace, 20)
        sent = turns(pace, 5, answered=False)
        time.now += 0.05
        for moment in sent[:refused]:
            pace.throttled(moment, 0.5, told=True)
        rates.add(pace.rate)
    assert rates == {20.0}, "as many as were let through in the first second"


def test_a_rate_that_was_found_comes_back() -> None:
    time = Time()
    pace = Pace(Quota(100, 1.0), time.monotonic, time.sleep)
    for _ in range(20):
        (sent,) = turns(pace, 1, answered=False)
        pace.throttled(sent, 0.5)
    assert pace.rate < 2.0
    turns(pace, 2000)
    assert pace.rate == 100.0


class Windows:
    """Takes so many requests in a second that begins with the first of them (a phase: with the clock's)."""

    def __init__(self, rate: int, phase: float | None = None) -> None:
        self._rate = rate
        self._phase = phase
        self._began, self._used = float("-inf"), 0

    def wait(self, moment: float) -> float:
        """Take a request and return 0, or return the seconds until there is room."""
        if moment - self._began >= 1.0:
            self._used = 0
            self._began = moment if self._phase is None else (moment - self._phase) // 1.0 + self._phase
        if self._used < self._rate:
            self._used += 1
            return 0.0
        return self._began + 1.0 - moment


class Sliding:
    """Takes so many requests in any second."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._taken: deque[float] = deque()

    def wait(self, moment: float) -> float:
        while self._taken and self._taken[0] <= moment - 1.0:
            self._taken.popleft()
        if len(self._taken) < self._rate:
            self._taken.append(moment)
            return 0.0
        return self._taken[0] + 1.0 - moment


class Bucket:
    """A token bucket: `rate` drops a second, and room for those of `full` seconds."""

    def __init__(self, rate: int, full: float = 1.0) -> None:
        self._rate = rate
        self._room = max(1.0, rate * full)
        self._level, self._at = self._room, 0.0

    def wait(self, moment: float) -> float:
        self._level, self._at = min(self._room, self._level + (moment - self._at) * self._rate), moment
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self._rate


class Moody:
    """Refuses a share of requests that would have been let through, whatever their rate."""

    def __init__(self, server: "Server", share: float, seed: int) -> None:
        self._server = server
        self._share = share
        self._chance = random.Random(seed)  # noqa: S311 - no secret

    def wait(self, moment: float) -> float:
        return 0.001 if self._chance.random() < self._share else self._server.wait(moment)


Server = Windows | Sliding | Bucket | Moody
KINDS: "dict[str, Callable[[int], Server]]" = {
    "windows": Windows,
    "windows of the clock": lambda rate: Windows(rate, 0.65),
    "sliding": Sliding,
    "bucket": Bucket,
}


def applied(
    server: Server, quota: Quota, requests: int, *, latency: float, jitter: float = 0.0, hints: bool = False
) -> tuple[float, int]:
    """Answered requests per second, and how many were throttled, of a run of 64 at a time that is never short of any.

    The way to the server takes half the latency and some jitter; the first few must connect first.
    """
    time, on_their_way, back = Time(), list[tuple[float, int, float]](), list[tuple[float, int, float, float]]()
    counts: Counter[bool] = Counter()
    chance = random.Random(7)  # noqa: S311 - no secret

    def pass_until(end: float) -> None:
        while (moment := min([row[0] for row in (*on_their_way[:1], *back[:1])], default=end + 1)) <= end:
            time.now = max(time.now, moment)
            if on_their_way and on_their_way[0][0] == moment:
                _, number, sent = heappop(on_their_way)
                heappush(back, (moment + latency / 2, number, sent, server.wait(moment)))
                continue
            _, _, sent, wait = heappop(back)
            counts[wait == 0] += 1
            if wait == 0:
                pace.ended(sent, let_through=True)
            else:
                pace.throttled(sent, max(0.5, ceil(wait)) if hints else 0.5, told=hints)
        time.now = max(time.now, end)

    async def sleep(seconds: float) -> None:
        pass_until(time.now + seconds)

    pace = Pace(quota, time.monotonic, sleep)

    async def run() -> None:
        for number in range(3 * requests):
            while len(on_their_way) + len(back) >= 64:
                pass_until(min(row[0] for row in (*on_their_way[:1], *back[:1])))
            if counts[True] >= requests:
                return
            sent = await pace.turn()
            assert not isinstance(sent, Fault)
            there = sent + latency / 2 + chance.uniform(0, jitter) + (latency if number < 4 else 0)
            heappush(on_their_way, (there, number, sent))

    began = time.now
    asyncio.run(run())
    return counts[True] / (time.now - began), counts[False]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("latency", "jitter"), [(0.005, 0.001), (0.05, 0.005)])
@pytest.mark.parametrize("rate", [1, 10, 100, 1000])
def test_a_quota_that_is_told_is_used_up_and_never_run_into(
    rate: int, latency: float, jitter: float, kind: str
) -> None:
    requests = 11_000 if rate > 1 else 1_000
    used, throttled = applied(KINDS[kind](rate), Quota(rate, 1.0), requests, latency=latency, jitter=jitter)
    assert throttled == 0
    assert used >= (0.99 if rate * latency < 50 else 0.96) * rate


@given(
    quota=st.sampled_from([Quota(1, 1.0), Quota(10, 1.0), Quota(50, 1.0), Quota(100, 60.0)]),
    late=st.lists(st.floats(0, 1), min_size=1, max_size=30),
)
@settings(max_examples=40)
def test_no_window_of_the_server_holds_more_than_the_quota(quota: Quota, late: list[float]) -> None:
    """However late some requests are, up to a quarter of the window, where the first are not."""
    time, arrived, on_their_way = Time(), list[float](), list[tuple[float, float]]()

    def pass_until(end: float) -> None:
        while on_their_way and on_their_way[0][0] <= end:
            time.now, sent = heappop(on_their_way)
            pace.ended(sent, let_through=True)
        time.now = end

    async def sleep(seconds: float) -> None:
        pass_until(time.now + seconds)

    pace = Pace(quota, time.monotonic, sleep)

    async def run() -> None:
        for number in range(4 * quota.requests + 10):
            sent = await pace.turn()
            assert not isinstance(sent, Fault)
            lateness = late[number % len(late)] * LATE * quota.seconds if number > 4 else 0.0
            arrived.append(sent + 0.01 + lateness)
            heappush(on_their_way, (arrived[-1] + 0.01, sent))

    asyncio.run(run())
    arrived.sort()
    for index in range(len(arrived) - quota.requests):
        assert arrived[index + quota.requests] - arrived[index] >= quota.seconds


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("told", [3, 10, 100])
@pytest.mark.parametrize("rate", [1, 10, 100, 1000])
def test_a_quota_that_is_not_told_is_found(rate: int, told: int, kind: str) -> None:
    requests = 11_000 if rate > 1 else 1_000
    used, throttled = applied(KINDS[kind](rate), Quota(told * rate, 1.0), requests, latency=0.005, jitter=0.001)
    assert throttled <= max(10, (0.0055 if kind == "bucket" else 0.005) * requests)
    assert used >= 0.98 * rate


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hints", [False, True])
def test_it_is_found_with_a_handful_of_refusals(kind: str, hints: bool) -> None:
    used, throttled = applied(KINDS[kind](10), Quota(100, 1.0), 444, latency=0.005, jitter=0.001, hints=hints)
    assert throttled <= 15
    assert used >= 0.95 * 10


@pytest.mark.parametrize(("refused", "found"), [((0.01, 0.05, 0.21), 1000), ((0.01, 0.05, 0.21, 0.85, 3.41), 226)])
def test_only_who_is_refused_for_longer_than_a_second_has_a_longer_window(
    refused: tuple[float, ...], found: int
) -> None:
    rate = AdaptiveRate(10_000)
    for number in range(1000):
        rate.answered(number / 1000, number / 1000 + 0.001)
    for moment in (0.0, *refused):
        rate.refused(1 + moment, 1 + moment, 0.5, told=False)
    rate.answered(1 + refused[-1] + 0.01, 1 + refused[-1] + 0.01)
    assert rate.rate == pytest.approx(found, rel=0.01)


def test_what_others_used_of_the_first_second_is_soon_tried() -> None:
    rate = AdaptiveRate(1000)
    for number in range(80):
        rate.answered(number / 1000, number / 1000 + 0.001)
    for moment in (0.1, 0.11):
        rate.refused(moment, moment, 0.5, told=False)
    assert rate.rate == 80
    for number in range(160):
        rate.answered(1 + number / 80, 1 + number / 80 + 0.001)
    assert rate.rate > 100


@pytest.mark.parametrize("rate", [10, 100])
def test_a_server_that_lets_requests_in_drop_by_drop_is_used(rate: int) -> None:
    used, throttled = applied(Bucket(rate, 0.1), Quota(10 * rate, 1.0), 4_440, latency=0.05, jitter=0.005)
    assert throttled < 0.01 * 4_440
    assert used >= (0.6 if rate == 10 else 0.9) * rate  # where but one drop fits in, any that is early is refused


@given(
    pauses=st.lists(st.sampled_from([0.5, 20.0, 60.0, 120.0]), min_size=600, max_size=600), callers=st.integers(1, 4)
)
@settings(max_examples=20)
def test_who_is_refused_for_ever_is_waited_for_no_longer_than_so_long(pauses: list[float], callers: int) -> None:
    time = Time()
    pace = Pace(Quota(100, 60.0), time.monotonic, time.sleep)
    began = time.now
    sent = 0
    while came := turns(pace, callers, answered=False):
        sent += len(came)
        assert time.now - began <= GIVEN_UP_AFTER
        for moment in came:
            pace.throttled(moment, pauses[sent % 600])
    assert sum(time.slept) <= GIVEN_UP_AFTER
    assert turns(pace, 1000) == []


def test_what_was_given_up_is_tried_again_after_the_pause_and_waited_for_after_a_success() -> None:
    time = Time()
    pace = Pace(Quota(100, 60.0), time.monotonic, time.sleep)
    while came := turns(pace, 1, answered=False):
        pace.throttled(came[0], 120.0)
    time.now += 120.0
    (again,) = turns(pace, 1, answered=False)
    pace.throttled(again, 1.0, told=True)
    assert turns(pace, 1) == []
    time.now += 1.0 + TICK
    assert len(turns(pace, 1)) == 1
    pace.ended(time.now, let_through=True)
    pace.throttled(time.now, 120.0)
    assert len(turns(pace, 1)) == 1


def test_a_refusal_of_long_ago_is_not_held_against_the_next_run() -> None:
    time = Time()
    pace = Pace(Quota(100, 60.0), time.monotonic, time.sleep)
    pace.throttled(turns(pace, 1, answered=False)[0], 20.0)
    time.now += 3600.0
    pace.throttled(turns(pace, 1, answered=False)[0], 20.0)
    assert len(turns(pace, 1)) == 1


def test_after_a_long_silence_everybody_waits_again() -> None:
    """Whatever was refused last: the next run sends one, and others wait for its answer, each a while at most."""
    time = Time()
    pace = Pace(Quota(100, 1.0), time.monotonic, time.sleep)
    pace.throttled(turns(pace, 1, answered=False)[0], 0.5)
    time.now += 3600.0
    assert len(turns(pace, 3, answered=False)) == 3


def test_what_never_comes_back_takes_no_room_from_others() -> None:
    time = Time()
    pace = Pace(Quota(1000, 1.0), time.monotonic, time.sleep)
    turns(pace, 6, answered=False)
    time.now += 1.5
    began = time.now
    turns(pace, 300)
    assert time.now - began < 1.0


def test_where_the_quota_is_reached_again_there_is_no_more_to_try() -> None:
    """Others used it up for a moment: from then on as many requests are on their way as ever."""
    time = Time()
    pace = Pace(Quota(100, 1.0), time.monotonic, time.sleep)
    turns(pace, 100)
    time.now += 5.0
    pace.throttled(turns(pace, 1, answered=False)[0], 0.5)
    turns(pace, 2_000)
    time.now += 2.0
    began = time.now
    turns(pace, 64, answered=False)
    assert time.now - began < 1.0


def test_a_quota_may_refuse_for_days() -> None:
    rate = AdaptiveRate(100)
    rate.answered(0.0, 0.1)
    for number in range(1, 2_000):
        assert rate.refused(60.0 * number, 60.0 * number, 20.0, told=False) <= 20.0


def test_one_without_an_answer_may_have_come_just_now() -> None:
    """Of one that is answered the way back is taken off; of one that was cut off nobody knows that it was on it."""
    arrivals = Arrivals(kept=1.3, latest=0.25)
    for number in range(MEASURED + 1):
        arrivals.leave(float(number))
        arrivals.end(float(number), number + 0.05, answered=True)
    for moment, answered, free in ((100.0, True, 101.01), (200.0, False, 201.06)):
        arrivals.leave(moment)
        arrivals.end(moment, moment + 0.06, answered=answered)
        assert arrivals.free(moment + 0.5, 1, 1.0) == pytest.approx(free + TICK)


def test_it_outlives_an_event_loop() -> None:
    time = Time()
    pace = Pace(Quota(1, 10.0), time.monotonic, time.sleep)
    assert [turns(pace, 2), turns(pace, 2)][1][0] >= 1000.0 + 2 * 10.0


def test_a_configured_rate_counts_by_its_own_window_where_that_is_shorter() -> None:
    documented = Quota(100, 60.0)
    assert documented.at(Rate(100, 60)) == documented
    assert documented.at(Rate(30, 60)) == Quota(30, 60.0)
    assert documented.at(Rate(10, 1)) == Quota(10, 1.0)
    assert documented.at(Rate(6000, 3600)) == documented
    assert documented.at(Rate(1, 3600)) == Quota(1, 3600.0)
    assert documented.at(Rate(0.5, 1)) == Quota(1, 2.0)


def test_clients_of_one_group_share_a_pace() -> None:
    time, book = Time(), PaceBook()
    clock = time.monotonic
    first = book.pace("g", "mpc", Quota(1, 1.0), monotonic=clock, sleep=time.sleep)
    assert book.pace("g", "mpc", Quota(1, 1.0), monotonic=clock, sleep=time.sleep) is first
    assert book.pace("g", "vod", Quota(1, 1.0), monotonic=clock, sleep=time.sleep) is not first
    assert book.pace("h", "mpc", Quota(1, 1.0), monotonic=clock, sleep=time.sleep) is not first


@pytest.mark.parametrize("share", [0.01, 1 / 30, 0.1, 0.3])
@pytest.mark.parametrize("seed", range(3))
async def test_where_a_smaller_rate_is_refused_as_often_it_is_not_the_rate_that_is_refused(
    share: float, seed: int
) -> None:
    """A cloud that refuses one request of thirty, however few there are: cut after cut would end at next to nothing."""
    clock, chance = Time(), random.Random(seed)  # noqa: S311 - no secret
    pace = Pace(Quota(10_000, 1), clock.monotonic, clock.sleep)
    began = clock.now
    for _ in range(5_000):
        sent_at = await pace.turn()
        assert isinstance(sent_at, float), "it is never given up"
        clock.now += 0.002
        if chance.random() < share:
            pace.throttled(sent_at, 0.5)
        else:
            pace.ended(sent_at, let_through=True)
    assert 5_000 / (clock.now - began) > 15


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.005, 0.03, 0.1])
@pytest.mark.parametrize(("rate", "requests"), [(10, 1_000), (100, 4_000), (1000, 11_000)])
@pytest.mark.parametrize("told", [1, 10])
def test_who_refuses_at_random_as_well_as_by_a_quota_is_neither_overrun_nor_left_unused(
    rate: int, requests: int, told: int, share: float, kind: str
) -> None:
    """Others use the account, say. As before this was told apart, nothing would be cut and two of three refused, or
    the rate cut to some hundredths."""
    server = Moody(KINDS[kind](rate), share, seed=1)
    used, throttled = applied(server, Quota(told * rate, 1.0), requests, latency=0.01, jitter=0.003)
    assert throttled <= (share + 0.06) * (requests + throttled)
    assert used >= 0.18 * rate
