import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.tasks.task import EARLIEST
from reconciler.tasks.timestamps import format_timestamp, parse_timestamp


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
