import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.tasks.task import EARLIEST
from reconciler.tasks.timestamps import MAX_DURATION, format_duration, format_timestamp, parse_duration, parse_timestamp


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1980-01-01T00:00:00Z", EARLIEST),
        ("2025-06-15T15:06:40Z", 1_750_000_000),
        ("2025-06-15t15:06:40z", 1_750_000_000),
        ("2025-06-15 15:06:40Z", 1_750_000_000),
        ("2025-06-15T23:06:40+08:00", 1_750_000_000),
        ("2025-06-15T15:06:40.999Z", 1_750_000_000),
    ],
)
def test_reads_rfc_3339(text: str, seconds: int) -> None:
    assert parse_timestamp(text) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2025-06-15", "a timestamp needs a time and a zone; write `2025-06-15T00:00:00Z`"),
        (
            "2025-06-15T15:06:40",
            "a timestamp needs a zone; write `2025-06-15T15:06:40Z` for UTC, or `2025-06-15T15:06:40+08:00`",
        ),
        ("yesterday", "not a timestamp; write it like `2025-01-31T08:00:00Z`"),
        ("20250615T150640Z", "not a timestamp; write it like `2025-01-31T08:00:00Z`"),
        ("2025-06-15T15:06Z", "not a timestamp; write it like `2025-01-31T08:00:00Z`"),
        ("2025-02-30T00:00:00Z", "no such time: day is out of range for month"),
        ("2025-06-15T15:06:60Z", "no such time: second must be in 0..59"),
        ("0001-01-01T00:00:00+08:00", "no such time: date value out of range"),
        ("9999-12-31T23:59:59-01:00", "no such time: date value out of range"),
        ("1970-01-01T00:00:00Z", "a time before 1980 counts as none"),
        ("0001-01-02T00:00:00+23:59", "a time before 1980 counts as none"),
    ],
)
def test_refuses_the_rest(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        parse_timestamp(text)
    assert str(caught.value) == message


@settings(max_examples=200)
@given(st.integers(EARLIEST, 253_402_300_799))
def test_reads_what_it_writes(seconds: int) -> None:
    assert parse_timestamp(format_timestamp(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("6h", 21_600),
        ("7d", 604_800),
        ("2w", 1_209_600),
        ("1d12h", 129_600),
        ("1w1d1h1m1s", 694_861),
        ("0h5m", 300),
        ("36500d", MAX_DURATION),
    ],
)
def test_reads_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(
            (bad, "not a duration")
            for bad in ("", "6", "h", "6 h", "-6h", "6H", "1.5h", "1h1d", "1h1h", "1M", "6h\n", "٣h")
        ),
        ("0s", "longer than zero"),
        ("0d0h", "longer than zero"),
        ("36501d", "100 years"),
        ("999999999999w", "100 years"),
        ("9999999999999w", "not a duration"),
    ],
)
def test_refuses_what_is_no_duration(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59, "59s"),
        (3_600, "1h"),
        (129_600, "1d12h"),
        (1_209_600, "14d"),
        (90_061, "1d1h1m1s"),
        (-90, "-1m30s"),
    ],
)
def test_writes_durations(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text


@settings(max_examples=200)
@given(st.integers(1, MAX_DURATION))
def test_reads_the_duration_that_it_writes(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds
