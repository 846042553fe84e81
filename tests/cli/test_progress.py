"""The line that moves: what it says of pages, pace, waiting and the time left, and that it promises nothing that is not
so."""

import re

import pytest

from reconciler.cli.progress import SCOPES, Gauge
from reconciler.provider.loopback import Time
from tests.pseudo_terminal import session
from tests.terminal import HEAD, Terminal, wait_until

POLICY = """
policies:
  p: {resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent, limits: {max_percent: 100}}
"""


def _answers(gauge: Gauge, clock: Time, count: int, seconds: float, *, pages: bool = False) -> None:
    for _ in range(count):
        clock.now += seconds / count
        gauge.answered()
        if pages:
            gauge.page()


def test_a_listing_tells_scopes_pages_pace_and_time_left() -> None:
    clock = Time()
    gauge = Gauge(SCOPES, 3, monotonic=clock.monotonic)
    assert (gauge.text(), gauge.share) == ("0/3 scopes", 0.0)
    gauge.expects(40)
    assert gauge.text() == "0/3 scopes, 0/40 pages"
    _answers(gauge, clock, 20, 12.0, pages=True)
    assert gauge.text() == "0/3 scopes, 20/40 pages, 102/min, about 12 s left"
    assert gauge.share == 0.5
    gauge.step()
    _answers(gauge, clock, 20, 12.0, pages=True)
    assert gauge.text() == "1/3 scopes, 40/40 pages, 102/min"
    gauge.page()  # a pass that is made once more
    assert gauge.text().startswith("1/3 scopes, 41/41 pages")
    assert gauge.share == 1.0


def test_a_list_that_does_not_say_how_long_it_is_promises_nothing() -> None:
    clock = Time()
    gauge = Gauge(SCOPES, 2, monotonic=clock.monotonic)
    _answers(gauge, clock, 20, 12.0, pages=True)
    assert gauge.text() == "0/2 scopes, 20 pages, 102/min"


def test_an_apply_tells_the_time_left_by_its_changes() -> None:
    clock = Time()
    gauge = Gauge("changes", 1_000, monotonic=clock.monotonic)
    _answers(gauge, clock, 10, 6.0)
    for _ in range(10):
        gauge.step()
    assert gauge.text() == "10/1000 changes, 111/min"
    for _ in range(90):
        _answers(gauge, clock, 1, 0.6)
        gauge.step()
    assert gauge.text() == "100/1000 changes, 102/min, about 9 min left"
    assert gauge.share == 0.1
    for _ in range(900):
        gauge.step(left_out=True)
    assert gauge.text() == "100/1000 changes, 900 not attempted, 102/min"
    assert gauge.share == 0.1


def test_until_changes_tell_it_the_estimate_of_the_plan_stands() -> None:
    clock = Time()
    gauge = Gauge("changes", 1_000, monotonic=clock.monotonic, estimate=600)
    _answers(gauge, clock, 10, 6.0)
    assert gauge.text() == "0/1000 changes, 111/min, about 10 min left"
    clock.now += 900
    assert "left" not in gauge.text(), "it took longer"


def test_a_wait_for_a_quota_is_told_while_it_lasts() -> None:
    clock = Time()
    gauge = Gauge(SCOPES, 1, monotonic=clock.monotonic)
    _answers(gauge, clock, 20, 6.0)
    gauge.waits(0.6)
    assert "waiting" not in gauge.text(), "that is the pace"
    gauge.waits(42)
    assert gauge.text() == "0/1 scopes, waiting 42 s for a quota"
    clock.now += 41
    assert "waiting" not in gauge.text()


def test_once_it_stops_nothing_is_promised() -> None:
    clock = Time()
    stopping: list[bool] = []
    gauge = Gauge("changes", 1_000, lambda: bool(stopping), clock.monotonic)
    _answers(gauge, clock, 100, 60.0)
    for _ in range(100):
        gauge.step()
    stopping.append(True)
    gauge.waits(42)
    assert gauge.text() == "100/1000 changes, stopping: calls under way end"


@pytest.mark.parametrize("unit", [SCOPES, "changes"])
def test_it_fits_into_eighty_columns(unit: str) -> None:
    clock = Time()
    gauge = Gauge(unit, 99_999, monotonic=clock.monotonic)
    _answers(gauge, clock, 5_000, 12.0)
    gauge.waits(119)
    assert len(f"Listing {'-' * 16} {gauge.text()}") <= 80


def test_a_terminal_shows_pages_and_the_wait_for_a_quota(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY)
    for number in range(250):
        terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=number + 1, created="1d")
    terminal.simulator.faults.add("throttle", nth=2, code="APIGW.0308", retry_after=5)
    with session(terminal.directory, "plan", "--format", "json") as running:
        running.until("/3 pages")
        running.until("s for a quota")
        assert running.end().code == 0


def test_lines_of_the_log_stand_above_it(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY)
    terminal.simulator.faults.add("latency", seconds=0.5, times=0)
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    with session(terminal.directory, "plan", "-v", "--format", "json") as running:
        running.until("0/1 scopes")
        running.until("info: listed")
        seen = running.end().err
    line = next(line for line in re.split(r"[\r\n]+", seen) if "info: listed" in line)
    assert "scopes" not in line


def test_a_terminal_tells_the_truth_after_ctrl_c(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY)
    for number in range(60):
        terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=number + 1, created="1d")
    terminal.simulator.faults.add("latency", method="DELETE", seconds=1.0, times=0)
    with session(terminal.directory, "apply", "--auto-approve", "--format", "json") as running:
        running.until("/60 changes")
        wait_until(terminal.destructive, running.process)
        running.interrupt()
        running.until("stopping: calls under way end")
        finished = running.end()
    assert finished.code == 130
    assert "60/60 changes" not in finished.err
    assert finished.json["summary"]["not_attempted"] > 0
