import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.tasks.timestamps import MAX_DURATION, format_duration, parse_duration


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
def test_reads_what_it_writes(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds
