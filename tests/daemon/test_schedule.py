"""When cycles begin, and for how long a target that fails is left alone."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config.model import Target
from reconciler.daemon.schedule import FIRST_PAUSE, LONGEST_PAUSE, BackOff, Cron, Every
from reconciler.exceptions import UsageError
from reconciler.planning.plan import Plan
from reconciler.tasks.observation import Completeness, Fault, Meaning
from tests.reports.examples import PLANS

MOMENTS = st.floats(0, 2e9)


@given(st.integers(1, 100_000), MOMENTS, MOMENTS)
def test_every_is_a_grid_from_its_first_time_on(seconds: int, first: float, moment: float) -> None:
    """Before it as well, where somebody sets the clock back: what is next is never more than a period ahead."""
    every = Every(seconds)
    assert every.begin(first) == first
    begins = every.after(moment)
    assert moment < begins <= moment + seconds + 1e-6
    assert abs((begins - first) / seconds - round((begins - first) / seconds)) < 1e-6


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def test_what_was_missed_is_not_made_up_for() -> None:
    every = Every(300)
    assert every.begin(1000.0) == 1000
    assert [every.after(moment) for moment in (999.0, 1000.0, 1299.9, 1300.0, 5000.0)] == [1000, 1300, 1300, 1600, 5200]
    assert Cron("*/5 * * * *").after(at("2026-01-01T10:17:30")) == at("2026-01-01T10:20:00")


def test_cron_goes_by_its_time_zone_in_summer_and_in_winter() -> None:
    daily = Cron("30 2 * * *", "Europe/Berlin")
    assert daily.after(at("2026-01-01T12:00:00")) == at("2026-01-02T01:30:00")
    assert daily.after(at("2026-07-01T12:00:00")) == at("2026-07-02T00:30:00")
    # The hour that summer time skips, and the one that its end repeats: once each.
    assert daily.after(at("2026-03-28T12:00:00")) == at("2026-03-29T01:00:00")
    autumn = daily.after(at("2026-10-24T12:00:00"))
    assert (autumn, daily.after(autumn)) == (at("2026-10-25T00:30:00"), at("2026-10-26T01:30:00"))


@given(MOMENTS, st.sampled_from(["* * * * *", "7,37 * * * *", "0 4 * * mon-fri", "0 0 1 */3 *", "0 0 L * *"]))
def test_cron_comes_later_than_now(moment: float, line: str) -> None:
    begins = Cron(line, "Asia/Shanghai").after(moment)
    assert begins > moment
    assert begins % 60 == 0


@pytest.mark.parametrize(
    ("line", "zone", "told"),
    [
        ("", "UTC", "five fields"),
        ("* * * *", "UTC", "five fields"),
        ("* * * * * *", "UTC", "five fields"),
        ("61 * * * *", "UTC", "Bad minute"),
        ("0 0 30 2 *", "UTC", "Bad day-of-month"),
        ("* * * * *", "Mars/Olympus", "no such time zone"),
        ("* * * * *", "../../etc/passwd", "no such time zone"),
    ],
)
def test_what_is_no_schedule_is_told(line: str, zone: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Cron(line, zone)


# -- backing off ------------------------------------------------------------------------------------------------

TARGETS = {name: Target(name, "huaweicloud", "cn-north-4") for name in ("huawei-prod", "aliyun-prod")}
FAULT = Fault(Meaning.UNREACHABLE, "no connection")


def plan(**failed: bool) -> Plan:
    """One scope of each target, listed or not."""
    scope = PLANS["two_step"].scopes[0]
    return replace(
        PLANS["two_step"],
        scopes=tuple(
            replace(
                scope,
                target=name.replace("_", "-"),
                completeness=Completeness.FAILED if lost else Completeness.COMPLETE,
                error=FAULT if lost else None,
            )
            for name, lost in failed.items()
        ),
    )


def test_a_target_that_fails_is_left_alone_for_longer_and_longer_and_no_other_one() -> None:
    back_off, now, pauses = BackOff(), 1000.0, []
    for _ in range(12):
        back_off.note(plan(huawei_prod=True, aliyun_prod=False), TARGETS, {}, now)
        start = now
        while back_off.left_out(TARGETS, now):
            assert back_off.left_out(TARGETS, now).keys() == {"huawei-prod"}
            now += 15
        pauses.append(now - start)
    assert pauses == [0, *(min(LONGEST_PAUSE, FIRST_PAUSE * 2**n) for n in range(11))]
    assert back_off.failures == {"huawei-prod": 12}


def test_a_target_that_answers_or_is_written_otherwise_is_asked_again() -> None:
    back_off = BackOff()
    for _ in range(2):
        back_off.note(plan(huawei_prod=True, aliyun_prod=True), TARGETS, {}, 0.0)
    left_out = back_off.left_out(TARGETS, 1.0)
    assert left_out.keys() == TARGETS.keys()
    assert "left alone until 1970-01-01T00:01:00Z, since it failed 2 times" in left_out["huawei-prod"].message
    back_off.note(plan(huawei_prod=True, aliyun_prod=True), TARGETS, left_out, 1.0)  # nobody asked them
    assert back_off.failures == {"aliyun-prod": 2, "huawei-prod": 2}
    changed = {**TARGETS, "huawei-prod": replace(TARGETS["huawei-prod"], region="cn-east-3")}
    assert back_off.left_out(changed, 1.0).keys() == {"aliyun-prod"}
    back_off.note(plan(huawei_prod=False, aliyun_prod=False), changed, {}, 61.0)
    assert back_off.failures == {}
