"""Pacing keeps to the quota, whoever asks, and gives way when throttled."""

import asyncio
import random
from collections import Counter, deque
from heapq import heappop, heappush
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.model import Rate
from reconciler.provider.loopback import Time
from reconciler.providers.transport.adaptive_rate import LEAST_RATE, LEAST_SHARE, RECOVERY
from reconciler.providers.transport.pacing import GIVEN_UP_AFTER, LOOK, MARGIN, Pace, PaceBook, Quota
from reconciler.tasks.observation import Fault


def turns(pace: Pace, count: int) -> list[float]:
    async def run() -> list[float | Fault]:
        return await asyncio.gather(*(pace.turn() for _ in range(count)))

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
    assert sent[-1] - sent[0] <= 9 * 60.0 * MARGIN + 80 * 0.6 + 0.001


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


def test_throttling_stops_everybody_and_cuts_the_rate_once() -> None:
    time = Time()
    pace = Pace(Quota(100, 1.0), time.monotonic, time.sleep)
    sent = turns(pace, 10)
    time.now += 0.05
    pace.ended(sent[0], let_through=True)
    for sent_at in sent[1:]:  # ten requests were in flight and all others came back throttled
        pace.throttled(sent_at, 7.0, told=True)
    assert pace.rate == pytest.approx(94.0)
    resumed = turns(pace, 30)
    assert resumed[0] >= sent[0] + 7.0
    assert resumed[-1] - resumed[-2] == pytest.approx(1 / 94)
    for sent_at in resumed[:2]:  # the quota is another's by now
        pace.throttled(sent_at, 7.0, told=True)
    assert pace.rate == pytest.approx(94.0), "nothing came through since, so that nothing is known"
    (again,) = turns(pace, 1)
    pace.ended(again, let_through=True)
    pace.throttled(turns(pace, 1)[0], 7.0, told=True)
    assert pace.rate == pytest.approx(47.0, abs=0.5), "half of what was sent did not come through"


def test_throttled_again_and_again_it_keeps_a_little_and_recovers() -> None:
    time = Time()
    pace = Pace(Quota(10, 1.0), time.monotonic, time.sleep)
    for _ in range(20):
        pace.ended(turns(pace, 1)[0], let_through=True)
        pace.throttled(turns(pace, 1)[0], 0.1)
        pace.throttled(turns(pace, 1)[0], 0.1)
    assert pace.rate == pytest.approx(min(LEAST_RATE, 10 * LEAST_SHARE))
    for _ in range(6 * RECOVERY):
        pace.ended(time.now, let_through=True)
    assert pace.rate == 10.0


class Cloud:
    """Takes so many requests in each window of a second and throttles above. Answers after `latency` seconds."""

    def __init__(self, rate: int, *, slides: bool) -> None:
        self._rate = rate
        self._slides = slides
        self._taken: deque[float] = deque()

    def takes(self, moment: float) -> bool:
        if self._slides:
            while self._taken and self._taken[0] <= moment - 1.0:
                self._taken.popleft()
        elif self._taken and self._taken[0] <= moment - 1.0:
            self._taken.clear()
        if len(self._taken) < self._rate:
            self._taken.append(moment)
            return True
        return False


def applied(cloud: Cloud, quota: Quota, requests: int, *, latency: float, in_flight: int = 64) -> tuple[float, int]:
    """Answered requests per second, and how many were throttled, of a run that is never short of requests."""
    time, under_way = Time(), list[tuple[float, float, bool]]()
    counts: Counter[bool] = Counter()

    async def sleep(seconds: float) -> None:
        end = time.now + seconds
        answer(end)
        time.now = end

    pace = Pace(quota, time.monotonic, sleep)

    def answer(until: float) -> None:
        while under_way and under_way[0][0] <= until:
            moment, sent, taken = heappop(under_way)
            time.now = max(time.now, moment)
            counts[taken] += 1
            if taken:
                pace.ended(sent, let_through=True)
            else:
                pace.throttled(sent, 0.5)

    async def run() -> None:
        while counts[True] < requests:
            if len(under_way) == in_flight:
                answer(under_way[0][0])
            sent = await pace.turn()
            assert not isinstance(sent, Fault)
            answer(sent)
            heappush(under_way, (sent + latency, sent, cloud.takes(sent + latency / 2)))

    began = time.now
    asyncio.run(run())
    return requests / (time.now - began), counts[False]


