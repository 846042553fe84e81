"""Every format of every example, compared as whole text."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.redaction import presentable
from reconciler.reports import FORMATS
from reconciler.reports.markdown.parts import code
from reconciler.reports.registry import RENDERERS, View, render
from tests.goldens import golden
from tests.reports.examples import BIG, NOW, PLANS, REPORTS
from tests.reports.hostile_texts import hostile, plan_of, report_of

GOLDENS = Path(__file__).parent / "goldens"
SUFFIXES = {"text": "txt", "markdown": "md", "json": "json", "junit": "xml", "github": "github"}
ELSEWHERE = {"html", "gitlab", "outputs", "metrics"}
"""Formats with whole-text tests of their own: tests/reports/html, test_outputs.py."""

CASES = [(f"plan_{name}", plan, form) for name, plan in PLANS.items() for form in SUFFIXES]
REPORT_CASES = [(f"report_{name}", report, form) for name, report in REPORTS.items() for form in SUFFIXES]


@pytest.mark.parametrize(
    ("name", "item", "form"),
    [*CASES, *REPORT_CASES, ("plan_big", BIG, "markdown")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_golden(name: str, item: object, form: str) -> None:
    text = render(item, form, View(now=NOW, saved_to=("plan.json",)))  # type: ignore[arg-type]  # plan or report
    assert text == golden(GOLDENS / f"{name}.{SUFFIXES[form]}", text)


def test_every_format_is_compared_somewhere() -> None:
    assert set(RENDERERS) == set(FORMATS) == SUFFIXES.keys() | ELSEWHERE


def test_no_golden_is_left_over() -> None:
    expected = {f"{name}.{SUFFIXES[form]}" for name, _, form in [*CASES, *REPORT_CASES]} | {"plan_big.md"}
    assert {path.name for path in GOLDENS.iterdir()} == expected


# -- hostile text ----------------------------------------------------------------------------------------------
def renderings(text: str) -> dict[str, str]:
    view = View(now=NOW, saved_to=("plan.json",))
    return {
        f"{type(item).__name__} {form}": render(item, form, view)
        for item in (plan_of(text), report_of(text))
        for form in RENDERERS
    }


@given(hostile)
def test_no_control_characters_and_no_queries(text: str) -> None:
    for name, rendered in renderings(text).items():
        rendered.encode("utf-8")
        live = {char for char in rendered if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - {"\n"}
        assert not live, name
        assert "s3cret" not in rendered, name


@given(hostile)
def test_colour_brings_escape_sequences_of_our_own_only(text: str) -> None:
    painted = render(plan_of(text), "text", View(now=NOW, color=True, saved_to=("plan.json",)))
    assert re.sub(r"\x1b\[(?:0|1|2|31|32|33)m", "", painted) == renderings(text)["Plan text"]


@given(st.text().map(presentable))
def test_code_survives_as_text(text: str) -> None:
    """What a browser shows is what was meant."""
    shown = re.sub(
        r"&#(\d+);", lambda match: chr(int(match[1])), code(text, 10**9).removeprefix("<code>").removesuffix("</code>")
    )
    assert shown.replace("<wbr>@", "@") == text.replace("<wbr>@", "@")
