"""Unquoted scalars mean what YAML 1.2 says, not what 1.1 said."""

import math

import pytest

from reconciler.config.yaml_events import resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("nUll", "nUll"),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("false", False),
        ("False", False),
        ("FALSE", False),
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("OFF", "OFF"),
        ("y", "y"),
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("-7", -7),
        ("010", 10),
        ("0o17", 15),
        ("0O17", "0O17"),
        ("0x1F", 31),
        ("0X1F", "0X1F"),
        ("-0x1F", "-0x1F"),
        ("0b101", "0b101"),
        ("1_000", "1_000"),
        ("190:20:30", "190:20:30"),
        ("1:30", "1:30"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1e3", -1000.0),
        ("1E-2", 0.01),
        (".", "."),
        ("1e", "1e"),
        ("1,5", "1,5"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("+.Inf", math.inf),
        ("inf", "inf"),
        ("nan", "nan"),
        ("2025-01-31", "2025-01-31"),
        ("2025-01-31T08:00:00Z", "2025-01-31T08:00:00Z"),
        ("=", "="),
        ("<<", "<<"),
        ("24h", "24h"),
        ("١٢", "١٢"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_core_schema(text: str, value: object) -> None:
    resolved = resolve(text)
    assert resolved == value
    assert type(resolved) is type(value)


def test_not_a_number() -> None:
    assert math.isnan(float(str(resolve(".nan"))))
