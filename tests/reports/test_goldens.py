"""Every format of every example, compared as whole text."""

from pathlib import Path

import pytest

from reconciler.reports.formats import FORMATS
from reconciler.reports.registry import PLAN_FORMATS, REPORT_FORMATS, View, render
from tests.goldens import golden
from tests.reports.examples import BIG, NOW, PLANS, REPORTS

GOLDENS = Path(__file__).parent / "goldens"
SUFFIXES = {"text": "txt", "markdown": "md", "json": "json", "junit": "xml", "github": "github"}
ELSEWHERE = {"html", "gitlab", "outputs"}
"""Formats with whole-text tests of their own: tests/reports/html, test_outputs.py."""

CASES = [(f"plan_{name}", plan, form) for name, plan in PLANS.items() for form in SUFFIXES]
REPORT_CASES = [(f"report_{name}", report, form) for name, report in REPORTS.items() for form in SUFFIXES]


@pytest.mark.parametrize(
    ("name", "item", "form"),
    [*CASES, *REPORT_CASES, ("plan_big", BIG, "markdown")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_golden(name: str, item: object, form: str) -> None:
    text = render(item, form, View(now=NOW, saved_to="plan.json"))  # type: ignore[arg-type]  # plan or report
    assert text == golden(GOLDENS / f"{name}.{SUFFIXES[form]}", text)


def test_every_format_is_compared_somewhere() -> None:
    assert set(PLAN_FORMATS) == set(REPORT_FORMATS) == set(FORMATS) == SUFFIXES.keys() | ELSEWHERE


def test_no_golden_is_left_over() -> None:
    expected = {f"{name}.{SUFFIXES[form]}" for name, _, form in [*CASES, *REPORT_CASES]} | {"plan_big.md"}
    assert {path.name for path in GOLDENS.iterdir()} == expected
