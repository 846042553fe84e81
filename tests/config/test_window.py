"""The window of a policy: when it is open and opens next, by the clock of a place that changes its clocks."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.window import DAYS, Window, is_timezone, window_of
from reconciler.tasks.timestamps import LATEST, format_timestamp, parse_timestamp

if TYPE_CHECKING:
    from reconciler.diagnostics import Problem

BERLIN = "Europe/Berlin"


def window(**keys: object) -> Window:
    problems: list[Problem] = []
    found = window_of(keys, ("window",), problems)
    assert found is not None, problems
    return found


def at(text: str) -> int:
    return parse_timestamp(text)


NIGHTS = {"days": "mon-fri", "from": "22:00", "until": "06:00", "timezone": BERLIN}


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-01-05T21:00:00+01:00", False),
        ("2026-01-05T22:00:00+01:00", True),  # Monday
        ("2026-01-06T05:59:59+01:00", True),
        ("2026-01-06T06:00:00+01:00", False),
        ("2026-01-10T03:00:00+01:00", True),  # Saturday: it opened on Friday
        ("2026-01-10T22:30:00+01:00", False),
        ("2026-01-12T03:00:00+01:00", False),  # Monday: it did not open on Sunday
        ("2026-07-06T21:59:00+02:00", False),
        ("2026-07-06T22:00:00+02:00", True),
    ],
)
def test_days_are_those_on_which_it_opens_also_past_midnight(moment: str, is_open: bool) -> None:
    assert window(**NIGHTS).is_open(at(moment)) is is_open


def test_it_says_when_it_opens_next() -> None:
    nights = window(**NIGHTS)
    assert nights.opens_after(at("2026-01-09T22:00:00+01:00")) == at("2026-01-12T22:00:00+01:00"), "after the weekend"
    assert nights.opens_after(at("2026-01-05T08:00:00+01:00")) == at("2026-01-05T22:00:00+01:00")


@pytest.mark.parametrize(
    ("start", "end", "opens", "closes"),
    [
        # On 29 March 2026 the clocks of Berlin go from 02:00 to 03:00, and on 25 October from 03:00 back to 02:00.
        ("01:30", "04:00", "2026-03-29T01:30:00+01:00", "2026-03-29T04:00:00+02:00"),
        ("02:30", "04:00", "2026-03-29T03:30:00+02:00", "2026-03-29T04:00:00+02:00"),
        ("01:00", "02:30", "2026-03-29T01:00:00+01:00", "2026-03-29T03:30:00+02:00"),
        ("01:30", "04:00", "2026-10-25T01:30:00+02:00", "2026-10-25T04:00:00+01:00"),
        ("02:30", "04:00", "2026-10-25T02:30:00+02:00", "2026-10-25T04:00:00+01:00"),
        ("01:00", "02:30", "2026-10-25T01:00:00+02:00", "2026-10-25T02:30:00+02:00"),
    ],
)
def test_clocks_that_change(start: str, end: str, opens: str, closes: str) -> None:
    found = window(days="sun", timezone=BERLIN, **{"from": start, "until": end})
    moments = (at(opens) - 1, at(opens), at(closes) - 1, at(closes))
    assert [found.is_open(moment) for moment in moments] == [False, True, True, False]
    assert found.opens_after(at(opens) - 1) == at(opens)


def test_a_window_that_the_clocks_pass_over_does_not_open_that_day() -> None:
    found = window(days="sun", timezone=BERLIN, **{"from": "02:30", "until": "03:00"})
    assert not found.is_open(at("2026-03-29T03:30:00+02:00"))
    assert found.opens_after(at("2026-03-28T12:00:00Z")) == at("2026-04-05T02:30:00+02:00")


@pytest.mark.parametrize(
    ("days", "expected"),
    [("mon-fri", "mon tue wed thu fri"), ("fri-mon", "mon fri sat sun"), (["sat", "sun"], "sat sun"), ("wed", "wed")],
)
def test_days(days: object, expected: str) -> None:
    assert [DAYS[number] for number in sorted(window(days=days).days)] == expected.split()


def test_a_whole_day_and_all_the_time() -> None:
    assert window(days=["sat", "sun"]).is_open(at("2026-01-10T00:00:00Z"))
    assert not window(days=["sat", "sun"]).is_open(at("2026-01-12T00:00:00Z"))
    assert window(until="24:00").is_open(at("2026-01-12T23:59:59Z"))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"from": "22:00", "until": "22:00"}, "are the same time"),
        ({"timezone": "Europe/Berln", "from": "22:00"}, "no time zone"),
        ({"timezone": "../../etc/passwd", "from": "22:00"}, "no time zone"),
        ({"timezone": "Europe", "from": "22:00"}, "no time zone"),
        ({"timezone": "UTC"}, "needs `days`, `from` or `until`"),
    ],
)
def test_mistakes(keys: dict[str, object], message: str) -> None:
    problems: list[Problem] = []
    assert window_of(keys, ("window",), problems) is None
    assert [message in problem.message for problem in problems] == [True]


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Berln", "did you mean `Europe/Berlin`?"),
        ("europe/berlin", "did you mean `Europe/Berlin`?"),
        ("Shanghai", "did you mean `Asia/Shanghai`?"),
        ("../../etc/passwd", "write a name such as `Europe/Berlin`"),
    ],
)
def test_a_mistaken_zone_has_a_suggestion(zone: str, hint: str) -> None:
    """The nearest of all there are, which are too many to be listed."""
    problems: list[Problem] = []
    window_of({"timezone": zone, "from": "22:00"}, ("window",), problems)
    assert [(problem.hint, problem.allowed) for problem in problems] == [(hint, ())]


def test_none_is_no_window() -> None:
    assert window_of({}, ("window",), []) is None
    assert is_timezone("Asia/Shanghai")


@pytest.mark.parametrize("now", [LATEST, LATEST - 3600, 315532800])
def test_the_ends_of_the_calendar(now: int) -> None:
    found = window(**NIGHTS)
    assert found.is_open(now) in {True, False}
    assert (found.opens_after(now) or LATEST) >= now


minutes = st.integers(0, 1439)


@settings(max_examples=200)
@given(
    st.frozensets(st.integers(0, 6), min_size=1),
    minutes,
    minutes,
    st.sampled_from(["UTC", BERLIN, "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"]),
    st.integers(at("2010-01-01T00:00:00Z"), at("2030-01-01T00:00:00Z")),
)
def test_by_the_clock_on_the_wall(days: frozenset[int], start: int, end: int, zone: str, now: int) -> None:
    """Away from the days on which clocks change, the wall's clock alone says whether it is open."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - the oracle

    found = Window(days, start, end, zone)
    local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(zone))
    around = {(local + timedelta(days=number)).utcoffset() for number in range(-3, 4)}
    if len(around) == 1 and start != end:
        minute = local.hour * 60 + local.minute
        if start < end:
            expected = local.weekday() in days and start <= minute < end
        else:
            evening, morning = local.weekday() in days, (local.weekday() - 1) % 7 in days
            expected = (evening and minute >= start) or (morning and minute < end)
        assert found.is_open(now) is expected, format_timestamp(now)
    opens = found.opens_after(now)
    if start != end:
        assert opens is not None
        assert found.is_open(opens)
        assert not found.is_open(opens - 1) or start < end or len(days) > 1 or len(around) > 1
