"""What the cycles of `run` saw of queues: as many points as can be drawn, and nothing from long ago."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.backends.backlog import KEPT, Backlog, read_backlog, write_backlog
from reconciler.backends.connect import connect

DAY = 86_400_000
NOW = 1_800_000_000_000


def seen(taken_at: int, pending: int, resource: str = "huaweicloud.mpc.snapshot") -> Backlog:
    return Backlog(resource, taken_at, pending, taken_at - 1000 if pending else None, bool(pending % 2))


def test_what_was_written_is_read_by_kind_of_task_and_in_order(tmp_path: Path) -> None:
    backend = connect(f"sqlite:///{tmp_path}/history.db")
    rows = [seen(NOW - age * DAY, age) for age in range(5)] + [seen(NOW, 9, "aliyun.mps.transcoding")]
    write_backlog(backend, rows, NOW)
    write_backlog(backend, [seen(NOW, 7)], NOW)  # the same moment again
    found = read_backlog(backend, NOW - 3 * DAY, NOW)
    assert [*found] == ["aliyun.mps.transcoding", "huaweicloud.mpc.snapshot"]
    assert found["huaweicloud.mpc.snapshot"] == [
        seen(NOW - 3 * DAY, 3),
        *(seen(NOW - age * DAY, age) for age in (2, 1)),
        seen(NOW, 7),
    ]


def test_what_is_old_is_forgotten(tmp_path: Path) -> None:
    backend = connect(f"sqlite:///{tmp_path}/history.db")
    write_backlog(backend, [seen(NOW - KEPT, 1), seen(NOW - KEPT - 1, 2)], NOW)
    [points] = read_backlog(backend, 0, NOW).values()
    assert points == [seen(NOW - KEPT, 1)]


@settings(max_examples=20)  # each has a database of its own
@given(st.sets(st.integers(0, 7 * DAY), min_size=1, max_size=400))
def test_of_many_points_a_few_are_read_the_last_among_them(ages: set[int]) -> None:
    with TemporaryDirectory() as directory:
        backend = connect(f"sqlite:///{directory}/history.db")
        write_backlog(backend, [seen(NOW - age, 1) for age in ages], NOW)
        [points] = read_backlog(backend, NOW - 7 * DAY, NOW).values()
    assert len(points) <= 201
    assert points[-1].taken_at == NOW - min(ages)
    assert [point.taken_at for point in points] == sorted(point.taken_at for point in points)
