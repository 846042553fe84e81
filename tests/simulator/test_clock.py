"""Virtual time, and the tasks that move with it."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.simulator import Simulator, VirtualClock
from reconciler.simulator.clock import duration

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PACKAGING = "huaweicloud.mpc.packaging"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("6h", 21_600), ("7d", 604_800), ("2w", 1_209_600), ("1d12h", 129_600), (5, 5)],
)
def test_durations(text: str | int, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "7", "d", "7 days", "-3h", "1h!"])
def test_bad_durations(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration(text)


def test_the_clock_moves_only_when_told() -> None:
    clock = VirtualClock(NOW)
    assert clock.now == NOW
    assert clock.advance("6h") == NOW + timedelta(hours=6)
    assert clock.advance(timedelta(minutes=1)) == clock.now == NOW + timedelta(hours=6, minutes=1)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


def test_nothing_moves_without_a_schedule() -> None:
    simulator = Simulator(now=NOW)
    task = simulator.huaweicloud.add(PACKAGING)
    simulator.clock.advance("52w")
    assert simulator.huaweicloud.status(PACKAGING, task.id) == "WAITING"


def test_tasks_follow_their_schedule() -> None:
    simulator = Simulator(now=NOW)
    simulator.huaweicloud.add(PACKAGING, id=1, created="1h", starts_at="5m", ends_at="20m", ends_as="failed")
    seen = []
    for _ in range(5):
        seen.append(simulator.huaweicloud.status(PACKAGING, 1))
        simulator.clock.advance("5m")
    assert seen == ["WAITING", "PROCESSING", "PROCESSING", "PROCESSING", "FAILED"]
    task = simulator.huaweicloud.get(PACKAGING, 1)
    assert task is not None
    assert (task.created_at, task.started_at, task.finished_at) == (
        NOW - timedelta(hours=1),
        NOW + timedelta(minutes=5),
        NOW + timedelta(minutes=20),
    )


def test_a_cancelled_task_does_not_start() -> None:
    simulator = Simulator(now=NOW)
    simulator.huaweicloud.add(PACKAGING, id=1, starts_at="5m", ends_at="20m")
    simulator.huaweicloud.set_status(PACKAGING, 1, "canceled")
    simulator.clock.advance("1h")
    assert simulator.huaweicloud.status(PACKAGING, 1) == "CANCELED"


def test_one_large_step_passes_every_event_in_order() -> None:
    simulator = Simulator(now=NOW)
    simulator.aliyun.add("aliyun.vod.url_upload", id="a", starts_at="5m", ends_at="20m")
    simulator.clock.advance("1d")
    task = simulator.aliyun.get("aliyun.vod.url_upload", "a")
    assert task is not None
    assert (task.status, task.started_at) == ("SUCCESS", NOW + timedelta(minutes=5))


def test_ids_are_never_used_twice() -> None:
    store = Simulator().huaweicloud
    first = store.add(PACKAGING)
    assert store.remove(PACKAGING, first.id)
    assert not store.remove(PACKAGING, first.id)
    assert store.add(PACKAGING).id != first.id
    with pytest.raises(ValueError, match="already"):
        store.add(PACKAGING, id=store.tasks(PACKAGING)[0].id)


def test_unknown_tasks_and_kinds() -> None:
    store = Simulator().huaweicloud
    with pytest.raises(KeyError):
        store.add("huaweicloud.mpc.remux")
    with pytest.raises(KeyError):
        store.set_status(PACKAGING, 1, "failed")
    with pytest.raises(KeyError):
        store.change(PACKAGING, 1, user_data="x")
    task = store.add(PACKAGING, user_data="x")
    assert store.change(PACKAGING, task.id, description="y").fields == {"user_data": "x", "description": "y"}
