"""Pacing keeps to the quota, whoever asks, and gives way when throttled."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.provider.loopback import Time
from reconciler.providers.transport.pacing import GIVEN_UP_AFTER, LEAST_SHARE, LOOK, MARGIN, Pace, PaceBook, Quota
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
    assert {str(other) for other in others} == {"not sent: the run is stopping"}
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


def test_throttling_stops_everybody_and_halves_the_rate_once() -> None:
    time = Time()
    pace = Pace(Quota(100, 1.0), time.monotonic, time.sleep)
    sent = turns(pace, 10)
    time.now += 0.05
    for sent_at in sent:  # ten requests were in flight and all came back throttled
        pace.throttled(sent_at, 7.0)
    assert pace.share == 0.5
    resumed = turns(pace, 30)
    assert resumed[0] == pytest.approx(time.monotonic() - (resumed[-1] - resumed[0]))
    assert resumed[0] >= sent[0] + 7.0
    assert resumed[-1] - resumed[-2] == pytest.approx(0.02)


def test_throttled_again_and_again_it_keeps_a_little_and_recovers() -> None:
    time = Time()
    pace = Pace(Quota(10, 1.0), time.monotonic, time.sleep)
    for _ in range(20):
        pace.throttled(turns(pace, 1)[0], 0.1)
    assert pace.share == LEAST_SHARE
    for _ in range(40):
        pace.succeeded()
    assert pace.share == 1.0


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
    pace.throttled(again, 1.0)
    assert turns(pace, 1) == []
    time.now += 1.0
    assert len(turns(pace, 1)) == 1
    pace.succeeded()
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


def test_a_configured_rate_keeps_the_window() -> None:
    documented = Quota(100, 60.0)
    assert documented.at_rate(100 / 60) == documented
    assert documented.at_rate(0.5) == Quota(30, 60.0)
    assert documented.at_rate(1 / 3600) == Quota(1, 3600.0)


def test_clients_of_one_group_share_a_pace() -> None:
    time, book = Time(), PaceBook()
    clock = time.monotonic
    first = book.pace("g", "mpc", Quota(1, 1.0), monotonic=clock, sleep=time.sleep)
    assert book.pace("g", "mpc", Quota(1, 1.0), monotonic=clock, sleep=time.sleep) is first
    assert book.pace("g", "vod", Quota(1, 1.0), monotonic=clock, sleep=time.sleep) is not first
    assert book.pace("h", "mpc", Quota(1, 1.0), monotonic=clock, sleep=time.sleep) is not first