@pytest.mark.parametrize(("slides", "latency"), [(True, 0.005), (False, 0.05)])
@pytest.mark.parametrize("rate", [10, 100, 1000])
def test_a_quota_that_is_told_is_used_up_and_never_run_into(rate: int, slides: bool, latency: float) -> None:
    used, throttled = applied(Cloud(rate, slides=slides), Quota(rate, 1.0), 11_000, latency=latency)
    assert throttled == 0
    assert used >= 0.99 * rate


@pytest.mark.parametrize(("slides", "latency"), [(True, 0.005), (False, 0.05)])
@pytest.mark.parametrize("rate", [10, 100, 1000])
def test_a_quota_that_is_not_told_is_found(rate: int, slides: bool, latency: float) -> None:
    used, throttled = applied(Cloud(rate, slides=slides), Quota(100_000, 1.0), 11_000, latency=latency)
    assert throttled < 0.005 * 11_000
    assert used >= 0.96 * rate


@given(
    pauses=st.lists(st.sampled_from([0.5, 20.0, 60.0, 120.0]), min_size=600, max_size=600), callers=st.integers(1, 4)
)
@settings(max_examples=20)
def test_who_is_refused_for_ever_is_waited_for_no_longer_than_so_long(pauses: list[float], callers: int) -> None:
    time = Time()
    pace = Pace(Quota(100, 60.0), time.monotonic, time.sleep)
    began = time.now
    sent = 0
    while came := turns(pace, callers):
        sent += len(came)
        assert time.now - began <= GIVEN_UP_AFTER
        for moment in came:
            pace.throttled(moment, pauses[sent % 600])
    assert sum(time.slept) <= GIVEN_UP_AFTER
    assert turns(pace, 1000) == []


def test_what_was_given_up_is_tried_again_after_the_pause_and_waited_for_after_a_success() -> None:
    time = Time()
    pace = Pace(Quota(100, 60.0), time.monotonic, time.sleep)
    while came := turns(pace, 1):
        pace.throttled(came[0], 120.0)
    time.now += 120.0
    (again,) = turns(pace, 1)
    pace.throttled(again, 1.0, told=True)
    assert turns(pace, 1) == []
    time.now += 1.0
    assert len(turns(pace, 1)) == 1
    pace.ended(time.now, let_through=True)
    pace.throttled(time.now, 120.0)
    assert len(turns(pace, 1)) == 1


def test_a_refusal_of_long_ago_is_not_held_against_the_next_run() -> None:
    time = Time()
    pace = Pace(Quota(100, 60.0), time.monotonic, time.sleep)
    pace.throttled(turns(pace, 1)[0], 20.0)
    time.now += 3600.0
    pace.throttled(turns(pace, 1)[0], 20.0)
    assert len(turns(pace, 1)) == 1


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


async def test_where_a_smaller_rate_is_refused_as_often_it_is_not_the_rate_that_is_refused() -> None:
    """A cloud that refuses one request of thirty, however few there are: cut after cut would end at next to nothing."""
    clock = Time()
    pace = Pace(Quota(10_000, 1), clock.monotonic, clock.sleep)
    began, chance = clock.monotonic(), random.Random(7)  # noqa: S311 - no secret
    for _ in range(20_000):
        sent_at = await pace.turn()
        assert isinstance(sent_at, float)
        clock.now += 0.002
        if chance.random() < 1 / 30:
            pace.throttled(sent_at, 0.0, told=True)
        else:
            pace.ended(sent_at, let_through=True)
    assert clock.monotonic() < began + 200, "a hundred a second and more, of the five hundred that there could be"
