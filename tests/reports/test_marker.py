"""The hidden first line: what is written is read back, and nothing else is believed."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.planning.plan import Plan
from reconciler.planning.report import Report
from reconciler.reports.markdown.marker import Marker, MarkerKind, key_of, parse
from reconciler.reports.markdown.plan import render_plan_markdown
from reconciler.reports.markdown.report import render_report_markdown
from reconciler.tasks.task import EARLIEST
from tests.reports.examples import BIG, NOW, PLANS, REPORTS

PLAN = Marker(
    MarkerKind.PLAN, key="0123456789ab", digest="sha256:" + "ab" * 32, outcome="changes", changes=3, valid_at=NOW
)

markers = st.builds(
    Marker,
    kind=st.sampled_from(MarkerKind),
    key=st.from_regex(r"[0-9a-f]{12}", fullmatch=True),
    digest=st.from_regex(r"sha256:[0-9a-f]{1,128}", fullmatch=True),
    outcome=st.sampled_from(["ok", "changes", "partial", "refused", "error", "interrupted"]),
    changes=st.integers(0, 10**9),
    valid_at=st.integers(EARLIEST, 253_402_300_799),  # the years 1980 to 9999
    truncated=st.booleans(),
)


@given(markers, st.booleans())
def test_what_is_written_is_read_back(marker: Marker, applyable: bool) -> None:
    marker = replace(marker, applyable=applyable and marker.kind is MarkerKind.PLAN and marker.changes > 0)
    line = marker.render()
    assert line.isascii()
    assert line.isprintable()
    assert line.count("<") == line.count(">") == 1
    assert parse(line) == marker


@given(st.text() | st.from_regex(r"<!-- reconciler:(plan|report) v1 \{.*\} -->"))
def test_whatever_else_stands_there_is_nothing_and_no_error(line: str) -> None:
    found = parse(line)
    assert found is None or found.render() == line


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), st.lists)
FACTS = ("key", "digest", "outcome", "changes", "applyable", "valid_at", "truncated")


def line_of(facts: object) -> str:
    return f"<!-- reconciler:plan v1 {json.dumps(facts)} -->"


def facts_of(marker: Marker) -> dict[str, object]:
    facts: dict[str, object] = json.loads(marker.render().split(" v1 ", 1)[1].removesuffix(" -->"))
    return facts


@given(st.sampled_from(FACTS), JSON)
def test_a_fact_of_another_form_is_not_believed(name: str, value: object) -> None:
    found = parse(line_of({**facts_of(PLAN), name: value}))
    assert found is None or facts_of(found)[name] == value


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_that_is_missing_or_stands_twice(name: str) -> None:
    facts = facts_of(PLAN)
    rest = {key: value for key, value in facts.items() if key != name}
    assert parse(line_of(facts)) == PLAN
    assert parse(line_of(rest)) is None
    twice = json.dumps(facts)[:-1] + f", {json.dumps(name)}: {json.dumps(facts[name])}}}"
    assert parse(f"<!-- reconciler:plan v1 {twice} -->") is None


def test_a_fact_of_a_later_version_is_passed_over() -> None:
    assert parse(line_of({**facts_of(PLAN), "commit": "abc"})) == PLAN


@pytest.mark.parametrize(
    "line",
    [
        "",
        " " + PLAN.render(),
        PLAN.render() + " ",
        PLAN.render() + "\n",
        PLAN.render().replace(" v1 ", " v2 "),
        PLAN.render().replace("reconciler:plan", "reconciler:other"),
        PLAN.render().replace("Z", "+00:00"),
        PLAN.render().replace("2026-01", "2026-13"),
        PLAN.render().replace("2026", "\uff12\uff10\uff12\uff16"),
        PLAN.render().replace("sha256", "--> <script>"),
        PLAN.render().replace('"changes":3', '"changes":-3'),
        PLAN.render().replace('"changes":3', '"changes":3.0'),
        PLAN.render().replace('"changes":3', '"changes":NaN'),
        PLAN.render().replace('"changes":3', '"changes":true'),
        PLAN.render().replace('"changes":3', '"changes":' + "9" * 400),
        PLAN.render().replace('"changes":3', '"changes":' + "[" * 500 + "]" * 500),
        replace(PLAN, kind=MarkerKind.REPORT, applyable=True).render(),
        replace(PLAN, changes=0, applyable=True).render(),
        "<!-- reconciler:plan v1 [] -->",
        "<!-- reconciler:plan v1 {} -->" * 100_000,
    ],
)
def test_lines_that_are_not_ours(line: str) -> None:
    assert parse(line) is None


@pytest.mark.parametrize("plan", [*PLANS.values(), BIG], ids=[*PLANS, "big"])
def test_the_comment_of_a_plan_begins_with_it(plan: Plan) -> None:
    found = parse(render_plan_markdown(plan, now=NOW).split("\n", 1)[0])
    assert found is not None
    assert (found.kind, found.digest, found.applyable) == (MarkerKind.PLAN, plan.digest, plan.applyable)
    assert (found.outcome, found.changes, found.valid_at) == (plan.outcome, len(plan.changes), plan.created_at)


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_the_comment_of_a_report_has_the_key_of_its_plan(report: Report) -> None:
    found = parse(render_report_markdown(report).split("\n", 1)[0])
    assert found is not None
    assert (found.kind, found.applyable, found.valid_at) == (MarkerKind.REPORT, False, report.finished_at)
    assert found.key == key_of(PLANS["empty"].targets)


def test_the_key_does_not_depend_on_the_order() -> None:
    assert key_of(["b", "a", "b"]) == key_of(("a", "b")) != key_of(["ab"])
